//! `call: compensate`: what was done in a scope is undone, the latest first.
//!
//! What must stay true: a scope with an effect of which nobody can say yet what becomes of it is refused; one undo is out at a time; one that
//! fails stops; what was undone is not undone again.

use std::collections::VecDeque;

use provost_model::program::CompensateTask;
use provost_model::{Position, Problem, Value};

use super::effects::Effect;
use super::flow::{About, Interpreter, Stop, Went};
use super::tasks::{Begun, Kind};

/// A scope that is being undone.
pub(super) struct Undoing {
    /// What is left, the latest first; the first of them is out.
    left: VecDeque<Position>,
}

impl<'c> Interpreter<'c> {
    /// Enters a `compensate`.
    pub(super) fn compensate(&mut self, task: &CompensateTask, about: &About<'c>) -> Result<Begun<'c>, Problem> {
        let scope = task.scope.as_deref();
        // Whether what was taken back in this very moment is settled is nobody's promise.
        let just_now = |effect: &Effect<'_>| effect.taken_back_us == Some(self.now_us);
        self.beyond |= self.ledger.iter().any(|(place, effect)| just_now(effect) && is_in_scope(place, scope));
        if self.ledger.iter().any(|(place, effect)| effect.is_unresolved() && is_in_scope(place, scope)) {
            return Err(Problem::ours("scope-unresolved", 409, "an effect of the scope is not settled"));
        }
        let left: VecDeque<Position> =
            self.undoable.iter().rev().map(|(place, _)| place.clone()).filter(|place| is_in_scope(place, scope)).collect();
        if left.is_empty() {
            return Ok(Begun::Ended(self.undone_at(&about.at)));
        }
        Ok(Begun::Open(Kind::Undoing(Undoing { left })))
    }

    /// Goes on with a `compensate`: the undo that is out, the next one, the end.
    pub(super) fn compensate_on(&mut self, about: &About<'c>, undoing: &mut Undoing, context: &mut Value) -> Went {
        while let Some(place) = undoing.left.front().map(undo_of) {
            let Some(effect) = self.ledger.get(&place) else { return Ok(None) };
            if effect.result().is_none() {
                return self.not_through(about, &place).map(|()| None);
            }
            undoing.left.pop_front();
            self.undo(about, undoing)?;
        }
        let output = self.undone_at(&about.at);
        self.complete(about, output, about.task.then.clone(), context)
    }

    /// What the task at `at` undid, also in an earlier round of a `try`: the actions that did so, in the order in which they were begun.
    fn undone_at(&self, at: &Position) -> Value {
        let done = |effect: &&Effect<'_>| effect.undoes.is_some() && effect.at == *at && effect.result().is_some();
        let mut undone: Vec<&Effect<'_>> = self.ledger.values().filter(done).collect();
        undone.sort_by_key(|effect| effect.first_us);
        let name = |effect: &Effect<'_>| Value::from(format!("{}@{}", effect.spec.name, major(&effect.spec.version)));
        Value::object([("undone", Value::array(undone.into_iter().map(name)))])
    }

    /// Sends the next undo: told what was asked for and what came of it. One that failed before is tried again.
    pub(super) fn undo(&mut self, about: &About<'c>, undoing: &Undoing) -> Result<(), Stop> {
        let Some(done) = undoing.left.front() else { return Ok(()) };
        let place = undo_of(done);
        let missing = || Problem::standard("configuration", 500, "there is no such action");
        let by = self.undoable.iter().find(|(undoable, _)| undoable == done).and_then(|(_, by)| self.code.program.actions.get(by));
        let known = self.ledger.get(done).and_then(|effect| Some((effect.arguments.clone(), effect.result()?.clone())));
        let (Some(spec), Some((arguments, result))) = (by, known) else { return Err(self.fails(about, missing())) };
        let now_us = self.now_us;
        let told = Value::object([("arguments", arguments), ("result", result)]);
        if !self.ledger.contains_key(&place) {
            self.note(&format!("undoes {done}"), &about.at);
        }
        let new = || Effect::undoing(about.at.clone(), done.clone(), spec, told, now_us);
        let effect = self.ledger.entry(place).or_insert_with(new);
        (effect.at, effect.lost) = (about.at.clone(), false);
        (self.touched, self.tasks_run) = (true, self.tasks_run + effect.asked_for(now_us));
        Ok(())
    }
}

/// Where the undo of what was done at `done` is kept.
fn undo_of(done: &Position) -> Position {
    done.task("undo", 1)
}

/// Whether a place is a task of that name, or inside one.
fn is_in_scope(place: &Position, scope: Option<&str>) -> bool {
    let Some(scope) = scope else { return true };
    std::iter::successors(Some(place.clone()), Position::parent).any(|around| around.name() == scope)
}

fn major(version: &str) -> &str {
    version.split('.').next().unwrap_or_default()
}
