//! `run: workflow`: a child shares nothing with its parent but time, so it is interpreted to its end at once, and its end is told when it
//! is due.
//!
//! What must stay true: one place begins one child; run again with the same input, a completed one answers, with another input it is a
//! conflict; one that failed is begun anew. A child that was parked or interrupted and is tried again is beyond the reference.

use std::sync::Arc;

use provost_model::program::RunTask;
use provost_model::{Position, Problem, Value};

use super::evaluate::Seen;
use super::flow::{About, Interpreter, Went};
use super::tasks::{Begun, Kind};
use super::{Ending, Given, interpret};

/// The latest child of a place.
pub(super) struct Child {
    input: Value,
    /// How many were begun here before.
    n: u32,
    ending: Ending,
    /// When it came to rest.
    ended_us: i64,
    /// The moment in which it began: its end is told in a later one, even where it takes no time.
    moment: u64,
    fate: Fate,
}

#[derive(Clone, Copy, PartialEq)]
enum Fate {
    /// It is waited for.
    Running,
    /// Nobody waits for it.
    Detached,
    /// It was told how it came to rest.
    Told,
    /// It lost its place.
    Stopped,
}

impl<'c> Interpreter<'c> {
    /// Enters a `run`.
    pub(super) fn run_child(&mut self, task: &'c RunTask, about: &About<'c>, seen: &Seen<'_>) -> Result<Begun<'c>, Problem> {
        let input = match &task.input {
            Some(input) => self.render(input, &about.input, seen)?,
            None => about.input.clone(),
        };
        let n = match self.children.get(&about.at) {
            None => 0,
            Some(child) if child.fate == Fate::Stopped => {
                self.beyond = true;
                return Ok(Begun::Open(Kind::Child(i64::MAX)));
            }
            Some(child) if matches!(child.ending, Ending::Faulted(_)) => child.n + 1,
            Some(child) if child.input != input => {
                return Ok(Begun::Parks(Problem::ours("conflict", 409, "it was run with another input")));
            }
            Some(child) => {
                return match (&child.ending, child.fate) {
                    (_, Fate::Detached) => Ok(Begun::Ended(about.input.clone())),
                    (Ending::Completed(output), _) => Ok(Begun::Ended(output.clone())),
                    (_, _) => {
                        self.beyond = true;
                        Ok(Begun::Open(Kind::Child(i64::MAX)))
                    }
                };
            }
        };
        let code = self.others.get(&task.workflow).ok_or_else(|| Problem::standard("configuration", 500, "there is no such workflow"))?;
        let id = self.id.begun(about.at.as_str(), n);
        let told = interpret(&Given { code, others: self.others, arrivals: &[], input: input.clone(), id, began_us: self.now_us });
        self.beyond |= told.beyond;
        self.touched = true;
        let fate = if task.awaits { Fate::Running } else { Fate::Detached };
        let due_us = if told.ending == Ending::Waits { i64::MAX } else { told.ended_us };
        self.children.insert(about.at.clone(), Child { input, n, ending: told.ending, ended_us: due_us, moment: self.moment, fate });
        Ok(if task.awaits { Begun::Open(Kind::Child(due_us)) } else { Begun::Ended(about.input.clone()) })
    }

    /// Whether a child that is waited for ended in the moment in which it began.
    pub(super) fn has_child_due(&self) -> bool {
        self.children.values().any(|child| child.fate == Fate::Running && child.ended_us <= self.now_us)
    }

    /// Goes on with a child that is waited for.
    pub(super) fn child_on(&mut self, about: &About<'c>, context: &mut Value) -> Went {
        let (now_us, moment) = (self.now_us, self.moment);
        let through = |child: &&mut Child| child.ended_us <= now_us && child.moment < moment;
        let Some(child) = self.children.get_mut(&about.at).filter(through) else { return Ok(None) };
        child.fate = Fate::Told;
        match child.ending.clone() {
            Ending::Completed(output) => self.complete(about, output, about.task.then.clone(), context),
            // The same kind, at the parent's own place.
            Ending::Faulted(problem) | Ending::Parked(problem) => Err(self.fails(about, Problem { instance: None, ..problem })),
            Ending::Waits => Ok(None),
        }
    }

    /// Children that are waited for inside `at` lose their place.
    pub(super) fn stop_within(&mut self, at: &Position) {
        for (_, child) in self.children.iter_mut().filter(|(place, _)| place.is_within(at)) {
            if child.fate == Fate::Running {
                child.fate = Fate::Stopped;
            }
        }
    }
}

/// The other workflows of a bundle, by name.
pub type Others = std::collections::BTreeMap<Arc<str>, Arc<provost_language::Compiled>>;
