//! What several facts say is told on one line.
//!
//! What must stay true: nothing is dropped but what the line beside it says; a line keeps its place among the others.

use provost_model::record::Fact;
use provost_model::{Position, Problem};

use super::{Line, Story};

/// A place for people: a workflow as a whole has no name of its own.
pub(super) fn place(at: &Position) -> &str {
    if at.is_root() { WHOLE } else { at.as_str() }
}

const WHOLE: &str = "the workflow";

/// An error where it was raised, or where it parked the orchestration.
pub(super) fn error(at: &Position, problem: &Problem) -> String {
    let detail = if problem.detail.is_empty() { String::new() } else { format!(": {}", problem.detail) };
    format!("{} at {}{detail}", problem.title, place(at))
}

/// A retry that is to come.
pub(super) fn due(what: &str, attempt: u32, due_us: i64) -> String {
    format!("{what}: attempt {attempt}{DUE}{}", crate::time::iso8601(due_us))
}

const DUE: &str = " due at ";

/// Adds a line. An error takes the place of the timeout that raised it, and what parks the orchestration that of its error.
pub(super) fn push(story: &mut Story<'_>, fact: &Fact, line: Line) {
    let told = match fact {
        Fact::Raised { at, problem, .. } if problem.kind.ends_with("/timeout") => Some(("timeout", time_was_up(at.as_str()))),
        Fact::Parked { at, problem } => Some(("error", error(at, problem))),
        _ => None,
    };
    let says_so =
        |last: &Line| told.as_ref().is_some_and(|(kind, text)| last.kind == *kind && last.text == *text && last.at_us == line.at_us);
    if story.lines.last().is_some_and(says_so) {
        story.lines.pop();
    }
    story.lines.push(line);
}

/// The time of a place was up.
pub(super) fn time_was_up(at: &str) -> String {
    format!("the time of {} was up", if at.is_empty() { WHOLE } else { at })
}

/// What was due is being tried now: the line that told so says it from here on.
pub(super) fn came_about(story: &mut Story<'_>, fact: &Fact, now_us: i64) {
    let (what, reference) = match fact {
        Fact::Retried { at } => (Some(place(at)), String::new()),
        Fact::AttemptScheduled { effect, due_us, behind: None, .. } if *due_us <= now_us => (None, effect.to_string()),
        _ => return,
    };
    let is_it = |line: &&mut Line| {
        let named = what.is_none_or(|what| line.text.strip_prefix(what).is_some_and(|rest| rest.starts_with(": attempt ")));
        line.kind == "retry" && line.reference == reference && line.text.contains(DUE) && named
    };
    if let Some(line) = story.lines.iter_mut().rev().find(is_it)
        && let Some((what, _)) = line.text.rsplit_once(DUE)
    {
        line.text = format!("{what} at {}", crate::time::iso8601(now_us));
    }
}
