//! How much a fact adds to a journal, for limits: counted where it is folded, so that it is the same wherever the journal is read.
//!
//! What must stay true: whatever an author, an event or somebody outside can make large is counted.

use provost_model::record::{Attempted, ChildFate, Exported, Fact};
use provost_model::value::rough_len;
use provost_model::{Problem, Value};

/// What a fact without any value adds, in bytes.
const PLAIN: usize = 96;

/// Roughly how many bytes a fact adds to the row; only its values can be large.
pub(super) fn weight(fact: &Fact) -> u64 {
    let value = match fact {
        Fact::Started { start, input, .. } => start.as_ref().map_or(0, |start| rough_len(&start.input)) + of(input.as_ref()),
        Fact::Entered { input, .. } => of(input.as_ref()),
        Fact::Completed { output, exported, .. } => of(output.as_ref()) + exported.as_ref().map_or(0, of_exported),
        Fact::Intended { arguments, .. } => of(arguments.as_ref()),
        Fact::Attempted { result, .. } => result.as_ref().map_or(0, |result| of_result(result)),
        Fact::EventTaken { item, .. } => of(item.as_ref()),
        Fact::EventHandled { output, .. } => of(output.as_ref()),
        Fact::Emitted { event, .. } => rough_len(&event.data) + rough_len(&event.extensions),
        Fact::ChildStarted { input, .. } => rough_len(input),
        Fact::ChildTold { how, .. } => match how.as_deref() {
            Some(ChildFate::Completed(output)) => rough_len(output),
            Some(ChildFate::Faulted(problem) | ChildFate::Parked(problem)) => of_problem(problem),
            Some(ChildFate::Cancelled | ChildFate::Replaced(_)) | None => 0,
        },
        Fact::ReviewOpened { show, .. } => rough_len(show),
        Fact::ReviewAnswered { form, reason, .. } => rough_len(form) + reason.len(),
        Fact::KeyAnswered { result, .. } => rough_len(result),
        Fact::Decided { opinions, outcome, .. } => rough_len(opinions) + rough_len(outcome),
        Fact::Raised { problem, .. }
        | Fact::Caught { problem, .. }
        | Fact::RetryScheduled { problem, .. }
        | Fact::Parked { problem, .. } => of_problem(problem),
        Fact::Planned { tasks, .. } => tasks.iter().map(|task| PLAIN + rough_len(&task.given)).sum(),
        _ => 0,
    };
    (PLAIN + value) as u64
}

fn of(value: Option<&Value>) -> usize {
    value.map_or(0, rough_len)
}

fn of_exported(exported: &Exported) -> usize {
    of(exported.whole.as_ref()) + rough_len(&exported.set)
}

fn of_problem(problem: &Problem) -> usize {
    problem.title.len() + problem.detail.len() + rough_len(&problem.extra)
}

fn of_result(result: &Attempted) -> usize {
    match result {
        Attempted::Done { value, .. } => rough_len(value),
        Attempted::Failed { problem, .. } | Attempted::Unknown { problem } | Attempted::Unreadable { problem, .. } => of_problem(problem),
        Attempted::Absent => 0,
    }
}
