//! The engine beside the reference: one document through both, in the simulator's machine, with crashes where they are wanted.
//!
//! What must stay true: a crash costs no time here, so that nothing of what is compared depends on it.

mod words;

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use provost_engine::{Orchestration, evolve};
use provost_language::Compiled;
use provost_model::program::EffectClass;
use provost_model::record::{Attempted, Cause, Command, ReviewAnswer, Stream};
use provost_model::who::Known;
use provost_model::{Digest, EffectId, Event, OrchestrationId, Position, Problem, TenantId, Value, Who};
use provost_runtime::{Binding, Claimant, Delivery, Loaded, Offer, OfferKind, Registry, StartRequest, TenantWorld, World};
use provost_store::{Fault, Store as _};

use super::listen::Arrival;
use super::people;
use super::{Answer as Done, Ending, Given, Told, answers, found, interpret, takes_us};
use crate::machine::{Machine, QUEUE, Turned, outcome_of};
use crate::mix::Mix;
use crate::outside::Outside;
use crate::random::Random;

/// When a case begins, in microseconds UTC.
pub const BEGAN_US: i64 = 1_790_000_000_000_000;
/// Most moments of one case.
const MOMENTS_MAX: u32 = 20_000;
/// Most batches of one moment.
const TURNS_MAX: u32 = 20_000;
/// Of 1000 commits of a case with crashes: how many meet a fault.
const FAULTS_PERMILLE: u64 = 250;

/// The first difference between the two, as text; `None` where they agree.
pub fn difference(reference: &Told, engine: &Told) -> Option<String> {
    let mut steps = reference.steps.iter().zip(&engine.steps).enumerate();
    let shown = |ending: &Ending| format!("{ending:?}");
    if let Some((n, (wanted, is))) = steps.find(|(_, (wanted, is))| wanted != is) {
        return Some(format!("step {n}: the reference says `{wanted}`, the engine `{is}`"));
    }
    if !same_ending(&reference.ending, &engine.ending) {
        return Some(format!("end: the reference says {}, the engine {}", shown(&reference.ending), shown(&engine.ending)));
    }
    if reference.steps.len() != engine.steps.len() {
        let n = reference.steps.len().min(engine.steps.len());
        return Some(format!("step {n}: the reference says {:?}, the engine {:?}", reference.steps.get(n), engine.steps.get(n)));
    }
    if reference.events != engine.events {
        return Some(format!("events: the reference says {:?}, the engine {:?}", reference.events, engine.events));
    }
    (reference.context != engine.context)
        .then(|| format!("$context: the reference says {}, the engine {}", reference.context, engine.context))
}

/// Errors agree in type, status and instance; what an author wrote agrees word for word.
fn same_ending(one: &Ending, other: &Ending) -> bool {
    let alike = |one: &Problem, other: &Problem| {
        let authored = !one.kind.starts_with(provost_model::problem::OURS) && !one.kind.starts_with(provost_model::problem::STANDARD);
        (&one.kind, one.status, &one.instance) == (&other.kind, other.status, &other.instance)
            && (!authored || (&one.title, &one.detail) == (&other.title, &other.detail))
    };
    match (one, other) {
        (Ending::Faulted(one), Ending::Faulted(other)) | (Ending::Parked(one), Ending::Parked(other)) => alike(one, other),
        (one, other) => one == other,
    }
}

/// Runs one program in both worlds; `crashes` seeds the faults of the engine's.
///
/// # Errors
/// What the machine does that no program should make it do.
pub fn both(loaded: &Arc<Loaded>, input: &Value, arrivals: &[Arrival], crashes: Option<u64>) -> Result<(Told, Told), String> {
    let code = loaded.workflows.get("case").ok_or("the bundle holds no workflow of that name")?;
    let mut beside = Beside::new(loaded.clone(), code.clone(), crashes)?;
    beside.coming = arrivals.to_vec().into();
    let engine = beside.live(input)?;
    let id = beside.id.ok_or("it did not start")?;
    let given = Given { code, others: &loaded.workflows, arrivals, input: input.clone(), id, began_us: BEGAN_US };
    Ok((interpret(&given), engine))
}

/// An answer on its way.
struct Answer {
    token: String,
    offer: Offer,
}

struct Beside {
    machine: Machine,
    registry: Registry,
    tenant: TenantId,
    code: Arc<Compiled>,
    now_us: i64,
    faults: Option<Random>,
    /// Whether the process may die: what was out then is unknown, which is a difference that nobody promises away.
    may_die: bool,
    id: Option<OrchestrationId>,
    held: BTreeMap<(i64, EffectId), Answer>,
    /// When the answer to an attempt, or to a look-up, is due; a crash does not change it.
    due_us: BTreeMap<(EffectId, u32, bool), i64>,
    /// What the journal says so far, and until where.
    read: Option<(provost_engine::Orchestration, u64)>,
    told: Told,
    tickets: u64,
    /// Events that come from outside, in order.
    coming: VecDeque<Arrival>,
    /// The one that is not acknowledged yet.
    sent: Option<(u64, Event)>,
}

impl Beside {
    fn new(loaded: Arc<Loaded>, code: Arc<Compiled>, crashes: Option<u64>) -> Result<Self, String> {
        let tenant = TenantId::parse("acme").map_err(|error| error.to_string())?;
        let active = loaded.workflows.keys().map(|name| (name.clone(), loaded.stored.digest)).collect();
        let bundles = BTreeMap::from([(loaded.stored.digest, loaded)]);
        let binding = Arc::new(Binding { revision: 1, ..Binding::default() });
        let shown = Arc::new(TenantWorld { bundles, active, binding, ..TenantWorld::default() });
        let registry = Registry::default();
        registry.replace(World { tenants: BTreeMap::from([(tenant.clone(), shown)]) });
        let (machine, faults) = (Machine::new(), crashes.map(Random::new));
        let (held, due_us) = (BTreeMap::new(), BTreeMap::new());
        let may_die = code.program.actions.values().all(|action| action.class == EffectClass::E0);
        let told = Told {
            ending: Ending::Waits,
            steps: Vec::new(),
            events: Vec::new(),
            context: Value::empty(),
            tied: false,
            beyond: false,
            kinds: BTreeMap::new(),
            ended_us: BEGAN_US,
        };
        Ok(Self {
            machine,
            registry,
            tenant,
            code,
            now_us: BEGAN_US,
            faults,
            id: None,
            held,
            due_us,
            read: None,
            told,
            may_die,
            tickets: 1,
            coming: VecDeque::new(),
            sent: None,
        })
    }

    fn live(&mut self, input: &Value) -> Result<Told, String> {
        self.restart()?;
        self.begin(input)?;
        for _ in 0..MOMENTS_MAX {
            self.rest()?;
            if let Some(told) = self.told()? {
                return Ok(told);
            }
            let timer_us = self.machine.up.as_ref().and_then(|up| up.timers.next_us());
            let answer_us = self.held.keys().next().map(|(due_us, _)| *due_us);
            // Nothing will ever be due: it waits for somebody.
            let asked_us = self.asked().map(|(due_us, _)| due_us);
            let comes_us = self.coming.front().map(|(after_us, _)| BEGAN_US + after_us);
            let Some(next_us) =
                timer_us.into_iter().chain(answer_us).chain(comes_us).chain(asked_us).min().filter(|next_us| *next_us < i64::MAX)
            else {
                return Ok(self.told.clone());
            };
            self.now_us = self.now_us.max(next_us);
            self.answer();
            self.machine.tick(self.now_us);
            self.arrive()?;
            self.choose();
        }
        self.told()?.ok_or_else(|| "it does not come to rest".to_owned())
    }

    fn restart(&mut self) -> Result<(), String> {
        self.machine.up = None;
        self.held.clear();
        if self.machine.start(&self.registry, (0, 1)) { Ok(()) } else { Err("the machine does not start".to_owned()) }
    }

    /// Starts the orchestration; a start that was lost is sent again, under its key.
    fn begin(&mut self, input: &Value) -> Result<(), String> {
        let by = Who { name: "client".into(), known: Known::Token, roles: Vec::new() };
        let (workflow, key) = (self.code.program.name.to_string(), Some("case".to_owned()));
        let request = StartRequest { workflow, input: input.clone(), subject: None, key, traceparent: None, by };
        for _ in 0..TURNS_MAX {
            let made = provost_runtime::start::delivery(&self.registry, &self.tenant, &request, self.now_us, &Digest::of(b"case"));
            let (_, id, delivery) = made.map_err(|refused| refused.to_string())?;
            self.push(1, delivery);
            self.rest()?;
            if self.machine.disk.rows(&self.tenant, &Stream::Orchestration(id), 0, 1).is_ok_and(|rows| !rows.is_empty()) {
                self.id = Some(id);
                return Ok(());
            }
        }
        Err("it does not start".to_owned())
    }

    fn push(&mut self, ticket: u64, delivery: Delivery) {
        if let Some(up) = &mut self.machine.up {
            up.pending.push_back((ticket, delivery));
        }
    }

    /// What happens to the next commit, and whether the process dies behind it.
    fn plan(&mut self) -> bool {
        let Some(random) = self.faults.as_mut() else { return false };
        if !random.chance(FAULTS_PERMILLE) {
            return false;
        }
        let mut choices = vec![Fault::FailBefore, Fault::FailAfter];
        if self.may_die {
            choices.extend([Fault::None, Fault::CrashBefore, Fault::Crash]);
        }
        let fault = random.pick(&choices).copied();
        let fault = fault.unwrap_or_default();
        self.machine.plan(|planned| planned.commit = fault);
        self.may_die && fault == Fault::None
    }

    /// Batches until nothing is left for this moment.
    fn rest(&mut self) -> Result<(), String> {
        for _ in 0..TURNS_MAX {
            let dies = self.plan();
            match self.machine.turn(1, self.now_us, dies) {
                Turned::Died => {
                    self.restart()?;
                    self.machine.tick(self.now_us);
                }
                Turned::Told(told, _) => {
                    let is_ours = |sent: &(u64, Event)| {
                        told.iter().any(|(ticket, told)| *ticket == sent.0 && matches!(told, provost_runtime::Told::Accepted(_)))
                    };
                    self.sent = self.sent.take().filter(|sent| !is_ours(sent));
                }
                Turned::Idle if self.sends() => {}
                Turned::Idle if !self.claim() => {
                    self.machine.plan(|planned| planned.commit = Fault::None);
                    return Ok(());
                }
                Turned::Idle => {}
            }
            if let Some(up) = &mut self.machine.up {
                for (_, delivery) in std::mem::take(&mut up.forwards) {
                    up.pending.push_back((0, delivery));
                }
            }
        }
        Err("one moment has no end".to_owned())
    }

    /// The question that is answered next, and when.
    fn asked(&self) -> Option<(i64, ReviewAnswer)> {
        let (state, _) = self.read.as_ref()?;
        let open = state.reviews.iter().filter(|(_, review)| review.answer.is_none() && !review.closed);
        let next = open.min_by_key(|(_, review)| review.opened_us + takes_us(&review.show))?;
        let by = Who { name: people::PERSON.into(), known: Known::Token, roles: Vec::new() };
        let option = people::chosen(&next.1.spec.options, &next.1.show);
        let answer = ReviewAnswer { review: *next.0, option, by, reason: people::REASON.to_owned(), form: Value::Null };
        Some((next.1.opened_us + takes_us(&next.1.show), answer))
    }

    /// Answers the question that is due; one that is asked in the same moment is answered in the next turn of the loop.
    fn choose(&mut self) {
        let Some((_, answer)) = self.asked().filter(|(due_us, _)| *due_us <= self.now_us) else { return };
        let (Some(id), cause) = (self.id, Cause { who: Some("person".into()), ..Cause::default() }) else { return };
        let command = Box::new(Command::Review(answer));
        self.push(0, Delivery::Command { tenant: self.tenant.clone(), orchestration: id, command, cause });
    }

    /// Sends every event that is due, one after the other.
    fn arrive(&mut self) -> Result<(), String> {
        while let Some((after_us, event)) = self.coming.pop_front() {
            if BEGAN_US + after_us > self.now_us {
                self.coming.push_front((after_us, event));
                return Ok(());
            }
            self.tickets += 1;
            self.sent = Some((self.tickets, event));
            self.rest()?;
        }
        Ok(())
    }

    /// An event that was not acknowledged is sent again.
    fn sends(&mut self) -> bool {
        let Some((ticket, event)) = self.sent.clone() else { return false };
        let by = Who { name: "client".into(), known: Known::Token, roles: Vec::new() };
        self.push(ticket, Delivery::Accept { tenant: self.tenant.clone(), event: Box::new(event), by });
        true
    }

    /// Takes work; whether something must be decided for it at once.
    fn claim(&mut self) -> bool {
        let name: Arc<str> = "worker".into();
        let by = Claimant { tenant: self.tenant.clone(), principal: name.clone(), known: Known::Token, worker: name };
        let Some(up) = &mut self.machine.up else { return false };
        for (token, offer) in up.dispatcher.claim(&by, &[QUEUE.into()], 1000, self.now_us) {
            let due_us = self.now_us + takes_us(&offer.arguments);
            let due_us = *self.due_us.entry((offer.effect, offer.attempt, offer.kind == OfferKind::LookUp)).or_insert(due_us);
            self.sending(&offer);
            self.held.insert((due_us, offer.effect), Answer { token, offer });
        }
        let told = self.machine.up.as_ref().is_some_and(|up| !up.pending.is_empty());
        self.answer() || told
    }

    /// What may happen once only is on disk as sent before it leaves.
    fn sending(&mut self, offer: &Offer) {
        let Some(up) = self.machine.up.as_mut().filter(|_| offer.class == EffectClass::E4) else { return };
        self.tickets += 1;
        let command = Box::new(Command::Sending { effect: offer.effect, attempt: offer.attempt });
        let cause = Cause { effect: Some(offer.effect), ..Cause::default() };
        let delivery = Delivery::Command { tenant: offer.tenant.clone(), orchestration: offer.orchestration, command, cause };
        up.sending.insert(self.tickets, 0);
        up.pending.push_back((self.tickets, delivery));
    }

    /// Reports every answer that is due; whether there was one.
    fn answer(&mut self) -> bool {
        let name: Arc<str> = "worker".into();
        let by = Claimant { tenant: self.tenant.clone(), principal: name.clone(), known: Known::Token, worker: name };
        let mut answered = false;
        while let Some(due) = self.held.first_entry().filter(|due| due.key().0 <= self.now_us) {
            let Answer { token, offer } = due.remove();
            let result = self.carried_out(&offer);
            let Some(up) = &mut self.machine.up else { continue };
            if up.dispatcher.report(&token, &by).is_some() {
                up.pending.push_back((0, outcome_of(&offer, result, "worker")));
                answered = true;
            }
        }
        answered
    }

    fn carried_out(&self, offer: &Offer) -> Attempted {
        if offer.kind == OfferKind::Agent {
            let code = self.registry.program(&offer.tenant, &offer.pin, &offer.workflow).unwrap_or_else(|| self.code.clone());
            return Outside::default().carry_out(offer, &code, &Mix::quiet(1, 0), &mut Random::new(0));
        }
        if offer.kind == OfferKind::LookUp {
            let done = |value| Attempted::Done { value, reference: None, usage: None, dropped_bytes: None };
            return found(&offer.arguments).map_or(Attempted::Absent, done);
        }
        match answers(&offer.arguments, offer.attempt) {
            Done::Done(value) => Attempted::Done { value, reference: None, usage: None, dropped_bytes: None },
            Done::Failed { problem, retry } => Attempted::Failed { problem, retry, retry_after_ms: None },
            Done::Unknown(problem) => Attempted::Unknown { problem },
        }
    }

    /// What the journal says, once it is over or parked.
    fn told(&mut self) -> Result<Option<Told>, String> {
        let id = self.id.ok_or("it did not start")?;
        let (mut state, mut until) = self.read.take().unwrap_or_else(|| (Orchestration::new(self.tenant.clone(), id), 0));
        let rows =
            self.machine.disk.rows(&self.tenant, &Stream::Orchestration(id), until, usize::MAX).map_err(|error| error.to_string())?;
        for row in rows {
            until = row.head().sequence;
            let transition = row.transition().map_err(|error| error.to_string())?;
            for fact in &transition.facts {
                if self.told.ending != Ending::Waits {
                    // What still comes in once it has parked is recorded and leads nowhere.
                    break;
                }
                words::note(&mut self.told, &state, fact, transition.ambient.now_us);
                evolve(&mut state, fact, transition.ambient.now_us);
                self.told.context = state.context(&Position::root()).value;
            }
        }
        self.read = Some((state, until));
        Ok((self.told.ending != Ending::Waits).then(|| self.told.clone()))
    }
}
