//! Business keys: each has a home slot, whose inbox journal says which effect holds it.
//!
//! An effect asks the home; where another effect holds the key, the home asks that one's orchestration, which answers the asker: it was
//! done, it is under way, it stands for other arguments, or it was certainly not done, and then the key changes hands.
//! What must stay true: a key has one holder; each message may come twice; every answer leaves after its commit.

use std::sync::Arc;

use provost_engine::{Code as _, Effect, Orchestration};
use provost_model::record::{Cause, ClaimAnswer, Claimed, Command, EffectState};
use provost_model::{Digest, EffectId, OrchestrationId, Slot, TenantId};
use provost_store::Upkeep;
use serde::{Deserialize, Serialize};

use super::stage::Stage;
use super::{Delivery, Partition, Release};
use crate::gate::Refused;
use crate::inbox::{self, InboxFact};

/// An effect that holds, or wants, a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holder {
    /// Its orchestration.
    pub orchestration: OrchestrationId,
    /// The effect.
    pub effect: EffectId,
    /// How often it was granted the key again, so that giving it up and taking it back are two things.
    #[serde(default)]
    pub round: u32,
}

impl Holder {
    fn is(&self, other: &Self) -> bool {
        self.orchestration == other.orchestration && self.effect == other.effect
    }
}

/// A wish for a business key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    /// The action's name, without its version.
    pub action: Arc<str>,
    /// The key.
    pub key: Arc<str>,
    /// Digest of the meaningful arguments.
    pub fingerprint: Digest,
    /// How long the key is held, in milliseconds.
    pub horizon_ms: i64,
    /// Who wants it.
    pub by: Holder,
    /// Who gave it up, as that one's orchestration said.
    pub over: Option<Holder>,
}

impl Claim {
    /// Where the key lives: H(tenant, kind, name, value).
    pub fn home(&self, tenant: &TenantId) -> Slot {
        Slot::of(&[tenant.as_str(), "action", &self.action, &self.key])
    }

    /// The wish of an effect of `state`, if it has a business key.
    pub(super) fn of(state: &Orchestration, code: &provost_language::Compiled, id: &EffectId) -> Option<Self> {
        let effect = state.effects.get(id)?;
        let spec = code.program().actions.get(&effect.name)?;
        Some(Self {
            action: spec.name.clone(),
            key: effect.business_key.clone()?,
            fingerprint: effect.fingerprint,
            horizon_ms: spec.key_horizon_ms,
            by: Holder { orchestration: state.id, effect: *id, round: 0 },
            over: None,
        })
    }

    /// The wish on its way to the key's home.
    pub(super) fn leave(self, tenant: &TenantId) -> Release {
        let home = self.home(tenant);
        Release::Forward(home, Box::new(Delivery::Claim { tenant: tenant.clone(), claim: Box::new(self) }))
    }
}

impl<S: Upkeep> Partition<S> {
    /// At the key's home: granted, or the holder is asked.
    pub(super) fn claim(&mut self, stage: &mut Stage, tenant: &TenantId, claim: &Claim) -> Result<(), Refused> {
        let key = inbox::claim_key(tenant, &claim.action, &claim.key);
        if let Some(held) = self.remembered(stage, tenant, &key)?.filter(|_| !provost_model::planted::planted("key-claimed-twice")) {
            let holder: Holder = serde_json::from_slice(&held.answer).map_err(|e| Refused::Internal(e.to_string()))?;
            if holder.is(&claim.by) {
                let by = Holder { round: holder.round.saturating_add(1), ..holder };
                return self.grant(stage, tenant, claim, by);
            }
            if claim.over != Some(holder) {
                let claim = Box::new(Claim { over: None, ..claim.clone() });
                let inquiry = Delivery::Inquire { tenant: tenant.clone(), holder, fingerprint: held.fingerprint, claim };
                stage.releases.push(Release::Forward(holder.orchestration.slot(), Box::new(inquiry)));
                return Ok(());
            }
        }
        self.grant(stage, tenant, claim, claim.by)
    }

    fn grant(&mut self, stage: &mut Stage, tenant: &TenantId, claim: &Claim, by: Holder) -> Result<(), Refused> {
        let until_us = self.now_us.saturating_add(claim.horizon_ms.saturating_mul(1000));
        let Claim { action, fingerprint, .. } = claim.clone();
        let cause = Cause { effect: Some(by.effect), ..Cause::default() };
        let fact = InboxFact::KeyClaimed { action, key: claim.key.clone(), fingerprint, by, until_us };
        self.append_inbox(stage, tenant, claim.home(tenant), cause, &fact)?;
        if let Some(seen) = fact.remembered(tenant, self.now_us).map_err(|e| Refused::Internal(e.to_string()))? {
            stage.remember(stage.entries.len() - 1, tenant, seen);
        }
        stage.releases.push(answer(tenant, by, ClaimAnswer::Granted));
        Ok(())
    }

    /// At the holder's orchestration: how the effect that holds the key stands.
    pub(super) fn inquired(
        &mut self,
        stage: &mut Stage,
        tenant: &TenantId,
        holder: Holder,
        fingerprint: Digest,
        claim: &Claim,
    ) -> Result<(), Refused> {
        let by = holder.orchestration;
        let (effect, over) = match self.view(tenant, by, u64::MAX) {
            Ok(view) => (view.state.effects.get(&holder.effect).cloned(), view.state.is_ended()),
            // It has left by its retention: what it did is not known any more.
            Err(Refused::UnknownOrchestration(_) | Refused::Retired(_)) => (None, true),
            Err(refused) => return Err(refused),
        };
        let answered = match effect.as_deref() {
            Some(Effect { state: EffectState::Failed | EffectState::Abandoned, .. }) => {
                stage.releases.push(Claim { over: Some(holder), ..claim.clone() }.leave(tenant));
                return Ok(());
            }
            _ if fingerprint != claim.fingerprint => ClaimAnswer::Conflict { by },
            Some(effect) if effect.state == EffectState::Done => {
                ClaimAnswer::Done { by, result: effect.result.value.clone(), reference: effect.reference.clone() }
            }
            Some(_) | None if over => ClaimAnswer::Unsettled { by },
            Some(_) | None => ClaimAnswer::Held { by },
        };
        stage.releases.push(answer(tenant, claim.by, answered));
        Ok(())
    }
}

fn answer(tenant: &TenantId, to: Holder, answer: ClaimAnswer) -> Release {
    let command = Box::new(Command::Claimed(Claimed { effect: to.effect, answer }));
    let cause = Cause { effect: Some(to.effect), ..Cause::default() };
    let delivery = Delivery::Command { tenant: tenant.clone(), orchestration: to.orchestration, command, cause };
    Release::Forward(to.orchestration.slot(), Box::new(delivery))
}
