//! A scripted world around `decide`: policy, agents, actions, people, virtual time. Checks every transition on the way.

use std::collections::{BTreeMap, VecDeque};

use provost_engine::{Child, ChildState, OpenKind, Orchestration, Rejected, Step, decide, evolve, keyed};
use provost_language::Compiled;
use provost_model::program::EffectClass;
use provost_model::record::{
    Admission, AdmissionRequest, Ambient, Arrived, Attempted, Behind, Cause, ClaimAnswer, Claimed, Command, EffectKind, EffectState, Fact,
    Head, Intent, Outcome, Parent, Place, Row, SharedState, Start, Stream, Transition,
};
use provost_model::verdict::{Layer, Rule};
use provost_model::who::Known;
use provost_model::{
    Answer, Digest, EffectId, Event, EventId, OrchestrationId, PolicyRequest, Problem, Slot, TenantId, Value, Verdict, Who,
};

use crate::Failure;

/// Above this many effects a snapshot per transition is too slow for a test.
const SNAPSHOT_EFFECTS_MAX: usize = 64;

/// Most tasks of one transition.
const TASKS_MAX: usize = 256;

/// What the world does with one attempt.
#[derive(Clone, Debug)]
pub enum Said {
    /// It answers.
    Answers(Attempted),
    /// It says nothing.
    Silent,
}

/// An answer of shared state.
#[derive(Clone, Copy, Debug)]
pub enum Shared {
    /// In so many milliseconds.
    Delayed(i64),
    /// No.
    Refused,
    /// At this place of the line.
    Queued(u64),
    /// First of those that wait, and one is stopped to make room.
    Replacing,
}

pub struct World {
    pub code: Compiled,
    pub state: Orchestration,
    pub rows: Vec<Row>,
    pub now_us: i64,
    /// How many events of ours led to the start.
    pub hops: u32,
    /// Whose child it is.
    pub parent: Option<Box<Parent>>,
    /// Whether time moves only by `advance`.
    pub manual: bool,
    /// By action, or by `ACTION:RESOURCE`: how policy answers.
    pub policy: BTreeMap<String, String>,
    /// By name (`lookup:` before it for look-ups): what comes of each attempt; the last one stays.
    pub plan: BTreeMap<String, VecDeque<Said>>,
    /// The names of all attempts and look-ups that left.
    pub sent: Vec<String>,
    /// Everything policy was asked.
    pub asked: Vec<PolicyRequest>,
    /// What the homes of business keys answer, in order; granted once nothing is left.
    pub claims: VecDeque<ClaimAnswer>,
    /// What shared state answers, in order; it agrees once nothing is left.
    pub admissions: VecDeque<Shared>,
    /// The events that came since it began, oldest first.
    pub heard: Vec<Arrived>,
    intents: VecDeque<Intent>,
}

/// A person with a token.
pub fn person(name: &str) -> Who {
    Who { name: name.into(), known: Known::Token, roles: vec!["boss".into()] }
}

impl World {
    pub fn new(code: Compiled) -> Self {
        let id = OrchestrationId::mint(1_700_000_000_000_000, Slot(7), &[b"corpus"]);
        Self {
            code,
            state: Orchestration::new(TenantId::local(), id),
            rows: Vec::new(),
            now_us: 1_700_000_000_000_000,
            hops: 0,
            parent: None,
            manual: false,
            policy: BTreeMap::new(),
            plan: BTreeMap::new(),
            sent: Vec::new(),
            asked: Vec::new(),
            claims: VecDeque::new(),
            admissions: VecDeque::new(),
            heard: Vec::new(),
            intents: VecDeque::new(),
        }
    }

    /// An event comes: who exists hears it, at once or once it listens.
    pub fn event(&mut self, text: &str, by: Who) -> Result<Arrived, Failure> {
        let number = self.heard.len().to_string();
        let mut whole = serde_json::json!({ "id": number, "source": "/corpus" });
        let written: serde_json::Map<String, serde_json::Value> = serde_json::from_str(text).map_err(|e| format!("{text}: {e}"))?;
        whole.as_object_mut().into_iter().for_each(|whole| whole.extend(written.clone()));
        let event: Event = serde_json::from_value(whole).map_err(|e| format!("{text}: {e}"))?;
        let id = EventId::mint(self.now_us, Slot(3), &[event.id.as_bytes(), number.as_bytes()]);
        let arrived = Arrived { id, event, by, more: false };
        if self.state.sequence > 0 {
            self.heard.push(arrived.clone());
        }
        Ok(arrived)
    }

    /// Every event that came is offered again, oldest first.
    pub fn offer_heard(&mut self) -> Result<(), Failure> {
        for arrived in self.heard.clone() {
            match self.tell(&Command::Arrived(Box::new(arrived)))? {
                Ok(()) | Err(Rejected::Ended) => {}
                Err(rejected) => return Err(format!("an event was refused: {rejected}")),
            }
        }
        Ok(())
    }

    pub fn start(&self, input: Value) -> Result<Command, Failure> {
        let program = &self.code.program;
        let start = Start {
            labels: provost_model::Labels::new(),
            workflow: program.name.clone(),
            version: program.version.clone(),
            pin: program.pin,
            binding: 0,
            input,
            event: None,
            events: Vec::new(),
            subject: None,
            hops: self.hops,
            origin: (self.hops > 0).then(|| OrchestrationId::mint(0, Slot(1), &[b"origin"])),
            traceparent: None,
            order: None,
            concurrency: None,
            batch: None,
            parent: self.parent.clone(),
            by: person("starter"),
        };
        keyed(&self.code, start).map(Command::Start).map_err(|unusable| unusable.problem.title)
    }

    /// Decides one command; the refusal is the inner error.
    pub fn tell(&mut self, command: &Command) -> Result<Result<(), Rejected>, Failure> {
        let mut ambient = Ambient { now_us: self.now_us, seed: self.state.sequence, ..Ambient::default() };
        for _ in 0..1000 {
            match decide(&self.code, &self.state, command, &ambient) {
                Err(rejected) => return Ok(Err(rejected)),
                Ok(Step::Ask(questions)) => {
                    ambient.verdicts.extend(questions.verdicts.iter().map(|request| self.judge(request)));
                    ambient.admissions.extend(questions.admissions.into_iter().map(|request| self.admission(request)));
                    self.asked.extend(questions.verdicts);
                }
                Ok(Step::Commit(decided)) => return self.keep(&decided.transition, &decided.next).map(Ok),
            }
        }
        Err("policy is asked without end".to_owned())
    }

    fn keep(&mut self, transition: &Transition, next: &Orchestration) -> Result<(), Failure> {
        let bytes = transition.encode().map_err(|e| e.to_string())?;
        let read = Transition::decode(&bytes).map_err(|e| e.to_string())?;
        let again = read.encode().map_err(|e| e.to_string())?;
        if read != *transition || again != bytes {
            return Err(format!("a transition is not read back as it was written: {}", String::from_utf8_lossy(&bytes)));
        }
        let mut folded = self.state.clone();
        for fact in &read.facts {
            evolve(&mut folded, fact, transition.ambient.now_us);
        }
        if folded != *next {
            return Err(format!("the fold gives another state than was decided\nfolded {folded:?}\ndecided {next:?}"));
        }
        for (at, open) in folded.open.iter() {
            let OpenKind::Fork { open: counted, .. } = &open.kind else { continue };
            let branches = folded.open.keys().filter(|place| place.parent().as_ref() == Some(at)).count();
            if branches != *counted {
                return Err(format!("the fork at {at:?} counts {counted} open branches, and {branches} are open"));
            }
        }
        if folded.effects.size() <= SNAPSHOT_EFFECTS_MAX {
            let snapshot = serde_json::to_vec(&folded).map_err(|e| e.to_string())?;
            let back: Orchestration = serde_json::from_slice(&snapshot).map_err(|e| format!("snapshot: {e}"))?;
            if back != folded {
                return Err(format!("a snapshot gives another state\n{folded:?}\n{back:?}"));
            }
        }
        let tasks = read.facts.iter().filter(|fact| matches!(fact, Fact::Completed { .. } | Fact::Skipped { .. })).count();
        if tasks > TASKS_MAX {
            return Err(format!("one transition runs {tasks} tasks"));
        }
        if !transition.facts.is_empty() {
            let head = self.rows.last().map_or(Head::EMPTY, Row::head);
            let row = self.seal(head, transition)?;
            self.rows.push(row);
        }
        self.intents.extend(transition.intents.iter().cloned());
        self.state = folded;
        Ok(())
    }

    pub fn seal(&self, head: Head, transition: &Transition) -> Result<Row, Failure> {
        let stream = Stream::Orchestration(self.state.id);
        let place = Place { tenant: &self.state.tenant, stream: &stream, epoch: 1 };
        let count = u32::try_from(transition.facts.len()).map_err(|e| e.to_string())?;
        let bytes = transition.encode().map_err(|e| e.to_string())?;
        Ok(Row::seal(place, head, Cause::default(), transition.ambient.now_us, count, &bytes))
    }

    fn judge(&self, request: &PolicyRequest) -> Verdict {
        let approved = request.context.member("approval").is_some();
        let one = format!("{}:{}", request.action, request.resource.id);
        let plan = self.policy.get(&one).or_else(|| self.policy.get(&*request.action));
        let answer = match (plan.map_or("allow", String::as_str), approved) {
            ("deny", _) | ("review-then-deny", true) => Answer::Deny,
            ("review", _) | ("review-first" | "review-then-deny", false) => Answer::Review,
            (_, _) => Answer::Allow,
        };
        Verdict {
            request: request.digest(),
            answer,
            rules: vec![Rule { id: "scripted".into(), at: "test.cedar:1".into() }],
            layer: Layer::Bundle,
            errors: Vec::new(),
            bundle: Digest::of(b"bundle"),
            tenant: Digest::of(b"tenant"),
            guard: 0,
            binding: 0,
            would: None,
        }
    }

    fn admission(&mut self, request: AdmissionRequest) -> Admission {
        let AdmissionRequest { what, effect, attempt, of } = request;
        let agreed = Admission { what, effect, attempt, delayed_until_us: None, refused: None, number: None, behind: None };
        match self.admissions.pop_front() {
            None => agreed,
            Some(Shared::Delayed(ms)) => Admission { delayed_until_us: Some(self.now_us + ms * 1000), ..agreed },
            Some(Shared::Refused) => Admission { refused: Some("too many".into()), ..agreed },
            Some(Shared::Queued(number)) => Admission { number: Some(number), behind: behind(of, Vec::new()), ..agreed },
            Some(Shared::Replacing) => Admission { number: Some(1), behind: behind(of, vec![holder()]), ..agreed },
        }
    }

    /// Everything that happens by itself: outcomes at once, then timers in order of their time, until only the outside can move it.
    pub fn settle(&mut self) -> Result<(), Failure> {
        for _ in 0..100_000 {
            if let Some(intent) = self.intents.pop_front() {
                self.follow(&intent)?;
            } else if self.manual || self.is_held() || !self.fire(i64::MAX)? {
                return Ok(());
            }
        }
        Err("it does not come to rest".to_owned())
    }

    /// Whether somebody outside must do something first.
    fn is_held(&self) -> bool {
        let person = self.state.reviews.values().any(|review| review.answer.is_none() && !review.closed);
        let outside = |state| matches!(state, EffectState::Intended | EffectState::Sent | EffectState::InDoubt);
        let asked = |id: &EffectId| !self.state.timers.contains_key(&*format!("effect:{id}"));
        let effects = self.state.effects.iter().any(|(id, e)| outside(e.state) || e.state == EffectState::Asked && asked(id));
        let begun = self.state.children.values().any(|child| matches!(child.state, ChildState::Running | ChildState::Wanted));
        let listens = self.state.listeners.values().any(|listener| !listener.over);
        person || effects || begun || listens || self.state.parked.is_some()
    }

    /// Fires the next timer due by `until_us`.
    fn fire(&mut self, until_us: i64) -> Result<bool, Failure> {
        let next = self.state.timers.iter().min_by_key(|(_, timer)| timer.due_us).map(|(id, timer)| (id.clone(), timer.due_us));
        let Some((id, due_us)) = next.filter(|(_, due_us)| *due_us <= until_us) else { return Ok(false) };
        self.now_us = self.now_us.max(due_us);
        self.tell(&Command::Timer { id: id.clone() })?.map_err(|rejected| format!("timer `{id}`: {rejected}"))?;
        Ok(true)
    }

    /// Lets time pass.
    pub fn advance(&mut self, ms: i64) -> Result<(), Failure> {
        let until_us = self.now_us + ms * 1000;
        let manual = std::mem::replace(&mut self.manual, true);
        self.settle()?;
        while self.fire(until_us)? {
            self.settle()?;
        }
        self.now_us = until_us;
        self.manual = manual;
        self.settle()
    }

    fn follow(&mut self, intent: &Intent) -> Result<(), Failure> {
        let (effect, attempt, look_up) = match intent {
            Intent::Attempt { effect, attempt } => (*effect, *attempt, false),
            Intent::LookUp { effect, attempt } => (*effect, *attempt, true),
            Intent::Continue => {
                let told = self.tell(&Command::Continue)?;
                // Another command may have gone on already.
                return told.or_else(|rejected| if rejected == Rejected::Idle { Ok(()) } else { Err(rejected.to_string()) });
            }
            Intent::Claim { effect } => {
                let answer = self.claims.pop_front().unwrap_or(ClaimAnswer::Granted);
                let told = self.tell(&Command::Claimed(Claimed { effect: *effect, answer }))?;
                return told.map_err(|rejected| format!("claim: {rejected}"));
            }
            Intent::Listen => return self.offer_heard(),
            Intent::Withdraw { .. } | Intent::Timer { .. } | Intent::Ask { .. } | Intent::Emit { .. } | Intent::Announce => return Ok(()),
            Intent::StartChild { .. } | Intent::StopChild { .. } | Intent::RedriveChild { .. } => return Ok(()),
        };
        let Some(known) = self.state.effects.get(&effect).cloned() else { return Ok(()) };
        let waits = if look_up { known.state == EffectState::Asked } else { known.state == EffectState::Intended };
        let number = if look_up { known.lookups } else { known.attempt };
        if !waits || number != attempt {
            return Ok(());
        }
        let plain = known.name.split('@').next().unwrap_or_default();
        let name = if look_up { format!("lookup:{plain}") } else { plain.to_owned() };
        self.sent.push(name.clone());
        let said = self.said(&name, &known);
        let held = self.plan.contains_key(&format!("unsent:{name}"));
        if known.class == EffectClass::E4 && !look_up && !held {
            self.tell(&Command::Sending { effect, attempt })?.map_err(|rejected| format!("sending `{name}`: {rejected}"))?;
        }
        let Said::Answers(result) = said else { return Ok(()) };
        self.now_us += 1000;
        self.report(effect, attempt, result)?.map_err(|rejected| format!("outcome of `{name}`: {rejected}"))
    }

    /// A worker's report.
    pub fn report(&mut self, effect: EffectId, attempt: u32, result: Attempted) -> Result<Result<(), Rejected>, Failure> {
        self.tell(&Command::Outcome(Outcome { effect, attempt, result, worker: "test".into(), took_ms: 1, stored: None }))
    }

    fn said(&mut self, name: &str, effect: &provost_engine::Effect) -> Said {
        let (kind, example) = (effect.kind, effect.example);
        if let Some(plan) = self.plan.get_mut(name) {
            let next = if plan.len() > 1 { plan.pop_front() } else { plan.front().cloned() };
            return next.unwrap_or(Said::Silent);
        }
        let agents = &self.code.program.agents;
        let scripted = agents.values().find(|agent| *agent.name == *name).and_then(|agent| agent.examples.get(example? as usize));
        match kind {
            _ if name.starts_with("lookup:") => Said::Answers(Attempted::Absent),
            EffectKind::Agent => Said::Answers(done(scripted.map(|example| example.answer.clone()).unwrap_or_default())),
            EffectKind::Action | EffectKind::Undo => Said::Answers(done(Value::object([("ok", Value::Bool(true))]))),
            EffectKind::Retrieval => {
                let examples = self.code.program.sources.get(&effect.name).map(|spec| &spec.examples);
                let found = examples.zip(example).and_then(|(examples, at)| examples.get(at as usize));
                Said::Answers(done(found.map(|example| example.answer.clone()).unwrap_or_default()))
            }
            EffectKind::Feature => Said::Answers(self.features(effect)),
        }
    }

    /// What the files of the features say.
    fn features(&self, effect: &provost_engine::Effect) -> Attempted {
        let text = |key: &str| effect.arguments.member(key).and_then(Value::as_str).unwrap_or_default();
        let as_of_us = provost_model::instant::parse(text("asOf")).unwrap_or_default();
        let mut values = Vec::new();
        for name in effect.arguments.member("names").and_then(Value::as_array).into_iter().flatten() {
            let Some(spec) = name.as_str().and_then(|name| self.code.program.features.get(name)) else { continue };
            let Some(value) = spec.at(text("entity"), as_of_us) else {
                let title = format!("feature `{}` has no value for `{}`", spec.served.name, text("entity"));
                return Attempted::Failed { problem: Problem::ours("feature-missing", 404, title), retry: false, retry_after_ms: None };
            };
            values.push((spec.served.name.clone(), value.clone()));
        }
        done(Value::object(values))
    }

    /// The children of that name, in order of their places and rounds.
    pub fn children(&self, name: &str) -> Vec<(OrchestrationId, Child)> {
        let of_name = self.state.children.iter().filter(|(_, child)| *child.workflow == *name);
        let mut found: Vec<_> = of_name.map(|(id, child)| (*id, (**child).clone())).collect();
        let round = |id: &OrchestrationId, child: &Child| (0..100).find(|n| self.state.begun(&child.at, *n) == Some(*id));
        found.sort_by_key(|(id, child)| (child.at.clone(), round(id, child)));
        found
    }

    /// One that something can be said of, with where its journal stood: it is waited for, else it has not ended.
    pub fn child(&self, name: &str) -> Result<(OrchestrationId, u64), Failure> {
        let all = self.children(name);
        let of = |state| all.iter().find(|(_, child)| child.state == state);
        let found = of(ChildState::Running)
            .or(of(ChildState::Wanted))
            .or(of(ChildState::Interrupted))
            .or(of(ChildState::Stopping))
            .or(of(ChildState::Parked))
            .or(all.last());
        found.map(|(id, child)| (*id, child.sequence)).ok_or_else(|| format!("there is no child `{name}`"))
    }

    /// The latest effect of that name.
    pub fn effect(&self, name: &str) -> Result<(EffectId, &provost_engine::Effect), Failure> {
        let of_name = |effect: &provost_engine::Effect| effect.name.split('@').next() == Some(name);
        let mut found: Vec<_> = self.state.effects.iter().filter(|(_, effect)| of_name(effect)).collect();
        found.sort_by_key(|(id, effect)| (effect.first_us, **id));
        found.last().map(|(id, effect)| (**id, &***effect)).ok_or_else(|| format!("there is no effect `{name}`"))
    }
}

pub fn done(value: Value) -> Attempted {
    Attempted::Done { value, reference: None, usage: None, dropped_bytes: None }
}

pub fn problem(status: u16) -> Problem {
    Problem::standard("communication", status, "the target answered badly")
}

/// Whom one waits for: one holder, where a concurrency key makes it wait.
fn behind(of: SharedState, replaces: Vec<OrchestrationId>) -> Option<Box<Behind>> {
    match of {
        SharedState::Key(spec) => Some(Box::new(Behind { limit: spec.limit, ahead: 0, holders: vec![holder()], replaces })),
        SharedState::Order | SharedState::Rate(_) | SharedState::Breaker(_) | SharedState::Origin { .. } => None,
    }
}

fn holder() -> OrchestrationId {
    OrchestrationId::mint(1_699_999_999_000_000, Slot(7), &[b"holder"])
}
