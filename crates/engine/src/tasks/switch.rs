//! `switch`: the first case that holds, in declared order; none: its own `then`.

use provost_model::Problem;
use provost_model::planted::planted;
use provost_model::program::SwitchTask;

use super::ended;
use crate::flow::{Entering, Entry};
use crate::turn::Turn;

pub(super) fn enter(turn: &mut Turn<'_>, entering: &Entering<'_>, task: &SwitchTask) -> Result<Entry, Problem> {
    let scope = entering.scope();
    let backwards = planted("last-case-wins");
    let cases = (0..task.cases.len()).map(|n| if backwards { task.cases.len() - 1 - n } else { n });
    for case in cases.filter_map(|n| task.cases.get(n)) {
        let holds = case.when.map_or(Ok(true), |when| turn.holds(when, &entering.input, &scope))?;
        if holds {
            return Ok(Entry::Ended(entering.input.clone(), case.then.clone()));
        }
    }
    ended(entering, entering.input.clone())
}
