//! `for`: a list once per item.

use provost_model::Problem;
use provost_model::program::ForTask;
use provost_model::record::Shape;

use crate::flow::{Entering, Entry};
use crate::turn::Turn;

pub(super) fn enter(turn: &mut Turn<'_>, entering: &Entering<'_>, task: &ForTask) -> Result<Entry, Problem> {
    let items = turn.render(&task.items, &entering.input, &entering.scope())?;
    let Some(list) = items.as_array() else {
        return Err(Problem::standard("expression", 400, "`for.in` is no list")
            .detail(format!("it is {}; write an expression whose result is an array", items.kind())));
    };
    let limit = turn.program().limits.branches;
    if list.len() as u64 > limit {
        return Err(Problem::ours("too-many-items", 413, format!("`for.in` has more than {limit} items"))
            .detail("iterate over less, or raise `metadata.provost.limits.branches`"));
    }
    entering.open(turn, Shape::For { items: items.value, labels: items.labels })?;
    turn.ready.push(entering.at.clone());
    Ok(Entry::Open)
}
