//! The reference: a small tree-walking interpreter of compiled programs, and what holds it against the engine.
//!
//! | file | what of LANGUAGE.md it says |
//! |---|---|
//! | `tasks` | the data flow into a task; what each kind does when it is entered |
//! | `outcome` | the data flow out of a task; how the contexts of branches come together |
//! | `flow` | lists, `then`, the end, timeouts also while an effect is out |
//! | `blocks` | `for` with `while`; `fork`, competing or not |
//! | `attempts` | `try`: what is taken, what a retry runs again, what becomes of one that is used up |
//! | `listen`, `each` | events from outside: kept, offered, taken; what is done with each |
//! | `people` | questions, and who answers them |
//! | `extend` | lists before and after a task |
//! | `effects` | `act` and calls: once per place, conflict, in doubt, whose retry it is |
//! | `lookups` | what of an unknown answer a target can be asked |
//! | `undo` | `compensate`: a scope, latest first |
//! | `policy` | what the rules of the generated bundle answer |
//! | `agents`, `pure`, `events`, `children` | runs and reads; `rules` and `decide`; `emit`; `run: workflow` |
//! | `evaluate`, `places` | what expressions see |
//!
//! What must stay true: the interpreter shares the language (documents, expressions, contracts) and the model with the engine, and not one
//! line of the engine itself; it is written to be read beside LANGUAGE.md. Only [`beside`] knows both.
//! What is absent: durability, speed, labels.

mod agents;
mod attempts;
pub mod beside;
mod blocks;
mod children;
mod each;
mod effects;
mod evaluate;
mod events;
mod extend;
mod flow;
pub mod generate;
pub mod listen;
mod lookups;
mod outcome;
pub mod people;
mod places;
mod policy;
mod pure;
pub mod shrink;
mod tasks;
mod undo;

use std::collections::BTreeMap;

use provost_language::Compiled;
use provost_model::{Event, OrchestrationId, Problem, Value};

pub use children::Others;

/// What an interpreter is given.
pub struct Given<'g> {
    /// The program.
    pub code: &'g Compiled,
    /// The other workflows of its bundle.
    pub others: &'g Others,
    /// Events that come from outside, in order.
    pub arrivals: &'g [listen::Arrival],
    /// The raw input.
    pub input: Value,
    /// The id from which ids of events and decisions follow.
    pub id: OrchestrationId,
    /// When it begins, in microseconds UTC.
    pub began_us: i64,
}

/// How an orchestration came to rest.
#[derive(Clone, Debug, PartialEq)]
pub enum Ending {
    /// With this output.
    Completed(Value),
    /// With this error, before anything left.
    Faulted(Problem),
    /// With this error, after something left or time passed.
    Parked(Problem),
    /// Not at all: it waits for somebody who never comes.
    Waits,
}

/// What was seen of an orchestration.
#[derive(Clone, Debug)]
pub struct Told {
    /// How it came to rest.
    pub ending: Ending,
    /// What happened, in order: microseconds since the beginning, a verb, a place.
    pub steps: Vec<String>,
    /// The events it emitted, in order.
    pub events: Vec<Event>,
    /// `$context` in the end.
    pub context: Value,
    /// Whether two things were due at one moment: then their order is nobody's promise.
    pub tied: bool,
    /// Whether something happened that the reference does not know.
    pub beyond: bool,
    /// How many tasks of each kind were begun.
    pub kinds: BTreeMap<&'static str, u64>,
    /// When it came to rest, in microseconds UTC.
    pub ended_us: i64,
}

/// What somebody outside answers to one attempt.
#[derive(Clone, Debug, PartialEq)]
pub enum Answer {
    /// It was done.
    Done(Value),
    /// It was certainly not done.
    Failed {
        /// Why.
        problem: Problem,
        /// Whether it may be tried again.
        retry: bool,
    },
    /// Nobody knows whether it was done.
    Unknown(Problem),
}

/// What whoever is asked reads: the arguments, or the body or query of a call.
fn asked(arguments: &Value) -> &Value {
    // An undo is told what was asked for; that says how it is answered itself.
    if let Some(was) = arguments.member("arguments") {
        return was.member("undo").unwrap_or(was);
    }
    let parts = ["body", "query"].into_iter().filter_map(|part| arguments.member(part));
    parts.into_iter().find(|part| part.member("site").is_some()).unwrap_or(arguments)
}

fn number(value: &Value, key: &str) -> i64 {
    value.member(key).and_then(Value::as_int).unwrap_or(0)
}

/// How long whoever is asked takes, in microseconds: both worlds ask this.
pub fn takes_us(arguments: &Value) -> i64 {
    let site = number(asked(arguments), "site").rem_euclid(10_000);
    1_003 + site * 7_919 % 9_001 * 1_000 + site
}

/// What a target answers to an attempt: the first `fails` of them fail as `how` says. Both worlds ask this.
pub fn answers(arguments: &Value, attempt: u32) -> Answer {
    let asked = asked(arguments);
    let done = Value::object([("n", Value::Int(number(asked, "n").rem_euclid(50))), ("attempt", Value::Int(i64::from(attempt)))]);
    if i64::from(attempt) > number(asked, "fails") {
        return Answer::Done(done);
    }
    let refused = |status, retry| Answer::Failed { problem: Problem::standard("communication", status, "the target refuses"), retry };
    match asked.member("how").and_then(Value::as_str) {
        Some("busy") => refused(503, true),
        Some("refused") => refused(422, false),
        // The first one may have arrived; later ones certainly did not.
        Some("shaky") if attempt > 1 => refused(503, true),
        Some("lost" | "shaky") => Answer::Unknown(Problem::standard("timeout", 504, "the target did not answer")),
        Some(_) | None => Answer::Done(done),
    }
}

/// What a target that is asked finds: what was done, or nothing. Both worlds ask this.
pub fn found(arguments: &Value) -> Option<Value> {
    let asked = asked(arguments);
    let done = asked.member("found").and_then(Value::as_bool).unwrap_or(false);
    done.then(|| Value::object([("n", Value::Int(number(asked, "n").rem_euclid(50))), ("found", Value::Bool(true))]))
}

/// Runs a program to its end.
pub fn interpret(given: &Given<'_>) -> Told {
    flow::Interpreter::new(given).run()
}
