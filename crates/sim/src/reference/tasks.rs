//! What each kind of task does when it is entered, and how one that stays open goes on.

use std::rc::Rc;

use provost_model::program::{Flow, RaiseTask, SwitchTask, TaskIx, TaskKind};
use provost_model::{Problem, Value};

use super::agents::Run;
use super::attempts::{Tried, Trying};
use super::blocks::Branch;
use super::each::Each;
use super::evaluate::Seen;
use super::extend::{self, Extended};
use super::flow::{About, Entered, Interpreter, List, Node, Stop, Went};
use super::people::Question;
use super::places::Scope;
use super::undo::Undoing;

/// An open task, by kind.
pub(super) enum Kind<'c> {
    /// `do`.
    List(List<'c>),
    /// `for`: the items, and the item under way.
    For { items: Vec<Value>, index: usize, body: Option<List<'c>>, carried: Value },
    /// `fork`.
    Fork(Vec<Branch<'c>>),
    /// `try`.
    Try(Tried<'c>),
    /// `wait`, until then.
    Wait(i64),
    /// `call: agent`, or a read.
    Run(Run<'c>),
    /// `act`: what a person is asked before it leaves; the ledger knows the rest.
    Act(Option<Question>),
    /// `run`: when the child is through.
    Child(i64),
    /// `review`.
    Review(Question),
    /// `listen`; the events know the rest.
    Listen(Each<'c>),
    /// `compensate`.
    Undoing(Undoing),
    /// A task with lists around it.
    Extended(Extended<'c>),
}

impl Kind<'_> {
    /// When something in it is due.
    pub fn due(&self, due_us: &mut Vec<i64>) {
        match self {
            Self::List(list) => list.due(due_us),
            Self::For { body, .. } => body.iter().for_each(|list| list.due(due_us)),
            Self::Fork(branches) => branches.iter().filter_map(|branch| branch.open.as_ref()).for_each(|node| node.due(due_us)),
            Self::Try(Tried { at: Trying::Body(list) | Trying::Handlers(list), .. }) => list.due(due_us),
            Self::Try(Tried { at: Trying::Until(at_us), .. }) | Self::Wait(at_us) => due_us.push(*at_us),
            Self::Run(run) => due_us.push(run.due_us),
            Self::Child(at_us) => due_us.push(*at_us),
            Self::Review(question) => due_us.push(question.due_us),
            Self::Extended(extended) => extend::due(extended, due_us),
            Self::Listen(each) => each.body.iter().for_each(|list| list.due(due_us)),
            Self::Act(question) => due_us.extend(question.iter().map(|question| question.due_us)),
            Self::Undoing(_) => {}
        }
    }

    /// Its time is up while something is out: nobody waits for agents, reads and children inside any more.
    pub fn give_up(&mut self) {
        match self {
            Self::List(list) => list.give_up(),
            Self::For { body, .. } | Self::Listen(Each { body, .. }) => body.iter_mut().for_each(List::give_up),
            Self::Fork(branches) => branches.iter_mut().filter_map(|branch| branch.open.as_mut()).for_each(|node| node.kind.give_up()),
            Self::Try(Tried { at: Trying::Body(list) | Trying::Handlers(list), .. }) => list.give_up(),
            Self::Extended(extended) => extended.open.iter_mut().for_each(|node| node.kind.give_up()),
            Self::Run(run) => run.due_us = i64::MAX,
            Self::Child(due_us) => *due_us = i64::MAX,
            Self::Try(_) | Self::Wait(_) | Self::Act(_) | Self::Review(_) | Self::Undoing(_) => {}
        }
    }
}

impl<'c> Interpreter<'c> {
    /// Enters the task `ix` of a list with its raw input.
    pub(super) fn enter(
        &mut self,
        ix: TaskIx,
        raw: Value,
        scope: &Rc<Scope>,
        visit: u32,
        context: &mut Value,
    ) -> Result<Entered<'c>, Stop> {
        let program = &self.code.program;
        let missing = || Stop::Parked(Problem::standard("configuration", 500, "there is no such task"));
        let task = program.task(ix).ok_or_else(missing)?;
        let at = scope.at.task(&task.name, visit);
        let mut about = About { ix, task, at, scope: scope.clone(), raw: raw.clone(), input: raw.clone(), since_us: self.now_us };
        if self.is_used_up() {
            return Err(self.fails(&about, too_many_tasks()));
        }
        match self.shaped_input(&about, context) {
            Err(problem) => Err(self.fails(&about, problem)),
            Ok(None) => {
                self.tasks_run += 1;
                self.note("skipped", &about.at);
                Ok(Entered::Ended(raw, Flow::Continue))
            }
            Ok(Some(input)) => {
                about.input = input;
                self.begin(about, context)
            }
        }
    }

    /// `if`, `input.schema`, `input.from`; `None` where the task is skipped.
    fn shaped_input(&self, about: &About<'c>, context: &Value) -> Result<Option<Value>, Problem> {
        let (task, raw, seen) = (about.task, &about.input, about.seen(context));
        if let Some(when) = task.when
            && !self.holds(when, raw, &seen)?
        {
            return Ok(None);
        }
        self.validate(task.input.schema, raw)?;
        task.input.from.as_ref().map_or_else(|| Ok(raw.clone()), |from| self.render(from, raw, &seen)).map(Some)
    }

    fn begin(&mut self, about: About<'c>, context: &mut Value) -> Result<Entered<'c>, Stop> {
        *self.kinds.entry(word(&about.task.kind)).or_default() += 1;
        let seen = about.seen(context);
        let begun = match &about.task.kind {
            TaskKind::Set(template) => self.render(template, &about.input, &seen).map(Begun::Ended),
            TaskKind::Switch(task) => {
                self.switch(task, &about.input, &seen).map(|flow| Begun::Goes(flow.unwrap_or(about.task.then.clone())))
            }
            TaskKind::Raise(task) => self.raised(task, &about.input, &seen).and_then(Err),
            TaskKind::Rules(task) => self.rules(task, &about.input, &seen).map(Begun::Ended),
            TaskKind::Decide(task) => self.decide(task, &about, &seen).map(Begun::Ended),
            TaskKind::Emit(task) => match self.event(task, &about.input, &seen) {
                Ok(event) => return self.emit(about, event, context),
                Err(problem) => Err(problem),
            },
            TaskKind::Do(tasks) => {
                Ok(Begun::Open(Kind::List(List::new(Scope::plain(about.at.clone(), &about.scope), tasks, about.input.clone()))))
            }
            TaskKind::Try(task) => {
                let body = List::new(Scope::tried(about.at.clone(), 1, &about.scope), &task.body, about.input.clone());
                Ok(Begun::Open(Kind::Try(Tried { attempt: 1, at: Trying::Body(body) })))
            }
            TaskKind::For(task) => self
                .items(task, &about.input, &seen)
                .map(|items| Begun::Open(Kind::For { items, index: 0, body: None, carried: about.input.clone() })),
            TaskKind::Fork(task) => self.branches(task, context).map(Begun::Open),
            TaskKind::Wait(duration) => self
                .duration_ms(duration, &about.input, &seen)
                .map(|ms| Begun::Open(Kind::Wait(self.now_us.saturating_add(ms.saturating_mul(1000))))),
            TaskKind::Agent(task) => self.agent(task, &about.input, &seen),
            TaskKind::Act(task) => self.act(task, &about, &seen),
            TaskKind::Review(task) => self.review(task, &about, &seen),
            TaskKind::Policy(task) => self.policy(task, &about.input, &seen).map(Begun::Ended),
            TaskKind::Compensate(task) => self.compensate(task, &about),
            TaskKind::Listen(task) => self.listens(task, &about, &seen),
            TaskKind::Run(task) => self.run_child(task, &about, &seen),
            TaskKind::Extended(_) => Ok(Begun::Open(Kind::Extended(Extended::new(about.input.clone())))),
            TaskKind::Aside(aside) => self.begins(aside, &about, context).map(|begins| match begins {
                false => Begun::Ended(about.input.clone()),
                true => Begun::Open(Kind::List(List::new(Scope::plain(about.at.clone(), &about.scope), &aside.body, about.input.clone()))),
            }),
            TaskKind::Retrieve(_) | TaskKind::Feature(_) | TaskKind::Plan(_) => {
                Err(Problem::standard("configuration", 500, "the reference knows no such task"))
            }
        };
        match begun {
            Err(problem) => Err(self.fails(&about, problem)),
            Ok(Begun::Ended(output)) => self.ended(&about, output, about.task.then.clone(), context),
            Ok(Begun::Goes(flow)) => self.ended(&about, about.input.clone(), flow, context),
            Ok(Begun::Open(kind)) => self.open(about, kind, context),
            Ok(Begun::Parks(problem)) => self.parks(&about, problem),
        }
    }

    /// Whether no more tasks, and no more attempts after the first, may run.
    pub(super) fn is_used_up(&self) -> bool {
        self.tasks_run >= self.code.program.limits.tasks
    }

    pub(super) fn ended(&mut self, about: &About<'c>, output: Value, flow: Flow, context: &mut Value) -> Result<Entered<'c>, Stop> {
        let parked = || Stop::Parked(Problem::standard("runtime", 500, "a task that ended waits"));
        let (output, flow) = self.complete(about, output, flow, context)?.ok_or_else(parked)?;
        Ok(Entered::Ended(output, flow))
    }

    /// The task stays open from here on, with its timeout.
    fn open(&mut self, about: About<'c>, kind: Kind<'c>, context: &Value) -> Result<Entered<'c>, Stop> {
        self.note("entered", &about.at);
        let timeout = about.task.timeout.as_ref().map(|timeout| self.duration_ms(timeout, &about.input, &about.seen(context))).transpose();
        let timeout_ms = timeout.map_err(|problem| self.fails(&about, problem))?;
        self.touched |=
            timeout_ms.is_some() || matches!(kind, Kind::Wait(_) | Kind::Run(_) | Kind::Act(_) | Kind::Child(_) | Kind::Review(_));
        if let Kind::Undoing(undoing) = &kind {
            self.undo(&about, undoing)?;
        }
        let until_us = timeout_ms.map(|ms| self.now_us.saturating_add(ms.saturating_mul(1000)));
        Ok(Entered::Open(Box::new(Node { about, until_us, kind })))
    }

    fn switch(&self, task: &SwitchTask, input: &Value, seen: &Seen<'_>) -> Result<Option<Flow>, Problem> {
        for case in &task.cases {
            if case.when.map_or(Ok(true), |when| self.holds(when, input, seen))? {
                return Ok(Some(case.then.clone()));
            }
        }
        Ok(None)
    }

    fn raised(&self, task: &RaiseTask, input: &Value, seen: &Seen<'_>) -> Result<Problem, Problem> {
        let error = self.render(&task.error, input, seen)?;
        let text = |key: &str| error.member(key).and_then(Value::as_str).map(str::to_owned);
        let kind = text("type").ok_or_else(|| Problem::standard("configuration", 400, "the raised error has no `type`"))?;
        let status = error.member("status").and_then(Value::as_int).and_then(|status| u16::try_from(status).ok());
        let title = text("title").unwrap_or_else(|| kind.rsplit('/').next().unwrap_or_default().to_owned());
        let (status, detail, instance) = (status.unwrap_or(500), text("detail").unwrap_or_default(), text("instance"));
        Ok(Problem { kind, title, status, detail, instance, extra: Value::Null, label: provost_model::Label::NONE })
    }

    /// Walks an open task of any kind.
    pub(super) fn walk(&mut self, about: &About<'c>, kind: &mut Kind<'c>, context: &mut Value) -> Went {
        let then = || about.task.then.clone();
        match (kind, &about.task.kind) {
            (Kind::List(list), TaskKind::Aside(aside)) => self.aside(about, aside, list, context),
            (Kind::Extended(extended), TaskKind::Extended(task)) => self.extended(about, task, extended, context),
            (Kind::List(list), _) => match self.list(list, context)? {
                Some(output) => self.complete(about, output, then(), context),
                None => Ok(None),
            },
            (Kind::Wait(until_us), _) if self.now_us < *until_us => Ok(None),
            (Kind::Wait(_), _) => self.complete(about, about.input.clone(), then(), context),
            (Kind::For { items, index, body, carried }, TaskKind::For(task)) => {
                self.each(about, task, (items, index, body, carried), context)
            }
            (Kind::Fork(branches), TaskKind::Fork(task)) => self.fork(about, task, branches, context),
            (Kind::Try(tried), TaskKind::Try(task)) => self.tried(about, task, tried, context),
            (Kind::Run(run), _) => self.run_on(about, run, context),
            (Kind::Act(asked), TaskKind::Act(task)) => self.act_on(about, task, asked, context),
            (Kind::Review(question), TaskKind::Review(task)) => self.review_on(about, task, question, context),
            (Kind::Undoing(undoing), _) => self.compensate_on(about, undoing, context),
            (Kind::Listen(each), TaskKind::Listen(task)) => self.listen_on(about, task, each, context),
            (Kind::Child(due_us), _) if self.now_us < *due_us => Ok(None),
            (Kind::Child(_), _) => self.child_on(about, context),
            (Kind::For { .. } | Kind::Fork(_) | Kind::Try(_) | Kind::Act(_) | Kind::Listen(_) | Kind::Extended(_) | Kind::Review(_), _) => {
                Err(extend::strange())
            }
        }
    }
}

/// An attempt after the first counts as a task.
pub(super) fn too_many_tasks() -> Problem {
    Problem::ours("too-many-tasks", 500, "too many tasks ran")
}

/// What entering a task begins.
pub(super) enum Begun<'c> {
    /// It ended with this, and goes where its `then` says.
    Ended(Value),
    /// It hands its input on, and goes there.
    Goes(Flow),
    /// It stays open.
    Open(Kind<'c>),
    /// The orchestration parks here.
    Parks(Problem),
}

/// A kind of task by its word, for counting.
fn word(kind: &TaskKind) -> &'static str {
    match kind {
        TaskKind::Do(_) => "do",
        TaskKind::For(_) => "for",
        TaskKind::Fork(_) => "fork",
        TaskKind::Set(_) => "set",
        TaskKind::Switch(_) => "switch",
        TaskKind::Try(_) => "try",
        TaskKind::Raise(_) => "raise",
        TaskKind::Wait(_) => "wait",
        TaskKind::Emit(_) => "emit",
        TaskKind::Listen(_) => "listen",
        TaskKind::Agent(_) => "agent",
        TaskKind::Rules(_) => "rules",
        TaskKind::Decide(_) => "decide",
        TaskKind::Policy(_) => "policy",
        TaskKind::Review(_) => "review",
        TaskKind::Act(_) => "act",
        TaskKind::Compensate(_) => "compensate",
        TaskKind::Run(_) => "run",
        TaskKind::Extended(_) => "extended",
        TaskKind::Aside(_) => "aside",
        TaskKind::Retrieve(_) => "retrieve",
        TaskKind::Feature(_) => "feature",
        TaskKind::Plan(_) => "plan",
    }
}
