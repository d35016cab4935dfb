//! Extensions: lists before and after a task.
//!
//! What must stay true: the task is given what it would be given alone, and what it hands on passes the lists behind it unchanged; only
//! `exit` in a list before it leaves it, with that list's output and to where its own `then` says.

use std::rc::Rc;

use provost_model::Value;
use provost_model::program::{AsideTask, ExtendedTask, Flow, TaskIx, TaskKind};

use super::evaluate::instant;
use super::flow::{About, Entered, Interpreter, List, Node, Stop, Went};
use super::places::Scope;

/// A task with its lists under way.
pub(super) struct Extended<'c> {
    /// Which of its lists, or the task itself, is next.
    next: usize,
    last: Value,
    /// Where the task said that control goes.
    then: Flow,
    /// What is open of it.
    pub open: Option<Box<Node<'c>>>,
}

impl Extended<'_> {
    /// One that has not begun.
    pub fn new(input: Value) -> Self {
        Self { next: 0, last: input, then: Flow::Continue, open: None }
    }
}

impl<'c> Interpreter<'c> {
    /// The lists and the task, in order.
    pub(super) fn extended(&mut self, about: &About<'c>, task: &'c ExtendedTask, extended: &mut Extended<'c>, context: &mut Value) -> Went {
        loop {
            let (output, flow) = match &mut extended.open {
                Some(node) => match self.go_on(node, context)? {
                    None => return Ok(None),
                    Some(went) => went,
                },
                None => {
                    let Some(ix) = task.body.get(extended.next).copied() else {
                        return self.complete(about, extended.last.clone(), extended.then.clone(), context);
                    };
                    self.in_time(&about.at)?;
                    let scope = self.scope_of(about, task, ix, &extended.last);
                    match self.enter(ix, extended.last.clone(), &scope, 1, context)? {
                        Entered::Ended(output, flow) => (output, flow),
                        Entered::Open(node) => {
                            extended.open = Some(node);
                            continue;
                        }
                    }
                }
            };
            let done = task.body.get(extended.next).copied();
            (extended.open, extended.last, extended.next) = (None, output, extended.next + 1);
            match done.and_then(|ix| self.aside_of(ix)) {
                Some(aside) if aside.before && flow != Flow::Continue => {
                    let then = self.code.program.task(task.task).map(|inner| inner.then.clone()).unwrap_or_default();
                    return self.complete(about, extended.last.clone(), then, context);
                }
                Some(_) => {}
                None => extended.then = flow,
            }
        }
    }

    fn aside_of(&self, ix: TaskIx) -> Option<&'c AsideTask> {
        match &self.code.program.task(ix)?.kind {
            TaskKind::Aside(aside) => Some(aside),
            _ => None,
        }
    }

    /// Where a list or the task stands: in a list, `$task` is the task that is extended.
    fn scope_of(&self, about: &About<'c>, task: &ExtendedTask, ix: TaskIx, last: &Value) -> Rc<Scope> {
        let Some(aside) = self.aside_of(ix) else { return Scope::plain(about.at.clone(), &about.scope) };
        let definition = task.definition.clone().unwrap_or_default();
        let shown = Value::object([
            ("name", Value::from(&*about.task.name)),
            ("reference", Value::from(about.at.as_str())),
            ("input", about.raw.clone()),
            ("output", if aside.before { Value::Null } else { last.clone() }),
            ("startedAt", instant(about.since_us)),
            ("with", definition.member("with").cloned().unwrap_or_default()),
            ("definition", definition),
        ]);
        Scope::naming(about.at.clone(), vec![("task".into(), shown)], &about.scope)
    }

    /// A list beside a task: it hands on what it was given, unless it stands before the task and leaves it.
    pub(super) fn aside(&mut self, about: &About<'c>, aside: &AsideTask, list: &mut List<'c>, context: &mut Value) -> Went {
        let Some(output) = self.list(list, context)? else { return Ok(None) };
        if aside.before && list.exited {
            return self.complete(about, output, Flow::Exit, context);
        }
        self.complete(about, about.input.clone(), Flow::Continue, context)
    }

    /// Enters a list beside a task, where its condition holds.
    pub(super) fn begins(&self, aside: &AsideTask, about: &About<'c>, context: &Value) -> Result<bool, provost_model::Problem> {
        aside.when.map_or(Ok(true), |when| self.holds(when, &about.input, &about.seen(context)))
    }
}

/// For the walk: what of it stops its time.
pub(super) fn due(extended: &Extended<'_>, due_us: &mut Vec<i64>) {
    extended.open.iter().for_each(|node| node.due(due_us));
}

/// A walk that cannot be.
pub(super) fn strange() -> Stop {
    Stop::Parked(provost_model::Problem::standard("runtime", 500, "a task of two kinds"))
}
