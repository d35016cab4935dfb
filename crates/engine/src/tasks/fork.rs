//! `fork`: branches side by side; the join keeps declared order, a competition the first to complete.

use provost_model::Problem;
use provost_model::program::ForkTask;
use provost_model::record::Shape;

use crate::flow::{Entering, Entry};
use crate::turn::Turn;

pub(super) fn enter(turn: &mut Turn<'_>, entering: &Entering<'_>, task: &ForkTask) -> Result<Entry, Problem> {
    let limit = turn.program().limits.branches;
    if task.branches.len() as u64 > limit {
        return Err(Problem::ours("too-many-items", 413, format!("the fork has more than {limit} branches"))
            .detail("use fewer branches, or raise `metadata.provost.limits.branches`"));
    }
    entering.open(turn, Shape::Fork)?;
    turn.ready.push(entering.at.clone());
    Ok(Entry::Open)
}
