//! What each fact means for the life of the workflow and its tasks.
//!
//! A fact that closes a place closes what is open inside it: inner before outer. What lies between an error and who takes it faulted with
//! that error; whatever else lost its place was cancelled.

use provost_model::program::{Program, TaskIx, TaskKind};
use provost_model::record::{Ending, Fact};
use provost_model::{Position, Problem, Value};

use super::said::authored;
use super::{Closing, Lifecycle, Status};
use crate::evolve::{evolve, output_of};
use crate::state::{Open, OpenKind, Phase};

/// Which of the places at and inside a position.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Reach {
    /// That place and all inside it.
    Whole,
    /// Only what is inside.
    Inside,
}

impl Lifecycle {
    /// Folds a fact and tells of it.
    pub(super) fn happened(&mut self, program: &Program, fact: &Fact) {
        let closing = self.closing(fact);
        match fact {
            Fact::Completed { at, task, output, effect, .. } => {
                let output = output.clone().map(provost_model::Labelled::authored);
                let output = output_of(&self.state, at, output, *effect).value;
                self.fold(fact);
                self.close(program, closing);
                self.ended_task(program, (at, *task), Status::Completed, ("output", output));
            }
            Fact::Raised { at, task, problem } => {
                self.fold(fact);
                self.close(program, closing);
                self.raised = Some((at.clone(), problem.clone()));
                self.ended_task(program, (at, *task), Status::Faulted, ("error", problem.to_value()));
            }
            Fact::Ended { ending, output, problem, .. } => {
                self.fold(fact);
                self.close(program, closing);
                self.raised = None;
                self.ended(program, *ending, output.as_ref(), problem.as_ref());
            }
            _ => {
                self.fold(fact);
                self.close(program, closing);
                self.moved(program, fact);
            }
        }
    }

    fn fold(&mut self, fact: &Fact) {
        self.began = None;
        if let Fact::Completed { at, .. } | Fact::Raised { at, .. } = fact {
            self.began = Some(self.state.open.contains_key(at));
        }
        evolve(&mut self.state, fact, self.now_us);
    }

    /// Facts that neither end a task nor the workflow.
    fn moved(&mut self, program: &Program, fact: &Fact) {
        match fact {
            Fact::Started { .. } => {
                self.named(program);
                let definition = Value::object([
                    ("name", Value::from(&*program.name)),
                    ("namespace", Value::from(&*program.namespace)),
                    ("version", Value::from(&*program.version)),
                ]);
                self.say_workflow(program, "started", "startedAt", vec![("definition", definition)]);
            }
            Fact::Entered { at, task, .. } => {
                let status = if waits(program, *task) { Status::Waiting } else { Status::Running };
                self.say_task(program, (at, *task), ("created", "createdAt"), Vec::new());
                self.say_task(program, (at, *task), ("started", "startedAt"), Vec::new());
                self.say_task_status(program, (at, *task), status);
            }
            // What is stopped from here on is stopped by something else.
            Fact::Caught { .. } => self.raised = None,
            Fact::RetryScheduled { at, .. } => self.status_of(program, at, Status::Waiting),
            Fact::Retried { at } => {
                if let Some(task) = self.task_at(at) {
                    self.say_task(program, (at, task), ("retried", "retriedAt"), Vec::new());
                }
                self.status_of(program, at, Status::Running);
            }
            Fact::Parked { .. } => {
                self.say_workflow(program, "suspended", "suspendedAt", Vec::new());
                self.halted(program, ("suspended", "suspendedAt"), |_, _| Status::Suspended);
            }
            Fact::Redriven { .. } => {
                self.say_workflow(program, "resumed", "resumedAt", Vec::new());
                self.halted(program, ("resumed", "resumedAt"), phase_of);
            }
            Fact::ListeningBegan { .. } => self.say_workflow(program, "correlation-started", "startedAt", Vec::new()),
            Fact::EventTaken { at, last: true, .. } | Fact::EventHandled { at, last: true, .. } => {
                let keys = self.state.listeners.get(at).map(|listener| &listener.correlated);
                let keys: provost_model::value::Map =
                    keys.into_iter().flat_map(|keys| keys.iter()).map(|(key, value)| (key.clone(), value.clone())).collect();
                let more = if keys.is_empty() { Vec::new() } else { vec![("correlationKeys", Value::Object(keys.into()))] };
                self.say_workflow(program, "correlation-completed", "completedAt", more);
            }
            _ => {}
        }
    }

    /// A task ended; where it was not open, it began in the same fact.
    fn ended_task(&mut self, program: &Program, of: (&Position, TaskIx), status: Status, said: (&str, Value)) {
        if self.began == Some(false) {
            self.say_task(program, of, ("created", "createdAt"), Vec::new());
            self.say_task(program, of, ("started", "startedAt"), Vec::new());
        }
        let when = format!("{}At", status.as_str());
        self.say_task(program, of, (status.as_str(), &when), vec![said]);
        self.say_task_status(program, of, status);
    }

    fn ended(&mut self, program: &Program, ending: Ending, output: Option<&Value>, problem: Option<&Problem>) {
        match ending {
            Ending::Completed => {
                let output = output.cloned().unwrap_or_default();
                self.say_workflow(program, "completed", "completedAt", vec![("output", output)]);
            }
            Ending::Faulted => {
                let error = problem.map(Problem::to_value).unwrap_or_default();
                self.say_workflow(program, "faulted", "faultedAt", vec![("error", error)]);
            }
            Ending::Cancelled => self.say_workflow(program, "cancelled", "cancelledAt", Vec::new()),
        }
    }

    /// The phase after a transition, where it is another one.
    pub(super) fn stands(&mut self, program: &Program) {
        let status = match self.state.phase {
            Phase::New => return,
            Phase::Ended(Ending::Completed) => Status::Completed,
            Phase::Ended(Ending::Faulted) => Status::Faulted,
            Phase::Ended(Ending::Cancelled) => Status::Cancelled,
            Phase::Running | Phase::Cancelling { .. } if self.state.parked.is_some() => Status::Suspended,
            Phase::Running | Phase::Cancelling { .. } if self.state.queued.is_some() => Status::Pending,
            Phase::Running | Phase::Cancelling { .. } if self.state.waits() => Status::Waiting,
            Phase::Running | Phase::Cancelling { .. } => Status::Running,
        };
        if self.status.replace(status) != Some(status) {
            self.say_workflow(program, "status-changed", "updatedAt", vec![("status", status.as_str().into())]);
        }
    }

    /// What the fact is about to close beside the task that it names, inner before outer.
    fn closing(&self, fact: &Fact) -> Vec<Closing> {
        match fact {
            Fact::Completed { at, .. } | Fact::Raised { at, .. } | Fact::Caught { at, .. } | Fact::RetryScheduled { at, .. } => {
                self.open_at(at, Reach::Inside)
            }
            Fact::Abandoned { at } => self.open_at(at, Reach::Whole),
            Fact::Redriven { at } if at.is_root() => self.open_at(at, Reach::Inside),
            Fact::Redriven { at } => self.open_at(at, Reach::Whole),
            Fact::Iterated { at, index } => {
                index.checked_sub(1).map_or_else(Vec::new, |index| self.open_at(&at.iteration(index), Reach::Inside))
            }
            Fact::EventHandled { at, index, .. } => self.open_at(&at.iteration(*index), Reach::Inside),
            Fact::Ended { .. } => self.open_at(&Position::root(), Reach::Inside),
            _ => Vec::new(),
        }
    }

    fn open_at(&self, at: &Position, reach: Reach) -> Vec<Closing> {
        let open = self.state.open_within(at).filter(|(place, open)| is_task(open) && (reach == Reach::Whole || *place != at));
        let mut closing: Vec<Closing> = open.map(|(place, open)| Closing { at: place.clone(), task: open.task }).collect();
        closing.reverse();
        closing
    }

    fn close(&mut self, program: &Program, closing: Vec<Closing>) {
        for Closing { at, task } in closing {
            let through = self.raised.as_ref().filter(|(raised, _)| raised.is_within(&at)).map(|(_, problem)| problem.to_value());
            let (status, more) = match through {
                Some(error) => (Status::Faulted, vec![("error", error)]),
                None => (Status::Cancelled, Vec::new()),
            };
            let when = format!("{}At", status.as_str());
            self.say_task(program, (&at, task), (status.as_str(), &when), more);
            self.say_task_status(program, (&at, task), status);
        }
    }

    /// Every open task stands still, or goes on.
    fn halted(&mut self, program: &Program, what: (&str, &str), phase: impl Fn(&Program, &Open) -> Status) {
        self.raised = None;
        let open: Vec<_> = self.state.open.iter().filter(|(_, open)| is_task(open)).map(|(at, open)| (at.clone(), open.clone())).collect();
        for (at, open) in open {
            self.say_task(program, (&at, open.task), what, Vec::new());
            self.say_task_status(program, (&at, open.task), phase(program, &open));
        }
    }

    fn status_of(&mut self, program: &Program, at: &Position, status: Status) {
        self.raised = None;
        if let Some(task) = self.task_at(at) {
            self.say_task_status(program, (at, task), status);
        }
    }

    fn task_at(&self, at: &Position) -> Option<TaskIx> {
        self.state.open.get(at).map(|open| open.task)
    }
}

/// Whether it is a task, and no iteration or handler of one.
fn is_task(open: &Open) -> bool {
    match open.kind {
        OpenKind::Plain | OpenKind::For { .. } | OpenKind::Fork { .. } | OpenKind::Try { .. } | OpenKind::Plan { .. } => {
            open.task != TaskIx::ROOT
        }
        OpenKind::Iteration { .. } | OpenKind::Catch { .. } => false,
    }
}

/// Whether the task waits for an event or for time to pass.
fn waits(program: &Program, ix: TaskIx) -> bool {
    authored(program, ix).is_some_and(|task| matches!(task.kind, TaskKind::Wait(_) | TaskKind::Listen(_)))
}

fn phase_of(program: &Program, open: &Open) -> Status {
    let retries = matches!(open.kind, OpenKind::Try { waiting: true, .. });
    if retries || waits(program, open.task) { Status::Waiting } else { Status::Running }
}
