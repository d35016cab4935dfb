//! One command: decide, with policy asked at once; the row, the open work, and what leaves after the commit.

use provost_engine::{Decided, Effect, Orchestration, Phase, Step, decide, open_work, open_work_listed};
use provost_model::program::{EffectClass, Keeping, Task};
use provost_model::record::{
    Admission, AdmissionRequest, Ambient, Cause, Command, EffectKind, EffectState, Ending, Fact, Head, Intent, Outcome, SharedState,
    Stream, Transition,
};
use provost_model::{Digest, EffectId, Event, OrchestrationId, TenantId, Who};
use provost_store::{Needs, OpenChange, OpenWork, Status, Summary, Upkeep};

use super::children::Family;
use super::listen::looking;
use super::stage::Stage;
use super::{Claim, Delivery, Loaded, Partition, Release, View, lost};
use crate::dispatch::{Offer, OfferKind};
use crate::gate::Refused;
use crate::tally::Lasted;
use crate::traced::spans_of;

/// Most rounds of questions to policy in one transition.
const ASK_ROUNDS_MAX: usize = 1024;

impl<S: Upkeep> Partition<S> {
    /// Decides a command and stages its row. Returns the journal's new head.
    pub(super) fn command(
        &mut self,
        stage: &mut Stage,
        tenant: &TenantId,
        id: OrchestrationId,
        command: &Command,
        cause: Cause,
    ) -> Result<Head, Refused> {
        self.load(tenant, id)?;
        let key = (tenant.clone(), id);
        // It leaves the map while it is decided, so that nothing of it has to be copied.
        let Some(loaded) = self.loaded.remove(&key) else { return Err(Refused::UnknownOrchestration(id)) };
        self.tell_breaker(&loaded, command);
        let decided = match self.decide(tenant, &loaded.code, &loaded.state, command) {
            Ok(decided) if !decided.transition.facts.is_empty() => decided,
            other => {
                let expected = loaded.head;
                self.loaded.insert(key, loaded);
                return other.map(|_| expected);
            }
        };
        let Decided { transition, next } = decided;
        let listed = listed(&loaded.state, &next);
        self.note_listening(&loaded.state, &next);
        stage.tally.transition(&loaded.state, &next, &transition);
        stage.lasted.extend(Lasted::of(&next, &transition));
        stage.traced.extend(spans_of(&self.spans, &loaded.state, &next, &transition));
        let (code, head, used, snapshot_from) = (loaded.code.clone(), loaded.head, loaded.used, loaded.snapshot_from);
        let mut after = Box::new(Loaded { state: next, code, head, used, snapshot_from });
        let expected = loaded.head;
        let ends = after.state.is_ended() && !loaded.state.is_ended();
        stage.keep(key.clone(), Some(loaded));
        let json = transition.encode().map_err(|e| Refused::Internal(e.to_string()))?;
        let facts = u32::try_from(transition.facts.len()).unwrap_or(u32::MAX);
        let stream = Stream::Orchestration(id);
        let head = stage.append(self.place(tenant, &stream), expected, cause, (facts, &json));
        if let Some(entry) = stage.entries.last_mut() {
            entry.open = open_change(&after.state, head);
            entry.summary = listed.then(|| summary_of(&after.state, self.now_us, &self.salt));
        }
        if after.state.is_ended() {
            // It stays in memory until the commit: a later delivery of the same batch must see that it ended.
            stage.ended.push(key.clone());
        } else if head.sequence >= after.snapshot_from && !stage.grown.contains(&key) {
            stage.grown.push(key.clone());
        }
        let emitted = release(stage, &after, &transition, head);
        let family = Family::of(&after.state, &transition);
        // What is settled after the end frees nothing a second time.
        let over = ends.then(|| after.state.clone());
        after.head = head;
        self.loaded.insert(key, after);
        for event in emitted.iter().filter(|_| !provost_model::planted::planted("event-not-emitted")) {
            self.accept(stage, None, tenant, event, &Who::system())?;
        }
        self.raise_children(stage, tenant, id, head, family)?;
        self.make_room(stage, tenant, id, &transition)?;
        if transition.facts.contains(&Fact::Admitted) {
            self.came(tenant, id)?;
        }
        self.ask_round(stage, tenant, id, &transition);
        if let Some(state) = over {
            let next = self.step_out(&state)?;
            stage.releases.extend(next);
            let next = self.release_key(&state)?;
            stage.releases.extend(next);
            self.run_ended(stage, &state)?;
        }
        Ok(head)
    }

    fn decide(
        &mut self,
        tenant: &TenantId,
        code: &provost_language::Compiled,
        state: &Orchestration,
        command: &Command,
    ) -> Result<Decided, Refused> {
        let mut ambient = Ambient { now_us: self.now_us, seed: seed(state), ..Ambient::default() };
        for _ in 0..ASK_ROUNDS_MAX {
            match decide(code, state, command, &ambient)? {
                Step::Commit(decided) => return Ok(*decided),
                Step::Ask(questions) => {
                    for request in &questions.verdicts {
                        ambient.verdicts.push(self.registry.judge(&mut self.judge, tenant, &code.program.pin, request));
                    }
                    for request in &questions.admissions {
                        ambient.admissions.push(self.admission(tenant, state.id, command, request)?);
                    }
                }
            }
        }
        Err(Refused::Internal("the core asks policy without end".to_owned()))
    }

    /// What shared state says.
    fn admission(
        &mut self,
        tenant: &TenantId,
        id: OrchestrationId,
        command: &Command,
        request: &AdmissionRequest,
    ) -> Result<Admission, Refused> {
        match (request.of, command) {
            (SharedState::Rate(spec), _) => Ok(self.registry.admissions().rate(tenant, request, spec, self.now_us)),
            (SharedState::Breaker(spec), _) => Ok(self.registry.admissions().breaker(tenant, request, spec, self.now_us)),
            (SharedState::Origin { limit }, Command::Start(start)) => {
                Ok(self.registry.admissions().origin(tenant, request, (start.origin, limit)))
            }
            (SharedState::Order, Command::Start(start)) => self.line_up(tenant, id, start, request),
            (SharedState::Key(spec), Command::Start(start)) => self.ask_key(tenant, id, start, (request, spec)),
            (SharedState::Order | SharedState::Key(_) | SharedState::Origin { .. }, _) => {
                Err(Refused::Internal("only a start asks whether it may begin".to_owned()))
            }
        }
    }

    /// Tells the breaker of an action how an attempt ended.
    fn tell_breaker(&self, loaded: &Loaded, command: &Command) {
        let Command::Outcome(outcome) = command else { return };
        let effect = loaded.state.effects.get(&outcome.effect);
        let spec = effect.and_then(|effect| loaded.code.program.actions.get(&effect.name)).filter(|spec| spec.breaker.is_some());
        if let Some(spec) = spec {
            let target = spec.target();
            self.registry.admissions().ended(&loaded.state.tenant, target, &outcome.effect, &outcome.result, self.now_us);
        }
    }

    /// What the open work of an orchestration means after a restart: offers, timers, lost attempts. Once all was read, [`Partition::resumed`]
    /// says the rest.
    ///
    /// # Errors
    /// What loading it says.
    pub fn resume(&mut self, row: &OpenWork) -> Result<Vec<Release>, Refused> {
        if let Some(start) = self.hand_on_again(row)? {
            return Ok(vec![start]);
        }
        if let Some(timer) = self.gather_again(row) {
            return Ok(vec![timer]);
        }
        if let Some(message) = self.say_again(row) {
            return Ok(vec![message]);
        }
        if let Some(telling) = self.tell_again(row)? {
            return Ok(telling);
        }
        let work: provost_engine::OpenWork = serde_json::from_slice(&row.work).map_err(|e| Refused::Internal(e.to_string()))?;
        let (tenant, id) = (row.tenant.clone(), row.orchestration);
        let work = if work.many { open_work(&self.load(&tenant, id)?.state) } else { work };
        if let Some(origin) = work.caused_by {
            self.registry.admissions().caused(&tenant, origin);
        }
        let timer =
            |(timer, due_us): (std::sync::Arc<str>, i64)| Release::Timer { tenant: tenant.clone(), orchestration: id, id: timer, due_us };
        let mut releases: Vec<Release> =
            work.timers.into_iter().filter(|_| !provost_model::planted::planted("resume-without-timers")).map(timer).collect();
        if work.listening.as_ref().is_some_and(|listening| listening.back) {
            releases.push(looking(&tenant, id));
        }
        if work.unfinished {
            releases.push(Release::Again(Box::new(going_on(&tenant, id))));
        }
        if work.ordered {
            let state = self.load(&tenant, id)?.state.clone();
            releases.extend(self.call_up(&state)?);
            releases.extend(self.fill_key(&state)?);
            releases.extend(self.ask_round_again(&state));
        }
        for pending in work.effects.iter().filter(|_| !provost_model::planted::planted("resume-without-effects")) {
            if pending.state == EffectState::Claiming {
                let loaded = self.load(&tenant, id)?;
                releases.extend(Claim::of(&loaded.state, &loaded.code, &pending.effect).map(|claim| claim.leave(&tenant)));
                continue;
            }
            // Of classes E1 to E3 nothing says whether an attempt had left: it is unknown, and goes on under the same key or by asking.
            let keyed = matches!(pending.class, EffectClass::E1 | EffectClass::E2 | EffectClass::E3);
            let maybe_sent = pending.state == EffectState::Sent || keyed && pending.state == EffectState::Intended;
            if maybe_sent && !provost_model::planted::planted("resume-sends-again") {
                let result = lost(pending.class, "the server stopped between sending and the answer");
                let outcome = Outcome {
                    effect: pending.effect,
                    attempt: pending.attempt,
                    result,
                    worker: "provost".into(),
                    took_ms: 0,
                    stored: None,
                };
                let cause = Cause { effect: Some(pending.effect), ..Cause::default() };
                let command = Box::new(Command::Outcome(outcome));
                releases.push(Release::Again(Box::new(Delivery::Command { tenant: tenant.clone(), orchestration: id, command, cause })));
                continue;
            }
            let asked = pending.state == EffectState::Asked;
            let loaded = self.load(&tenant, id)?;
            releases.extend(offer(loaded, &pending.effect, asked).map(|o| Release::Offer(Box::new(o))));
        }
        Ok(releases)
    }
}

/// Turns intents into what leaves after the commit. Returns the events of ours: they land in the slot of their sender, so that both are
/// one commit and nothing can be lost between them.
fn release(stage: &mut Stage, after: &Loaded, transition: &Transition, head: Head) -> Vec<Event> {
    let (state, mut emitted) = (&after.state, Vec::new());
    let (tenant, orchestration) = (&state.tenant, state.id);
    for intent in &transition.intents {
        let release = match intent {
            Intent::Attempt { effect, .. } => offer(after, effect, false).map(|offer| Release::Offer(Box::new(offer))),
            Intent::LookUp { effect, .. } => offer(after, effect, true).map(|offer| Release::Offer(Box::new(offer))),
            Intent::Claim { effect } => Claim::of(state, &after.code, effect).map(|claim| claim.leave(tenant)),
            Intent::Withdraw { effect } => Some(Release::Withdraw { tenant: tenant.clone(), orchestration, effect: *effect }),
            Intent::Timer { id, due_us } => Some(Release::Timer { tenant: tenant.clone(), orchestration, id: id.clone(), due_us: *due_us }),
            Intent::Ask { .. } => None,
            Intent::Emit { effect } => {
                emitted.extend(event_of(transition, effect));
                None
            }
            Intent::StartChild { .. } | Intent::StopChild { .. } | Intent::RedriveChild { .. } => None,
            Intent::Listen => {
                stage.listening.push((tenant.clone(), orchestration));
                None
            }
            Intent::Continue => Some(Release::Again(Box::new(going_on(tenant, orchestration)))),
            Intent::Announce => Some(Release::Announce(Box::new(View { state: state.clone(), head }))),
        };
        stage.releases.extend(release);
    }
    emitted
}

fn event_of(transition: &Transition, effect: &EffectId) -> Option<Event> {
    transition.facts.iter().find_map(|fact| match fact {
        Fact::Emitted { effect: emitted, event, .. } if emitted == effect => Some((**event).clone()),
        _ => None,
    })
}

fn going_on(tenant: &TenantId, orchestration: OrchestrationId) -> Delivery {
    Delivery::Command { tenant: tenant.clone(), orchestration, command: Box::new(Command::Continue), cause: Cause::default() }
}

/// Where the jitter of a transition comes from: different for each, equal on every replay because it is recorded.
fn seed(state: &Orchestration) -> u64 {
    let digest = Digest::of_parts(&[&state.id.bits().to_bytes(), &state.sequence.to_be_bytes()]);
    digest.as_bytes().iter().take(8).fold(0, |n, b| n << 8 | u64::from(*b))
}

/// The work that a worker is offered for an effect.
fn offer(loaded: &Loaded, id: &EffectId, look_up: bool) -> Option<Offer> {
    let state = &loaded.state;
    let effect = state.effects.get(id)?;
    let start = state.start.as_ref()?;
    let kind = match effect.kind {
        _ if look_up => OfferKind::LookUp,
        EffectKind::Agent => OfferKind::Agent,
        EffectKind::Action => OfferKind::Action,
        EffectKind::Undo => OfferKind::Undo,
        EffectKind::Retrieval => OfferKind::Retrieval,
        EffectKind::Feature => OfferKind::Feature,
    };
    Some(Offer {
        tenant: state.tenant.clone(),
        orchestration: state.id,
        effect: *id,
        kind,
        class: effect.class,
        name: effect.name.clone(),
        workflow: start.workflow.clone(),
        pin: start.pin,
        attempt: if look_up { effect.lookups } else { effect.attempt },
        position: effect.at.clone(),
        key: effect.key.clone(),
        business_key: effect.business_key.clone(),
        deadline_us: effect.deadline_us,
        arguments: effect.arguments.clone(),
        secrets: effect.secrets.clone(),
        keeping: keeping(loaded, effect),
        example: effect.example,
        event: start.event,
        traceparent: start.traceparent.clone(),
    })
}

/// Where the result of an effect is kept: as its task says, as long as it is open. What undoes an effect has no task of its own.
fn keeping(loaded: &Loaded, effect: &Effect) -> Keeping {
    match effect.kind {
        EffectKind::Undo | EffectKind::Retrieval | EffectKind::Feature => Keeping::Record,
        EffectKind::Agent | EffectKind::Action => {
            let task = loaded.state.open.get(&effect.at).and_then(|open| loaded.code.program.task(open.task));
            task.map(Task::keeping).unwrap_or_default()
        }
    }
}

/// The open work of an orchestration at `head`.
pub(crate) fn open_change(state: &Orchestration, head: Head) -> OpenChange {
    let work = open_work_listed(state);
    if state.is_ended() && !work.over {
        return OpenChange::Close;
    }
    let mut needs = Needs::NONE;
    if !work.reviews.is_empty() {
        needs = needs.with(Needs::REVIEW);
    }
    if !work.in_doubt.is_empty() {
        needs = needs.with(Needs::IN_DOUBT);
    }
    if let Some(parked) = &state.parked {
        needs = needs.with(if parked.problem.is_ours("conflict") { Needs::CONFLICT } else { Needs::PARKED });
    }
    let due_us = work.timers.iter().map(|(_, due_us)| *due_us).min();
    let pin = state.start.as_ref().map_or(head.chain, |start| start.pin);
    let work = serde_json::to_vec(&work).unwrap_or_default();
    OpenChange::Set(OpenWork { tenant: state.tenant.clone(), orchestration: state.id, head, pin, due_us, needs, work })
}

/// Whether lists show something new.
fn listed(before: &Orchestration, after: &Orchestration) -> bool {
    status(before) != status(after) || before.sequence == 0
}

/// Where an orchestration stands, as lists show it.
pub(crate) fn status(state: &Orchestration) -> Status {
    match (&state.phase, &state.parked) {
        (Phase::Ended(Ending::Completed), _) => Status::Completed,
        (Phase::Ended(Ending::Faulted), _) => Status::Faulted,
        (Phase::Ended(Ending::Cancelled), _) => Status::Cancelled,
        (Phase::New | Phase::Running | Phase::Cancelling { .. }, Some(_)) => Status::Parked,
        (Phase::New | Phase::Running | Phase::Cancelling { .. }, None) if state.waits() => Status::Waiting,
        (Phase::New | Phase::Running | Phase::Cancelling { .. }, None) => Status::Running,
    }
}

/// The list row of an orchestration.
pub fn summary_of(state: &Orchestration, now_us: i64, salt: &[u8; 32]) -> Summary {
    let start = state.start.as_deref();
    let subject = start.and_then(|s| s.subject.as_deref()).map(|subject| subject_mark(salt, &state.tenant, subject));
    Summary {
        tenant: state.tenant.clone(),
        orchestration: state.id,
        workflow: start.map(|s| s.workflow.clone()).unwrap_or_default(),
        version: start.map(|s| s.version.clone()).unwrap_or_default(),
        status: status(state),
        subject,
        event: start.and_then(|s| s.event),
        started_us: state.started_at_us,
        updated_us: now_us,
        ended_us: state.is_ended().then_some(now_us),
    }
}

/// What stands for a subject in columns: a keyed digest, so that no personal data does.
pub fn subject_mark(salt: &[u8; 32], tenant: &TenantId, subject: &str) -> [u8; 32] {
    *Digest::of_parts(&[salt, tenant.as_str().as_bytes(), subject.as_bytes()]).as_bytes()
}
