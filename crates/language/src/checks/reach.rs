//! Tasks that no way leads to.

use super::Subject;
use super::blocks::{Next, Ways, flows, lists, next};
use crate::finding::Code;
use crate::yaml::shown;

pub(super) fn check(subject: Subject<'_>) {
    let program = subject.program;
    for block in lists(program) {
        let ways = Ways::of(program, block);
        let dead = |at: usize| ways.reached.get(at).is_some_and(|reached| !reached);
        for (at, index) in block.iter().enumerate().filter(|(at, _)| dead(*at)) {
            let Some(task) = program.task(*index) else { continue };
            // What stands behind a dead task is dead because of it: one finding is enough.
            let behind = (0..at).filter(|earlier| dead(*earlier)).any(|earlier| {
                let earlier_task = block.get(earlier).and_then(|index| program.task(*index));
                earlier_task.is_some_and(|task| flows(program, task).iter().any(|flow| next(block, earlier, flow) == Next::Task(at)))
            });
            if !behind {
                let name = shown(&task.name);
                let message = format!("task `{name}` is never reached: every way before it goes elsewhere");
                subject.log.warn(
                    Code::Unreachable,
                    subject.places.task(*index),
                    message,
                    format!("remove it, or lead to it with `then: {name}`"),
                );
            }
        }
    }
}
