//! What may be repeated freely: runs of agents, and reads.

use provost_model::program::{ActionSpec, AgentSpec, AgentTask, Example, FailureMode, Model, RetrySpec, SchemaIx};
use provost_model::{Problem, Value};

use super::attempts::next_us;
use super::evaluate::Seen;
use super::flow::{About, Interpreter, Went};
use super::tasks::{Begun, Kind};
use super::{Answer, answers, takes_us};

/// Who is asked.
pub(super) enum Asked<'c> {
    /// An agent, and the example that answers for it.
    Agent(&'c AgentSpec, &'c Example),
    /// The target of a read, with these arguments.
    Target(&'c ActionSpec, Value),
}

impl Asked<'_> {
    fn answer(&self, attempt: u32) -> Result<Value, Problem> {
        match self {
            Self::Agent(_, example) => match &example.fails {
                Some(why) => Err(Problem::ours("agent-failed", 502, &**why)),
                None => Ok(example.answer.clone()),
            },
            Self::Target(_, arguments) => match answers(arguments, attempt) {
                Answer::Done(value) => Ok(value),
                Answer::Failed { problem, .. } | Answer::Unknown(problem) => Err(problem),
            },
        }
    }

    fn contract(&self) -> Option<SchemaIx> {
        match self {
            Self::Agent(spec, _) => spec.output,
            Self::Target(spec, _) => spec.result,
        }
    }

    fn retry(&self) -> &RetrySpec {
        match self {
            Self::Agent(spec, _) => &spec.retry,
            Self::Target(spec, _) => &spec.retry,
        }
    }

    /// What an agent's file says instead of an answer; the reference knows no people.
    fn instead(&self) -> Option<Value> {
        match self {
            Self::Agent(spec, _) => answered_instead(&spec.failure),
            Self::Target(..) => None,
        }
    }
}

fn answered_instead(failure: &FailureMode) -> Option<Value> {
    match failure {
        FailureMode::Fail | FailureMode::Review(_) => None,
        FailureMode::Abstain => Some(Value::Null),
        FailureMode::Default(answer) => Some(answer.clone()),
    }
}

/// A run of an agent, or a read.
pub(super) struct Run<'c> {
    asked: Asked<'c>,
    takes_us: i64,
    attempt: u32,
    first_us: i64,
    deadline_us: i64,
    /// Whether it waits for its next attempt; else for its answer.
    waits: bool,
    /// When what it waits for is due, in microseconds UTC; never, once it was given up.
    pub due_us: i64,
}

impl<'c> Run<'c> {
    /// The first attempt, now.
    pub fn new(asked: Asked<'c>, arguments: &Value, now_us: i64) -> Self {
        let takes_us = takes_us(arguments);
        Self { asked, takes_us, attempt: 1, first_us: now_us, deadline_us: i64::MAX, waits: false, due_us: now_us + takes_us }
    }
}

impl<'c> Interpreter<'c> {
    /// `call: agent`: the first example that applies answers.
    pub(super) fn agent(&mut self, task: &'c AgentTask, input: &Value, seen: &Seen<'_>) -> Result<Begun<'c>, Problem> {
        let arguments = self.render(&task.input, input, seen)?;
        let missing = || Problem::standard("configuration", 500, "there is no such agent");
        let spec = self.code.program.agents.get(&task.agent).ok_or_else(missing)?;
        self.validate(spec.input, &arguments)?;
        let seen = Seen { input: arguments.clone(), ..seen.clone() };
        for example in &spec.examples {
            let contains = example.contains.as_ref().is_none_or(|wanted| contains(&arguments, &wanted.to_lowercase()));
            if spec.model == Model::Scripted && contains && example.when.map_or(Ok(true), |when| self.holds(when, &arguments, &seen))? {
                let wall_ms = if task.wall_ms > 0 { task.wall_ms.min(spec.wall_ms) } else { spec.wall_ms };
                let run = Run::new(Asked::Agent(spec, example), &arguments, self.now_us);
                return Ok(Begun::Open(Kind::Run(Run { deadline_us: self.now_us + wall_ms * 1000, ..run })));
            }
        }
        let none = || Problem::ours("no-example-matches", 422, "no example applies");
        answered_instead(&spec.failure).map(Begun::Ended).ok_or_else(none)
    }

    /// A run whose answer, or whose next attempt, may be due.
    pub(super) fn run_on(&mut self, about: &About<'c>, run: &mut Run<'c>, context: &mut Value) -> Went {
        if self.now_us < run.due_us {
            return Ok(None);
        }
        if run.waits {
            (run.waits, run.due_us) = (false, self.now_us + run.takes_us);
            return Ok(None);
        }
        let answer = run.asked.answer(run.attempt);
        let answer = answer.and_then(|answer| self.validate(run.asked.contract(), &answer).map(|()| answer));
        let problem = match answer {
            Ok(answer) => return self.complete(about, answer, about.task.then.clone(), context),
            Err(problem) => problem,
        };
        let again_us = next_us(run.asked.retry(), run.attempt, run.first_us, self.now_us).filter(|due_us| *due_us < run.deadline_us);
        if let Some(due_us) = again_us.filter(|_| !self.is_over_around(&about.at) && !self.is_used_up()) {
            self.tasks_run += 1;
            let waits = due_us > self.now_us;
            (run.attempt, run.waits, run.due_us) = (run.attempt + 1, waits, if waits { due_us } else { due_us + run.takes_us });
            return Ok(None);
        }
        self.in_time(&about.at)?;
        match run.asked.instead() {
            Some(answer) => self.complete(about, answer, about.task.then.clone(), context),
            None => Err(self.fails(about, problem)),
        }
    }
}

/// Whether a string inside contains `wanted`, whatever its case.
fn contains(value: &Value, wanted: &str) -> bool {
    match value {
        Value::Str(text) => text.to_lowercase().contains(wanted),
        Value::Array(items) => items.iter().any(|item| contains(item, wanted)),
        Value::Object(map) => map.iter().any(|(_, member)| contains(member, wanted)),
        Value::Null | Value::Bool(_) | Value::Int(_) | Value::Float(_) => false,
    }
}
