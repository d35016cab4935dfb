//! The running data plane: its partitions' threads, and the handle through which everything else speaks to them.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use crossbeam_channel::Sender;
use provost_language::expr::THREAD_STACK_BYTES;
use provost_model::record::{Attempted, Cause, Command, Head, Row, Stream};
use provost_model::verdict::Entity;
use provost_model::{Answer, Digest, EffectId, Event, OrchestrationId, PolicyRequest, Problem, Slot, TenantId, Value, Who};
use provost_store::{Blobs, Folder, OpenWork, Query, Sqlite, Store as _, StoreError, Summary};
use provost_telemetry::Correlation;
use provost_telemetry::meters::Exchange;
use tokio::sync::oneshot;

use crate::dispatch::{Claimant, Dispatcher, Leased, Offer, OfferKind};
use crate::door::stopped_now;
use crate::followers::Followers;
use crate::gate::Refused;
use crate::hands::Hands;
use crate::inbox::{self, Accepted};
use crate::observer::Observer;
use crate::partition::{Delivery, Partition, Told, View, lost, partition_of};
use crate::registry::Registry;
use crate::results::recordable;
use crate::retention::RetentionConfig;
use crate::seat::{Seat, Unposted};
use crate::shell::{Message, Shell, now_us, outcome_of};
use crate::start::StartRequest;
use crate::traced::{Arrived, ingested};
use crate::waiting::{Asking, Waiting};

/// How often leases are looked at, in milliseconds.
const LEASE_TICK_MS: u64 = 250;
/// How often, and how far apart in milliseconds, a start that was handed on is looked for.
const ARRIVAL_TRIES: u32 = 200;
const ARRIVAL_MS: u64 = 5;
/// What an overloaded edge asks callers to wait, in milliseconds.
const RETRY_AFTER_MS: u64 = 200;

/// What the partitions' threads share.
pub(crate) struct Shared {
    pub registry: Registry,
    pub observer: Observer,
    /// Who is told when a journal has grown.
    pub followers: Arc<Followers>,
    partitions: u32,
    pub hands: Arc<dyn Hands>,
    /// Where results go that are kept in blobs.
    pub blobs: Blobs,
    /// What is kept for how long.
    pub retention: RetentionConfig,
    dispatcher: Mutex<Dispatcher>,
    seats: Vec<Arc<Seat>>,
    ended: Mutex<BTreeMap<OrchestrationId, Vec<oneshot::Sender<View>>>>,
    failed: Mutex<Option<StoreError>>,
    /// External workers, told when work arrives and when none is handed out any more.
    waiting: Arc<Waiting>,
    /// No work is handed out any more.
    draining: AtomicBool,
}

fn locked<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Shared {
    pub fn withdraw(&self, effect: &EffectId) -> Option<Offer> {
        locked(&self.dispatcher).withdraw(effect)
    }

    pub fn dispatch(&self, queue: &Arc<str>, offer: Offer) -> bool {
        let tenant = offer.tenant.clone();
        let taken = locked(&self.dispatcher).offer(queue, offer);
        self.waiting.arrived(&tenant, queue);
        taken
    }

    /// The partition that owns `slot`.
    pub fn partition_of(&self, slot: Slot) -> u32 {
        partition_of(slot, self.partitions)
    }

    pub fn mailbox(&self, index: u32) -> Option<Sender<Message>> {
        self.seats.get(index as usize).map(|seat| seat.mailbox().clone())
    }

    /// Tells everybody who waits for the end of an orchestration.
    pub fn announce(&self, view: View) {
        let waiting = locked(&self.ended).remove(&view.state.id);
        for answer in waiting.into_iter().flatten() {
            let _nobody_waits_any_more = answer.send(view.clone());
        }
    }

    pub fn fail(&self, error: &StoreError) {
        locked(&self.failed).get_or_insert_with(|| error.clone());
    }
}

/// A handle to the running data plane.
#[derive(Clone)]
pub struct Plane {
    shared: Arc<Shared>,
    partitions: u32,
    salt: [u8; 32],
    stopped: Arc<AtomicBool>,
    threads: Arc<Mutex<Vec<std::thread::JoinHandle<()>>>>,
}

impl Plane {
    /// Opens the partitions of a data folder and resumes all unfinished work. The registry must already know the bundles.
    ///
    /// # Errors
    /// [`StoreError`] when a partition cannot be opened.
    pub fn start(
        partitions: Vec<Partition<Sqlite>>,
        registry: Registry,
        hands: Arc<dyn Hands>,
        observer: Observer,
        retention: RetentionConfig,
        salt: [u8; 32],
        blobs: Blobs,
    ) -> Result<Self, StoreError> {
        let epoch = partitions.iter().map(Partition::epoch).max().unwrap_or(1);
        let count = u32::try_from(partitions.len()).unwrap_or(1);
        let at_work: Arc<AtomicUsize> = Arc::default();
        let (seats, mails): (Vec<_>, Vec<_>) =
            partitions.iter().map(|_| Seat::new(at_work.clone())).map(|(seat, mail)| (Arc::new(seat), mail)).unzip();
        let shared = Arc::new(Shared {
            registry,
            observer: observer.clone(),
            followers: Arc::default(),
            partitions: count,
            hands,
            blobs,
            retention,
            dispatcher: Mutex::new(Dispatcher::new(epoch)),
            seats,
            ended: Mutex::new(BTreeMap::new()),
            failed: Mutex::new(None),
            waiting: Arc::default(),
            draining: AtomicBool::new(false),
        });
        let mut threads = Vec::new();
        for (index, ((partition, mail), seat)) in partitions.into_iter().zip(mails).zip(&shared.seats).enumerate() {
            let partition = partition.traced_by(observer.spans.clone());
            let shell = Shell::new(partition, mail.clone(), shared.clone(), u32::try_from(index).unwrap_or(0));
            let seat = seat.clone();
            let thread = std::thread::Builder::new().name(format!("partition-{index}")).stack_size(THREAD_STACK_BYTES);
            let spawned = thread.spawn(move || seat.run(shell, &mail));
            threads.push(spawned.map_err(|e| StoreError::Io { path: format!("thread partition-{index}"), what: e.to_string() })?);
        }
        let threads = Arc::new(Mutex::new(threads));
        Ok(Self { shared, partitions: count, salt, stopped: Arc::default(), threads })
    }

    /// Opens every partition of a folder.
    ///
    /// # Errors
    /// [`StoreError`] when one cannot be opened.
    pub fn open(folder: &Folder, registry: &Registry, salt: [u8; 32]) -> Result<Vec<Partition<Sqlite>>, StoreError> {
        let count = folder.partitions();
        let open = |index| Ok(Partition::open(folder.partition(index)?, registry.clone(), salt)?.at(index, count));
        (0..count).map(open).collect()
    }

    /// Where metrics and spans go.
    pub fn observer(&self) -> &Observer {
        &self.shared.observer
    }

    /// The registry.
    pub fn registry(&self) -> &Registry {
        &self.shared.registry
    }

    pub(crate) fn followers(&self) -> Arc<Followers> {
        self.shared.followers.clone()
    }

    pub(crate) fn blobs(&self) -> &Blobs {
        &self.shared.blobs
    }

    /// Why the plane stopped by itself, if it did.
    pub fn failure(&self) -> Option<StoreError> {
        locked(&self.shared.failed).clone()
    }

    /// Takes an event that arrived at `began`.
    ///
    /// # Errors
    /// [`Refused`].
    pub async fn accept(&self, tenant: &TenantId, event: Event, by: Who, began: Instant) -> Result<Accepted, Refused> {
        let slot = inbox::slot_of(tenant, &event);
        let traceparent = event.traceparent.clone();
        let delivery = Delivery::Accept { tenant: tenant.clone(), event: Box::new(event), by };
        let told = self.deliver(slot, delivery).await?;
        match told {
            Told::Accepted(accepted) => {
                let correlation = Correlation { event: Some(accepted.event), ..of_first(tenant, accepted.started.first()) };
                self.ingested(correlation, traceparent.as_deref(), began);
                Ok(accepted)
            }
            Told::Refused(refused) => Err(refused),
            Told::Started { .. } | Told::Committed(_) => Err(Refused::Internal("an event had the answer of a command".to_owned())),
        }
    }

    /// Starts an orchestration for a request that arrived at `began`; `true` when the same key had started it before.
    ///
    /// # Errors
    /// [`Refused`].
    pub async fn start_orchestration(
        &self,
        tenant: &TenantId,
        request: StartRequest,
        began: Instant,
    ) -> Result<(OrchestrationId, bool), Refused> {
        let (slot, _, delivery) = self.start_delivery(tenant, &request)?;
        self.started(tenant, &request, slot, delivery, began).await
    }

    /// As [`Plane::start_orchestration`], and waits up to `wait` for its end or its parking; `None` when it goes on.
    ///
    /// # Errors
    /// [`Refused`].
    pub async fn start_and_wait(
        &self,
        tenant: &TenantId,
        request: StartRequest,
        began: Instant,
        wait: Duration,
    ) -> Result<(OrchestrationId, bool, Option<View>), Refused> {
        let (slot, id, delivery) = self.start_delivery(tenant, &request)?;
        let end = self.watch(id);
        let (started, duplicate) = match self.started(tenant, &request, slot, delivery, began).await {
            Ok(started) => started,
            Err(refused) => {
                self.unwatch(id);
                return Err(refused);
            }
        };
        if duplicate {
            self.unwatch(id);
            return Ok((started, true, Some(self.wait_end(tenant, started, wait).await?)));
        }
        let ended = tokio::time::timeout(wait, end).await.ok().and_then(Result::ok);
        Ok((started, false, ended))
    }

    fn start_delivery(&self, tenant: &TenantId, request: &StartRequest) -> Result<(Slot, OrchestrationId, Delivery), Refused> {
        crate::start::delivery(self.registry(), tenant, request, now_us(), &Digest::from_bytes(random()))
    }

    async fn started(
        &self,
        tenant: &TenantId,
        request: &StartRequest,
        slot: Slot,
        delivery: Delivery,
        began: Instant,
    ) -> Result<(OrchestrationId, bool), Refused> {
        match self.deliver(slot, delivery).await? {
            Told::Started { id, duplicate } => {
                self.ingested(of_first(tenant, Some(&id)), request.traceparent.as_deref(), began);
                if partition_of(slot, self.partitions) != partition_of(id.slot(), self.partitions) {
                    self.arrived(tenant, id).await;
                }
                Ok((id, duplicate))
            }
            Told::Refused(refused) => Err(refused),
            Told::Accepted(_) | Told::Committed(_) => Err(Refused::Internal("a start had another answer".to_owned())),
        }
    }

    /// An event or a start that arrived at `began` has its durable answer.
    fn ingested(&self, correlation: Correlation, traceparent: Option<&str>, began: Instant) {
        let (took, ended_us) = (began.elapsed(), now_us());
        self.observer().meters.ingest(took);
        let times_us = (ended_us.saturating_sub(i64::try_from(took.as_micros()).unwrap_or(i64::MAX)), ended_us);
        ingested(&self.observer().spans, &Arrived { traceparent, correlation, times_us });
    }

    /// Waits until a start that was handed on can be read where it lives; it is on disk already, so that a long wait is no error.
    async fn arrived(&self, tenant: &TenantId, id: OrchestrationId) {
        for _ in 0..ARRIVAL_TRIES {
            if !matches!(self.view(tenant, id, u64::MAX).await, Err(Refused::UnknownOrchestration(_))) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(ARRIVAL_MS)).await;
        }
    }

    /// Gives a command to an orchestration.
    ///
    /// # Errors
    /// [`Refused`].
    pub async fn command(&self, tenant: &TenantId, id: OrchestrationId, command: Command, cause: Cause) -> Result<Head, Refused> {
        let delivery = Delivery::Command { tenant: tenant.clone(), orchestration: id, command: Box::new(command), cause };
        self.committed(id.slot(), delivery).await
    }

    async fn committed(&self, slot: Slot, delivery: Delivery) -> Result<Head, Refused> {
        match self.deliver(slot, delivery).await? {
            Told::Committed(head) => Ok(head),
            Told::Refused(refused) => Err(refused),
            Told::Accepted(_) | Told::Started { .. } => Err(Refused::Internal("a command had another answer".to_owned())),
        }
    }

    /// Appends a row to the tenant's control journal, which lives in the first partition.
    ///
    /// # Errors
    /// [`Refused`]; a conflict when the journal does not stand at `expected`.
    pub async fn append_control(
        &self,
        tenant: &TenantId,
        expected: Head,
        json: Vec<u8>,
        facts: u32,
        who: Arc<str>,
    ) -> Result<Head, Refused> {
        self.committed(Slot(0), Delivery::Control { tenant: tenant.clone(), expected, json, facts, who }).await
    }

    /// Waits up to `wait` for the end or the parking of an orchestration, and says how it stands then.
    ///
    /// # Errors
    /// [`Refused::UnknownOrchestration`].
    pub async fn wait_end(&self, tenant: &TenantId, id: OrchestrationId, wait: Duration) -> Result<View, Refused> {
        let end = self.watch(id);
        let view = self.view(tenant, id, u64::MAX).await;
        match view {
            Ok(view) if !view.state.is_ended() && view.state.parked.is_none() && !wait.is_zero() => {
                match tokio::time::timeout(wait, end).await {
                    Ok(Ok(view)) => Ok(view),
                    Ok(Err(_)) | Err(_) => self.view(tenant, id, u64::MAX).await,
                }
            }
            other => {
                drop(end);
                self.unwatch(id);
                other
            }
        }
    }

    fn watch(&self, id: OrchestrationId) -> oneshot::Receiver<View> {
        let (tell, end) = oneshot::channel();
        locked(&self.shared.ended).entry(id).or_default().push(tell);
        end
    }

    fn unwatch(&self, id: OrchestrationId) {
        let mut ended = locked(&self.shared.ended);
        if let Some(waiting) = ended.get_mut(&id) {
            waiting.retain(|answer| !answer.is_closed());
            if waiting.is_empty() {
                ended.remove(&id);
            }
        }
    }

    /// An orchestration as it stood at `sequence`; `u64::MAX` for now.
    ///
    /// # Errors
    /// [`Refused::UnknownOrchestration`].
    pub async fn view(&self, tenant: &TenantId, id: OrchestrationId, sequence: u64) -> Result<View, Refused> {
        let tenant = tenant.clone();
        self.read(id.slot(), move |partition| match sequence {
            u64::MAX => partition.view_now(&tenant, id),
            before => partition.view(&tenant, id, before),
        })
        .await?
    }

    /// The rows of an orchestration's journal behind `after`.
    ///
    /// # Errors
    /// [`Refused`].
    pub async fn journal(&self, tenant: &TenantId, id: OrchestrationId, after: u64) -> Result<Vec<Row>, Refused> {
        let tenant = tenant.clone();
        self.read(id.slot(), move |partition| partition.journal(&tenant, &Stream::Orchestration(id), after)).await?
    }

    /// A list over all partitions, newest first.
    ///
    /// # Errors
    /// [`Refused`].
    pub async fn list(&self, query: &Query) -> Result<Vec<Summary>, Refused> {
        let mut all = Vec::new();
        for index in 0..self.partitions {
            let asked = query.clone();
            all.extend(self.read_at(index, move |partition| partition.store().list(&asked)).await??);
        }
        all.sort_by_key(|summary| std::cmp::Reverse(summary.orchestration));
        all.truncate(query.limit);
        Ok(all)
    }

    /// Unfinished orchestrations of a tenant that need a person for one of the reasons in `needs`.
    ///
    /// # Errors
    /// [`Refused`].
    pub async fn needing(&self, tenant: &TenantId, needs: provost_store::Needs, limit: usize) -> Result<Vec<OpenWork>, Refused> {
        let mut all = Vec::new();
        for index in 0..self.partitions {
            let tenant = tenant.clone();
            let found = self.read_at(index, move |partition| needing_in(partition, &tenant, needs, limit)).await??;
            all.extend(found);
        }
        all.truncate(limit);
        Ok(all)
    }

    /// Runs a question on the partition that owns `slot`, between two batches.
    ///
    /// # Errors
    /// [`Refused::Overloaded`] or [`Refused::Stopping`].
    pub async fn read<T: Send + 'static>(
        &self,
        slot: Slot,
        question: impl FnOnce(&mut Partition<Sqlite>) -> T + Send + 'static,
    ) -> Result<T, Refused> {
        self.read_at(partition_of(slot, self.partitions), question).await
    }

    /// Runs a question on one partition.
    ///
    /// # Errors
    /// As [`Plane::read`].
    pub async fn read_at<T: Send + 'static>(
        &self,
        index: u32,
        question: impl FnOnce(&mut Partition<Sqlite>) -> T + Send + 'static,
    ) -> Result<T, Refused> {
        let (tell, answer) = oneshot::channel();
        let message = Message::Read(Box::new(move |partition| {
            let _nobody_waits_any_more = tell.send(question(partition));
        }));
        self.post(index, message)?;
        answer.await.map_err(|_| Refused::Stopping)
    }

    /// How many partitions there are.
    pub fn partitions(&self) -> u32 {
        self.partitions
    }

    /// The key of the digests that stand for subjects in columns.
    pub fn salt(&self) -> &[u8; 32] {
        &self.salt
    }

    async fn deliver(&self, slot: Slot, delivery: Delivery) -> Result<Told, Refused> {
        let (tell, answer) = oneshot::channel();
        self.post(partition_of(slot, self.partitions), Message::Deliver(delivery, Some(tell)))?;
        answer.await.map_err(|_| Refused::Stopping)
    }

    /// Where the partitions sit.
    #[cfg(test)]
    pub(crate) fn seats(&self) -> &[Arc<Seat>] {
        &self.shared.seats
    }

    fn post(&self, index: u32, message: Message) -> Result<(), Refused> {
        if self.stopped.load(Ordering::Acquire) {
            return Err(Refused::Stopping);
        }
        let seat = self.shared.seats.get(index as usize).ok_or(Refused::Stopping)?;
        seat.post(message).map_err(|error| match error {
            Unposted::Full => {
                self.observer().meters.overloaded();
                Refused::Overloaded { retry_after_ms: RETRY_AFTER_MS }
            }
            Unposted::Stopped => Refused::Stopping,
        })
    }

    /// Asks policy about the platform itself.
    ///
    /// # Errors
    /// [`Refused::Denied`] with the rules that decided.
    pub fn allow(&self, tenant: &TenantId, who: &Who, action: &str, resource: Entity, context: Value) -> Result<(), Refused> {
        let principal = provost_policy::principal_of(who);
        let request = PolicyRequest { principal, action: action.into(), resource, context };
        let verdict = self.registry().judge_who(tenant, who, &request);
        self.observer().meters.verdicts(verdict.answer, 1);
        if let Some(would) = &verdict.would {
            self.observer().meters.would(verdict.answer, would.answer, 1);
        }
        if verdict.answer == Answer::Allow {
            return Ok(());
        }
        let rules: Vec<String> = verdict.rules.iter().map(|rule| format!("`{}` ({})", rule.id, rule.at)).collect();
        let why = if rules.is_empty() { "no rule allows it".to_owned() } else { rules.join(", ") };
        Err(Refused::Denied { action: action.to_owned(), who: who.name.to_string(), why })
    }

    /// A place among those who wait for work, to be taken before the reports of the same exchange; nobody's where it wants none.
    pub fn enter(&self, by: &Claimant, queues: Arc<[Arc<str>]>, capacity: usize) -> Asking {
        let place = (capacity > 0).then(|| self.shared.waiting.enter(&by.tenant, queues.clone()));
        Asking { queues, capacity, place }
    }

    /// Claims work for an external worker, waiting up to `wait` for some. Class E4 is on disk as sent before it is handed out.
    ///
    /// # Errors
    /// [`Refused`].
    pub async fn claim(&self, by: &Claimant, asking: Asking, wait: Duration) -> Result<Vec<(String, Offer)>, Refused> {
        let Asking { queues, capacity, place: Some(place) } = asking else { return Ok(Vec::new()) };
        let until = tokio::time::Instant::now() + wait;
        loop {
            place.looks();
            if self.shared.draining.load(Ordering::Acquire) {
                return Ok(Vec::new());
            }
            let claimed = locked(&self.shared.dispatcher).claim(by, &queues, capacity, now_us());
            if !claimed.is_empty() {
                drop(place);
                if claimed.len() == capacity {
                    queues.iter().for_each(|queue| self.shared.waiting.arrived(&by.tenant, queue));
                }
                self.observer().meters.exchange(Exchange::Claimed);
                return Ok(self.sent_first(by, claimed).await);
            }
            if tokio::time::timeout_at(until, place.woken()).await.is_err() {
                self.observer().meters.exchange(Exchange::Empty);
                return Ok(Vec::new());
            }
        }
    }

    async fn sent_first(&self, by: &Claimant, claimed: Vec<(String, Offer)>) -> Vec<(String, Offer)> {
        let mut ready = Vec::with_capacity(claimed.len());
        for (lease, offer) in claimed {
            if let Some(problem) = stopped_now(self.registry(), &offer) {
                self.refuse(&lease, by, &offer, problem);
                continue;
            }
            let unsafe_to_repeat = offer.class == provost_model::program::EffectClass::E4 && offer.kind != OfferKind::LookUp;
            if unsafe_to_repeat {
                let command = Command::Sending { effect: offer.effect, attempt: offer.attempt };
                let cause = Cause { effect: Some(offer.effect), ..Cause::default() };
                if self.command(&offer.tenant, offer.orchestration, command, cause).await.is_err() {
                    continue;
                }
            }
            ready.push((lease, offer));
        }
        ready
    }

    /// Ends the attempt of work that was claimed and must not leave. Should the partition take nothing now, the lease ends by itself, and
    /// the next attempt comes to the same door.
    fn refuse(&self, lease: &str, by: &Claimant, offer: &Offer, problem: Problem) {
        let held = locked(&self.shared.dispatcher).report(lease, by);
        let index = partition_of(offer.orchestration.slot(), self.partitions);
        let result = Attempted::Failed { problem, retry: false, retry_after_ms: None };
        if let (Err(_), Some(held)) = (self.post(index, Message::Deliver(outcome_of(offer, result, "provost", 0), None)), held) {
            locked(&self.shared.dispatcher).give_back(lease, held);
        }
    }

    /// Takes the report of an external worker; `false` for a zombie's, which is refused.
    ///
    /// # Errors
    /// [`Refused::Overloaded`], or that its result could not be kept: report again.
    pub async fn report(&self, by: &Claimant, lease: &str, result: Attempted, took_ms: i64) -> Result<bool, Refused> {
        let held = locked(&self.shared.dispatcher).report(lease, by);
        self.observer().meters.exchange(Exchange::Reported);
        let Some(held) = held else {
            self.observer().meters.zombie_refused();
            return Ok(false);
        };
        if held.offer.keeping.is_record() {
            return self.taken(lease, held, result, took_ms).map(|()| true);
        }
        // It waits for the disk, and goes on when whoever asked is gone: the lease is in its hands.
        let (plane, lease) = (self.clone(), lease.to_owned());
        let taken = tokio::task::spawn_blocking(move || plane.taken(&lease, held, result, took_ms)).await;
        taken.map_err(|e| Refused::Internal(e.to_string()))?.map(|()| true)
    }

    /// Brings the report of a held lease to its orchestration. Where nobody takes it, its worker keeps the lease and can report again.
    fn taken(&self, lease: &str, held: Leased, result: Attempted, took_ms: i64) -> Result<(), Refused> {
        let (offer, worker) = (&held.offer, &held.by.worker);
        let index = partition_of(offer.orchestration.slot(), self.partitions);
        let code = self.registry().program(&offer.tenant, &offer.pin, &offer.workflow);
        let posted = recordable(self.blobs(), offer, code.as_deref(), result)
            .map_err(Refused::from)
            .and_then(|recordable| self.post(index, Message::Deliver(outcome_of(offer, recordable, worker, took_ms), None)));
        if posted.is_err() {
            locked(&self.shared.dispatcher).give_back(lease, held);
        }
        posted
    }

    /// Extends a lease; `false` for a zombie's.
    pub fn extend(&self, by: &Claimant, lease: &str) -> bool {
        self.observer().meters.exchange(Exchange::Extended);
        locked(&self.shared.dispatcher).extend(lease, by, now_us())
    }

    /// Work waiting by queue, and work in workers' hands.
    pub fn dispatch_depth(&self) -> (Vec<(Arc<str>, usize)>, usize) {
        let dispatcher = locked(&self.shared.dispatcher);
        (dispatcher.waiting(), dispatcher.leased())
    }

    /// Ends leases whose time is over, until the plane stops. A lost lease is a failed attempt.
    pub async fn watch_leases(self) {
        while !self.stopped.load(Ordering::Acquire) {
            tokio::time::sleep(Duration::from_millis(LEASE_TICK_MS)).await;
            let (waiting, leased) = self.dispatch_depth();
            self.observer().meters.work(waiting.iter().map(|(_, n)| n).sum(), leased);
            let expired = locked(&self.shared.dispatcher).expired(now_us());
            for Leased { offer, by: Claimant { worker, .. }, .. } in expired {
                let result = lost(offer.class, &format!("the lease of worker `{worker}` ended without a report"));
                let index = partition_of(offer.orchestration.slot(), self.partitions);
                let delivery = outcome_of(&offer, result, &worker, 0);
                let Some(mailbox) = self.shared.mailbox(index) else { continue };
                let sent = tokio::task::spawn_blocking(move || mailbox.send(Message::Deliver(delivery, None)));
                let _stopping = sent.await;
            }
        }
    }

    /// Hands out no more work to external workers and sends those home who wait for some; reports are taken until [`Plane::stop`].
    pub fn drain(&self) {
        self.shared.draining.store(true, Ordering::Release);
        self.shared.waiting.wake_all();
    }

    /// Stops: takes nothing new, finishes what is in the mailboxes, waits for the threads.
    pub fn stop(&self) {
        if self.stopped.swap(true, Ordering::AcqRel) {
            return;
        }
        for seat in &self.shared.seats {
            let _gone = seat.mailbox().send(Message::Stop);
        }
        for thread in std::mem::take(&mut *locked(&self.threads)) {
            let _panicked = thread.join();
        }
    }
}

fn needing_in(
    partition: &mut Partition<Sqlite>,
    tenant: &TenantId,
    needs: provost_store::Needs,
    limit: usize,
) -> Result<Vec<OpenWork>, StoreError> {
    let (mut found, mut after) = (Vec::new(), None);
    loop {
        let rows = partition.store().open_work(after.clone(), 1024)?;
        let Some(last) = rows.last() else { return Ok(found) };
        after = Some((last.tenant.clone(), last.orchestration));
        found.extend(rows.into_iter().filter(|row| row.tenant == *tenant && row.needs.meets(needs)));
        if found.len() >= limit {
            return Ok(found);
        }
    }
}

/// 32 bytes of the system's randomness: only for ids minted at the edge.
pub(crate) fn random() -> [u8; 32] {
    use std::io::Read as _;
    let mut bytes = [0; 32];
    let read = std::fs::File::open(Path::new("/dev/urandom")).and_then(|mut file| file.read_exact(&mut bytes));
    if read.is_err() {
        bytes = *Digest::of(&now_us().to_be_bytes()).as_bytes();
    }
    bytes
}

/// The keys of an arrival, with the first orchestration that it started.
fn of_first(tenant: &TenantId, started: Option<&OrchestrationId>) -> Correlation {
    Correlation { orchestration: started.copied(), ..Correlation::of(tenant) }
}
