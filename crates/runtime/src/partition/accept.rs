//! Taking events and starts: dedupe, contract, inbox row and first transition in one commit.

use std::sync::Arc;

use provost_engine::{Code as _, batched, keyed, read_as, read_labels};
use provost_model::limits::{EVENT_HOPS_MAX, EVENT_STARTS_MAX, SNAPSHOT_FACTS};
use provost_model::record::{Arrived, Cause, Command, Head, RequestKey, Start, Stream};
use provost_model::value::{Pointer, canonical_len};
use provost_model::{Digest, Event, EventId, OrchestrationId, Slot, TenantId, Value, Who};
use provost_store::{Seen, Upkeep};
use provost_telemetry::meters::Arrival;

use super::stage::Stage;
use super::{Loaded, Partition, Reply, Ticket, Told};
use crate::gate::Refused;
use crate::inbox::{self, Accepted, InBatch, InboxFact, Unread};
use crate::registry::{Launch, started_by};

/// Most orchestrations that events of ours begin within one delivery; further ones begin in another commit, so that a loop or a flood
/// of events comes in pieces.
pub(super) const BEGUN_BY_OURS_MAX: usize = 1;

impl<S: Upkeep> Partition<S> {
    /// Takes an event: the first answer again for a known one, else an inbox row and what it starts.
    pub(super) fn accept(
        &mut self,
        stage: &mut Stage,
        ticket: Option<Ticket>,
        tenant: &TenantId,
        event: &Event,
        by: &Who,
    ) -> Result<(), Refused> {
        let key = inbox::seen_key(tenant, event);
        let fingerprint = event.fingerprint();
        let tell = |stage: &mut Stage, accepted: Accepted| {
            if let Some(ticket) = ticket {
                stage.replies.push(Reply { ticket, told: Told::Accepted(accepted) });
            }
        };
        let before = self.remembered(stage, tenant, &key)?.filter(|_| !provost_model::planted::planted("event-taken-twice"));
        if let Some(before) = before.as_ref().filter(|seen| seen.fingerprint == fingerprint) {
            let answer: Accepted = serde_json::from_slice(&before.answer).map_err(|e| Refused::Internal(e.to_string()))?;
            stage.tally.arrived(Arrival::Duplicate);
            tell(stage, Accepted { duplicate: true, ..answer });
            return Ok(());
        }
        let slot = inbox::slot_of(tenant, event);
        let unique: [&[u8]; 4] = [tenant.as_str().as_bytes(), event.source.as_bytes(), event.id.as_bytes(), fingerprint.as_bytes()];
        let id = EventId::mint(self.now_us, slot, &unique);
        let launches = self.registry.started_by(tenant, event);
        let (starts, unread) = starts_of(&launches, id, event, by);
        let listened = self.is_listened_for(tenant, event);
        let refusal = if before.is_some() {
            Some((inbox::CONFLICT, "an event with this source and id came before with other content; send it under a new id".to_owned()))
        } else {
            let nobody = |unread: &[NotRead]| unread.first().filter(|_| starts.is_empty() && !listened).map(|(_, why)| why.clone());
            refusal(&launches, event, (listened, self.registry.combining(tenant, event).len())).or_else(|| nobody(&unread))
        };
        let started: Vec<OrchestrationId> = if refusal.is_some() {
            Vec::new()
        } else {
            let alone = starts.iter().filter(|(_, start)| start.batch.is_none());
            alone.map(|(_, start)| orchestration_of(tenant, self.now_us, id, start)).collect()
        };
        let batches =
            starts.iter().filter(|_| refusal.is_none()).filter_map(|(_, start)| in_batch(tenant, self.now_us, id, start)).collect();
        let routed = listened && self.place.1 > 1;
        let fact = fact_of(id, (event, by), &refusal, (&started, batches, unread), routed);
        let json = inbox::encode(&fact).map_err(|e| Refused::Internal(e.to_string()))?;
        let stream = Stream::Inbox(slot);
        let head = self.head_of(stage, tenant, &stream)?;
        let cause = Cause { event: Some(id), who: Some(by.name.clone()), traceparent: event.traceparent.clone(), ..Cause::default() };
        stage.append(self.place(tenant, &stream), head, cause, (1, &json));
        stage.tally.arrived(if refusal.is_some() { Arrival::Rejected } else { Arrival::Accepted });
        if let Some(seen) = fact.remembered(tenant, self.now_us).map_err(|e| Refused::Internal(e.to_string()))? {
            stage.remember(stage.entries.len() - 1, tenant, seen);
        }
        if refusal.is_none() && listened {
            self.route(stage, tenant, &Arrived { id, event: event.clone(), by: by.clone(), more: false })?;
        }
        if refusal.is_none() {
            self.begin_all(stage, tenant, (id, slot), starts, ticket.is_none())?;
        }
        if let Some(accepted) = fact.answer() {
            tell(stage, accepted);
        }
        Ok(())
    }

    /// Begins what the event `id` starts; of events of ours not all at once.
    fn begin_all(
        &mut self,
        stage: &mut Stage,
        tenant: &TenantId,
        (id, slot): (EventId, Slot),
        starts: Vec<(Launch, Start)>,
        is_ours: bool,
    ) -> Result<(), Refused> {
        for (launch, start) in starts {
            let id = orchestration_of(tenant, self.now_us, id, &start);
            if is_ours && stage.begun_by_ours >= BEGUN_BY_OURS_MAX {
                self.hand_on(stage, tenant, &launch, id, start, (slot, None))?;
            } else {
                stage.begun_by_ours += usize::from(is_ours);
                self.begin_or_hand_on(stage, tenant, &launch, id, start, (slot, None))?;
            }
        }
        Ok(())
    }

    /// Begins in this partition, or hands the start on to where the slot of `id` lives.
    fn begin_or_hand_on(
        &mut self,
        stage: &mut Stage,
        tenant: &TenantId,
        launch: &Launch,
        id: OrchestrationId,
        start: Start,
        (from, request): (Slot, Option<RequestKey>),
    ) -> Result<(), Refused> {
        if self.owns(id.slot()) && start.batch.is_some() {
            self.gather(stage, tenant, launch, (id, &start))
        } else if self.owns(id.slot()) {
            self.begin(stage, tenant, launch, id, start, request)
        } else {
            self.hand_on(stage, tenant, launch, id, start, (from, request))
        }
    }

    /// A start by hand; the same `Idempotency-Key` with the same request has the first answer.
    #[expect(clippy::too_many_arguments, reason = "one parameter per member of the delivery")]
    pub(super) fn start(
        &mut self,
        stage: &mut Stage,
        ticket: Ticket,
        tenant: &TenantId,
        launch: &Launch,
        id: OrchestrationId,
        start: &Start,
        remember: Option<(Digest, Digest)>,
    ) -> Result<(), Refused> {
        // Keyed: it stands in columns, and an input is guessed more easily than a salt.
        let keyed = |fingerprint: Digest| Digest::of_parts(&[&self.salt, fingerprint.as_bytes()]);
        let request = remember.map(|(key, fingerprint)| RequestKey { key, fingerprint: keyed(fingerprint) });
        if let Some(request) = request
            && let Some(before) = self.remembered(stage, tenant, &request.key)?
        {
            if before.fingerprint != request.fingerprint {
                return Err(Refused::KeyReused);
            }
            let id = serde_json::from_slice(&before.answer).map_err(|e| Refused::Internal(e.to_string()))?;
            stage.replies.push(Reply { ticket, told: Told::Started { id, duplicate: true } });
            return Ok(());
        }
        self.may_begin(tenant, launch, id, start)?;
        let first = stage.entries.len();
        self.begin_or_hand_on(stage, tenant, launch, id, start.clone(), (self.own_slot(), request))?;
        if let Some(request) = request {
            // With its own row: its first transition may have staged events of ours behind it, and each remembers its own answer.
            let seen = inbox::remembered_start(&request, id, self.now_us).map_err(|e| Refused::Internal(e.to_string()))?;
            stage.remember(first, tenant, seen);
        }
        stage.replies.push(Reply { ticket, told: Told::Started { id, duplicate: false } });
        Ok(())
    }

    pub(super) fn begin(
        &mut self,
        stage: &mut Stage,
        tenant: &TenantId,
        launch: &Launch,
        id: OrchestrationId,
        start: Start,
        request: Option<RequestKey>,
    ) -> Result<(), Refused> {
        let cause = Cause { event: start.event, who: Some(start.by.name.clone()), request: request.map(Box::new), ..Cause::default() };
        let state = provost_engine::Orchestration::new(tenant.clone(), id);
        let loaded = Loaded { state, head: Head::EMPTY, code: launch.code.clone(), used: self.tick, snapshot_from: SNAPSHOT_FACTS };
        let before = self.loaded.insert((tenant.clone(), id), Box::new(loaded));
        stage.keep((tenant.clone(), id), before);
        self.command(stage, tenant, id, &Command::Start(start), cause)?;
        Ok(())
    }

    pub(super) fn remembered(&mut self, stage: &Stage, tenant: &TenantId, key: &Digest) -> Result<Option<Seen>, Refused> {
        let found = match stage.seen.get(&(tenant.clone(), *key)) {
            Some(staged) => Some(staged.clone()),
            None => self.store.seen(tenant, key)?,
        };
        Ok(found.filter(|seen| seen.until_us > self.now_us))
    }

    pub(super) fn head_of(&mut self, stage: &Stage, tenant: &TenantId, stream: &Stream) -> Result<Head, Refused> {
        match stage.heads.get(&(tenant.clone(), stream.clone())) {
            Some(head) => Ok(*head),
            None => Ok(self.store.head(tenant, stream)?.unwrap_or(Head::EMPTY)),
        }
    }
}

/// What is recorded of an event: taken, or kept and not taken.
fn fact_of(
    id: EventId,
    (event, by): (&Event, &Who),
    refusal: &Option<Refusal>,
    (started, batches, unread): (&[OrchestrationId], Vec<InBatch>, Vec<NotRead>),
    routed: bool,
) -> InboxFact {
    let (event, by) = (Box::new(event.clone()), by.clone());
    match refusal {
        Some((code, reason)) => InboxFact::Rejected { id, event, by, code: (*code).into(), reason: reason.clone() },
        None => {
            let unread = unread.into_iter().map(|(workflow, (code, reason))| Unread { workflow, code: code.into(), reason });
            InboxFact::Accepted { id, event, by, started: started.to_vec(), batches, routed, unread: unread.collect() }
        }
    }
}

/// Code and reason.
type Refusal = (&'static str, String);

/// A workflow, and why it cannot read an event.
type NotRead = (Arc<str>, Refusal);

/// The starts that `event` means for those who can read it, and who cannot: no workflow keeps an event from another one.
fn starts_of(launches: &[Launch], id: EventId, event: &Event, by: &Who) -> (Vec<(Launch, Start)>, Vec<NotRead>) {
    let (mut starts, mut unread) = (Vec::new(), Vec::new());
    for launch in launches {
        match start_of(launch, id, event, by) {
            Ok(start) => starts.push((launch.clone(), start)),
            Err(refusal) => unread.push((launch.code.program.name.clone(), refusal)),
        }
    }
    (starts, unread)
}

/// The start that `event` means for a workflow, with its keys.
fn start_of(launch: &Launch, id: EventId, event: &Event, by: &Who) -> Result<Start, Refusal> {
    let read = read_as(launch.code.program.start_read, event);
    let labels = read_labels(launch.code.program.start_read, event);
    let start = Start {
        workflow: launch.code.program.name.clone(),
        version: launch.code.program.version.clone(),
        pin: launch.pin,
        binding: launch.binding,
        input: Value::array([read.clone()]),
        labels: labels.placed(&Pointer::root().child("0")),
        event: Some(id),
        events: Vec::new(),
        subject: event.subject_shown(),
        hops: event.hops,
        origin: event.origin,
        traceparent: event.traceparent.clone(),
        order: None,
        concurrency: None,
        batch: None,
        parent: None,
        by: by.clone(),
    };
    let gathered = batched(&*launch.code, &read, id).and_then(|batch| keyed(&*launch.code, Start { batch, ..start }));
    gathered.map_err(|unusable| {
        let code = if unusable.key == "order" { "event-order" } else { "event-key" };
        (code, format!("its key for `{}`: {}: {}", launch.code.program.name, unusable.problem.title, unusable.problem.detail))
    })
}

/// Why an event is kept but not taken.
fn refusal(launches: &[Launch], event: &Event, (listened, together): (bool, usize)) -> Option<Refusal> {
    if event.hops > EVENT_HOPS_MAX {
        let reason =
            format!("it was caused by {} events of ours in a row, more than {EVENT_HOPS_MAX}; look for a loop of events", event.hops);
        return Some(("event-loop", reason));
    }
    let ours = event.hops > 0;
    if launches.is_empty() && !ours && !listened {
        let reason = format!(
            "no active workflow starts on events of type `{}`, and none listens for them; apply one that does, then send it under a new id",
            event.kind
        );
        return Some(("event-unknown", reason));
    }
    if launches.len() + together > EVENT_STARTS_MAX {
        let starts = launches.len() + together;
        let reason = format!("{starts} active workflows start on it, more than {EVENT_STARTS_MAX}; narrow their `schedule.on`");
        return Some(("event-starts", reason));
    }
    let larger = |launch: &Launch| {
        let (bytes, limit) =
            (canonical_len(&read_as(launch.code.program.start_read, event)) as u64, launch.code.program.limits.value_bytes);
        (bytes > limit).then_some((bytes, limit))
    };
    if let Some((bytes, limit)) = launches.iter().find_map(larger) {
        let reason =
            format!("what is read of it has {bytes} bytes, more than {limit}; send a reference to it, or raise `limits.valueBytes`");
        return Some(("event-too-large", reason));
    }
    launches.iter().find_map(|launch| {
        let contract = started_by(&launch.code, event)?.contract?;
        launch.code.validate(contract, &event.data).err().map(|why| ("event-contract", format!("its data breaks the contract: {why}")))
    })
}

/// How the answer names the batch that the event `id` is gathered into; `None` where it starts something alone.
fn in_batch(tenant: &TenantId, now_us: i64, id: EventId, start: &Start) -> Option<InBatch> {
    let batch = start.batch.as_ref()?;
    Some(InBatch { workflow: start.workflow.clone(), key: batch.key.clone(), id: orchestration_of(tenant, now_us, id, start) })
}

/// The orchestration that the event `id` starts: in the event's slot, so that both commit at once, or where its key lives.
fn orchestration_of(tenant: &TenantId, now_us: i64, id: EventId, start: &Start) -> OrchestrationId {
    let slot = provost_engine::home_slot(tenant, start).unwrap_or_else(|| id.slot());
    OrchestrationId::mint(now_us, slot, &[&id.bits().to_bytes(), start.workflow.as_bytes()])
}
