//! Tasks, one file each: what entering one does.

mod act;
mod agent;
pub(crate) mod compensate;
mod decide;
pub(crate) mod emit;
pub(crate) mod extend;
pub(crate) mod feature;
mod for_each;
mod fork;
pub(crate) mod listen;
pub(crate) mod plan;
pub(crate) mod policy;
mod protocol;
mod raise;
pub(crate) mod reads;
pub(crate) mod retrieve;
pub(crate) mod retry;
pub(crate) mod review;
mod rules;
pub(crate) mod run;
mod switch;
pub(crate) mod wait;

use provost_model::program::{TaskKind, Template};
use provost_model::record::Shape;
use provost_model::{Labelled, Problem};

use crate::flow::{Entering, Entry};
use crate::turn::Turn;

pub(crate) use act::{reviewed, unwind_next};
pub(crate) use agent::answered_instead;

/// Enters a task whose input is ready.
///
/// # Errors
/// The problem that the task raises.
pub(crate) fn enter(turn: &mut Turn<'_>, entering: &Entering<'_>) -> Result<Entry, Problem> {
    match &entering.task.kind {
        TaskKind::Do(_) => open_block(turn, entering, Shape::Plain),
        TaskKind::Try(_) => open_block(turn, entering, Shape::Try),
        TaskKind::For(task) => for_each::enter(turn, entering, task),
        TaskKind::Fork(task) => fork::enter(turn, entering, task),
        TaskKind::Set(Template::Literal(value)) => ended(entering, Labelled::authored(value.clone())),
        TaskKind::Set(template) => ended(entering, turn.render(template, &entering.input, &entering.scope())?),
        TaskKind::Switch(task) => switch::enter(turn, entering, task),
        TaskKind::Raise(task) => Err(raise::problem(turn, entering, task)?),
        TaskKind::Wait(duration) => wait::enter(turn, entering, duration),
        TaskKind::Emit(task) => emit::enter(turn, entering, task),
        TaskKind::Listen(task) => listen::enter(turn, entering, task),
        TaskKind::Agent(task) => agent::enter(turn, entering, task),
        TaskKind::Rules(task) => rules::enter(turn, entering, task),
        TaskKind::Decide(task) => decide::enter(turn, entering, task),
        TaskKind::Policy(task) => policy::enter(turn, entering, task),
        TaskKind::Review(task) => review::enter(turn, entering, task),
        TaskKind::Act(task) => act::enter(turn, entering, task),
        TaskKind::Compensate(task) => compensate::enter(turn, entering, task),
        TaskKind::Retrieve(task) => retrieve::enter(turn, entering, task),
        TaskKind::Feature(task) => feature::enter(turn, entering, task),
        TaskKind::Plan(task) => plan::enter(turn, entering, task),
        TaskKind::Run(task) => run::enter(turn, entering, task),
        TaskKind::Extended(_) => open_block(turn, entering, Shape::Plain),
        TaskKind::Aside(task) => extend::enter(turn, entering, task),
    }
}

/// A task that ended at once and goes where its `then` says.
fn ended(entering: &Entering<'_>, output: Labelled) -> Result<Entry, Problem> {
    Ok(Entry::Ended(output, entering.task.then.clone()))
}

/// Opens a block and goes on with it.
fn open_block(turn: &mut Turn<'_>, entering: &Entering<'_>, shape: Shape) -> Result<Entry, Problem> {
    entering.open(turn, shape)?;
    turn.ready.push(entering.at.clone());
    Ok(Entry::Open)
}
