//! A world in a test: drives `decide` over a compiled bundle, with scripted outcomes, and checks every transition on the way.
#![expect(clippy::disallowed_methods, reason = "tests read the folders that the crate must not")]
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use provost_engine::{Orchestration, Step, decide, evolve, verify};
use provost_language::{Compiled, Sources, compile, render};
use provost_model::record::{
    Admission, AdmissionRequest, Ambient, Attempted, Cause, ClaimAnswer, Claimed, Command, EffectKind, Fact, Head, Intent, Outcome, Place,
    Row, Start, Stream, Transition,
};
use provost_model::verdict::{Layer, Rule};
use provost_model::{Answer, Digest, OrchestrationId, PolicyRequest, Slot, TenantId, Value, Verdict, Who};

/// The root of the repository.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Every file below a folder, as sources.
pub fn folder(path: &Path) -> Sources {
    let mut sources = Sources::new();
    let mut folders = vec![path.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in std::fs::read_dir(&next).unwrap() {
            let at = entry.unwrap().path();
            if at.is_dir() {
                folders.push(at);
            } else {
                let name = at.strip_prefix(path).unwrap().to_string_lossy().into_owned();
                sources.add(&name, std::fs::read(&at).unwrap());
            }
        }
    }
    sources
}

/// A workflow of sources, compiled.
pub fn compiled(sources: &Sources, workflow: Option<&str>) -> Compiled {
    let checked = compile(sources);
    let bundle = checked.bundle.unwrap_or_else(|| panic!("{}", render(&checked.findings, sources)));
    let program = match workflow {
        Some(name) => bundle.workflow(name).unwrap().clone(),
        None => bundle.workflows.first().unwrap().clone(),
    };
    Compiled::new(program).unwrap()
}

/// A lone document with `do` tasks.
pub fn document(tasks: &str) -> Compiled {
    let text = format!("document: {{ dsl: '1.0.3', namespace: test, name: test, version: '1.0.0' }}\n{tasks}");
    compiled(&Sources::lone("test.yaml", text.into_bytes()), None)
}

/// Policy's answer to a question.
pub type Policy = Box<dyn Fn(&PolicyRequest) -> Answer>;
/// The outcome of an attempt: agent or action, its name, its arguments, which attempt.
pub type World = Box<dyn Fn(EffectKind, &str, &Value, u32) -> Option<Attempted>>;

/// The answer of shared state at a time.
pub type Shared = Box<dyn Fn(&AdmissionRequest, i64) -> Admission>;
/// The answer of a business key's home.
pub type Home = Box<dyn Fn(&str) -> ClaimAnswer>;

/// It may go.
pub fn admission(request: &AdmissionRequest) -> Admission {
    let AdmissionRequest { what, effect, attempt, .. } = request.clone();
    Admission { what, effect, attempt, delayed_until_us: None, refused: None, number: None, behind: None }
}

/// One orchestration under test.
pub struct Run {
    pub code: Compiled,
    pub state: Orchestration,
    pub rows: Vec<Row>,
    pub now_us: i64,
    pub policy: Policy,
    pub world: World,
    pub shared: Shared,
    pub home: Home,
    pub order: Option<Arc<str>>,
    pub intents: VecDeque<Intent>,
}

impl Run {
    /// A fresh orchestration where policy allows everything and agents answer null.
    pub fn new(code: Compiled) -> Self {
        let id = OrchestrationId::mint(1_700_000_000_000_000, Slot(7), &[b"test"]);
        let state = Orchestration::new(TenantId::local(), id);
        let world: World = Box::new(|_, _, _, _| Some(done(Value::Null)));
        Self {
            code,
            state,
            rows: Vec::new(),
            now_us: 1_700_000_000_000_000,
            policy: Box::new(|_| Answer::Allow),
            world,
            shared: Box::new(|request, _| admission(request)),
            home: Box::new(|_| ClaimAnswer::Granted),
            order: None,
            intents: VecDeque::new(),
        }
    }

    pub fn policy(mut self, policy: impl Fn(&PolicyRequest) -> Answer + 'static) -> Self {
        self.policy = Box::new(policy);
        self
    }

    pub fn world(mut self, world: impl Fn(EffectKind, &str, &Value, u32) -> Option<Attempted> + 'static) -> Self {
        self.world = Box::new(world);
        self
    }

    /// Starts it and lets everything happen that happens by itself.
    pub fn start(self, input: Value) -> Self {
        let mut run = self.begin(input);
        run.settle();
        run
    }

    /// Starts it.
    pub fn begin(mut self, input: Value) -> Self {
        let program = self.code.program.clone();
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
            hops: 0,
            origin: None,
            traceparent: None,
            order: self.order.clone(),
            concurrency: None,
            batch: None,
            parent: None,
            by: Who { name: "starter".into(), known: provost_model::who::Known::Token, roles: Vec::new() },
        };
        self.tell(Command::Start(start)).unwrap();
        self
    }

    /// Decides one command, asking policy as often as needed, and checks the transition.
    pub fn tell(&mut self, command: Command) -> Result<(), provost_engine::Rejected> {
        let mut ambient = Ambient { now_us: self.now_us, seed: self.state.sequence, ..Ambient::default() };
        loop {
            match decide(&self.code, &self.state, &command, &ambient)? {
                Step::Ask(questions) => {
                    ambient.verdicts.extend(questions.verdicts.iter().map(|request| verdict(request, (self.policy)(request))));
                    ambient.admissions.extend(questions.admissions.iter().map(|request| (self.shared)(request, self.now_us)));
                }
                Step::Commit(decided) => {
                    self.keep(&decided.transition, &decided.next);
                    return Ok(());
                }
            }
        }
    }

    fn keep(&mut self, transition: &Transition, next: &Orchestration) {
        let mut folded = self.state.clone();
        let bytes = transition.encode().unwrap();
        let read = Transition::decode(&bytes).unwrap();
        assert_eq!(&read, transition, "a transition reads back as it was written");
        for fact in &read.facts {
            evolve(&mut folded, fact, transition.ambient.now_us);
        }
        assert_eq!(&folded, next, "folding the facts gives the state that was decided");
        if !transition.facts.is_empty() {
            let stream = Stream::Orchestration(self.state.id);
            let head = self.rows.last().map_or(Head::EMPTY, Row::head);
            let place = Place { tenant: &self.state.tenant, stream: &stream, epoch: 1 };
            let count = u32::try_from(transition.facts.len()).unwrap();
            self.rows.push(Row::seal(place, head, Cause::default(), transition.ambient.now_us, count, &bytes));
        }
        self.intents.extend(transition.intents.iter().cloned());
        self.state = folded;
    }

    /// Lets outcomes come and timers fire until only people or nobody can move it.
    pub fn settle(&mut self) {
        for _ in 0..100_000 {
            if let Some(intent) = self.intents.pop_front() {
                self.follow(&intent);
            } else if !self.fire() {
                return;
            }
        }
        panic!("it does not come to rest");
    }

    fn follow(&mut self, intent: &Intent) {
        match intent {
            Intent::Attempt { effect, attempt } | Intent::LookUp { effect, attempt } => {
                let Some(known) = self.state.effects.get(effect).cloned() else { return };
                if known.class == provost_model::program::EffectClass::E4 && matches!(intent, Intent::Attempt { .. }) {
                    self.tell(Command::Sending { effect: *effect, attempt: *attempt }).unwrap();
                }
                let name = if matches!(intent, Intent::LookUp { .. }) { format!("look-up {}", known.name) } else { known.name.to_string() };
                if let Some(result) = (self.world)(known.kind, &name, &known.arguments, *attempt) {
                    self.now_us += 1000;
                    let outcome = Outcome { effect: *effect, attempt: *attempt, result, worker: "test".into(), took_ms: 1, stored: None };
                    self.tell(Command::Outcome(outcome)).unwrap();
                }
            }
            Intent::Claim { effect } => {
                let key = self.state.effects.get(effect).and_then(|known| known.business_key.clone()).unwrap();
                let answer = (self.home)(&key);
                self.tell(Command::Claimed(Claimed { effect: *effect, answer })).unwrap();
            }
            // Another command may have gone on already.
            Intent::Continue => assert!(matches!(self.tell(Command::Continue), Ok(()) | Err(provost_engine::Rejected::Idle))),
            Intent::Withdraw { .. } | Intent::Timer { .. } | Intent::Ask { .. } | Intent::Emit { .. } | Intent::Announce => {}
            Intent::StartChild { .. } | Intent::StopChild { .. } | Intent::RedriveChild { .. } | Intent::Listen => {}
        }
    }

    /// Fires the next timer, but waits for people no longer than a minute.
    pub fn fire(&mut self) -> bool {
        let waits_for_people = self.state.reviews.values().any(|r| r.answer.is_none() && !r.closed);
        let next = self.state.timers.iter().min_by_key(|(_, timer)| timer.due_us).map(|(id, timer)| (id.clone(), timer.due_us));
        match next.filter(|(id, _)| !waits_for_people && !id.starts_with("timeout:")) {
            Some((id, due_us)) => {
                self.fire_at(&id, due_us);
                true
            }
            None => false,
        }
    }

    pub fn fire_at(&mut self, id: &Arc<str>, due_us: i64) {
        self.now_us = self.now_us.max(due_us);
        self.tell(Command::Timer { id: id.clone() }).unwrap();
    }

    /// Every fact so far.
    pub fn facts(&self) -> Vec<Fact> {
        self.rows.iter().flat_map(|row| row.transition().unwrap().facts).collect()
    }

    /// Verifies the journal, and that a changed row is found.
    pub fn verified(&self) -> &Self {
        let found = verify(&self.code, self.state.tenant.clone(), self.state.id, &self.rows);
        assert_eq!(found.difference, None);
        assert_eq!(found.state, self.state);
        self
    }
}

/// It was done, with this result.
pub fn done(value: Value) -> Attempted {
    Attempted::Done { value, reference: None, usage: None, dropped_bytes: None }
}

/// It certainly was not done.
pub fn failed(status: u16, retry: bool) -> Attempted {
    let problem = provost_model::Problem::standard("communication", status, "the target answered badly");
    Attempted::Failed { problem, retry, retry_after_ms: None }
}

/// Nobody knows.
pub fn unknown() -> Attempted {
    Attempted::Unknown { problem: provost_model::Problem::standard("communication", 504, "no answer") }
}

fn verdict(request: &PolicyRequest, answer: Answer) -> Verdict {
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

/// A value from JSON text.
pub fn json(text: &str) -> Value {
    provost_model::value::parse(text.as_bytes()).unwrap()
}
