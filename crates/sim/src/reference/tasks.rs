//! What each kind of task does when it is entered, and how one that stays open goes on.

use std::sync::Arc;

use provost_model::program::{Backoff, ForkTask, RaiseTask, SwitchTask};
use provost_model::program::{Catch, ErrorFilter, Flow, ForTask, RetrySpec, TaskIx, TaskKind, TryTask};
use provost_model::{Problem, Value};

use std::rc::Rc;

use super::calls::Run;
use super::evaluate::Seen;
use super::flow::{About, Entered, Interpreter, List, Node, Stop, Went};
use super::places::Scope;

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
    /// `call: agent`.
    Run(Run<'c>),
}

/// A branch of a fork, with a context of its own.
pub(super) struct Branch<'c> {
    ix: TaskIx,
    context: Value,
    open: Option<Box<Node<'c>>>,
    output: Option<Value>,
    begun: bool,
}

/// A `try`: which attempt, and what it is at.
pub(super) struct Tried<'c> {
    attempt: u32,
    at: Trying<'c>,
}

enum Trying<'c> {
    Body(List<'c>),
    Until(i64),
    Handlers(List<'c>),
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
        let mut about = About { ix, task, at, scope: scope.clone(), input: raw.clone(), since_us: self.now_us };
        if self.tasks_run >= program.limits.tasks {
            return Err(self.fails(&about, Problem::ours("too-many-tasks", 500, "too many tasks ran")));
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
            TaskKind::Wait(duration) => {
                self.duration_ms(duration, &about.input, &seen).map(|ms| Begun::Open(Kind::Wait(self.now_us + ms * 1000)))
            }
            TaskKind::Agent(task) => self.agent(task, &about.input, &seen),
            TaskKind::Policy(_)
            | TaskKind::Review(_)
            | TaskKind::Act(_)
            | TaskKind::Compensate(_)
            | TaskKind::Listen(_)
            | TaskKind::Run(_)
            | TaskKind::Extended(_)
            | TaskKind::Aside(_) => {
                Err(Problem::standard("configuration", 500, "the reference knows no such task"))
            }
        };
        match begun {
            Err(problem) => Err(self.fails(&about, problem)),
            Ok(Begun::Ended(output)) => self.ended(&about, output, about.task.then.clone(), context),
            Ok(Begun::Goes(flow)) => self.ended(&about, about.input.clone(), flow, context),
            Ok(Begun::Open(kind)) => self.open(about, kind, context),
        }
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
        self.touched |= timeout_ms.is_some() || matches!(kind, Kind::Wait(_) | Kind::Run(_));
        let until_us = timeout_ms.map(|ms| self.now_us + ms * 1000);
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
        Ok(Problem { kind, title, status, detail, instance, extra: Value::Null })
    }

    fn items(&self, task: &ForTask, input: &Value, seen: &Seen<'_>) -> Result<Vec<Value>, Problem> {
        let items = self.render(&task.items, input, seen)?;
        let list = items.as_array().ok_or_else(|| Problem::standard("expression", 400, "`for.in` is no list"))?;
        if list.len() as u64 > self.code.program.limits.branches {
            return Err(Problem::ours("too-many-items", 413, "`for.in` has too many items"));
        }
        Ok(list.to_vec())
    }

    fn branches(&self, task: &ForkTask, context: &Value) -> Result<Kind<'c>, Problem> {
        if task.branches.len() as u64 > self.code.program.limits.branches {
            return Err(Problem::ours("too-many-items", 413, "the fork has too many branches"));
        }
        let branch = |ix: &TaskIx| Branch { ix: *ix, context: context.clone(), open: None, output: None, begun: false };
        Ok(Kind::Fork(task.branches.iter().map(branch).collect()))
    }

    /// Walks an open task of any kind.
    pub(super) fn walk(&mut self, about: &About<'c>, kind: &mut Kind<'c>, context: &mut Value) -> Went {
        let then = || about.task.then.clone();
        match (kind, &about.task.kind) {
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
            (Kind::For { .. } | Kind::Fork(_) | Kind::Try(_), _) => {
                Err(Stop::Parked(Problem::standard("runtime", 500, "a task of two kinds")))
            }
        }
    }

    /// A `for`: its items in order; what one hands on is the next one's input.
    fn each(
        &mut self,
        about: &About<'c>,
        task: &'c ForTask,
        (items, index, body, carried): (&[Value], &mut usize, &mut Option<List<'c>>, &mut Value),
        context: &mut Value,
    ) -> Went {
        loop {
            if let Some(list) = body {
                match self.list(list, context)? {
                    None => return Ok(None),
                    Some(output) => {
                        *carried = output;
                        *index += 1;
                    }
                }
            }
            let Some(item) = items.get(*index) else {
                return self.complete(about, carried.clone(), about.task.then.clone(), context);
            };
            let names = vec![(task.each.clone(), item.clone()), (task.at.clone(), Value::Int(i64::try_from(*index).unwrap_or(0)))];
            let mut seen = about.seen(context);
            seen.names.clone_from(&names);
            match task.condition.map_or(Ok(true), |condition| self.holds(condition, carried, &seen)) {
                Err(problem) => return Err(self.fails(about, problem)),
                Ok(false) => return self.complete(about, carried.clone(), about.task.then.clone(), context),
                Ok(true) => {
                    self.note(&format!("iterated {index}"), &about.at);
                    let scope = Scope::naming(about.at.iteration(*index as u64), names, &about.scope);
                    *body = Some(List::new(scope, &task.body, carried.clone()));
                }
            }
        }
    }

    /// A `fork`: all branches are entered, then those that are open go on, both in declared order.
    fn fork(&mut self, about: &About<'c>, task: &ForkTask, branches: &mut [Branch<'c>], context: &mut Value) -> Went {
        let scope = Scope::plain(about.at.clone(), &about.scope);
        for begins in [true, false] {
            for branch in branches.iter_mut().filter(|branch| branch.output.is_none() && branch.begun != begins) {
                let went = match &mut branch.open {
                    Some(node) => self.go_on(node, &mut branch.context)?,
                    None => {
                        branch.begun = true;
                        match self.enter(branch.ix, about.input.clone(), &scope, 1, &mut branch.context)? {
                            Entered::Ended(output, flow) => Some((output, flow)),
                            Entered::Open(node) => {
                                branch.open = Some(node);
                                None
                            }
                        }
                    }
                };
                let Some((output, flow)) = went else { continue };
                if flow == Flow::End {
                    return Err(Stop::End(output));
                }
                branch.open = None;
                branch.output = Some(output.clone());
                if task.compete {
                    let won = [branch.context.clone()];
                    return self.join(about, output, about.task.then.clone(), context, &won);
                }
            }
        }
        let outputs: Option<Vec<Value>> = branches.iter().map(|branch| branch.output.clone()).collect();
        let Some(outputs) = outputs else { return Ok(None) };
        let contexts: Vec<Value> = branches.iter().map(|branch| branch.context.clone()).collect();
        self.join(about, Value::array(outputs), about.task.then.clone(), context, &contexts)
    }

    /// A `try`: its list, again after a delay, or its handlers.
    fn tried(&mut self, about: &About<'c>, task: &'c TryTask, tried: &mut Tried<'c>, context: &mut Value) -> Went {
        loop {
            let body = match &mut tried.at {
                Trying::Until(at_us) if self.now_us < *at_us => return Ok(None),
                Trying::Until(_) => {
                    self.note("retried", &about.at);
                    let scope = Scope::tried(about.at.clone(), tried.attempt, &about.scope);
                    tried.at = Trying::Body(List::new(scope, &task.body, about.input.clone()));
                    continue;
                }
                Trying::Handlers(list) => {
                    let Some(output) = self.list(list, context)? else { return Ok(None) };
                    let then = if task.catch.then == Flow::Continue { &about.task.then } else { &task.catch.then };
                    return self.complete(about, output, then.clone(), context);
                }
                Trying::Body(list) => self.list(list, context),
            };
            match body {
                Ok(None) => return Ok(None),
                Ok(Some(output)) => return self.complete(about, output, about.task.then.clone(), context),
                Err(Stop::Raised(problem)) if self.takes(about, &task.catch, &problem, context) => {
                    self.take(about, &task.catch, tried, problem, context)?;
                }
                Err(stop) => return Err(stop),
            }
        }
    }

    /// Whether a `catch` takes an error; a condition that errs does not hold.
    fn takes(&self, about: &About<'c>, catch: &Catch, problem: &Problem, context: &Value) -> bool {
        let seen = seen_with_error(about, catch, problem, context);
        let when = catch.when.is_none_or(|when| self.holds(when, &about.input, &seen).unwrap_or(false));
        let except = catch.except_when.is_some_and(|except| self.holds(except, &about.input, &seen).unwrap_or(true));
        matches(&catch.errors, problem) && when && !except
    }

    /// A taken error: the next attempt, the handlers, or on with it.
    fn take(&mut self, about: &About<'c>, catch: &'c Catch, tried: &mut Tried<'c>, problem: Problem, context: &Value) -> Result<(), Stop> {
        if let Some(spec) = &catch.retry {
            let seen = seen_with_error(about, catch, &problem, context);
            let wanted = spec.when.is_none_or(|when| self.holds(when, &about.input, &seen).unwrap_or(false));
            let refused = spec.except_when.is_some_and(|except| self.holds(except, &about.input, &seen).unwrap_or(true));
            let due_us = next_us(spec, tried.attempt, about.since_us, self.now_us).filter(|_| wanted && !refused);
            if let Some(due_us) = due_us {
                tried.attempt += 1;
                self.note(&format!("again {} in {}", tried.attempt, due_us - self.now_us), &about.at);
                self.touched |= due_us > self.now_us;
                tried.at = Trying::Until(due_us);
                return Ok(());
            }
        }
        if catch.retry.is_some() && catch.body.is_none() {
            return Err(self.fails(about, problem));
        }
        self.note("caught", &about.at);
        let tried_at = Scope::tried(about.at.clone(), tried.attempt, &about.scope);
        let names = vec![(catch.variable.clone(), problem.to_value())];
        let scope = Scope::naming(about.at.catch(), names, &tried_at);
        tried.at = Trying::Handlers(List::new(scope, catch.body.as_deref().unwrap_or_default(), about.input.clone()));
        Ok(())
    }
}

/// What entering a task begins.
pub(super) enum Begun<'c> {
    /// It ended with this, and goes where its `then` says.
    Ended(Value),
    /// It hands its input on, and goes there.
    Goes(Flow),
    /// It stays open.
    Open(Kind<'c>),
}

fn seen_with_error<'s>(about: &'s About<'_>, catch: &Catch, problem: &Problem, context: &'s Value) -> Seen<'s> {
    let mut seen = about.seen(context);
    seen.names = vec![(catch.variable.clone(), problem.to_value())];
    seen
}

fn matches(filter: &ErrorFilter, problem: &Problem) -> bool {
    let same = |wanted: &Option<Arc<str>>, is: Option<&str>| wanted.as_deref().is_none_or(|wanted| Some(wanted) == is);
    same(&filter.kind, Some(&problem.kind))
        && filter.status.is_none_or(|status| status == problem.status)
        && same(&filter.instance, problem.instance.as_deref())
        && same(&filter.title, Some(&problem.title))
        && same(&filter.detail, Some(&problem.detail))
}

/// When the attempt after the failed `attempt` begins; `None` where the retry is used up. No jitter: the generator writes none.
pub(super) fn next_us(spec: &RetrySpec, attempt: u32, first_us: i64, now_us: i64) -> Option<i64> {
    let factor = match spec.backoff {
        Backoff::Constant => 1,
        Backoff::Linear => i64::from(attempt),
        Backoff::Exponential => 2_i64.pow(attempt - 1),
    };
    let due_us = now_us + (spec.delay_ms * factor).min(spec.delay_ms_max) * 1000;
    let in_time = spec.total_ms_max == 0 || due_us <= first_us + spec.total_ms_max * 1000;
    (attempt < spec.attempts_max && in_time).then_some(due_us)
}
