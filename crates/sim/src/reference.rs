//! The reference: a small tree-walking interpreter of compiled programs, and what holds it against the engine.
//!
//! What must stay true: the interpreter shares the language (documents, expressions, contracts) and the model with the engine, and not one
//! line of the engine itself; it is written to be read beside LANGUAGE.md. Only [`beside`] knows both.
//! What is absent: durability, speed, labels, people, actions, policies.

pub mod beside;
mod calls;
mod evaluate;
mod flow;
pub mod generate;
mod outcome;
mod places;
pub mod shrink;
mod tasks;

use provost_language::Compiled;
use provost_model::{Event, OrchestrationId, Problem, Value};

/// What an interpreter is given.
pub struct Given<'g> {
    /// The program.
    pub code: &'g Compiled,
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
    /// Not at all, within what is looked at.
    Endless,
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
}

/// How long an agent takes for what it is asked, in microseconds: both worlds ask this.
pub fn takes_us(arguments: &Value) -> i64 {
    let site = arguments.member("site").and_then(Value::as_int).unwrap_or(0).rem_euclid(10_000);
    1_003 + site * 7_919 % 9_001 * 1_000 + site
}

/// Runs a program to its end.
pub fn interpret(given: &Given<'_>) -> Told {
    flow::Interpreter::new(given).run()
}
