//! A machine: a disk that survives, and what a process around it keeps in memory and loses when it dies.
//!
//! What must stay true: it treats the partition as the shell does: a commit first, then replies and releases; open work is read back
//! after a start; after a failed commit whoever waits is refused, inner work comes again in its order, and a batch of which nobody knows
//! whether it is on disk is settled by asking the disk, as often as that takes.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};

use provost_model::Problem;
use provost_model::Slot;
use provost_model::record::{Attempted, Cause, Command, Outcome};
use provost_runtime::{Delivery, Dispatcher, Offer, Outbox, Partition, Registry, Release, Ticket, Ticks, Timers, Told, rebuild};
use provost_store::memory::Memory;
use provost_store::{Fault, FaultyStore, Op, Store as _, Upkeep as _, verify_all};

use crate::strike::Strike;

/// The queue that every worker serves.
pub const QUEUE: &str = "work";

/// What keys the marks of subjects in columns.
pub const SALT: [u8; 32] = [7; 32];

/// A planned store.
pub type Disk = FaultyStore<Memory, Box<dyn FnMut(&Op<'_>) -> Fault + Send>>;

/// What happens to the next commit, the next snapshot and the next reads.
#[derive(Debug, Default)]
pub struct Planned {
    /// The next commit.
    pub commit: Fault,
    /// The next snapshot.
    pub snapshot: Fault,
    /// Snapshots written since the machine started.
    pub snapshots: u64,
    /// How many of the next reads fail.
    pub unreadable: u64,
    /// Whether every read fails; the process's end does not change that.
    pub dark: bool,
    /// The next write of lists.
    pub lists: Fault,
    /// Writes of lists since that was planned.
    pub lists_written: u64,
    /// A commit failed and is on disk all the same.
    half_known: bool,
    /// How many reads fail behind a commit that fails: nobody can ask what is on disk.
    pub blind: u64,
    /// The commit point that an exhaustive pass strikes; it outlives the process.
    pub strike: Strike,
}

impl Planned {
    fn of_commit(&mut self) -> Fault {
        let fault = match self.strike.next(&mut self.blind) {
            Fault::None => std::mem::take(&mut self.commit),
            struck => struck,
        };
        if matches!(fault, Fault::FailBefore | Fault::FailAfter) {
            self.unreadable = std::mem::take(&mut self.blind);
        }
        self.half_known |= fault == Fault::FailAfter;
        fault
    }

    fn of_read(&mut self) -> Fault {
        let fails = self.dark || self.unreadable > 0;
        self.unreadable = self.unreadable.saturating_sub(1);
        if fails { Fault::FailBefore } else { Fault::None }
    }
}

/// What lives in memory.
pub struct Up {
    /// The partition.
    pub partition: Partition<Disk>,
    /// The dispatcher.
    pub dispatcher: Dispatcher,
    /// The timers.
    pub timers: Timers,
    /// The schedules.
    pub ticks: Ticks,
    registry: Registry,
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
    /// Answers that leave; and whether the disk refused something, which is tried again.
    Told(Vec<(Ticket, Told)>, bool),
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
        self.plan(|planned| *planned = Planned { strike: std::mem::take(&mut planned.strike), dark: planned.dark, ..Planned::default() });
        let planned = Arc::clone(&self.planned);
        let plan = move |op: &Op<'_>| {
            let mut planned = planned.lock().unwrap_or_else(PoisonError::into_inner);
            match op {
                Op::Commit(_) => planned.of_commit(),
                Op::Write("write_snapshot") => {
                    planned.snapshots += 1;
                    std::mem::take(&mut planned.snapshot)
                }
                Op::Write("flush_lists" | "derive") => {
                    planned.lists_written += 1;
                    std::mem::take(&mut planned.lists)
                }
                Op::Read(_) => planned.of_read(),
                Op::Write(_) => Fault::None,
            }
        };
        let store = FaultyStore::new(self.disk.reopen(), Box::new(plan) as Box<dyn FnMut(&Op<'_>) -> Fault + Send>);
        let Ok(partition) = Partition::open(store, registry.clone(), SALT) else { return false };
        let partition_epoch = partition.epoch();
        let (partition, dispatcher) = (partition.at(index, machines), Dispatcher::new(partition_epoch));
        let mut up = Up {
            partition,
            dispatcher,
            timers: Timers::default(),
            ticks: Ticks::default(),
            registry: registry.clone(),
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
        up.partition.resumed().into_iter().for_each(|release| up.leave(release, 0));
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
        let due = up.ticks.due(&up.registry, |slot| up.partition.owns(slot), clock_us);
        up.pending.extend(due.into_iter().map(|delivery| (0, delivery)));
        for (slot, delivery) in up.outbox.due(clock_us, 64) {
            up.leave(Release::Forward(slot, Box::new(delivery)), clock_us);
        }
        for held in up.dispatcher.expired(clock_us) {
            let result = provost_runtime::lost(held.offer.class, "the lease ended");
            up.pending.push_back((0, outcome_of(&held.offer, result, &held.by.worker)));
        }
    }

    /// Whether nothing can be read from the disk.
    pub fn is_dark(&self) -> bool {
        self.planned.lock().unwrap_or_else(PoisonError::into_inner).dark
    }

    /// Derives everything but the journals again, which is broken off once after `breaks_off` writes; what a restart finds must be the same.
    ///
    /// # Errors
    /// What is not as it was, or why it cannot be done.
    pub fn rebuild(&self, now_us: i64, breaks_off: u64) -> Result<(), String> {
        let mut store = self.disk.reopen();
        let told = |error: provost_store::StoreError| error.to_string();
        let chains = verify_all(&mut store).map_err(told)?;
        let before = store.open_work(None, usize::MAX).map_err(told)?;
        let mut left = breaks_off;
        let dies = move |op: &Op<'_>| {
            let now = matches!(op, Op::Write("derive")) && left == 0;
            left = left.saturating_sub(1);
            if now { Fault::CrashBefore } else { Fault::None }
        };
        let mut dying = FaultyStore::new(self.disk.reopen(), dies);
        dying.claim().map_err(told)?;
        let _broken_off = rebuild::partition(&mut dying, &chains, &SALT, now_us, &mut |_| {});
        store.claim().map_err(told)?;
        rebuild::partition(&mut store, &chains, &SALT, now_us, &mut |_| {}).map_err(|error| error.to_string())?;
        let after = store.open_work(None, usize::MAX).map_err(told)?;
        if before == after { Ok(()) } else { Err("the open work of a rebuild is not what the commits wrote".to_owned()) }
    }

    /// Projects the lists; `false` when the process died in the middle of that.
    pub fn project(&mut self) -> bool {
        let Some(up) = &mut self.up else { return true };
        // A failure costs lag: the next call goes on.
        let _lags = up.partition.project();
        !up.partition.store().is_dead()
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
        let (struck, half_known) = {
            let mut planned = self.planned.lock().unwrap_or_else(PoisonError::into_inner);
            (planned.strike.is_answered(), std::mem::take(&mut planned.half_known))
        };
        if up.partition.store().is_dead() || dies_after || struck {
            return Turned::Died;
        }
        if half_known {
            up.partition.store().inner().lose_lists();
        }
        if outputs.failed.as_ref().is_some_and(|(_, error)| !error.retry()) {
            return Turned::Died;
        }
        outputs.releases.into_iter().for_each(|release| up.leave(release, clock_us));
        let refused = outputs.failed.is_some();
        up.again(outputs.failed.map(|(deliveries, _)| deliveries).unwrap_or_default());
        Turned::Told(outputs.replies.into_iter().map(|reply| (reply.ticket, reply.told)).collect(), refused)
    }
}

impl Default for Machine {
    fn default() -> Self {
        Self::new()
    }
}

impl Up {
    /// What the shell does after a failed commit: whoever waits is refused and comes again, inner work keeps its order.
    fn again(&mut self, deliveries: Vec<(Ticket, Delivery)>) {
        let inner = deliveries.into_iter().filter(|(ticket, _)| *ticket == 0 || self.sending.contains_key(ticket));
        let inner: Vec<_> = inner.collect();
        inner.into_iter().rev().for_each(|delivery| self.pending.push_front(delivery));
    }

    /// A process that was paused while another one took its partition over goes on with what it had: the answers it would give.
    pub fn wake(&mut self, clock_us: i64) -> Vec<(Ticket, Told)> {
        let batch: Vec<_> = self.pending.drain(..).collect();
        let outputs = self.partition.on(batch, clock_us);
        outputs.replies.into_iter().map(|reply| (reply.ticket, reply.told)).collect()
    }

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
            Release::Tick { tenant, workflow, due_us } => self.ticks.look_at(&tenant, &workflow, due_us),
            Release::Announce(_) => {}
        }
    }
}

/// An outcome as a delivery.
pub fn outcome_of(offer: &Offer, result: Attempted, worker: &str) -> Delivery {
    let outcome = Outcome { effect: offer.effect, attempt: offer.attempt, result, worker: worker.into(), took_ms: 0, stored: None };
    let cause = Cause { effect: Some(offer.effect), ..Cause::default() };
    let command = Box::new(Command::Outcome(outcome));
    Delivery::Command { tenant: offer.tenant.clone(), orchestration: offer.orchestration, command, cause }
}
