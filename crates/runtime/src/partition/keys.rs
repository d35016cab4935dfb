//! Concurrency keys that live in this partition: who holds each, who waits, and who is stopped to make room.
//!
//! Every orchestration of a key lives in the key's home slot, so the key is memory of what their open work says, as the lines of ordering
//! keys are. What must stay true: whoever has not ended holds its key, parked and in doubt as well; whoever is replaced is cancelled in the
//! commit of the start that replaces it; after any failure the keys are read back.

use std::sync::Arc;

use provost_engine::Orchestration;
use provost_engine::shared::Concurrency;
use provost_model::program::KeySpec;
use provost_model::record::{Admission, AdmissionRequest, Behind, Cancel, Cause, Command, Fact, Start, Transition};
use provost_model::{OrchestrationId, TenantId, Who};
use provost_store::Upkeep;

use super::Partition;
use super::line::{Lines, turn_of};
use super::stage::Stage;
use super::{Release, View};
use crate::gate::Refused;
use crate::registry::Launch;

impl<S: Upkeep> Partition<S> {
    /// Whether `who`, which is about to begin, holds its key, waits for it or is refused.
    pub(super) fn ask_key(
        &mut self,
        tenant: &TenantId,
        who: OrchestrationId,
        start: &Start,
        (request, spec): (&AdmissionRequest, KeySpec),
    ) -> Result<Admission, Refused> {
        let Some(key) = &start.concurrency else { return Err(Refused::Internal("a start without a key asks for its key".to_owned())) };
        let key = (tenant.clone(), start.workflow.clone(), key.clone());
        let beside = start.parent.is_some() && provost_model::planted::planted("child-place-not-counted");
        if beside || provost_model::planted::planted("place-not-counted") {
            return Ok(Concurrency::default().ask(&request.what, who, spec));
        }
        Ok(self.lines()?.keys.entry(key).or_default().ask(&request.what, who, spec))
    }

    /// Refuses a start by hand that its key leaves no place for: nothing is recorded then.
    pub(super) fn may_begin(&mut self, tenant: &TenantId, launch: &Launch, id: OrchestrationId, start: &Start) -> Result<(), Refused> {
        let (Some(value), Some(concurrency)) = (&start.concurrency, launch.code.program.concurrency) else { return Ok(()) };
        let key = (tenant.clone(), start.workflow.clone(), value.clone());
        let Some(key) = self.lines()?.keys.get(&key) else { return Ok(()) };
        match key.clone().ask(value, id, concurrency.spec).refused {
            None => Ok(()),
            Some(why) => Err(Refused::NoPlace(Box::new(provost_engine::no_place(&concurrency.spec, value, &why)))),
        }
    }

    /// Cancels whom the start in `transition` replaces, in the same commit.
    pub(super) fn make_room(
        &mut self,
        stage: &mut Stage,
        tenant: &TenantId,
        who: OrchestrationId,
        transition: &Transition,
    ) -> Result<(), Refused> {
        let held_back = transition.facts.iter().find_map(|fact| match fact {
            Fact::HeldBack { key, behind, .. } => Some((key.clone(), behind.replaces.clone())),
            _ => None,
        });
        let Some((key, replaces)) = held_back else { return Ok(()) };
        for replaced in replaces.into_iter().filter(|_| !provost_model::planted::planted("replaced-not-stopped")) {
            let reason = format!("`{who}` takes its place under the concurrency key `{key}`");
            let cancel = Command::Cancel(Cancel { by: Who::system(), reason, replaced_by: Some(who) });
            let mark = stage.mark();
            match self.command(stage, tenant, replaced, &cancel, Cause::default()) {
                Err(refused @ Refused::Store(_)) => return Err(refused),
                // It is being cancelled already, or is over.
                Ok(_) | Err(Refused::Rejected(_)) => {}
                // It cannot be cancelled: the start waits for its end like one that queues.
                Err(refused) => {
                    tracing::warn!(code = refused.code(), orchestration = %replaced, "it cannot be replaced");
                    self.rewind(stage, mark);
                }
            }
        }
        Ok(())
    }

    /// An orchestration is over: whoever has its place now may begin.
    pub(super) fn release_key(&mut self, state: &Orchestration) -> Result<Vec<Release>, Refused> {
        let Some(key) = key_of(state) else { return Ok(Vec::new()) };
        let keys = &mut self.lines()?.keys;
        let Some(held) = keys.get_mut(&key) else { return Ok(Vec::new()) };
        let next = held.leave(state.id);
        if held.is_empty() {
            keys.remove(&key);
        }
        Ok(next.into_iter().map(|next| turn_of(&state.tenant, next)).collect())
    }

    /// After a restart: who of those that wait beside `state` is to begin.
    pub(super) fn fill_key(&mut self, state: &Orchestration) -> Result<Vec<Release>, Refused> {
        let Some(key) = key_of(state).filter(|_| state.queued.is_some()) else { return Ok(Vec::new()) };
        let next = self.lines()?.keys.get_mut(&key).map(Concurrency::advance).unwrap_or_default();
        Ok(next.into_iter().map(|next| turn_of(&state.tenant, next)).collect())
    }

    /// The orchestration as it stands now: one that waits for its key says whom it waits for now, not when it began to wait.
    ///
    /// # Errors
    /// As [`Self::view`].
    pub fn view_now(&mut self, tenant: &TenantId, id: OrchestrationId) -> Result<View, Refused> {
        let mut view = self.view(tenant, id, u64::MAX)?;
        let Some(key) = key_of(&view.state).filter(|_| view.state.behind.is_some()) else { return Ok(view) };
        let standing = self.lines()?.keys.get(&key).and_then(|held| held.standing(view.state.id));
        if let (Some((ahead, holders)), Some(behind)) = (standing, &view.state.behind) {
            let ahead = u32::try_from(ahead).unwrap_or(u32::MAX);
            view.state.behind = Some(Arc::new(Behind { ahead, holders, ..(**behind).clone() }));
        }
        Ok(view)
    }
}

/// Puts an unfinished orchestration back where its key has it.
pub(super) fn restore(lines: &mut Lines, state: &Orchestration) {
    if let Some(key) = key_of(state) {
        let limit = state.behind.as_ref().map_or(1, |behind| behind.limit);
        lines.keys.entry(key).or_default().restore(state.id, state.queued.map(|number| (number, limit)));
    }
}

fn key_of(state: &Orchestration) -> Option<(TenantId, Arc<str>, Arc<str>)> {
    let start = state.start.as_ref()?;
    Some((state.tenant.clone(), start.workflow.clone(), start.concurrency.clone()?))
}
