//! What a journal says, in the words of the reference.

use provost_engine::Orchestration;
use provost_model::EffectId;
use provost_model::record::{Ending as Ended, Fact};

use super::{BEGAN_US, Ending, Told};

/// What a fact says in the words of the reference.
pub(super) fn note(told: &mut Told, state: &Orchestration, fact: &Fact, now_us: i64) {
    let place_of = |effect: &EffectId| state.effects.get(effect).map(|effect| effect.at.to_string()).unwrap_or_default();
    let (verb, at) = match fact {
        Fact::Entered { at, .. } => ("entered".to_owned(), at),
        Fact::Iterated { at, index } => (format!("iterated {index}"), at),
        Fact::Completed { at, .. } => ("completed".to_owned(), at),
        Fact::Skipped { at, .. } => ("skipped".to_owned(), at),
        Fact::Raised { at, problem, .. } => (format!("raised {}", problem.code()), at),
        Fact::Caught { at, .. } => ("caught".to_owned(), at),
        Fact::RetryScheduled { at, attempt, due_us, .. } => (format!("again {attempt} in {}", due_us - now_us), at),
        Fact::Retried { at } => ("retried".to_owned(), at),
        Fact::Intended { at, undoes: Some(undone), .. } => (format!("undoes {}", place_of(undone)), at),
        Fact::EventTaken { at, .. } => ("took".to_owned(), at),
        Fact::EventHandled { at, index, .. } => (format!("handled {index}"), at),
        Fact::Emitted { at, event, .. } => {
            told.events.push((**event).clone());
            ("emitted".to_owned(), at)
        }
        Fact::Parked { problem, .. } => {
            told.ending = Ending::Parked(problem.clone());
            return;
        }
        Fact::Yielded => {
            // Where a transition was full, branches go on in the order of their names.
            told.tied = true;
            return;
        }
        Fact::Ended { ending, output, problem, labels: _ } => {
            told.ending = match (ending, problem) {
                (Ended::Completed, _) => Ending::Completed(output.clone().unwrap_or_default()),
                (Ended::Faulted, Some(problem)) => Ending::Faulted(problem.clone()),
                (Ended::Faulted | Ended::Cancelled, _) => Ending::Waits,
            };
            return;
        }
        _ => return,
    };
    told.steps.push(format!("{} {verb} {at}", now_us - BEGAN_US));
}
