//! The shell of a partition: a clock, a mailbox and timers around the machine; [`crate::seat`] says which thread drives it.
//!
//! Batches what is there, commits once, then lets things leave. Work of the queue `builtin` that is answered at once goes straight into
//! the next batch; everything else goes to the hands or to the dispatcher.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, TrySendError};
use provost_model::program::EffectClass;
use provost_model::record::{Attempted, Cause, Command, Outcome};
use provost_model::{OrchestrationId, Problem, Slot, TenantId};
use provost_store::{Needs, OpenWork, Sqlite, Store as _};
use tokio::sync::oneshot;

use crate::dispatch::{Offer, OfferKind};
use crate::hands::BUILTIN;
use crate::observer::Watch;
use crate::outbox::Outbox;
use crate::partition::{Delivery, Outputs, Partition, Release, Ticket, Told};
use crate::plane::Shared;
use crate::results::{Recordable, not_kept, recordable};
use crate::retention::Retention;
use crate::tally::Levels;
use crate::ticks::Ticks;
use crate::timers::Timers;

/// Most deliveries of one batch.
const BATCH_MAX: usize = 128;
/// Longest sleep without work, in milliseconds.
const IDLE_MS_MAX: u64 = 50;
/// How long to wait after a failed commit, in milliseconds.
const PAUSE_MS: u64 = 200;
/// How often lists are projected while there is work, in milliseconds.
const LISTS_MS: u128 = 20;
/// Open work read at once when starting.
const RESUME_ROWS: usize = 1024;

/// A question answered between two batches.
pub(crate) type Question = Box<dyn FnOnce(&mut Partition<Sqlite>) + Send>;

/// Something in the mailbox.
#[expect(clippy::large_enum_variant, reason = "a message is moved twice; boxing it would cost an allocation for each delivery")]
pub(crate) enum Message {
    /// A delivery, and who waits for the answer.
    Deliver(Delivery, Option<oneshot::Sender<Told>>),
    /// A question answered between batches.
    Read(Question),
    /// Something is left over that only the thread can do.
    Wake,
    /// Finish what is there and stop.
    Stop,
}

/// A partition with all that stands around it.
pub(crate) struct Shell {
    partition: Partition<Sqlite>,
    mailbox: Receiver<Message>,
    shared: Arc<Shared>,
    index: u32,
    local: VecDeque<(Ticket, Delivery)>,
    waiting: BTreeMap<Ticket, oneshot::Sender<Told>>,
    sending: BTreeMap<Ticket, Offer>,
    outbox: Outbox,
    outbound: VecDeque<(u32, Message)>,
    timers: Timers,
    ticks: Ticks,
    next_ticket: Ticket,
    projected: Instant,
    /// When the lists were last brought up to the journals.
    listed: Instant,
    watch: Watch,
    lists_whole: bool,
    retention: Retention,
    /// When the thread wakes by itself, in microseconds UTC.
    wakes_us: i64,
    stopping: bool,
}

impl Shell {
    /// Around `partition`, with its mailbox.
    pub fn new(partition: Partition<Sqlite>, mailbox: Receiver<Message>, shared: Arc<Shared>, index: u32) -> Self {
        let (local, waiting, sending) = (VecDeque::new(), BTreeMap::new(), BTreeMap::new());
        let timers = Timers::default();
        let projected = Instant::now();
        let watch = Watch::new(shared.observer.clone(), index);
        let retention = Retention::new(shared.retention, shared.registry.clone());
        Self {
            partition,
            mailbox,
            shared,
            index,
            local,
            waiting,
            sending,
            outbox: Outbox::default(),
            outbound: VecDeque::new(),
            timers,
            ticks: Ticks::default(),
            next_ticket: 1,
            projected,
            listed: projected,
            watch,
            lists_whole: false,
            retention,
            wakes_us: 0,
            stopping: false,
        }
    }

    /// Before the first message: resumes open work.
    pub fn begin(&mut self) {
        self.project(true);
        if !self.shared.hands.rest() {
            self.resume();
        }
    }

    /// One batch: what is there, committed once; then what may leave leaves.
    pub fn turn(&mut self, first: Option<Message>) {
        let batch = self.gather(first);
        if !batch.is_empty() || self.partition.is_unsettled() {
            if !self.outbox.is_empty() {
                batch.iter().for_each(|(_, delivery)| self.outbox.heard(delivery));
            }
            let began = Instant::now();
            let mut outputs = self.partition.on(batch, now_us());
            self.watch.committed(&mut outputs, began.elapsed(), now_us());
            self.handle(outputs);
        }
        self.send_outbound();
    }

    /// A batch and the upkeep between batches; how long there is nothing to do then, `None` at the end.
    pub fn round(&mut self, first: Option<Message>) -> Option<Duration> {
        self.turn(first);
        self.project(self.stopping);
        if self.stopping {
            return None;
        }
        self.retain();
        let sleep = if self.local.is_empty() { self.sleep() } else { Duration::ZERO };
        self.wakes_us = now_us().saturating_add(i64::try_from(sleep.as_micros()).unwrap_or(i64::MAX));
        Some(sleep)
    }

    /// Whether something is left that cannot wait until the thread wakes by itself.
    pub fn needs_its_thread(&self) -> bool {
        let sooner = self.timers.next_us().is_some_and(|due_us| due_us < self.wakes_us);
        sooner || self.stopping || !self.local.is_empty() || !self.outbound.is_empty() || self.partition.is_unsettled()
    }

    /// Old work leaves; not before the lists are whole, which say what is old.
    fn retain(&mut self) {
        if !self.lists_whole {
            return;
        }
        match self.retention.on(&mut self.partition, now_us()) {
            Ok(passed) if passed.retired > 0 => {
                tracing::debug!(partition = self.index, "{} old orchestrations left, {} rows with them", passed.retired, passed.rows);
            }
            Ok(_) => {}
            Err(refused) => tracing::warn!(code = refused.code(), partition = self.index, "retention could not go on: {refused}"),
        }
    }

    /// Reads the open work back: timers, offers, lost attempts.
    pub fn resume(&mut self) {
        let mut after = None;
        loop {
            let rows = match self.partition.store().open_work(after.clone(), RESUME_ROWS) {
                Ok(rows) => rows,
                Err(error) => return tracing::error!(code = error.code(), "open work could not be read"),
            };
            let Some(last) = rows.last() else { break };
            after = Some((last.tenant.clone(), last.orchestration));
            for row in &rows {
                self.watch.found(levels_of(row));
                match self.partition.resume(row) {
                    Ok(releases) => releases.into_iter().for_each(|release| self.leave(release)),
                    Err(refused) => tracing::error!(code = refused.code(), orchestration_id = %row.orchestration, "open work not resumed"),
                }
            }
        }
        self.partition.resumed().into_iter().for_each(|release| self.leave(release));
    }

    fn ticket(&mut self) -> Ticket {
        self.next_ticket += 1;
        self.next_ticket
    }

    /// What there is to do: local work, mail, timers.
    fn gather(&mut self, first: Option<Message>) -> Vec<(Ticket, Delivery)> {
        let mut batch: Vec<(Ticket, Delivery)> = Vec::new();
        let local = self.local.len().min(BATCH_MAX);
        batch.extend(self.local.drain(..local));
        if let Some(message) = first {
            self.receive(message, &mut batch);
        }
        while batch.len() < BATCH_MAX {
            let Ok(message) = self.mailbox.try_recv() else { break };
            self.receive(message, &mut batch);
        }
        if self.shared.hands.rest() {
            return batch;
        }
        for (_, tenant, orchestration, id) in self.timers.due(now_us(), BATCH_MAX) {
            let cause = Cause { timer: Some(id.clone()), ..Cause::default() };
            let command = Box::new(Command::Timer { id });
            batch.push((0, Delivery::Command { tenant, orchestration, command, cause }));
        }
        let due = self.ticks.due(&self.shared.registry, |slot| self.partition.owns(slot), now_us());
        batch.extend(due.into_iter().map(|delivery| (0, delivery)));
        batch
    }

    fn sleep(&self) -> Duration {
        let idle = Duration::from_millis(IDLE_MS_MAX);
        let until = self.timers.next_us().map(|due_us| Duration::from_micros(u64::try_from(due_us - now_us()).unwrap_or(0)));
        until.map_or(idle, |until| until.min(idle))
    }

    fn receive(&mut self, message: Message, batch: &mut Vec<(Ticket, Delivery)>) {
        match message {
            Message::Deliver(delivery, None) => batch.push((0, delivery)),
            Message::Deliver(delivery, Some(answer)) => {
                let ticket = self.ticket();
                self.waiting.insert(ticket, answer);
                batch.push((ticket, delivery));
            }
            Message::Read(question) => question(&mut self.partition),
            Message::Wake => {}
            Message::Stop => self.stopping = true,
        }
    }

    /// What a call of the partition came to. A batch of before may have been settled by a call that failed itself: what that one says
    /// leaves all the same, unless another writer took over, who reads it from the disk.
    fn handle(&mut self, mut outputs: Outputs) {
        let failed = outputs.failed.take();
        if failed.as_ref().is_none_or(|(_, error)| error.retry()) {
            self.tell(outputs);
        }
        if let Some((deliveries, error)) = failed {
            self.pause(deliveries, &error);
        }
    }

    fn tell(&mut self, outputs: Outputs) {
        self.shared.followers.tell(&outputs.heads);
        for reply in outputs.replies {
            if let Some(offer) = self.sending.remove(&reply.ticket) {
                if matches!(reply.told, Told::Committed(_)) {
                    self.carry_out(offer);
                }
            } else if let Some(answer) = self.waiting.remove(&reply.ticket) {
                let _nobody_waits_any_more = answer.send(reply.told);
            } else if let Told::Refused(refused) = &reply.told
                && !matches!(refused, crate::gate::Refused::Rejected(_))
            {
                tracing::warn!(code = refused.code(), partition = self.index, "inner work was refused: {refused}");
            }
        }
        for release in outputs.releases {
            self.leave(release);
        }
    }

    /// A commit failed: callers are told, inner work is tried again after a pause, in its old order.
    fn pause(&mut self, deliveries: Vec<(Ticket, Delivery)>, error: &provost_store::StoreError) {
        tracing::error!(code = error.code(), partition = self.index, "a commit failed: {error}");
        for (ticket, delivery) in deliveries.into_iter().rev() {
            match self.waiting.remove(&ticket) {
                Some(answer) => {
                    let _nobody_waits_any_more = answer.send(Told::Refused(error.clone().into()));
                }
                None => self.local.push_front((ticket, delivery)),
            }
        }
        if error.retry() {
            std::thread::sleep(Duration::from_millis(PAUSE_MS));
        } else {
            // Another writer took over, or the file is damaged: going on could only make it worse.
            self.stopping = true;
            self.shared.fail(error);
        }
    }

    fn leave(&mut self, release: Release) {
        match release {
            Release::Offer(offer) => self.offer(*offer),
            Release::Withdraw { effect, .. } => {
                if let Some(offer) = self.shared.withdraw(&effect) {
                    let problem = Problem::ours("withdrawn", 409, "it was taken back before it was sent");
                    self.outcome(&offer, Attempted::Failed { problem, retry: false, retry_after_ms: None }, "provost", 0);
                }
            }
            Release::Timer { tenant, orchestration, id, due_us } => self.timers.set(due_us, tenant, orchestration, id),
            Release::Tick { tenant, workflow, due_us } => self.ticks.look_at(&tenant, &workflow, due_us),
            Release::Again(delivery) => self.local.push_back((0, *delivery)),
            Release::Forward(slot, delivery) => self.forward(slot, *delivery),
            Release::Announce(view) => self.shared.announce(*view),
        }
    }

    /// Brings a delivery to the partition that owns `slot`. A full mailbox is tried again: waiting here for each other would be for ever.
    fn forward(&mut self, slot: Slot, delivery: Delivery) {
        self.outbox.sent(slot, &delivery, now_us());
        match self.shared.partition_of(slot) {
            own if own == self.index => self.local.push_back((0, delivery)),
            other => self.outbound.push_back((other, Message::Deliver(delivery, None))),
        }
    }

    fn send_outbound(&mut self) {
        if !self.outbox.is_empty() {
            self.outbox.due(now_us(), BATCH_MAX).into_iter().for_each(|(slot, delivery)| self.forward(slot, delivery));
        }
        for _ in 0..self.outbound.len() {
            let Some((index, message)) = self.outbound.pop_front() else { return };
            let Some(mailbox) = self.shared.mailbox(index) else { continue };
            // A partition that is gone takes nothing; what was for it is open work here, and is sent again at the next start.
            if let Err(TrySendError::Full(message)) = mailbox.try_send(message) {
                self.outbound.push_back((index, message));
            }
        }
    }

    /// Brings work to whoever serves its queue. The Guard is asked once more: it may have changed since policy said yes.
    fn offer(&mut self, offer: Offer) {
        let world = self.shared.registry.tenant(&offer.tenant);
        let Some(code) = self.shared.registry.program(&offer.tenant, &offer.pin, &offer.workflow) else {
            return tracing::error!(orchestration_id = %offer.orchestration, "the bundle of open work is not loaded");
        };
        if let Some(problem) = crate::door::stopped(&world, &offer, &code) {
            return self.outcome(&offer, Attempted::Failed { problem, retry: false, retry_after_ms: None }, "provost", 0);
        }
        let queue = crate::door::queue_of(&offer, &code);
        if &*queue != BUILTIN {
            if !self.shared.dispatch(&queue, offer) {
                tracing::warn!(queue = &*queue, "a worker queue is full; its work waits in the journal");
            }
            return;
        }
        if offer.class == EffectClass::E4 && offer.kind != OfferKind::LookUp {
            return self.send_first(offer);
        }
        // What goes into a blob waits for the disk, and the partition must not.
        match self.shared.hands.at_once(&offer, &code).filter(|_| offer.keeping.is_record()) {
            Some(result) => self.outcome(&offer, result.within(code.program.limits.value_bytes), BUILTIN, 0),
            None => self.carry_out(offer),
        }
    }

    /// Class E4: `sent` is on disk before the first byte leaves.
    fn send_first(&mut self, offer: Offer) {
        let ticket = self.ticket();
        let command = Box::new(Command::Sending { effect: offer.effect, attempt: offer.attempt });
        let cause = Cause { effect: Some(offer.effect), ..Cause::default() };
        let delivery = Delivery::Command { tenant: offer.tenant.clone(), orchestration: offer.orchestration, command, cause };
        self.sending.insert(ticket, offer);
        self.local.push_back((ticket, delivery));
    }

    fn carry_out(&mut self, offer: Offer) {
        let Some(code) = self.shared.registry.program(&offer.tenant, &offer.pin, &offer.workflow) else { return };
        let binding = self.shared.registry.tenant(&offer.tenant).binding.clone();
        let mailbox = self.shared.mailbox(self.index);
        let (reported, by, shared) = (offer.clone(), code.clone(), self.shared.clone());
        let done = Box::new(move |result: Attempted, took_ms: i64| {
            let waits = !reported.keeping.is_record();
            let settle = move || {
                let kept = recordable(&shared.blobs, &reported, Some(&by), result).unwrap_or_else(|error| not_kept(&error).into());
                let delivery = outcome_of(&reported, kept, BUILTIN, took_ms);
                let _stopping = mailbox.map(|mailbox| mailbox.send(Message::Deliver(delivery, None)));
            };
            match tokio::runtime::Handle::try_current() {
                Ok(runtime) if waits => drop(runtime.spawn_blocking(settle)),
                Ok(_) | Err(_) => settle(),
            }
        });
        self.shared.hands.carry_out(offer, code, binding, done);
    }

    fn outcome(&mut self, offer: &Offer, result: Attempted, worker: &str, took_ms: i64) {
        self.local.push_back((0, outcome_of(offer, result, worker, took_ms)));
    }

    /// Lists follow the commits from time to time; what a crash lost of them comes first.
    fn project(&mut self, now: bool) {
        if !now && self.projected.elapsed().as_millis() < LISTS_MS {
            return;
        }
        let queued = self.mailbox.len() + self.local.len();
        self.watch.stands(queued, self.timers.len(), self.listed.elapsed(), self.shared.registry.admissions().open_breakers());
        self.projected = Instant::now();
        match self.partition.project() {
            Ok(()) => {
                self.lists_whole = true;
                self.listed = Instant::now();
            }
            Err(refused) => {
                self.lists_whole = false;
                tracing::warn!(code = refused.code(), partition = self.index, "lists could not be projected: {refused}");
            }
        }
    }
}

/// How much open work a row of it is. A start that was handed on is none of this partition's, and an event on its way is none at all.
fn levels_of(row: &OpenWork) -> Levels {
    if crate::partition::is_on_its_way(row) || crate::partition::is_gathered(row) {
        return Levels::default();
    }
    let Ok(work) = serde_json::from_slice::<provost_engine::OpenWork>(&row.work) else { return Levels::default() };
    let count = |n: usize| i64::try_from(n).unwrap_or(i64::MAX);
    let parked = row.needs.meets(Needs::PARKED) || row.needs.meets(Needs::CONFLICT);
    Levels {
        open: i64::from(!work.over),
        parked: i64::from(parked),
        in_doubt: count(work.in_doubt.len()),
        reviews: count(work.reviews.len()),
    }
}

/// An outcome as a delivery.
pub(crate) fn outcome_of(offer: &Offer, outcome: impl Into<Recordable>, worker: &str, took_ms: i64) -> Delivery {
    let Recordable { result, stored } = outcome.into();
    let outcome = Outcome { effect: offer.effect, attempt: offer.attempt, result, worker: worker.into(), took_ms, stored };
    // The command itself names the effect; the column stays empty to keep rows small.
    let cause = Cause::default();
    let (tenant, orchestration): (TenantId, OrchestrationId) = (offer.tenant.clone(), offer.orchestration);
    Delivery::Command { tenant, orchestration, command: Box::new(Command::Outcome(outcome)), cause }
}

/// The clock, in microseconds UTC.
pub fn now_us() -> i64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_micros()).unwrap_or(i64::MAX)
}
