//! Lists, loops, branches and attempts: a tree of what is open, walked again whenever something in it is due.
//!
//! What must stay true: walking the tree when nothing is due changes nothing; branches of a fork go on in declared order.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;
use std::sync::Arc;

use provost_language::Compiled;
use provost_model::program::{Flow, Task, TaskIx};
use provost_model::{Event, OrchestrationId, Position, Problem, Value};

use super::attempts::Around;
use super::children::{Child, Others};
use super::effects::Effect;
use super::evaluate::Seen;
use super::listen::{Arrival, Heard, Listener};
use super::people::People;
use super::places::Scope;
use super::tasks::Kind;
use super::{Ending, Given, Told};

/// Most moments of one orchestration that are looked at.
const MOMENTS_MAX: u64 = 20_000;

/// Why a walk stops before its end.
pub(super) enum Stop {
    /// An error that nobody has taken yet.
    Raised(Problem),
    /// `then: end` with the workflow's raw output.
    End(Value),
    /// It cannot go on, and no `catch` may take that.
    Parked(Problem),
    /// The time of the task at this place was up while something was out, and now it raises `timeout`.
    Late(Position),
    /// Nothing will ever be due.
    Waits,
}

/// A task that came to its end, or `None` while it waits.
pub(super) type Went = Result<Option<(Value, Flow)>, Stop>;

/// What entering a task came to.
pub(super) enum Entered<'c> {
    /// It ended at once.
    Ended(Value, Flow),
    /// It is open.
    Open(Box<Node<'c>>),
}

/// A task with its input.
#[derive(Clone)]
pub(super) struct About<'c> {
    pub ix: TaskIx,
    pub task: &'c Task,
    pub at: Position,
    pub scope: Rc<Scope>,
    /// Its input as it was given.
    pub raw: Value,
    /// Its input after `input.from`.
    pub input: Value,
    pub since_us: i64,
}

impl About<'_> {
    /// What its expressions see.
    pub fn seen<'s>(&'s self, context: &'s Value) -> Seen<'s> {
        let (input, output) = (self.input.clone(), Value::Null);
        let (at, task, since_us) = (&self.at, Some(self.task), self.since_us);
        Seen { scope: &self.scope, at, task, since_us, context, input, output, names: Vec::new() }
    }
}

/// An open task.
pub(super) struct Node<'c> {
    pub about: About<'c>,
    /// When its `timeout` is over, in microseconds UTC.
    pub until_us: Option<i64>,
    pub kind: Kind<'c>,
}

/// A list of tasks under way.
pub(super) struct List<'c> {
    pub scope: Rc<Scope>,
    tasks: &'c [TaskIx],
    last: Value,
    next: Option<TaskIx>,
    visits: BTreeMap<TaskIx, u32>,
    /// Whether `exit` ended it.
    pub exited: bool,
    open: Option<Box<Node<'c>>>,
}

impl<'c> List<'c> {
    /// A list that has not begun.
    pub fn new(scope: Rc<Scope>, tasks: &'c [TaskIx], input: Value) -> Self {
        Self { scope, tasks, last: input, next: tasks.first().copied(), visits: BTreeMap::new(), exited: false, open: None }
    }

    /// When something in it is due.
    pub fn due(&self, due_us: &mut Vec<i64>) {
        if let Some(open) = &self.open {
            open.due(due_us);
        }
    }

    /// Nobody waits for what runs inside.
    pub fn give_up(&mut self) {
        if let Some(open) = &mut self.open {
            open.kind.give_up();
        }
    }
}

impl Node<'_> {
    /// When something in it is due.
    pub fn due(&self, due_us: &mut Vec<i64>) {
        due_us.extend(self.until_us);
        self.kind.due(due_us);
    }
}

/// One interpretation.
pub(super) struct Interpreter<'c> {
    pub code: &'c Compiled,
    pub id: OrchestrationId,
    pub raw: Value,
    pub began_us: i64,
    pub now_us: i64,
    /// How many moments went by.
    pub moment: u64,
    /// Tasks finished so far, against `limits.tasks`.
    pub tasks_run: u64,
    /// Whether anything left or any time was set: from then on an error that nobody takes parks.
    pub touched: bool,
    /// Events by the place that sent them.
    pub sent: BTreeMap<Position, Event>,
    pub events: Vec<Event>,
    /// Effects by their place.
    pub ledger: BTreeMap<Position, Effect<'c>>,
    /// What was done and can be undone, with the action that undoes it, in the order in which it was done.
    pub undoable: Vec<(Position, Arc<str>)>,
    /// Whether an undo failed that nobody waits for.
    pub failed_undo: bool,
    /// Children by their place.
    pub children: BTreeMap<Position, Child>,
    pub others: &'c Others,
    /// What people were asked, and what they said.
    pub people: People,
    /// Events that come from outside, in order.
    pub arrivals: &'c [Arrival],
    /// What came of them.
    pub heard: Heard,
    /// Open tasks that listen.
    pub listeners: BTreeMap<Position, Listener<'c>>,
    /// The `try`s whose lists are being walked, outermost first.
    pub around: Vec<Around<'c>>,
    /// Places whose time was up while something was out.
    over: BTreeSet<Position>,
    pub beyond: bool,
    pub kinds: BTreeMap<&'static str, u64>,
    steps: Vec<String>,
    tied: bool,
}

impl<'c> Interpreter<'c> {
    pub(super) fn new(given: &Given<'c>) -> Self {
        Self {
            code: given.code,
            id: given.id,
            raw: given.input.clone(),
            began_us: given.began_us,
            now_us: given.began_us,
            moment: 0,
            tasks_run: 0,
            touched: false,
            sent: BTreeMap::new(),
            events: Vec::new(),
            ledger: BTreeMap::new(),
            undoable: Vec::new(),
            failed_undo: false,
            children: BTreeMap::new(),
            others: given.others,
            people: People::default(),
            arrivals: given.arrivals,
            heard: Heard::default(),
            listeners: BTreeMap::new(),
            around: Vec::new(),
            over: BTreeSet::new(),
            beyond: false,
            kinds: BTreeMap::new(),
            steps: Vec::new(),
            tied: false,
        }
    }

    /// Runs to the end.
    pub(super) fn run(mut self) -> Told {
        let mut context = Value::empty();
        let ending = match self.live(&mut context) {
            Ok(output) => Ending::Completed(output),
            Err(Stop::Raised(problem)) if self.touched => Ending::Parked(problem),
            Err(Stop::Raised(problem)) => Ending::Faulted(problem),
            Err(Stop::Parked(problem)) => Ending::Parked(problem),
            Err(Stop::End(_) | Stop::Late(_) | Stop::Waits) => Ending::Waits,
        };
        let (tied, beyond, ended_us) = (self.tied, self.beyond, self.now_us);
        Told { ending, steps: self.steps, events: self.events, context, tied, beyond, kinds: self.kinds, ended_us }
    }

    fn live(&mut self, context: &mut Value) -> Result<Value, Stop> {
        let (root, code) = (Scope::root(), self.code);
        let input = self.input(&root, context).map_err(|problem| self.raise(&root.at, None, problem))?;
        let until_us = match &code.program.timeout {
            None => None,
            Some(timeout) => {
                let seen = self.seen_by_workflow(&root, &input, context);
                let ms = self.duration_ms(timeout, &input, &seen).map_err(|problem| self.raise(&root.at, None, problem))?;
                (ms > 0).then_some(self.now_us.saturating_add(ms.saturating_mul(1000)))
            }
        };
        let output = self.all(List::new(root.clone(), &code.program.root, input.clone()), until_us, context)?;
        self.output(&root, &input, output, context).map_err(|problem| self.raise(&root.at, None, problem))
    }

    /// Walks the workflow's own list, moment by moment, until it is through.
    fn all(&mut self, mut list: List<'c>, mut until_us: Option<i64>, context: &mut Value) -> Result<Value, Stop> {
        let root = Position::root();
        loop {
            self.come_in();
            if self.failed_undo {
                return Err(Stop::Parked(super::effects::undo_failed()));
            }
            self.arrive();
            if self.is_up(until_us) {
                until_us = None;
                list.give_up();
                if !self.waits_for_what_is_out(&root) {
                    return Err(self.raise(&root, None, timed_out()));
                }
            }
            match self.list(&mut list, context) {
                Ok(Some(output)) | Err(Stop::End(output)) => return Ok(output),
                Ok(None) if self.offers() => {}
                Ok(None) => self.pass(&list, until_us).ok_or(Stop::Waits)?,
                Err(Stop::Late(_)) => return Err(self.raise(&root, None, timed_out())),
                Err(stop) => return Err(stop),
            }
        }
    }

    fn seen_by_workflow<'s>(&self, root: &'s Scope, input: &Value, context: &'s Value) -> Seen<'s> {
        let (input, output, names) = (input.clone(), Value::Null, Vec::new());
        Seen { scope: root, at: &root.at, task: None, since_us: self.began_us, context, input, output, names }
    }

    /// The workflow's own `input`.
    fn input(&self, root: &Scope, context: &Value) -> Result<Value, Problem> {
        let (own, raw) = (&self.code.program.input, &self.raw);
        self.validate(own.schema, raw)?;
        let seen = self.seen_by_workflow(root, raw, context);
        own.from.as_ref().map_or_else(|| Ok(raw.clone()), |from| self.render(from, raw, &seen))
    }

    /// The workflow's own `output`.
    fn output(&self, root: &Scope, input: &Value, output: Value, context: &Value) -> Result<Value, Problem> {
        let own = &self.code.program.output;
        let seen = Seen { output: output.clone(), ..self.seen_by_workflow(root, input, context) };
        let output = own.to.as_ref().map_or_else(|| Ok(output.clone()), |to| self.render(to, &output, &seen))?;
        self.validate(own.schema, &output)?;
        Ok(output)
    }

    /// Lets time pass until the next thing is due.
    fn pass(&mut self, list: &List<'c>, until_us: Option<i64>) -> Option<()> {
        let mut due_us = Vec::from_iter(until_us);
        list.due(&mut due_us);
        self.ledger_due(&mut due_us);
        due_us.extend(self.arrives_us());
        let next_us = *due_us.iter().min().filter(|next_us| **next_us < i64::MAX)?;
        self.tied |= due_us.iter().filter(|at_us| **at_us == next_us).count() > 1;
        self.now_us = next_us;
        self.moment += 1;
        (self.moment < MOMENTS_MAX).then_some(())
    }

    /// Notes what happened.
    pub(super) fn note(&mut self, verb: &str, at: &Position) {
        self.steps.push(format!("{} {verb} {at}", self.now_us - self.began_us));
    }

    /// An error of the task at `at`: without an instance it gets the task's reference.
    pub(super) fn raise(&mut self, at: &Position, task: Option<&Task>, mut problem: Problem) -> Stop {
        if problem.instance.is_none() {
            problem.instance = task.map(|task| task.pointer.to_string());
        }
        self.note(&format!("raised {}", problem.code()), at);
        Stop::Raised(problem)
    }

    /// Walks a list as far as it goes; its output when it is through.
    pub(super) fn list(&mut self, list: &mut List<'c>, context: &mut Value) -> Result<Option<Value>, Stop> {
        loop {
            let (ix, output, flow) = match (&mut list.open, list.next) {
                (Some(node), _) => match self.go_on(node, context)? {
                    None => return Ok(None),
                    Some((output, flow)) => (node.about.ix, output, flow),
                },
                (None, None) => return Ok(Some(list.last.clone())),
                (None, Some(ix)) => {
                    self.in_time(&list.scope.at)?;
                    let visit = list.visits.get(&ix).map_or(1, |seen| seen + 1);
                    match self.enter(ix, list.last.clone(), &list.scope, visit, context)? {
                        Entered::Ended(output, flow) => (ix, output, flow),
                        Entered::Open(node) => {
                            list.open = Some(node);
                            continue;
                        }
                    }
                }
            };
            list.open = None;
            list.last = output;
            *list.visits.entry(ix).or_insert(0) += 1;
            list.next = match flow {
                Flow::Continue => list.tasks.iter().skip_while(|other| **other != ix).nth(1).copied(),
                Flow::Exit => {
                    list.exited = true;
                    None
                }
                Flow::Task(target) => Some(target),
                Flow::End => return Err(Stop::End(list.last.clone())),
            };
        }
    }

    /// Walks an open task as far as it goes.
    pub(super) fn go_on(&mut self, node: &mut Node<'c>, context: &mut Value) -> Went {
        let (at, task) = (&node.about.at, Some(node.about.task));
        if self.is_up(node.until_us) {
            node.until_us = None;
            node.kind.give_up();
            if !self.waits_for_what_is_out(at) {
                return Err(self.raise(at, task, timed_out()));
            }
        }
        match self.walk(&node.about, &mut node.kind, context) {
            Err(Stop::Late(over)) if over == *at => Err(self.raise(at, task, timed_out())),
            went => went,
        }
    }

    fn is_up(&self, until_us: Option<i64>) -> bool {
        until_us.is_some_and(|until_us| until_us <= self.now_us)
    }

    /// The time of the place at `at` is up: whether it goes on, because something inside is out.
    fn waits_for_what_is_out(&mut self, at: &Position) -> bool {
        self.stop_within(at);
        self.give_up_within(at);
        let out = self.is_out_within(at);
        if out {
            self.over.insert(at.clone());
        }
        out
    }

    /// Whether the time of `at`, or of a place around it, was up.
    pub(super) fn is_over_around(&self, at: &Position) -> bool {
        self.over.iter().any(|over| at.is_within(over))
    }

    /// Before something goes on at `at`: the outermost place around whose time was up and where nothing is out any more raises `timeout`.
    pub(super) fn in_time(&self, at: &Position) -> Result<(), Stop> {
        let mut over = self.over.iter().filter(|over| at.is_within(over) && !self.is_out_within(over));
        over.next().map_or(Ok(()), |over| Err(Stop::Late(over.clone())))
    }

    /// The task at `at` is through, and has no time any more.
    pub(super) fn closes(&mut self, at: &Position) {
        self.over.remove(at);
    }

    /// Everything inside `at` loses its place; the place itself stays.
    pub(super) fn leaves(&mut self, at: &Position) {
        self.listens_no_more(at);
        self.stop_within(at);
        self.give_up_within(at);
        for undo in self.ledger.values_mut().filter(|effect| effect.undoes.is_some() && effect.at.is_within(at)) {
            undo.lost = true;
        }
        self.over.retain(|over| over == at || !over.is_within(at));
    }
}

fn timed_out() -> Problem {
    Problem::standard("timeout", 408, "the task took longer than its timeout")
}
