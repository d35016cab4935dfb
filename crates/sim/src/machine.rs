//! A machine: a disk that survives, and what a process around it keeps in memory and loses when it dies.
//!
//! What must stay true: it treats the partition as the shell does: a commit first, then replies and releases; open work is read back
//! after a start; an I/O error at a commit ends the process, because nobody knows what is on disk.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};

use provost_model::Problem;
use provost_model::Slot;
use provost_model::record::{Attempted, Cause, Command, Outcome};
use provost_runtime::{Delivery, Dispatcher, Offer, Outbox, Partition, Registry, Release, Ticket, Timers, Told};
use provost_store::memory::Memory;
use provost_store::{Fault, FaultyStore, Op, Store as _};

/// The queue that every worker serves.
pub const QUEUE: &str = "work";

/// A planned store.
pub type Disk = FaultyStore<Memory, Box<dyn FnMut(&Op<'_>) -> Fault + Send>>;

/// What happens to the next commit and the next snapshot.
#[derive(Debug, Default)]
pub struct Planned {
    /// The next commit.
    pub commit: Fault,
    /// The next snapshot.
    pub snapshot: Fault,
    /// Snapshots written since the machine started.
    pub snapshots: u64,
}

/// What lives in memory.
pub struct Up {
    /// The partition.
    pub partition: Partition<Disk>,
    /// The dispatcher.
    pub dispatcher: Dispatcher,
    /// The timers.
    pub timers: Timers,
    /// Deliveries that wait for the next batch.
    pub pending: VecDeque<(Ticket, Delivery)>,
    /// Pieces of work that wait until `sent` is on disk.
    pub sending: BTreeMap<Ticket, usize>,
    /// What was sent to other partitions and is not answered.
    pub outbox: Outbox,
    /// What leaves for other partitions.
    pub forwards: Vec<(Slot, Delivery)>,
}

/// A machine.
pub struct Machine {
    /// The disk, for looking at it.
    pub disk: Memory,
    /// What happens next.
    pub planned: Arc<Mutex<Planned>>,
    /// The process; `None` while it is down.
    pub up: Option<Up>,
    /// How far its clock is off, in microseconds.
    pub off_us: i64,
    /// Whether a batch is on its way.
    pub busy: bool,
}

/// What a batch came to, for the world.
pub enum Turned {
    /// Nothing to do.
    Idle,
    /// Answers that leave.
    Told(Vec<(Ticket, Told)>),
    /// The disk refused; it is tried again.
    Refused,
    /// The machine died.
    Died,
}

impl Machine {
    /// A machine with an empty disk, down.
    pub fn new() -> Self {
        Self { disk: Memory::new(), planned: Arc::default(), up: None, off_us: 0, busy: false }
    }

    /// Plans what happens next.
    pub fn plan(&self, change: impl FnOnce(&mut Planned)) {
        change(&mut self.planned.lock().unwrap_or_else(PoisonError::into_inner));
    }

    /// Starts the process: claims the epoch, reads the open work back. `false` when that failed.
    pub fn start(&mut self, registry: &Registry, (index, machines): (u32, u32)) -> bool {
        self.plan(|planned| *planned = Planned::default());
        let planned = Arc::clone(&self.planned);
        let plan = move |op: &Op<'_>| {
            let mut planned = planned.lock().unwrap_or_else(PoisonError::into_inner);
            match op {
                Op::Commit(_) => std::mem::take(&mut planned.commit),
                Op::Write("write_snapshot") => {
                    planned.snapshots += 1;
                    std::mem::take(&mut planned.snapshot)
                }
                Op::Read(_) | Op::Write(_) => Fault::None,
            }
        };
        let store = FaultyStore::new(self.disk.reopen(), Box::new(plan) as Box<dyn FnMut(&Op<'_>) -> Fault + Send>);
        let Ok(partition) = Partition::open(store, registry.clone(), [7; 32]) else { return false };
        let partition_epoch = partition.epoch();
        let (partition, dispatcher) = (partition.at(index, machines), Dispatcher::new(partition_epoch));
        let mut up = Up {
            partition,
            dispatcher,
            timers: Timers::default(),
            pending: VecDeque::new(),
            sending: BTreeMap::new(),
            outbox: Outbox::default(),
            forwards: Vec::new(),
        };
        let mut after = None;
        loop {
            let Ok(rows) = up.partition.store().open_work(after.clone(), 16) else { return false };
            let Some(last) = rows.last() else { break };
            after = Some((last.tenant.clone(), last.orchestration));
            for row in &rows {
                let Ok(releases) = up.partition.resume(row) else { return false };
                releases.into_iter().for_each(|release| up.leave(release, 0));
            }
        }
        self.up = Some(up);
        self.busy = false;
        true
    }

    /// Takes due timers and ended leases into the next batch.
    pub fn tick(&mut self, clock_us: i64) {
        let Some(up) = &mut self.up else { return };
        for (_, tenant, orchestration, id) in up.timers.due(clock_us, 64) {
            let cause = Cause { timer: Some(id.clone()), ..Cause::default() };
            up.pending.push_back((0, Delivery::Command { tenant, orchestration, command: Box::new(Command::Timer { id }), cause }));
        }
        for (slot, delivery) in up.outbox.due(clock_us, 64) {
            up.leave(Release::Forward(slot, Box::new(delivery)), clock_us);
        }
        for held in up.dispatcher.expired(clock_us) {
            let result = provost_runtime::lost(held.offer.class, "the lease ended");
            up.pending.push_back((0, outcome_of(&held.offer, result, &held.worker)));
        }
    }

    /// Decides and commits a batch.
    pub fn turn(&mut self, batch_max: usize, clock_us: i64, dies_after: bool) -> Turned {
        let Some(up) = &mut self.up else { return Turned::Idle };
        let many = up.pending.len().min(batch_max);
        let batch: Vec<(Ticket, Delivery)> = up.pending.drain(..many).collect();
        if batch.is_empty() && !up.partition.is_unsettled() {
            return Turned::Idle;
        }
        batch.iter().for_each(|(_, delivery)| up.outbox.heard(delivery));
        let outputs = up.partition.on(batch, clock_us);
        if up.partition.store().is_dead() || dies_after {
            return Turned::Died;
        }
        if let Some((deliveries, error)) = outputs.failed {
            if !error.retry() {
                return Turned::Died;
            }
            deliveries.into_iter().rev().for_each(|delivery| up.pending.push_front(delivery));
            return Turned::Refused;
        }
        outputs.releases.into_iter().for_each(|release| up.leave(release, clock_us));
        Turned::Told(outputs.replies.into_iter().map(|reply| (reply.ticket, reply.told)).collect())
    }
}

impl Default for Machine {
    fn default() -> Self {
        Self::new()
    }
}

impl Up {
    fn leave(&mut self, release: Release, clock_us: i64) {
        match release {
            Release::Offer(offer) => drop(self.dispatcher.offer(&QUEUE.into(), *offer)),
            Release::Withdraw { effect, .. } => {
                if let Some(offer) = self.dispatcher.withdraw(&effect) {
                    let problem = Problem::ours("withdrawn", 409, "it was taken back before it was sent");
                    let result = Attempted::Failed { problem, retry: false, retry_after_ms: None };
                    self.pending.push_back((0, outcome_of(&offer, result, "provost")));
                }
            }
            Release::Timer { tenant, orchestration, id, due_us } => self.timers.set(due_us, tenant, orchestration, id),
            Release::Forward(slot, delivery) => {
                self.outbox.sent(slot, &delivery, clock_us);
                self.forwards.push((slot, *delivery));
            }
            Release::Again(delivery) => self.pending.push_back((0, *delivery)),
            Release::Announce(_) => {}
        }
    }
}

/// An outcome as a delivery.
pub fn outcome_of(offer: &Offer, result: Attempted, worker: &str) -> Delivery {
    let outcome = Outcome { effect: offer.effect, attempt: offer.attempt, result, worker: worker.into(), took_ms: 0 };
    let cause = Cause { effect: Some(offer.effect), ..Cause::default() };
    let command = Box::new(Command::Outcome(outcome));
    Delivery::Command { tenant: offer.tenant.clone(), orchestration: offer.orchestration, command, cause }
}
