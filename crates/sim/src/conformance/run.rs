//! One scenario under way: its bundle on a machine of its own, in virtual time, with workers that answer as they were told.
//!
//! What must stay true: everything goes through the machine that the simulator drives; time passes only here, so a wait of a year takes
//! no time; what nobody was told to answer is carried out by the hands of the setting. What is absent: faults, and any knowledge of
//! which tasks there are.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, mpsc};
use std::time::Duration;

use provost_engine::Orchestration;
use provost_engine::lifecycle::{LifecycleEvent, lifecycle};
use provost_language::{Compiled, Finding, Sources, compile};
use provost_model::program::EffectClass;
use provost_model::record::{Attempted, Cause, Command, Fact, Row, Stream};
use provost_model::who::Known;
use provost_model::{Digest, Event, OrchestrationId, TenantId, Value, Who};
use provost_runtime::dispatch::LEASE_MS;
use provost_runtime::{
    BUILTIN, Binding, Claimant, Delivery, Offer, OfferKind, Registry, StartRequest, TenantWorld, Ticket, Told, World, control_plane,
};
use provost_store::Store as _;

use super::said::{Said, done};
use super::{Failure, Setting};
use crate::machine::{Machine, QUEUE, Turned, outcome_of};

/// When every scenario begins, in microseconds UTC: 2100-01-01, later than any clock that hands may look at.
pub const BEGIN_US: i64 = 4_102_444_800_000_000;
/// How far time passes by itself, in microseconds: ten years.
const PASSES_US: i64 = 10 * 366 * 86_400 * 1_000_000;
/// Most moments at which something happens in one passing of time.
const MOMENTS_MAX: usize = 20_000;
/// How far time moves at once, in microseconds, where a step says how far; more where that would be more paces than the next.
const PACE_US: i64 = 60_000_000;
/// Most paces of one step.
const PACES_MAX: i64 = 1000;
/// The same where a workflow starts by the clock: a second, so that each of its times is seen.
const SCHEDULED_PACE_US: i64 = 1_000_000;
const SCHEDULED_PACES_MAX: i64 = 10_000;
/// How long hands may really take for one attempt.
const HANDS_WITHIN: Duration = Duration::from_secs(30);
/// The name under which workers claim.
const WORKER: &str = "worker";

/// A request that left.
pub struct Request {
    /// The name without version; `lookup:` before it for look-ups, `undo:` is not marked.
    pub name: String,
    /// What was offered.
    pub offer: Offer,
}

/// A scenario under way.
pub struct Run<'s> {
    setting: &'s Setting,
    registry: Registry,
    machine: Machine,
    tenant: TenantId,
    workflow: String,
    binding: Arc<Binding>,
    now_us: i64,
    tickets: Ticket,
    /// Work that waits until `sent` is on disk.
    sending: BTreeMap<Ticket, (String, Offer)>,
    /// When leases of workers that say nothing end, in microseconds UTC.
    leases: Vec<i64>,
    /// By name: what comes of each attempt; the last one stays.
    pub plan: BTreeMap<String, VecDeque<Said>>,
    /// Everything that left, in order.
    pub requests: Vec<Request>,
    /// The orchestrations started by hand, in order.
    pub started: Vec<OrchestrationId>,
    /// Answers to events, commands and starts.
    told: BTreeMap<Ticket, Told>,
    /// What the compiler warned of.
    pub warnings: Vec<Finding>,
    /// What a call said that went to a host that nothing stands for.
    stranger: Option<String>,
}

/// A person with a token that may do everything.
pub fn person(name: &str) -> Who {
    Who { name: name.into(), known: Known::Token, roles: vec!["admin".into()] }
}

/// The setting's destinations, and hosts that answer what they are asked.
fn destinations(setting: &Setting, echoes: &[String]) -> Result<BTreeMap<String, String>, Failure> {
    let mut destinations = setting.destinations.clone();
    for host in echoes {
        let echo = setting.echo.as_ref().ok_or_else(|| Failure::Broken("no server of this setting answers what it is asked".to_owned()))?;
        destinations.insert(host.clone(), echo.clone());
    }
    Ok(destinations)
}

impl<'s> Run<'s> {
    /// Compiles the sources and starts a machine that knows them.
    ///
    /// # Errors
    /// [`Failure::Refused`] with the findings, or what else is wrong.
    pub fn publish(setting: &'s Setting, sources: &Sources, workflow: &str, echoes: &[String]) -> Result<Self, Failure> {
        let checked = compile(sources);
        let Some(bundle) = checked.bundle else { return Err(Failure::Refused(checked.findings)) };
        let loaded =
            control_plane::load(control_plane::stored(&bundle)).map_err(|e| Failure::Broken(format!("the bundle does not load: {e}")))?;
        let active = loaded.workflows.keys().map(|name| (name.clone(), bundle.digest)).collect();
        let binding = Arc::new(Binding { revision: 1, destinations: destinations(setting, echoes)? });
        let bundles = BTreeMap::from([(bundle.digest, Arc::new(loaded))]);
        let world = TenantWorld { bundles, active, binding: binding.clone(), ..TenantWorld::default() };
        let (registry, tenant) = (Registry::default(), TenantId::local());
        registry.replace(World { tenants: [(tenant.clone(), Arc::new(world))].into() });
        let mut machine = Machine::new();
        if !machine.start(&registry, (0, 1)) {
            return Err(Failure::Broken("the machine does not start".to_owned()));
        }
        Ok(Self {
            setting,
            registry,
            machine,
            tenant,
            workflow: workflow.to_owned(),
            binding,
            now_us: BEGIN_US,
            tickets: 0,
            sending: BTreeMap::new(),
            leases: Vec::new(),
            plan: BTreeMap::new(),
            requests: Vec::new(),
            started: Vec::new(),
            told: BTreeMap::new(),
            warnings: checked.findings,
            stranger: None,
        })
    }

    /// What the first call said that went to a host that nothing stands for here.
    pub fn stranger(&self) -> Option<&str> {
        self.stranger.as_deref()
    }

    /// An id for an event that was given none: another one each time.
    pub fn event_id(&self) -> String {
        format!("event-{}", self.tickets)
    }

    /// Starts the workflow, or another one of the bundle, by hand; what follows at once happens.
    ///
    /// # Errors
    /// A refusal, or what is broken.
    pub fn start(&mut self, workflow: Option<&str>, input: Value) -> Result<(), Failure> {
        let workflow = workflow.unwrap_or(&self.workflow).to_owned();
        let request = StartRequest { workflow, input, subject: None, key: None, traceparent: None, by: person("starter") };
        let drawn = Digest::of(&self.tickets.to_be_bytes());
        let made = provost_runtime::start::delivery(&self.registry, &self.tenant, &request, self.now_us, &drawn);
        let (_, id, delivery) = made.map_err(|refused| Failure::Broken(format!("the start is refused: {refused}")))?;
        self.started.push(id);
        self.carried(delivery).map(drop)
    }

    /// Starts a workflow of the bundle together with what is begun next: nothing happens yet.
    ///
    /// # Errors
    /// A refusal.
    pub fn begin(&mut self, workflow: &str, input: Value) -> Result<OrchestrationId, Failure> {
        let request =
            StartRequest { workflow: workflow.to_owned(), input, subject: None, key: None, traceparent: None, by: person("starter") };
        let ticket = self.ticket();
        let drawn = Digest::of(&ticket.to_be_bytes());
        let made = provost_runtime::start::delivery(&self.registry, &self.tenant, &request, self.now_us, &drawn);
        let (_, id, delivery) = made.map_err(|refused| Failure::Broken(format!("the start is refused: {refused}")))?;
        self.up()?.pending.push_back((ticket, delivery));
        Ok(id)
    }

    /// Every row on the disk, in order of its commit.
    ///
    /// # Errors
    /// What the store says.
    pub fn feed(&mut self) -> Result<Vec<Row>, Failure> {
        let rows = self.machine.disk.feed(0, usize::MAX).map_err(|e| Failure::Broken(e.to_string()))?;
        Ok(rows.into_iter().map(|(_, row)| row).collect())
    }

    /// An event comes in; what follows at once happens.
    ///
    /// # Errors
    /// A refusal, or what is broken.
    pub fn event(&mut self, event: Event) -> Result<Told, Failure> {
        self.carried(Delivery::Accept { tenant: self.tenant.clone(), event: Box::new(event), by: person("sender") })
    }

    /// A command to the latest orchestration that was started; the refusal's code is the inner error.
    ///
    /// # Errors
    /// What is broken.
    pub fn command(&mut self, command: Command) -> Result<(), Failure> {
        let orchestration = self.latest()?;
        let cause = Cause { who: Some("person".into()), ..Cause::default() };
        self.carried(Delivery::Command { tenant: self.tenant.clone(), orchestration, command: Box::new(command), cause }).map(drop)
    }

    /// Delivers, and lets everything happen that happens at once.
    fn carried(&mut self, delivery: Delivery) -> Result<Told, Failure> {
        let ticket = self.ticket();
        self.up()?.pending.push_back((ticket, delivery));
        self.settle(self.now_us)?;
        match self.told.remove(&ticket) {
            Some(Told::Refused(refused)) => Err(Failure::Command { code: refused.code().to_owned(), why: refused.to_string() }),
            Some(told) => Ok(told),
            None => Err(Failure::Broken("nobody answered".to_owned())),
        }
    }

    /// The orchestration that was started last, by hand or by an event.
    pub fn latest(&mut self) -> Result<OrchestrationId, Failure> {
        match self.started.last() {
            Some(id) => Ok(*id),
            None => self.ids()?.first().copied().ok_or_else(|| Failure::Broken("nothing was started".to_owned())),
        }
    }

    /// Time passes until nothing is left that happens by itself.
    ///
    /// # Errors
    /// What is broken, and what never rests.
    pub fn pass(&mut self) -> Result<(), Failure> {
        self.settle(self.now_us.saturating_add(PASSES_US))
    }

    /// Time passes for so long.
    ///
    /// # Errors
    /// What is broken, and what never rests.
    pub fn advance(&mut self, us: i64) -> Result<(), Failure> {
        let until_us = self.now_us.saturating_add(us);
        let pace_us = if self.goes_by_the_clock() {
            // A schedule begins when it is first looked at.
            self.machine.tick(self.now_us);
            SCHEDULED_PACE_US.max(us / SCHEDULED_PACES_MAX)
        } else {
            PACE_US.max(us / PACES_MAX)
        };
        while self.now_us < until_us {
            let next_us = until_us.min(self.now_us.saturating_add(pace_us));
            self.settle(next_us)?;
            self.now_us = next_us;
            // What goes by the clock without a timer of its own looks at it here.
            self.machine.tick(next_us);
        }
        self.settle(until_us)
    }

    fn goes_by_the_clock(&self) -> bool {
        let world = self.registry.tenant(&self.tenant);
        world.bundles.values().flat_map(|bundle| bundle.workflows.values()).any(|code| code.program.schedule.is_some())
    }

    /// The process ends, and begins again so much later: what it had in memory is gone, and no time passed for it.
    ///
    /// # Errors
    /// What is broken, and what never rests.
    pub fn down(&mut self, us: i64) -> Result<(), Failure> {
        self.machine.up = None;
        self.leases.clear();
        self.sending.clear();
        self.now_us = self.now_us.saturating_add(us);
        if !self.machine.start(&self.registry, (0, 1)) {
            return Err(Failure::Broken("the machine does not start again".to_owned()));
        }
        self.machine.tick(self.now_us);
        self.settle(self.now_us)
    }

    fn settle(&mut self, until_us: i64) -> Result<(), Failure> {
        for _ in 0..MOMENTS_MAX {
            self.moment()?;
            let now_us = self.now_us;
            let leases = self.leases.iter().copied().filter(|until| *until > now_us).min();
            let up = self.up()?;
            let Some(next_us) = [up.timers.next_us(), up.outbox.next_us(), leases].into_iter().flatten().min() else { return Ok(()) };
            if next_us > until_us {
                return Ok(());
            }
            self.now_us = now_us.max(next_us);
            self.machine.tick(self.now_us);
        }
        Err(Failure::Broken(format!("it does not rest within {MOMENTS_MAX} moments")))
    }

    /// Everything that happens without time passing.
    fn moment(&mut self) -> Result<(), Failure> {
        for _ in 0..MOMENTS_MAX {
            let up = self.up()?;
            let forwards = std::mem::take(&mut up.forwards);
            up.pending.extend(forwards.into_iter().map(|(_, delivery)| (0, delivery)));
            let turned = match self.machine.turn(64, self.now_us, false) {
                Turned::Died => return Err(Failure::Broken("the machine died".to_owned())),
                Turned::Told(answers, _) => {
                    answers.into_iter().try_for_each(|(ticket, told)| self.hear(ticket, told))?;
                    true
                }
                Turned::Idle => false,
            };
            if !self.work()? && !turned {
                return Ok(());
            }
        }
        Err(Failure::Broken("it goes round and round without time passing".to_owned()))
    }

    fn hear(&mut self, ticket: Ticket, told: Told) -> Result<(), Failure> {
        match self.sending.remove(&ticket) {
            Some((token, offer)) if matches!(told, Told::Committed(_)) => self.carry_out(&token, offer),
            Some(_) => Ok(()),
            None => {
                self.told.insert(ticket, told);
                Ok(())
            }
        }
    }

    fn worker(&self) -> Claimant {
        Claimant { tenant: self.tenant.clone(), principal: WORKER.into(), known: Known::Token, worker: WORKER.into() }
    }

    /// A worker takes what is offered; whether there was something.
    fn work(&mut self) -> Result<bool, Failure> {
        let (tenant, now_us) = (self.tenant.clone(), self.now_us);
        let by = self.worker();
        let claimed = self.up()?.dispatcher.claim(&by, &[QUEUE.into()], 16, now_us);
        let any = !claimed.is_empty();
        for (token, offer) in claimed {
            if offer.class == EffectClass::E4 && offer.kind != OfferKind::LookUp {
                let ticket = self.ticket();
                let command = Box::new(Command::Sending { effect: offer.effect, attempt: offer.attempt });
                let cause = Cause { effect: Some(offer.effect), ..Cause::default() };
                let delivery = Delivery::Command { tenant: tenant.clone(), orchestration: offer.orchestration, command, cause };
                self.sending.insert(ticket, (token, offer));
                self.up()?.pending.push_back((ticket, delivery));
            } else {
                self.carry_out(&token, offer)?;
            }
        }
        Ok(any)
    }

    /// One attempt: as it was planned, else scripted, else by the hands.
    fn carry_out(&mut self, token: &str, offer: Offer) -> Result<(), Failure> {
        let code = self.registry.program(&self.tenant, &offer.pin, &offer.workflow);
        let code = code.ok_or_else(|| Failure::Broken(format!("the bundle of `{}` is gone", offer.workflow)))?;
        let plain = offer.name.split('@').next().unwrap_or_default();
        let name = if offer.kind == OfferKind::LookUp { format!("lookup:{plain}") } else { plain.to_owned() };
        self.requests.push(Request { name: name.clone(), offer: offer.clone() });
        let result = match self.planned(&name) {
            Some(Said::Answers(result)) => result,
            Some(Said::Silent) => {
                self.leases.push(self.now_us.saturating_add(LEASE_MS * 1000));
                return Ok(());
            }
            None => match self.unplanned(&offer, &code) {
                Some(result) => result,
                None => self.by_hands(offer, code)?,
            },
        };
        if let Attempted::Failed { problem, .. } = &result
            && problem.code() == "destination-unknown"
        {
            // `destination `HOST` is not bound here`.
            self.stranger.get_or_insert_with(|| problem.title.split('`').nth(1).unwrap_or_default().to_owned());
        }
        let by = self.worker();
        let up = self.up()?;
        if let Some(ended) = up.dispatcher.report(token, &by) {
            up.pending.push_back((0, outcome_of(&ended.offer, result, &ended.by.worker)));
        }
        Ok(())
    }

    fn planned(&mut self, name: &str) -> Option<Said> {
        let plan = self.plan.get_mut(name)?;
        if plan.len() > 1 { plan.pop_front() } else { plan.front().cloned() }
    }

    /// What is known without a request: a scripted agent, and what a worker of our own would answer for an action of another queue than
    /// the binary's.
    fn unplanned(&self, offer: &Offer, code: &Compiled) -> Option<Attempted> {
        let spec = code.program.actions.get(&offer.name);
        match offer.kind {
            OfferKind::Action | OfferKind::Undo if *spec?.queue != *BUILTIN => Some(done(Value::object([("ok", Value::Bool(true))]))),
            OfferKind::LookUp if *spec?.queue != *BUILTIN => Some(Attempted::Absent),
            _ => self.setting.hands.at_once(offer, code),
        }
    }

    fn by_hands(&self, offer: Offer, code: Arc<Compiled>) -> Result<Attempted, Failure> {
        let (say, hear) = mpsc::channel();
        // A worker that answers after the wait has nobody left to tell.
        let done = Box::new(move |result, _| drop(say.send(result)));
        self.setting.hands.carry_out(offer, code, self.binding.clone(), done);
        hear.recv_timeout(HANDS_WITHIN).map_err(|_| Failure::Broken("an attempt was never answered".to_owned()))
    }

    fn ticket(&mut self) -> Ticket {
        self.tickets += 1;
        self.tickets
    }

    fn up(&mut self) -> Result<&mut crate::machine::Up, Failure> {
        self.machine.up.as_mut().ok_or_else(|| Failure::Broken("the machine is down".to_owned()))
    }

    /// How an orchestration stands.
    ///
    /// # Errors
    /// Why it cannot be read.
    pub fn state(&mut self, id: OrchestrationId) -> Result<Orchestration, Failure> {
        let tenant = self.tenant.clone();
        let view = self.up()?.partition.view(&tenant, id, u64::MAX);
        view.map(|view| view.state).map_err(|refused| Failure::Broken(refused.to_string()))
    }

    /// Every orchestration there is, in order of its first fact.
    ///
    /// # Errors
    /// What the store says.
    pub fn ids(&mut self) -> Result<Vec<OrchestrationId>, Failure> {
        let mut ids = Vec::new();
        for row in self.feed()? {
            if let Stream::Orchestration(id) = row.stream
                && !ids.contains(&id)
            {
                ids.push(id);
            }
        }
        Ok(ids)
    }

    /// The facts of an orchestration, each with its time.
    ///
    /// # Errors
    /// What the store says.
    pub fn facts(&mut self, id: OrchestrationId) -> Result<Vec<(i64, Fact)>, Failure> {
        let mut facts = Vec::new();
        for row in self.rows(id)? {
            let transition = row.transition().map_err(|e| Failure::Broken(e.to_string()))?;
            facts.extend(transition.facts.into_iter().map(|fact| (row.recorded_at_us, fact)));
        }
        Ok(facts)
    }

    fn rows(&mut self, id: OrchestrationId) -> Result<Vec<Row>, Failure> {
        let rows = self.machine.disk.rows(&self.tenant, &Stream::Orchestration(id), 0, usize::MAX);
        rows.map_err(|e| Failure::Broken(e.to_string()))
    }

    /// The lifecycle events of an orchestration.
    ///
    /// # Errors
    /// What the store says.
    pub fn lifecycle(&mut self, id: OrchestrationId) -> Result<Vec<LifecycleEvent>, Failure> {
        let rows = self.rows(id)?;
        let code = self.state(id)?.start.and_then(|start| self.registry.program(&self.tenant, &start.pin, &start.workflow));
        let code = code.ok_or_else(|| Failure::Broken(format!("`{id}` has no program")))?;
        lifecycle(&code.program, self.tenant.clone(), id, &rows).map_err(Failure::Broken)
    }

    /// Decides every journal again; it must come out byte for byte.
    ///
    /// # Errors
    /// The first difference.
    pub fn verify(&mut self) -> Result<(), Failure> {
        for id in self.ids()? {
            let rows = self.rows(id)?;
            let start = self.state(id)?.start.ok_or_else(|| Failure::Broken(format!("`{id}` has no start")))?;
            let code = self.registry.program(&self.tenant, &start.pin, &start.workflow);
            let code = code.ok_or_else(|| Failure::Broken(format!("`{id}` has no program")))?;
            if let Some(difference) = provost_engine::verify(&*code, self.tenant.clone(), id, &rows).difference {
                return Err(Failure::Broken(format!("decided again, `{id}` differs at {}: {}", difference.sequence, difference.what)));
            }
            let (events, ended) = (self.lifecycle(id)?, self.state(id)?.is_ended());
            if let Some(what) = crate::properties::lifecycle::unbalanced(&events, ended) {
                return Err(Failure::Broken(format!("the lifecycle events of `{id}`: {what}")));
            }
        }
        Ok(())
    }
}
