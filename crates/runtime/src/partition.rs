//! A partition: the one writer of a range of slots, as a synchronous machine.
//!
//! A batch of deliveries goes in; they are decided one after the other on memory, committed together, and only then anything leaves.
//! What must stay true: nothing is told or released before the commit; a failed commit drops the memory and folds again; this is the
//! only place that appends.

mod accept;
mod after;
mod children;
mod claim;
mod combine;
mod forward;
mod gather;
mod heard;
mod keys;
mod line;
mod listen;
mod load;
mod release;
mod ring;
mod settle;
mod stage;
mod tick;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use provost_language::Compiled;
use provost_model::record::{Arrived, Attempted, Cause, Command, Head, Start, Stream};
use provost_model::{Digest, EffectId, Event, EventId, OrchestrationId, Slot, TenantId, Who};
use provost_policy::CachedJudge;
use provost_store::{Batch, StoreError, Upkeep};
use provost_telemetry::Spans;

use crate::dispatch::Offer;
use crate::gate::Refused;
use crate::inbox::Accepted;
use crate::registry::{Launch, Registry};
use crate::tally::{Lasted, Tally};
use crate::traced::Traced;

pub use children::Message;
pub(crate) use children::open_work_of as open_work_of_message;
pub use claim::{Claim, Holder};
pub(crate) use forward::open_work_of;
pub(crate) use gather::{gathering_work, is_gathered};
pub(crate) use heard::{is_on_its_way, routed_key, routed_work, spread_key, spread_work};
pub use load::View;
pub(crate) use load::{FOLD, ROWS_READ, fold_listed, fold_row};
pub(crate) use release::{open_change, status};
pub use release::{subject_mark, summary_of};
pub use ring::Ring;

/// Most orchestrations a partition keeps in memory; idle ones beyond that are folded again when needed.
const LOADED_MAX: usize = 4096;
/// Most verdicts a partition remembers.
const VERDICTS_KEPT: usize = 4096;
/// Rows after which a commit takes no further delivery; one delivery adds few enough to stay within what a store takes at once.
const COMMIT_ROWS: usize = 1024;

/// Something for a partition to do.
#[derive(Clone)]
pub enum Delivery {
    /// An event from outside, or one of our own.
    Accept {
        /// Whose.
        tenant: TenantId,
        /// The event.
        event: Box<Event>,
        /// Who sent it.
        by: Who,
    },
    /// A start by hand.
    Start {
        /// Whose.
        tenant: TenantId,
        /// What to run.
        launch: Launch,
        /// The new orchestration.
        id: OrchestrationId,
        /// The command.
        start: Box<Start>,
        /// `Idempotency-Key`: the key's digest and the request's.
        remember: Option<(Digest, Digest)>,
        /// The inbox that handed it on, and waits to hear that it arrived.
        from: Option<Slot>,
    },
    /// A start that was handed on has arrived.
    Delivered {
        /// Whose.
        tenant: TenantId,
        /// The inbox that handed it on.
        from: Slot,
        /// What was started.
        orchestration: OrchestrationId,
    },
    /// The schedule of an active workflow is looked at: what is due starts.
    Tick {
        /// Whose.
        tenant: TenantId,
        /// Which workflow.
        workflow: Arc<str>,
    },
    /// A command from one orchestration to another; its sender waits to hear that it arrived.
    Tell {
        /// Whose.
        tenant: TenantId,
        /// What is said.
        message: Box<Message>,
    },
    /// An event that another partition accepted, and that orchestrations may listen for.
    Hear {
        /// Whose.
        tenant: TenantId,
        /// The event.
        arrived: Box<Arrived>,
    },
    /// A partition has an event that this one accepted.
    Heard {
        /// Whose.
        tenant: TenantId,
        /// Which event.
        id: EventId,
        /// A slot of the partition that has it.
        by: Slot,
    },
    /// An event is offered to the next orchestrations that listen.
    Spread {
        /// Whose.
        tenant: TenantId,
        /// The sequence of its row.
        sequence: u64,
        /// The last one that was offered it.
        after: Option<OrchestrationId>,
    },
    /// An orchestration is offered what was heard before it listened.
    Look {
        /// Whose.
        tenant: TenantId,
        /// Which.
        orchestration: OrchestrationId,
    },
    /// An effect asks the home of its business key.
    Claim {
        /// Whose.
        tenant: TenantId,
        /// What for.
        claim: Box<Claim>,
    },
    /// The home of a business key asks the orchestration that holds it how that effect stands.
    Inquire {
        /// Whose.
        tenant: TenantId,
        /// The effect that holds it.
        holder: Holder,
        /// Digest of the holder's meaningful arguments.
        fingerprint: Digest,
        /// Who wants it.
        claim: Box<Claim>,
    },
    /// A child that waits for its turn asks whether it waits in a ring.
    Follow {
        /// Whose.
        tenant: TenantId,
        /// How far the question came.
        ring: Box<Ring>,
    },
    /// A command to an orchestration.
    Command {
        /// Whose.
        tenant: TenantId,
        /// Which.
        orchestration: OrchestrationId,
        /// What.
        command: Box<Command>,
        /// What is behind it.
        cause: Cause,
    },
    /// A row of the tenant's control journal, decided by `control`.
    Control {
        /// Whose.
        tenant: TenantId,
        /// Where the journal must stand.
        expected: Head,
        /// The payload's JSON.
        json: Vec<u8>,
        /// How many facts.
        facts: u32,
        /// Who.
        who: Arc<str>,
    },
}

/// Names a delivery in the replies; 0 when nobody waits.
pub type Ticket = u64;

/// The answer to a delivery, once it is on disk.
#[derive(Clone, Debug)]
pub enum Told {
    /// An event was taken, or answered before, or kept as rejected.
    Accepted(Accepted),
    /// An orchestration began, or had begun under the same key.
    Started {
        /// Which.
        id: OrchestrationId,
        /// Whether this is the answer to an earlier request.
        duplicate: bool,
    },
    /// A row was committed.
    Committed(Head),
    /// Refused; nothing was recorded for it.
    Refused(Refused),
}

/// The answer with its ticket.
#[derive(Clone, Debug)]
pub struct Reply {
    /// Which delivery.
    pub ticket: Ticket,
    /// The answer.
    pub told: Told,
}

/// Something that leaves after the commit.
#[derive(Clone)]
pub enum Release {
    /// Work for a worker.
    Offer(Box<Offer>),
    /// Take work back that no worker has claimed.
    Withdraw {
        /// Whose.
        tenant: TenantId,
        /// Which orchestration.
        orchestration: OrchestrationId,
        /// Which effect.
        effect: EffectId,
    },
    /// Wake an orchestration.
    Timer {
        /// Whose.
        tenant: TenantId,
        /// Which orchestration.
        orchestration: OrchestrationId,
        /// The timer.
        id: Arc<str>,
        /// When, in microseconds UTC.
        due_us: i64,
    },
    /// Look at the schedule of a workflow.
    Tick {
        /// Whose.
        tenant: TenantId,
        /// Which workflow.
        workflow: Arc<str>,
        /// When, in microseconds UTC.
        due_us: i64,
    },
    /// Deliver to this partition again.
    Again(Box<Delivery>),
    /// Deliver to the partition that owns the slot.
    Forward(Slot, Box<Delivery>),
    /// An orchestration ended or was parked.
    Announce(Box<View>),
}

/// What a batch came to.
#[derive(Default)]
pub struct Outputs {
    /// Answers.
    pub replies: Vec<Reply>,
    /// What leaves.
    pub releases: Vec<Release>,
    /// Deliveries that were not committed, with the error: nothing of them is on disk, and they can be tried again.
    pub failed: Option<(Vec<(Ticket, Delivery)>, StoreError)>,
    /// Rows committed.
    pub committed: u32,
    /// How long the commit took.
    pub commit_took: Duration,
    /// What was done, counted.
    pub tally: Tally,
    /// What came to its end, and how long it took.
    pub lasted: Vec<Lasted>,
    /// Spans of what was done.
    pub traced: Vec<Traced>,
    /// Where the journals that grew stand now.
    pub heads: BTreeMap<(TenantId, Stream), Head>,
}

impl Outputs {
    /// These, then `later`.
    fn and(mut self, mut later: Self) -> Self {
        self.replies.extend(later.replies);
        self.releases.extend(later.releases);
        self.failed = later.failed;
        self.committed += later.committed;
        self.commit_took += later.commit_took;
        self.tally = self.tally.and(later.tally);
        self.lasted.extend(later.lasted);
        self.traced.extend(later.traced);
        self.heads.append(&mut later.heads);
        self
    }
}

/// The machine.
pub struct Partition<S> {
    store: S,
    epoch: u64,
    registry: Registry,
    judge: CachedJudge,
    now_us: i64,
    clock_us: i64,
    tick: u64,
    /// Boxed: a command takes one out and puts it back, which moves its neighbours.
    loaded: BTreeMap<(TenantId, OrchestrationId), Box<Loaded>>,
    salt: [u8; 32],
    unsettled: Option<settle::Unsettled>,
    /// Lines of ordering keys, and concurrency keys; `None` while they must be read back from open work.
    lines: Option<line::Lines>,
    /// Batches that are being gathered; `None` while they must be read back from the inbox.
    gathering: Option<gather::Gathering>,
    /// Who listens; `None` while that must be read back from open work.
    listeners: Option<listen::Listeners>,
    /// What was heard, by tenant, as far as it was needed.
    heard: heard::Heard,
    /// Who has what this partition accepted.
    answers: heard::Answers,
    /// Events found among open work that are still to be offered: by tenant and sequence, which is the order in which they were heard.
    unspread: BTreeSet<(TenantId, u64)>,
    /// Which of how many partitions this is.
    place: (u32, u32),
    spans: Spans,
}

/// An orchestration in memory.
struct Loaded {
    state: provost_engine::Orchestration,
    head: Head,
    code: Arc<Compiled>,
    used: u64,
    /// The sequence from which on a snapshot is worth its bytes.
    snapshot_from: u64,
}

impl<S: Upkeep> Partition<S> {
    /// Takes a partition over: claims its epoch and finds its last time. `salt` keys the HMACs in its columns.
    ///
    /// # Errors
    /// [`StoreError`] when the store cannot be claimed or read.
    pub fn open(mut store: S, registry: Registry, salt: [u8; 32]) -> Result<Self, StoreError> {
        let epoch = store.claim()?;
        let last = store.lag()?.last;
        let now_us = store.feed(last.saturating_sub(1), 1)?.last().map_or(0, |(_, row)| row.recorded_at_us);
        let judge = CachedJudge::new(VERDICTS_KEPT);
        Ok(Self {
            store,
            epoch,
            registry,
            judge,
            now_us,
            clock_us: now_us,
            tick: 0,
            loaded: BTreeMap::new(),
            salt,
            unsettled: None,
            lines: None,
            gathering: None,
            listeners: None,
            heard: heard::Heard::new(),
            answers: heard::Answers::new(),
            unspread: BTreeSet::new(),
            place: (0, 1),
            spans: Spans::off(),
        })
    }

    /// As the `index`-th of `partitions`: it owns a share of the slots. Without this it owns all.
    #[must_use]
    pub fn at(mut self, index: u32, partitions: u32) -> Self {
        self.place = (index, partitions);
        self
    }

    /// Builds the spans of what it does for `spans`.
    #[must_use]
    pub fn traced_by(mut self, spans: Spans) -> Self {
        self.spans = spans;
        self
    }

    /// Whether `slot` is this partition's.
    pub fn owns(&self, slot: Slot) -> bool {
        partition_of(slot, self.place.1) == self.place.0
    }

    /// A slot of this partition, for what belongs to no slot of its own.
    fn own_slot(&self) -> Slot {
        heard::first_slot(self.place.0, self.place.1)
    }

    /// The partition's store, for reading and upkeep between batches.
    pub fn store(&mut self) -> &mut S {
        &mut self.store
    }

    /// Drops an orchestration from memory: its journal is gone.
    pub(crate) fn forget(&mut self, tenant: &TenantId, id: OrchestrationId) {
        self.loaded.remove(&(tenant.clone(), id));
    }

    /// The epoch of this writer.
    pub fn epoch(&self) -> u64 {
        self.epoch
    }

    /// The partition's time, in microseconds UTC.
    pub fn now_us(&self) -> i64 {
        self.now_us
    }

    /// How many orchestrations are in memory.
    pub fn loaded(&self) -> usize {
        self.loaded.len()
    }

    /// Decides and commits a batch at the clock's `clock_us`. A batch may be empty: one whose commit failed may be waiting to be settled.
    pub fn on(&mut self, deliveries: Vec<(Ticket, Delivery)>, clock_us: i64) -> Outputs {
        self.tick += 1;
        self.clock_us = clock_us;
        self.now_us = if provost_model::planted::planted("time-goes-back") { clock_us } else { self.now_us.max(clock_us) };
        let (settled, deliveries) = match self.settle(deliveries) {
            Ok(settled) => settled,
            Err(outputs) => return *outputs,
        };
        let outputs = self.decide_all(deliveries);
        self.evict();
        settled.and(outputs)
    }

    /// Decides all, in as many commits as their rows need.
    fn decide_all(&mut self, mut deliveries: Vec<(Ticket, Delivery)>) -> Outputs {
        let mut outputs = Outputs::default();
        loop {
            let (done, rest) = self.decide_some(deliveries);
            outputs = outputs.and(done);
            match &mut outputs.failed {
                Some((failed, _)) => {
                    failed.extend(rest);
                    return outputs;
                }
                None if rest.is_empty() => return outputs,
                None => deliveries = rest,
            }
        }
    }

    /// One commit, and the deliveries that do not fit into it.
    fn decide_some(&mut self, mut deliveries: Vec<(Ticket, Delivery)>) -> (Outputs, Vec<(Ticket, Delivery)>) {
        let mut stage = stage::Stage::default();
        let mut taken = 0;
        while let Some((ticket, delivery)) = deliveries.get(taken).filter(|_| stage.entries.len() < COMMIT_ROWS) {
            taken += 1;
            stage.begun_by_ours = 0;
            let mark = stage.mark();
            let staged = self.stage(&mut stage, *ticket, delivery).and_then(|()| self.look_back(&mut stage));
            if let Err(refused) = staged {
                self.rewind(&mut stage, mark);
                if let Refused::Store(error) = &refused
                    && error.retry()
                {
                    // The disk could not be read: an outcome must not be dropped for that, so the batch is tried again.
                    self.forget_all();
                    let error = error.clone();
                    return (Outputs { failed: Some((deliveries, error)), ..Outputs::default() }, Vec::new());
                }
                self.keep_timer(&mut stage, delivery);
                stage.replies.push(Reply { ticket: *ticket, told: Told::Refused(refused) });
            }
        }
        let rest = deliveries.split_off(taken);
        (self.commit(stage, deliveries), rest)
    }

    fn stage(&mut self, stage: &mut stage::Stage, ticket: Ticket, delivery: &Delivery) -> Result<(), Refused> {
        match delivery {
            Delivery::Accept { tenant, event, by } => self.accept(stage, Some(ticket), tenant, event, by),
            Delivery::Start { tenant, launch, id, start, from: Some(from), .. } => self.arrive(stage, tenant, launch, *id, start, *from),
            Delivery::Start { tenant, launch, id, start, remember, from: None } => {
                self.start(stage, ticket, tenant, launch, *id, start, *remember)
            }
            Delivery::Delivered { tenant, from, orchestration } => self.delivered(stage, tenant, *from, *orchestration),
            Delivery::Tick { tenant, workflow } => self.tick(stage, tenant, workflow),
            Delivery::Tell { tenant, message } => self.said(stage, tenant, message),
            Delivery::Hear { tenant, arrived } => self.told_of(stage, tenant, arrived),
            Delivery::Heard { tenant, id, by } => self.heard_by(stage, tenant, *id, *by),
            Delivery::Spread { tenant, sequence, after } => self.spread(stage, tenant, *sequence, *after),
            Delivery::Look { tenant, orchestration } => {
                stage.listening.push((tenant.clone(), *orchestration));
                Ok(())
            }
            Delivery::Claim { tenant, claim } => self.claim(stage, tenant, claim),
            Delivery::Inquire { tenant, holder, fingerprint, claim } => self.inquired(stage, tenant, *holder, *fingerprint, claim),
            Delivery::Command { tenant, orchestration, command, .. } if gather::is_timer(command) => {
                self.batch_due(stage, tenant, *orchestration)
            }
            Delivery::Follow { tenant, ring } => self.follow(stage, tenant, ring),
            Delivery::Command { tenant, orchestration, command, .. } if let Some(waited_us) = ring::is_timer(command) => {
                self.round_due(stage, tenant, *orchestration, waited_us)
            }
            Delivery::Command { tenant, orchestration, command, cause } => {
                let head = self.command(stage, tenant, *orchestration, command, cause.clone())?;
                stage.replies.push(Reply { ticket, told: Told::Committed(head) });
                Ok(())
            }
            Delivery::Control { tenant, expected, json, facts, who } => {
                let cause = Cause { who: Some(who.clone()), ..Cause::default() };
                let head = stage.append(self.place(tenant, &Stream::Control), *expected, cause, (*facts, json.as_slice()));
                stage.replies.push(Reply { ticket, told: Told::Committed(head) });
                Ok(())
            }
        }
    }

    /// A timer that came before its time (a clock went back) is set again: it must not be lost.
    fn keep_timer(&self, stage: &mut stage::Stage, delivery: &Delivery) {
        let Delivery::Command { tenant, orchestration, command, .. } = delivery else { return };
        let Command::Timer { id } = &**command else { return };
        let loaded = self.loaded.get(&(tenant.clone(), *orchestration));
        if let Some(timer) = loaded.and_then(|loaded| loaded.state.timers.get(id)) {
            let (tenant, orchestration, id, due_us) = (tenant.clone(), *orchestration, id.clone(), timer.due_us);
            stage.releases.push(Release::Timer { tenant, orchestration, id, due_us });
        }
    }

    /// Who writes a row of `stream`, and when.
    fn place<'p>(&self, tenant: &'p TenantId, stream: &'p Stream) -> stage::At<'p> {
        let clock_us = (self.clock_us != self.now_us).then_some(self.clock_us);
        stage::At { tenant, stream, epoch: self.epoch, now_us: self.now_us, clock_us }
    }

    fn commit(&mut self, mut stage: stage::Stage, deliveries: Vec<(Ticket, Delivery)>) -> Outputs {
        if stage.entries.is_empty() {
            return stage.done(0);
        }
        let batch = Batch { epoch: self.epoch, entries: std::mem::take(&mut stage.entries) };
        let began = Instant::now();
        match self.store.commit(&batch) {
            Ok(_) => {
                let commit_took = began.elapsed();
                self.snapshots(&stage.grown);
                self.heard_committed(&stage.routed);
                for ended in &stage.ended {
                    self.loaded.remove(ended);
                }
                Outputs { commit_took, ..stage.done(batch.entries.len()) }
            }
            Err(_) if provost_model::planted::planted("acknowledged-before-commit") => stage.done(batch.entries.len()),
            Err(error) => {
                // What memory knows beyond the disk is gone: fold again.
                (self.lines, self.listeners, self.gathering) = (None, None, None);
                self.heard.clear();
                if !provost_model::planted::planted("memory-kept-after-failure") {
                    self.loaded.clear();
                }
                self.doubt(stage, &batch, deliveries, error)
            }
        }
    }

    /// What memory knows beyond the disk is gone.
    fn forget_all(&mut self) {
        self.loaded.clear();
        self.heard.clear();
        (self.lines, self.listeners, self.gathering) = (None, None, None);
    }

    /// Takes back what a delivery staged before it failed: it happens whole or not at all.
    fn rewind(&mut self, stage: &mut stage::Stage, mark: stage::Mark) {
        (self.lines, self.listeners) = (None, None);
        let gathered = stage.gathered_since(mark);
        self.gathered_rewound(gathered);
        for (key, before) in stage.rewind(mark) {
            match before {
                Some(before) => drop(self.loaded.insert(key, before)),
                None => drop(self.loaded.remove(&key)),
            }
        }
        self.heard_rewound(stage);
    }

    /// Keeps memory bounded: what was idle for longest leaves first.
    fn evict(&mut self) {
        if self.loaded.len() <= LOADED_MAX {
            return;
        }
        let mut ages: Vec<u64> = self.loaded.values().map(|loaded| loaded.used).collect();
        let middle = ages.len() / 2;
        let (_, oldest_kept, _) = ages.select_nth_unstable(middle);
        let oldest_kept = *oldest_kept;
        let tick = self.tick;
        self.loaded.retain(|_, loaded| loaded.used > oldest_kept || loaded.used == tick);
    }
}

/// The partition that owns `slot` of `partitions`.
pub fn partition_of(slot: Slot, partitions: u32) -> u32 {
    let slots = u32::from(provost_model::limits::SLOTS);
    (u32::from(slot.0) * partitions.max(1)) / slots
}

/// The outcome of an attempt whose worker is gone: a failed attempt, or one that nobody knows about.
pub fn lost(class: provost_model::program::EffectClass, why: &str) -> Attempted {
    use provost_model::program::EffectClass;
    let problem =
        provost_model::Problem::ours("attempt-lost", 504, why).detail("the worker is gone, or slower than its lease without extending it");
    match class {
        EffectClass::E0 => Attempted::Failed { problem, retry: true, retry_after_ms: None },
        EffectClass::E1 | EffectClass::E2 | EffectClass::E3 | EffectClass::E4 => Attempted::Unknown { problem },
    }
}
