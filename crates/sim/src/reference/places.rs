//! Where an expression stands: the path of its task, and the variables that loops and handlers around it name.

use std::rc::Rc;
use std::sync::Arc;

use provost_model::{Position, Value};

/// A block that tasks stand in.
pub(super) struct Scope {
    /// Its place.
    pub at: Position,
    /// What it names: a loop's item and index, the error of handlers.
    pub names: Vec<(Arc<str>, Value)>,
    /// Of a `try`: which attempt this is. 0 elsewhere.
    pub attempt: u32,
    /// What it stands in.
    pub around: Option<Rc<Scope>>,
}

impl Scope {
    /// The workflow's own list.
    pub fn root() -> Rc<Self> {
        Rc::new(Self { at: Position::root(), names: Vec::new(), attempt: 0, around: None })
    }

    /// A block at `at` that names nothing.
    pub fn plain(at: Position, around: &Rc<Self>) -> Rc<Self> {
        Rc::new(Self { at, names: Vec::new(), attempt: 0, around: Some(around.clone()) })
    }

    /// The list of a `try`, on its `attempt`-th attempt.
    pub fn tried(at: Position, attempt: u32, around: &Rc<Self>) -> Rc<Self> {
        Rc::new(Self { at, names: Vec::new(), attempt, around: Some(around.clone()) })
    }

    /// A block at `at` that names something.
    pub fn naming(at: Position, names: Vec<(Arc<str>, Value)>, around: &Rc<Self>) -> Rc<Self> {
        Rc::new(Self { at, names, attempt: 0, around: Some(around.clone()) })
    }

    /// The value of a variable: the nearest block that names it.
    pub fn lookup(&self, name: &str) -> Value {
        match self.names.iter().find(|(known, _)| **known == *name) {
            Some((_, value)) => value.clone(),
            None => self.around.as_ref().map(|around| around.lookup(name)).unwrap_or_default(),
        }
    }

    /// The attempts of the `try`s around, outermost first, from the first one that is not the first attempt inwards: what makes a decision
    /// of a new attempt another decision.
    pub fn round(&self) -> String {
        let (mut round, mut here) = (String::new(), Some(self));
        while let Some(scope) = here {
            if scope.attempt > 1 || scope.attempt == 1 && !round.is_empty() {
                round = format!("{}.{round}", scope.attempt);
            }
            here = scope.around.as_deref();
        }
        round
    }
}
