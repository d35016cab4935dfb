//! Loops that nothing but the count of tasks ends: `then` to an earlier task, and `for` over a list of any length.
//!
//! A loop inside the process is cheap, and `limits.tasks` ends it; so only loops that cannot end, or that call out each time around
//! while the document states no limit, are worth a word.

use provost_model::program::{Block, Task};

use super::Subject;
use super::blocks::{Next, Ways, ends_within, flows, leaves_within, lists, next};
use super::flow::Found;
use crate::finding::Code;
use crate::yaml::shown;

pub(super) fn check(subject: Subject<'_>) {
    for block in lists(subject.program) {
        for (at, index) in block.iter().enumerate() {
            let Some(task) = subject.program.task(*index) else { continue };
            for flow in flows(subject.program, task) {
                if let Next::Task(target) = next(block, at, &flow)
                    && target <= at
                {
                    backwards(subject, block, (at, task), target);
                }
            }
        }
    }
}

fn backwards(subject: Subject<'_>, block: &Block, (at, task): (usize, &Task), target: usize) {
    let program = subject.program;
    let ways = Ways::from(program, block, target);
    let around = |place: usize| ways.reached.get(place).is_some_and(|reached| *reached);
    let mut tasks = block.iter().enumerate().filter(|(place, _)| around(*place)).map(|(_, index)| *index);
    let leads_out = ways.out || tasks.clone().any(|index| ends_within(program, index));
    let place = block.get(at).map(|index| subject.places.task(*index));
    let (Some(place), Some(first)) = (place, block.get(target).and_then(|index| program.task(*index))) else { return };
    let (name, first, tasks_max) = (shown(&task.name), shown(&first.name), program.limits.tasks);
    if !leads_out {
        let message = format!("no way leads out of the loop from `{name}` back to `{first}`: it ends as a fault after {tasks_max} tasks");
        subject.log.warn(Code::NoLimit, place, message, "add a `switch` with a case that leaves the loop");
    } else if !subject.places.limits_tasks && tasks.any(|index| leaves_within(program, index)) {
        let message = format!("the loop from `{name}` back to `{first}` calls out each time around, up to {tasks_max} tasks");
        subject.log.warn(Code::NoLimit, place, message, HINT);
    }
}

const HINT: &str = "state how many tasks may run: `document: { metadata: { provost: { limits: { tasks: 200 } } } }`";

/// Each `for` whose list may have any length.
pub(super) fn report(subject: Subject<'_>, found: &Found<'_>) {
    let (program, limits) = (subject.program, &subject.program.limits);
    let stated = subject.places.limits_tasks || limits.branches != provost_model::limits::Limits::default().branches;
    for index in found.unbounded.iter().filter(|_| !stated) {
        let Some(task) = program.task(*index).filter(|_| leaves_within(program, *index)) else { continue };
        let message =
            format!("`{}` calls out for each item of a list that no contract bounds, up to {} items", shown(&task.name), limits.branches);
        let hint = "give the list `maxItems` in its contract, or write `document: { metadata: { provost: { limits: { branches: 50 } } } }`";
        subject.log.warn(Code::NoLimit, subject.places.task(*index), message, hint);
    }
}
