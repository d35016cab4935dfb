//! The lists inside a task, and where control goes behind it. The one place of the checks that knows every kind of task.

use provost_model::Program;
use provost_model::program::{Block, Flow, Task, TaskIx, TaskKind};

/// The lists that a task runs.
pub(super) fn inside(kind: &TaskKind) -> Vec<&Block> {
    match kind {
        TaskKind::Do(block) => vec![block],
        TaskKind::Extended(extended) => vec![&extended.body],
        TaskKind::Aside(aside) => vec![&aside.body],
        TaskKind::Listen(listen) => listen.each.iter().map(|each| &each.body).collect(),
        TaskKind::For(each) => vec![&each.body],
        TaskKind::Fork(fork) => vec![&fork.branches],
        // What a plan may call: each by itself, in an order that nobody knows yet.
        TaskKind::Plan(plan) => vec![&plan.tasks],
        TaskKind::Try(attempt) => [&attempt.body].into_iter().chain(&attempt.catch.body).collect(),
        TaskKind::Set(_)
        | TaskKind::Switch(_)
        | TaskKind::Raise(_)
        | TaskKind::Wait(_)
        | TaskKind::Emit(_)
        | TaskKind::Agent(_)
        | TaskKind::Rules(_)
        | TaskKind::Decide(_)
        | TaskKind::Policy(_)
        | TaskKind::Review(_)
        | TaskKind::Act(_)
        | TaskKind::Retrieve(_)
        | TaskKind::Feature(_)
        | TaskKind::Run(_)
        | TaskKind::Compensate(_) => Vec::new(),
    }
}

/// Whether something leaves the process in this task itself.
fn leaves(kind: &TaskKind) -> bool {
    match kind {
        TaskKind::Agent(_)
        | TaskKind::Act(_)
        | TaskKind::Emit(_)
        | TaskKind::Run(_)
        | TaskKind::Retrieve(_)
        | TaskKind::Feature(_)
        | TaskKind::Plan(_) => true,
        TaskKind::Do(_)
        | TaskKind::Extended(_)
        | TaskKind::Aside(_)
        | TaskKind::Listen(_)
        | TaskKind::For(_)
        | TaskKind::Fork(_)
        | TaskKind::Try(_)
        | TaskKind::Set(_)
        | TaskKind::Switch(_)
        | TaskKind::Raise(_)
        | TaskKind::Wait(_)
        | TaskKind::Rules(_)
        | TaskKind::Decide(_)
        | TaskKind::Policy(_)
        | TaskKind::Review(_)
        | TaskKind::Compensate(_) => false,
    }
}

/// Whether `wanted` holds for the task or one inside it.
fn any_within(program: &Program, index: TaskIx, wanted: &dyn Fn(&Task) -> bool) -> bool {
    let Some(task) = program.task(index) else { return false };
    wanted(task) || inside(&task.kind).into_iter().flatten().any(|inner| any_within(program, *inner, wanted))
}

/// Whether the task or one inside it calls an agent or an action, or sends an event.
pub(super) fn leaves_within(program: &Program, index: TaskIx) -> bool {
    any_within(program, index, &|task| leaves(&task.kind))
}

/// Whether the task or one inside it exports.
pub(super) fn exports_within(program: &Program, index: TaskIx) -> bool {
    any_within(program, index, &|task| task.export.to.is_some())
}

/// Whether the task or one inside it raises an error or ends the workflow by what is written.
pub(super) fn ends_within(program: &Program, index: TaskIx) -> bool {
    any_within(program, index, &|task| matches!(task.kind, TaskKind::Raise(_)) || flows(program, task).contains(&Flow::End))
}

/// Every way out of a task that its text allows, as the list around it sees them.
pub(super) fn flows(program: &Program, task: &Task) -> Vec<Flow> {
    let mut flows = Vec::new();
    if task.when.is_some() {
        flows.push(Flow::Continue);
    }
    match &task.kind {
        TaskKind::Raise(_) => return flows,
        TaskKind::Switch(switch) => {
            flows.extend(switch.cases.iter().map(|case| case.then.clone()));
            if switch.cases.iter().all(|case| case.when.is_some()) {
                flows.push(task.then.clone());
            }
        }
        TaskKind::Do(block) if !is_through(program, block) => {}
        TaskKind::Extended(extended) => {
            // A list before it may leave it; otherwise the task inside says where control goes.
            flows.push(task.then.clone());
            flows.extend(program.task(extended.task).into_iter().flat_map(|inner| self::flows(program, inner)));
        }
        TaskKind::Try(attempt) => {
            flows.push(task.then.clone());
            if attempt.catch.then != Flow::Continue {
                flows.push(attempt.catch.then.clone());
            }
        }
        TaskKind::Do(_)
        | TaskKind::For(_)
        | TaskKind::Fork(_)
        | TaskKind::Set(_)
        | TaskKind::Wait(_)
        | TaskKind::Emit(_)
        | TaskKind::Agent(_)
        | TaskKind::Rules(_)
        | TaskKind::Decide(_)
        | TaskKind::Policy(_)
        | TaskKind::Review(_)
        | TaskKind::Act(_)
        | TaskKind::Aside(_)
        | TaskKind::Listen(_)
        | TaskKind::Retrieve(_)
        | TaskKind::Feature(_)
        | TaskKind::Plan(_)
        | TaskKind::Run(_)
        | TaskKind::Compensate(_) => flows.push(task.then.clone()),
    }
    flows
}

/// Whether control can come out of the end of a list.
fn is_through(program: &Program, block: &Block) -> bool {
    Ways::of(program, block).out
}

/// Which tasks of a list can be reached from its first one.
pub(super) struct Ways {
    /// By place in the list.
    pub(super) reached: Vec<bool>,
    /// Whether the list can be left at its end or by `exit`.
    pub(super) out: bool,
}

impl Ways {
    pub(super) fn of(program: &Program, block: &Block) -> Self {
        Self::from(program, block, 0)
    }

    /// The same from the task at `start`.
    pub(super) fn from(program: &Program, block: &Block, start: usize) -> Self {
        let mut ways = Self { reached: vec![false; block.len()], out: block.is_empty() };
        let mut open = vec![start];
        while let Some(at) = open.pop() {
            match ways.reached.get_mut(at) {
                Some(seen) if !*seen => *seen = true,
                Some(_) | None => continue,
            }
            let Some(task) = block.get(at).and_then(|index| program.task(*index)) else { continue };
            for flow in flows(program, task) {
                match next(block, at, &flow) {
                    Next::Task(next) => open.push(next),
                    Next::Out => ways.out = true,
                    Next::End => {}
                }
            }
        }
        ways
    }
}

/// Where control goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// To the task at this place of the list.
    Task(usize),
    /// Out of the list.
    Out,
    /// To the end of the workflow.
    End,
}

/// Where `flow` leads from the task at `at` of a list.
pub(super) fn next(block: &Block, at: usize, flow: &Flow) -> Next {
    match flow {
        Flow::Continue if at + 1 < block.len() => Next::Task(at + 1),
        Flow::Continue | Flow::Exit => Next::Out,
        Flow::End => Next::End,
        Flow::Task(index) => block.iter().position(|other| other == index).map_or(Next::Out, Next::Task),
    }
}

/// Every list of a program in which tasks follow each other, with the tasks of it.
pub(super) fn lists(program: &Program) -> Vec<&Block> {
    let in_tasks = program
        .tasks
        .iter()
        .filter(|task| !matches!(task.kind, TaskKind::Fork(_) | TaskKind::Extended(_) | TaskKind::Plan(_)))
        .flat_map(|task| inside(&task.kind));
    [&program.root].into_iter().chain(in_tasks).collect()
}
