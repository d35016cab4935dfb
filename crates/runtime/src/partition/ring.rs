//! Rings of waits: parents whose children wait for each other's keys.
//!
//! A child that waits for its turn and is waited for asks from time to time whether it can ever come: the question follows who waits for
//! whom, from partition to partition, and comes back where they wait in a ring. What must stay true: each link of the ring is of a kind
//! that only somebody outside can open, and is never the same again once it was open; the question goes round twice and must meet the
//! same links, so that all of them stood at once in between; of each ring one child asks, the latest, and one is told. What is
//! absent: anything durable. A lost question is asked again, after twice as long.

use provost_model::record::{Cause, Command, Fact, Transition};
use provost_model::{OrchestrationId, TenantId};
use provost_store::Upkeep;

use provost_engine::Orchestration;

use super::stage::Stage;
use super::{Delivery, Partition, Release};
use crate::gate::Refused;

/// A question on its way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ring {
    /// The child that asks.
    of: OrchestrationId,
    /// Who is to be looked at next.
    at: OrchestrationId,
    /// Those it has met on this round, from the child on, each waiting for the next.
    met: Vec<OrchestrationId>,
    /// Those of the round before.
    before: Option<Vec<OrchestrationId>>,
    /// Whether both rounds met the same: the child is to be told.
    stands: bool,
}

/// Most orchestrations of a ring; a longer one waits as before.
const RING_MAX: usize = 64;
/// When a child asks for the second time, in microseconds after the first; then after twice as long, and so on.
const AGAIN_US: i64 = 5_000_000;
/// Before the time that was waited, in the id of the timer.
const TIMER: &str = "ring:";

impl Ring {
    fn of(child: OrchestrationId) -> Self {
        Self { of: child, at: child, met: Vec::new(), before: None, stands: false }
    }

    /// Goes on to `next`; whether that is worth while.
    fn goes_on(&mut self, next: OrchestrationId) -> bool {
        self.met.push(std::mem::replace(&mut self.at, next));
        if next != self.of {
            return self.met.len() < RING_MAX && !self.met.contains(&next);
        }
        match &self.before {
            Some(before) => self.stands = *before == self.met,
            None => self.before = Some(std::mem::take(&mut self.met)),
        }
        self.stands || self.met.is_empty()
    }
}

impl<S: Upkeep> Partition<S> {
    /// A child that was found no place asks, at once and later.
    pub(super) fn ask_round(&mut self, stage: &mut Stage, tenant: &TenantId, id: OrchestrationId, transition: &Transition) {
        let held_up = transition.facts.iter().any(|fact| matches!(fact, Fact::Queued { .. } | Fact::HeldBack { .. }));
        let asks = || self.loaded.get(&(tenant.clone(), id)).is_some_and(|loaded| is_waited_for(&loaded.state));
        if held_up && asks() {
            stage.releases.extend(self.asking(tenant, id, AGAIN_US));
        }
    }

    /// The same after a restart.
    pub(super) fn ask_round_again(&self, state: &Orchestration) -> impl Iterator<Item = Release> + use<S> {
        let asks = state.queued.is_some() && is_waited_for(state);
        asks.then(|| self.asking(&state.tenant, state.id, AGAIN_US)).into_iter().flatten()
    }

    /// The time of another question came.
    pub(super) fn round_due(&mut self, stage: &mut Stage, tenant: &TenantId, id: OrchestrationId, waited_us: i64) -> Result<(), Refused> {
        if self.looked_at(tenant, id)?.is_some_and(|state| state.queued.is_some() && !state.is_ended()) {
            stage.releases.extend(self.asking(tenant, id, waited_us.saturating_mul(2)));
        }
        Ok(())
    }

    /// A question, and the time of the next one.
    fn asking(&self, tenant: &TenantId, id: OrchestrationId, again_us: i64) -> [Release; 2] {
        let ring = Box::new(Ring::of(id));
        let timer = format!("{TIMER}{again_us}").into();
        let due_us = self.now_us.saturating_add(again_us);
        [
            Release::Again(Box::new(Delivery::Follow { tenant: tenant.clone(), ring })),
            Release::Timer { tenant: tenant.clone(), orchestration: id, id: timer, due_us },
        ]
    }

    /// A question arrives: it is followed as far as this partition knows.
    pub(super) fn follow(&mut self, stage: &mut Stage, tenant: &TenantId, ring: &Ring) -> Result<(), Refused> {
        let mut ring = ring.clone();
        while self.owns(ring.at.slot()) {
            if ring.stands {
                return self.entangled(stage, tenant, ring.of, ring.met);
            }
            if self.asks_instead(tenant, &ring)? {
                ring = Ring::of(ring.at);
            }
            let Some(next) = self.waits_for(tenant, &ring)? else { return Ok(()) };
            if !ring.goes_on(next) {
                return Ok(());
            }
        }
        stage.releases.push(Release::Forward(ring.at.slot(), Box::new(Delivery::Follow { tenant: tenant.clone(), ring: Box::new(ring) })));
        Ok(())
    }

    /// Whether the one that is looked at waits for its turn and is later than the one that asks: it asks for all.
    fn asks_instead(&mut self, tenant: &TenantId, ring: &Ring) -> Result<bool, Refused> {
        let later = ring.at > ring.of && !provost_model::planted::planted("every-child-of-a-ring");
        Ok(later && self.looked_at(tenant, ring.at)?.is_some_and(|state| state.queued.is_some() && is_waited_for(state)))
    }

    /// For whom the one that is looked at waits, if for nothing else.
    fn waits_for(&mut self, tenant: &TenantId, ring: &Ring) -> Result<Option<OrchestrationId>, Refused> {
        let came_from = ring.met.last().copied();
        let Some(state) = self.looked_at(tenant, ring.at)? else { return Ok(None) };
        // Whoever waits for it could stop that: it must be the one that the question came from.
        let above = state.start.as_ref().and_then(|start| start.parent.as_ref()).filter(|parent| parent.awaits);
        if above.is_some_and(|parent| ring.at != ring.of && Some(parent.orchestration) != came_from) {
            return Ok(None);
        }
        if state.queued.is_none() {
            return Ok(state.only_waits_for().filter(|_| ring.at != ring.of));
        }
        let (Some(start), id) = (state.start.clone().filter(|_| state.parked.is_none()), state.id) else { return Ok(None) };
        let of = |value: &std::sync::Arc<str>| (tenant.clone(), start.workflow.clone(), value.clone());
        let lines = self.lines()?;
        let front = start.order.as_ref().and_then(|order| lines.orders.get(&of(order))?.in_front_of(id));
        let held = start.concurrency.as_ref().and_then(|key| lines.keys.get(&of(key))?.sole_holder(id));
        Ok(front.or(held))
    }

    /// It is here and under way, or nothing is known of it.
    fn looked_at(&mut self, tenant: &TenantId, id: OrchestrationId) -> Result<Option<&Orchestration>, Refused> {
        match self.load(tenant, id) {
            Ok(loaded) => Ok(Some(&loaded.state).filter(|state| !state.is_ended())),
            Err(refused @ Refused::Store(_)) => Err(refused),
            Err(_) => Ok(None),
        }
    }

    /// The ring stands: the child that asked ends with that, and its parent goes on.
    fn entangled(&mut self, stage: &mut Stage, tenant: &TenantId, of: OrchestrationId, ring: Vec<OrchestrationId>) -> Result<(), Refused> {
        match self.command(stage, tenant, of, &Command::Entangled { ring }, Cause::default()) {
            Ok(_) | Err(Refused::Rejected(_)) => Ok(()),
            Err(refused) => Err(refused),
        }
    }
}

/// How long was waited before a question that is due; `None` for every other command.
pub(super) fn is_timer(command: &Command) -> Option<i64> {
    let Command::Timer { id } = command else { return None };
    id.strip_prefix(TIMER)?.parse().ok()
}

fn is_waited_for(state: &Orchestration) -> bool {
    let parent = state.start.as_ref().and_then(|start| start.parent.as_ref());
    parent.is_some_and(|parent| parent.awaits) && !provost_model::planted::planted("ring-not-looked-for")
}
