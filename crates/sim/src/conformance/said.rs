//! What a target says to one attempt, in the words of scenarios.

use provost_model::record::Attempted;
use provost_model::value::parse;
use provost_model::{Problem, Value};

use super::Failure;

/// What comes of one attempt.
#[derive(Clone, Debug)]
pub enum Said {
    /// It answers.
    Answers(Attempted),
    /// A worker has it and never reports.
    Silent,
}

/// It was done, with this result.
pub fn done(value: Value) -> Attempted {
    Attempted::Done { value, reference: None, usage: None, dropped_bytes: None }
}

/// One line for each attempt: `done JSON`, `failed STATUS`, `busy`, `unknown`, `unreadable`, `absent`, `silent`.
///
/// # Errors
/// The line that is none of them.
pub fn plan(text: &str) -> Result<Vec<Said>, Failure> {
    text.lines().map(str::trim).filter(|line| !line.is_empty()).map(said).collect()
}

fn said(line: &str) -> Result<Said, Failure> {
    let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
    let wrong = || Failure::Step(format!("`{line}` is no outcome"));
    let problem = |status| Problem::standard("communication", status, "the target answered badly");
    let failed = |status, retry| Attempted::Failed { problem: problem(status), retry, retry_after_ms: None };
    Ok(Said::Answers(match word {
        "done" => done(if rest.is_empty() { Value::Null } else { parse(rest.as_bytes()).map_err(|_| wrong())? }),
        "failed" => failed(rest.parse().map_err(|_| wrong())?, false),
        "busy" => failed(503, true),
        "unknown" => Attempted::Unknown { problem: problem(504) },
        "unreadable" => Attempted::Unreadable { problem: problem(502), reference: None },
        "absent" => Attempted::Absent,
        "silent" => return Ok(Said::Silent),
        _ => return Err(wrong()),
    }))
}
