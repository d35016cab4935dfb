//! What a program must know of the others of its bundle: the keys of the workflows that it runs.
//!
//! What must stay true: a program is complete by itself, so that what it decided is decided again from it alone; the expressions of
//! another workflow are copied as they are, and only their numbers change. It checks nothing: each workflow was checked where it stands.

use std::collections::BTreeMap;
use std::sync::Arc;

use provost_model::Program;
use provost_model::program::{ChildKeys, Concurrency, ExprIx, Expression, TaskKind, Template};

/// The keys of one workflow, with its expressions.
struct Named {
    keys: ChildKeys,
    expressions: Vec<Expression>,
}

/// Tells every `run` the keys of what it runs.
pub(crate) fn keys(workflows: &mut [(Arc<str>, Program)]) {
    let named: BTreeMap<Arc<str>, Named> =
        workflows.iter().filter_map(|(_, program)| Some((program.name.clone(), named(program)?))).collect();
    if named.is_empty() {
        return;
    }
    for (_, program) in workflows {
        let Program { tasks, expressions, .. } = program;
        let mut copied = BTreeMap::new();
        for task in tasks {
            let TaskKind::Run(run) = &mut task.kind else { continue };
            let Some(of) = named.get(&run.workflow) else { continue };
            let mut copy = |ix: ExprIx| *copied.entry((run.workflow.clone(), ix)).or_insert_with(|| append(expressions, of, ix));
            run.keys = Some(Box::new(ChildKeys {
                from: of.keys.from.as_ref().map(|from| renumbered(from, &mut copy)),
                order: of.keys.order.map(&mut copy),
                marks: of.keys.marks.clone(),
                concurrency: of.keys.concurrency.map(|concurrency| Concurrency { key: copy(concurrency.key), ..concurrency }),
            }));
        }
    }
}

fn named(program: &Program) -> Option<Named> {
    let (order, concurrency) = (program.order, program.concurrency);
    if order.is_none() && concurrency.is_none() {
        return None;
    }
    let keys = ChildKeys { from: program.input.from.clone(), order, concurrency, marks: program.input_marks() };
    Some(Named { keys, expressions: program.expressions.clone() })
}

/// Puts an expression of another workflow behind those that are there. One that is not there stays what it is: damage, told when it is read.
fn append(expressions: &mut Vec<Expression>, of: &Named, ix: ExprIx) -> ExprIx {
    let Some(expression) = of.expressions.get(ix.0 as usize) else { return ix };
    let next = u32::try_from(expressions.len()).map(ExprIx).unwrap_or(ix);
    expressions.push(expression.clone());
    next
}

fn renumbered(template: &Template, copy: &mut impl FnMut(ExprIx) -> ExprIx) -> Template {
    match template {
        Template::Literal(value) => Template::Literal(value.clone()),
        Template::Expression(ix) => Template::Expression(copy(*ix)),
        Template::Array(items) => Template::Array(items.iter().map(|item| renumbered(item, copy)).collect()),
        Template::Object(members) => {
            Template::Object(members.iter().map(|(key, member)| (key.clone(), renumbered(member, copy))).collect())
        }
    }
}
