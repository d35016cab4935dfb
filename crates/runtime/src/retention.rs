//! Retention: old work leaves by rule, in small passes between the partition's batches.
//!
//! A machine: one call of [`Retention::on`] is one bounded pass, and says nothing before its pause is over. What must stay true: only a
//! whole orchestration leaves, after its end and with nothing in doubt; its tombstone and the deletion are one commit; a journal that is
//! damaged stays, because it is the evidence; a pass that failed is done again from where it stood.

use std::sync::Arc;

use provost_engine::{Effect, Orchestration};
use provost_model::program::EffectClass;
use provost_model::record::{EffectKind, EffectState, Head, Stream};
use provost_model::{Digest, OrchestrationId, Slot, TenantId};
use provost_store::verify::follow;
use provost_store::{Damage, Query, SeenCursor, StoreError, Summary, Tombstone, Upkeep};

use crate::gate::Refused;
use crate::inbox::remembered_until_us;
use crate::partition::{Partition, ROWS_READ, View, fold_row, status};
use crate::registry::Registry;

/// One day, in milliseconds.
const DAY_MS: i64 = 24 * 3_600_000;
/// How long an ended orchestration is kept unless a setting says otherwise, in milliseconds.
pub const KEEP_MS: i64 = 30 * DAY_MS;
/// How long an effect key is kept where its action is not known any more, in milliseconds.
const KEY_HORIZON_MS: i64 = DAY_MS;
/// Most orchestrations that one pass reads whole.
const READ_MAX: u64 = 4;
/// Rows after which a pass ends.
const ROWS_MAX: u64 = 2048;
/// List rows looked at in one pass.
const LOOKED_MAX: usize = 64;
/// Answers looked at in one pass.
const SEEN_MAX: usize = 2048;
/// Between two passes of a round, in microseconds.
const PASS_PAUSE_US: i64 = 50_000;
/// Between two rounds, in microseconds.
const ROUND_PAUSE_US: i64 = 600_000_000;

/// What is kept for how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RetentionConfig {
    /// How long an orchestration is kept after its end, in milliseconds; `None` for ever.
    pub keep_ms: Option<i64>,
}

impl Default for RetentionConfig {
    fn default() -> Self {
        Self { keep_ms: Some(KEEP_MS) }
    }
}

impl RetentionConfig {
    /// Nothing leaves: for whoever opens a folder only to look.
    pub const fn for_ever() -> Self {
        Self { keep_ms: None }
    }

    /// Days after the end; 0 keeps for ever.
    pub fn days(days: u32) -> Self {
        Self { keep_ms: (days > 0).then(|| i64::from(days) * DAY_MS) }
    }
}

/// What one pass did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Passed {
    /// Orchestrations that left.
    pub retired: u64,
    /// Rows deleted with them.
    pub rows: u64,
    /// Ended ones that stay although their time is over: an effect of theirs is in doubt, or their journal is damaged.
    pub held: u64,
    /// Answers forgotten.
    pub forgotten: u64,
    /// Tombstones whose effect keys were dropped.
    pub keys: u64,
    /// Whether a round ended with it.
    pub round_over: bool,
}

/// Where a round is.
#[derive(Clone, Debug)]
enum Place {
    /// Among the orchestrations of a tenant, newest first.
    Orchestrations { tenant: TenantId, before: OrchestrationId },
    /// Among the remembered answers.
    Seen(Option<SeenCursor>),
    /// Among the tombstones of a tenant.
    Keys(TenantId),
    /// Before the next round.
    Resting,
}

/// Why an orchestration stays.
enum Stays {
    /// Its time is not over.
    Early,
    /// It must not leave.
    Held,
}

/// The machine.
pub struct Retention {
    config: RetentionConfig,
    registry: Registry,
    place: Place,
    next_us: i64,
}

/// An orchestration read whole from its journal, its chain followed.
struct Whole {
    state: Orchestration,
    head: Head,
    ended_us: i64,
    /// Until when its start is answered again under its `Idempotency-Key`, in microseconds UTC.
    answered_until_us: i64,
}

impl Retention {
    /// A machine that begins with a round at its first call.
    pub fn new(config: RetentionConfig, registry: Registry) -> Self {
        Self { config, registry, place: Place::Resting, next_us: i64::MIN }
    }

    /// One pass at the clock's `now_us`, or nothing where its pause is not over.
    ///
    /// # Errors
    /// What the store says; the same pass is done again next time.
    pub fn on<S: Upkeep>(&mut self, partition: &mut Partition<S>, now_us: i64) -> Result<Passed, Refused> {
        // A clock that went back must not stop retention for as long as it was ahead.
        if partition.is_unsettled() || now_us < self.next_us && self.next_us - now_us <= ROUND_PAUSE_US {
            return Ok(Passed::default());
        }
        self.next_us = now_us.saturating_add(PASS_PAUSE_US);
        let mut passed = Passed::default();
        let place = match self.place.clone() {
            Place::Resting => self.first(now_us),
            place => place,
        };
        self.place = self.pass(partition, place, now_us, &mut passed)?;
        if matches!(self.place, Place::Resting) {
            passed.round_over = true;
            self.next_us = now_us.saturating_add(ROUND_PAUSE_US);
        }
        Ok(passed)
    }

    fn pass<S: Upkeep>(&mut self, partition: &mut Partition<S>, place: Place, now_us: i64, passed: &mut Passed) -> Result<Place, Refused> {
        match place {
            Place::Orchestrations { tenant, before } => self.orchestrations(partition, tenant, before, now_us, passed),
            Place::Seen(after) => {
                let forgotten = partition.store().forget_seen(now_us, after, SEEN_MAX)?;
                passed.forgotten = forgotten.deleted;
                Ok(match forgotten.next {
                    Some(next) => Place::Seen(Some(next)),
                    None => self.tenant_after(None).map_or(Place::Resting, Place::Keys),
                })
            }
            Place::Keys(tenant) => {
                passed.keys = partition.store().forget_keys(&tenant, now_us)?;
                Ok(self.tenant_after(Some(&tenant)).map_or(Place::Resting, Place::Keys))
            }
            Place::Resting => Ok(Place::Resting),
        }
    }

    fn first(&self, now_us: i64) -> Place {
        self.tenant_after(None).map_or(Place::Seen(None), |tenant| self.at_tenant(tenant, now_us))
    }

    /// Where the old orchestrations of a tenant begin: what started later cannot have ended long enough ago.
    fn at_tenant(&self, tenant: TenantId, now_us: i64) -> Place {
        match self.ended_before_us(now_us) {
            Some(ended_us) => Place::Orchestrations { tenant, before: OrchestrationId::mint(ended_us, Slot(0), &[]) },
            None => Place::Seen(None),
        }
    }

    fn ended_before_us(&self, now_us: i64) -> Option<i64> {
        Some(now_us.saturating_sub(self.config.keep_ms?.saturating_mul(1000)))
    }

    fn tenant_after(&self, tenant: Option<&TenantId>) -> Option<TenantId> {
        let world = self.registry.world();
        world.tenants.keys().find(|name| tenant.is_none_or(|tenant| *name > tenant)).cloned()
    }

    fn orchestrations<S: Upkeep>(
        &mut self,
        partition: &mut Partition<S>,
        tenant: TenantId,
        before: OrchestrationId,
        now_us: i64,
        passed: &mut Passed,
    ) -> Result<Place, Refused> {
        let Some(ended_before_us) = self.ended_before_us(now_us) else { return Ok(Place::Seen(None)) };
        let query = Query { before: Some(before), ..Query::newest(tenant.clone(), LOOKED_MAX) };
        let page = partition.store().list(&query)?;
        let over = page.len() < LOOKED_MAX;
        let (mut before, mut read) = (before, 0);
        for summary in &page {
            if read >= READ_MAX || passed.rows >= ROWS_MAX {
                return Ok(Place::Orchestrations { tenant, before });
            }
            if summary.ended_us.is_some_and(|ended_us| ended_us <= ended_before_us) {
                read += 1;
                self.leave(partition, summary, now_us, passed)?;
            }
            before = summary.orchestration;
            self.place = Place::Orchestrations { tenant: tenant.clone(), before };
        }
        if !over {
            return Ok(Place::Orchestrations { tenant, before });
        }
        Ok(self.tenant_after(Some(&tenant)).map_or(Place::Seen(None), |next| self.at_tenant(next, now_us)))
    }

    fn leave<S: Upkeep>(&self, partition: &mut Partition<S>, summary: &Summary, now_us: i64, passed: &mut Passed) -> Result<(), Refused> {
        let (tenant, id) = (&summary.tenant, summary.orchestration);
        match self.tombstone(partition.store(), tenant, id, now_us) {
            Ok(Ok(tombstone)) => match partition.store().retire(&tombstone) {
                Ok(rows) => {
                    partition.forget(tenant, id);
                    passed.retired += 1;
                    passed.rows += rows;
                }
                // Somebody is at it: it is no candidate after all.
                Err(StoreError::Unfinished(_) | StoreError::Conflict { .. }) => passed.held += 1,
                Err(error) => return Err(error.into()),
            },
            Ok(Err(Stays::Early)) => {}
            Ok(Err(Stays::Held)) => passed.held += 1,
            Err(Refused::Store(error)) if error.retry() || matches!(error, StoreError::Stale { .. }) => return Err(error.into()),
            Err(refused) => {
                passed.held += 1;
                tracing::error!(code = refused.code(), orchestration_id = %id, "an old journal cannot be read and is kept: {refused}");
            }
        }
        Ok(())
    }

    /// What will stay of an orchestration, or why all of it stays.
    fn tombstone<S: Upkeep>(
        &self,
        store: &mut S,
        tenant: &TenantId,
        id: OrchestrationId,
        now_us: i64,
    ) -> Result<Result<Tombstone, Stays>, Refused> {
        let Whole { state, head, ended_us, answered_until_us } = whole(store, tenant, id)?;
        let over = self.ended_before_us(now_us).is_some_and(|before_us| ended_us <= before_us) && answered_until_us <= now_us;
        // The partition reads its time from its last row.
        if !over || last_is(store, tenant, id)? {
            return Ok(Err(Stays::Early));
        }
        let (true, None, Some(start)) = (state.is_ended(), &state.parked, &state.start) else { return Ok(Err(Stays::Held)) };
        if state.effects.values().any(|effect| is_doubtful(effect)) {
            return Ok(Err(Stays::Held));
        }
        let outside: Vec<&Arc<Effect>> = state.effects.values().filter(|effect| is_outside(effect)).collect();
        let code = self.registry.program(tenant, &start.pin, &start.workflow);
        let horizon_us = |effect: &&Arc<Effect>| {
            let spec = code.as_ref().and_then(|code| code.program.actions.get(&effect.name));
            effect.last_us.saturating_add(spec.map_or(KEY_HORIZON_MS, |spec| spec.key_horizon_ms).saturating_mul(1000))
        };
        // Whoever claims its business key within the horizon is answered from its journal.
        if outside.iter().any(|effect| effect.business_key.is_some() && horizon_us(effect) > now_us) {
            return Ok(Err(Stays::Early));
        }
        let keys_until_us = outside.iter().map(horizon_us).max().unwrap_or(ended_us);
        let kept = outside.iter().filter(|_| keys_until_us > now_us);
        Ok(Ok(Tombstone {
            tenant: tenant.clone(),
            orchestration: id,
            head,
            pin: start.pin,
            outcome: status(&state),
            ended_us,
            keys_until_us,
            effect_keys: kept.map(|effect| Digest::of(effect.key.as_bytes())).collect(),
        }))
    }
}

/// Reads a journal whole and follows its chain.
fn whole<S: Upkeep>(store: &mut S, tenant: &TenantId, id: OrchestrationId) -> Result<Whole, Refused> {
    let stream = Stream::Orchestration(id);
    let mut view = View { state: Orchestration::new(tenant.clone(), id), head: Head::EMPTY };
    let (mut ended_us, mut answered_until_us) = (0, i64::MIN);
    loop {
        let rows = store.rows(tenant, &stream, view.head.sequence, ROWS_READ)?;
        for row in &rows {
            follow(view.head, row).map_err(|damage| damaged(id, &damage))?;
            fold_row(&mut view, row, u64::MAX)?;
            ended_us = row.recorded_at_us;
            if row.cause.request.is_some() {
                answered_until_us = remembered_until_us(row.recorded_at_us);
            }
        }
        if rows.len() < ROWS_READ {
            return Ok(Whole { state: view.state, head: view.head, ended_us, answered_until_us });
        }
    }
}

fn damaged(id: OrchestrationId, damage: &Damage) -> StoreError {
    StoreError::Damaged { path: format!("the journal of {id}"), what: format!("at sequence {}: {}", damage.sequence, damage.what) }
}

/// Whether the partition's last row is one of this journal.
fn last_is<S: Upkeep>(store: &mut S, tenant: &TenantId, id: OrchestrationId) -> Result<bool, StoreError> {
    let last = store.lag()?.last;
    let row = store.feed(last.saturating_sub(1), 1)?;
    Ok(row.first().is_none_or(|(_, row)| row.tenant == *tenant && row.stream == Stream::Orchestration(id)))
}

/// Whether it may act on the world, or may have acted, and nobody knows.
fn is_doubtful(effect: &Effect) -> bool {
    effect.class != EffectClass::E0
        && match effect.state {
            EffectState::Intended | EffectState::Sent | EffectState::Asked | EffectState::InDoubt => true,
            EffectState::Waiting => effect.unknown,
            EffectState::Claiming | EffectState::Done | EffectState::Failed | EffectState::Conflict | EffectState::Abandoned => false,
        }
}

/// Whether a target may know its key.
fn is_outside(effect: &Effect) -> bool {
    match effect.kind {
        EffectKind::Action | EffectKind::Undo => effect.class != EffectClass::E0,
        EffectKind::Agent | EffectKind::Retrieval | EffectKind::Feature => false,
    }
}
