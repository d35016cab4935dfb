//! The dispatcher: work offered, claimed under leases, reported once. A synchronous machine in memory, fenced by its epoch.
//!
//! What must stay true: a lease answers once, and only to whoever claimed it; a report under another epoch, or after the lease ended, is
//! refused; nothing here is needed after a crash, because open work is read back from the journals.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use provost_model::program::{EffectClass, Keeping};
use provost_model::record::SecretSpan;
use provost_model::who::Known;
use provost_model::{Digest, EffectId, EventId, OrchestrationId, Position, TenantId, Value, Who};

/// How long a lease lasts unless it is extended, in milliseconds.
pub const LEASE_MS: i64 = 30_000;
/// Most offers waiting in one queue.
pub const QUEUE_MAX: usize = 100_000;

/// What kind of work is offered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OfferKind {
    /// A run of an agent.
    Agent,
    /// An action.
    Action,
    /// The undo of an action.
    Undo,
    /// A question whether an action was done.
    LookUp,
    /// A read of passages.
    Retrieval,
    /// A read of features.
    Feature,
}

/// Work for a worker, with all it needs but the specification.
#[derive(Clone, Debug, PartialEq)]
pub struct Offer {
    /// Whose.
    pub tenant: TenantId,
    /// Which orchestration.
    pub orchestration: OrchestrationId,
    /// Which effect.
    pub effect: EffectId,
    /// What kind of work.
    pub kind: OfferKind,
    /// Its class.
    pub class: EffectClass,
    /// `name@major`.
    pub name: Arc<str>,
    /// The workflow.
    pub workflow: Arc<str>,
    /// The bundle.
    pub pin: Digest,
    /// Which attempt, or which look-up.
    pub attempt: u32,
    /// The task.
    pub position: Position,
    /// The key towards the target.
    pub key: Arc<str>,
    /// The authored key.
    pub business_key: Option<Arc<str>>,
    /// The last moment, in microseconds UTC; 0 means none.
    pub deadline_us: i64,
    /// What is sent.
    pub arguments: Value,
    /// Where secrets belong in it.
    pub secrets: Vec<SecretSpan>,
    /// Where its result is kept.
    pub keeping: Keeping,
    /// The scripted example that answers.
    pub example: Option<u32>,
    /// The event behind the orchestration.
    pub event: Option<EventId>,
    /// The trace context that the orchestration came with.
    pub traceparent: Option<Arc<str>>,
}

/// Who claims work, holds its lease and may report on it: a credential, and the name that a worker gives itself under it. A worker
/// chooses its name freely, so that the name alone would let every worker of a tenant report for every other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claimant {
    /// Whose work it may do.
    pub tenant: TenantId,
    /// The authenticated name.
    pub principal: Arc<str>,
    /// How that name is known.
    pub known: Known,
    /// The worker's own name for itself, which the record shows.
    pub worker: Arc<str>,
}

impl Claimant {
    /// The worker that calls itself `worker`, authenticated as `who` in `tenant`.
    pub fn new(tenant: &TenantId, who: &Who, worker: &str) -> Self {
        Self { tenant: tenant.clone(), principal: who.name.clone(), known: who.known, worker: worker.into() }
    }
}

/// Work in a worker's hands.
#[derive(Clone, Debug)]
pub struct Leased {
    /// The work.
    pub offer: Offer,
    /// Who has it.
    pub by: Claimant,
    /// Until when, in microseconds UTC.
    pub until_us: i64,
}

/// The machine.
#[derive(Debug)]
pub struct Dispatcher {
    epoch: u64,
    next: u64,
    queues: BTreeMap<Arc<str>, VecDeque<Offer>>,
    leases: BTreeMap<u64, Leased>,
}

impl Dispatcher {
    /// An empty dispatcher of `epoch`.
    pub fn new(epoch: u64) -> Self {
        Self { epoch, next: 1, queues: BTreeMap::new(), leases: BTreeMap::new() }
    }

    /// Offers work on a queue; `false` when the queue is full, and the work stays open in its journal.
    pub fn offer(&mut self, queue: &Arc<str>, offer: Offer) -> bool {
        let waiting = self.queues.entry(queue.clone()).or_default();
        if waiting.len() >= QUEUE_MAX {
            return false;
        }
        waiting.push_back(offer);
        true
    }

    /// Takes back work that nobody has claimed; `true` when it was still waiting, and so was certainly not sent.
    pub fn withdraw(&mut self, effect: &EffectId) -> Option<Offer> {
        self.queues.values_mut().find_map(|waiting| {
            let at = waiting.iter().position(|offer| offer.effect == *effect)?;
            waiting.remove(at)
        })
    }

    /// Claims up to `capacity` pieces of work of its tenant from `queues` for `by`: lease token and work.
    pub fn claim(&mut self, by: &Claimant, queues: &[Arc<str>], capacity: usize, now_us: i64) -> Vec<(String, Offer)> {
        let mut claimed = Vec::new();
        for queue in queues {
            let Some(waiting) = self.queues.get_mut(queue) else { continue };
            let mut kept = VecDeque::new();
            while claimed.len() < capacity {
                let Some(offer) = waiting.pop_front() else { break };
                if offer.tenant != by.tenant && !provost_model::planted::planted("any-tenant-claims") {
                    kept.push_back(offer);
                    continue;
                }
                let lease = self.next;
                self.next += 1;
                let until_us = now_us.saturating_add(LEASE_MS * 1000);
                self.leases.insert(lease, Leased { offer: offer.clone(), by: by.clone(), until_us });
                claimed.push((format!("{}.{lease}", self.epoch), offer));
            }
            while let Some(offer) = kept.pop_back() {
                waiting.push_front(offer);
            }
        }
        claimed
    }

    /// Ends a lease by its report; `None` for a zombie: another epoch, an ended lease, anybody but its holder.
    pub fn report(&mut self, token: &str, by: &Claimant) -> Option<Leased> {
        let lease = self.lease_of(token)?;
        self.leases.get(&lease).filter(|held| is_holder(held, by))?;
        self.leases.remove(&lease)
    }

    /// Holds a lease again whose report could not be taken.
    pub fn give_back(&mut self, token: &str, held: Leased) {
        if let Some(lease) = self.lease_of(token) {
            self.leases.insert(lease, held);
        }
    }

    /// Extends a lease; `false` for a zombie.
    pub fn extend(&mut self, token: &str, by: &Claimant, now_us: i64) -> bool {
        let lease = self.lease_of(token);
        let held = lease.and_then(|lease| self.leases.get_mut(&lease));
        match held.filter(|held| is_holder(held, by)) {
            Some(held) => {
                held.until_us = now_us.saturating_add(LEASE_MS * 1000);
                true
            }
            None => false,
        }
    }

    /// Ends leases whose time, or whose work's deadline, is over.
    pub fn expired(&mut self, now_us: i64) -> Vec<Leased> {
        let over = |held: &Leased| held.until_us <= now_us || held.offer.deadline_us > 0 && held.offer.deadline_us <= now_us;
        let ended: Vec<u64> = self
            .leases
            .iter()
            .filter(|(_, held)| over(held) && !provost_model::planted::planted("lease-for-ever"))
            .map(|(lease, _)| *lease)
            .collect();
        ended.iter().filter_map(|lease| self.leases.remove(lease)).collect()
    }

    /// How much work waits, by queue.
    pub fn waiting(&self) -> Vec<(Arc<str>, usize)> {
        self.queues.iter().map(|(queue, waiting)| (queue.clone(), waiting.len())).collect()
    }

    /// How much work is in workers' hands.
    pub fn leased(&self) -> usize {
        self.leases.len()
    }

    fn lease_of(&self, token: &str) -> Option<u64> {
        let (epoch, lease) = token.split_once('.')?;
        (epoch.parse::<u64>().ok()? == self.epoch || provost_model::planted::planted("epoch-ignored")).then_some(())?;
        lease.parse().ok()
    }
}

/// Whether `by` holds this lease. Work of another tenant is nobody's here, however it came into a lease.
fn is_holder(held: &Leased, by: &Claimant) -> bool {
    let named = held.by.tenant == by.tenant && held.by.worker == by.worker && held.offer.tenant == by.tenant;
    named && ((&held.by.principal, held.by.known) == (&by.principal, by.known) || provost_model::planted::planted("any-principal-reports"))
}
