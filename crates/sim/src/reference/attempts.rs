//! `try`: its list, the errors it takes, when it is tried again, its handlers.

use std::sync::Arc;

use provost_model::program::{Backoff, Catch, Duration, ErrorFilter, Flow, RetrySpec, TryTask};
use provost_model::{Problem, Value};

use super::evaluate::Seen;
use super::flow::{About, Interpreter, List, Stop, Went};
use super::places::Scope;
use super::tasks::too_many_tasks;

/// A `try` whose list is being walked: who may take an error that is raised now.
pub(super) struct Around<'c> {
    about: About<'c>,
    catch: &'c Catch,
    context: Value,
}

/// A `try`: which attempt, and what it is at.
pub(super) struct Tried<'c> {
    pub attempt: u32,
    pub at: Trying<'c>,
}

/// What a `try` is at.
pub(super) enum Trying<'c> {
    /// Its list.
    Body(List<'c>),
    /// Its next attempt is due then.
    Until(i64),
    /// What is done about an error.
    Handlers(List<'c>),
}

impl<'c> Interpreter<'c> {
    /// A `try`: its list, again after a delay, or its handlers.
    pub(super) fn tried(&mut self, about: &About<'c>, task: &'c TryTask, tried: &mut Tried<'c>, context: &mut Value) -> Went {
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
                Trying::Body(list) => {
                    self.around.push(Around { about: about.clone(), catch: &task.catch, context: context.clone() });
                    let body = self.list(list, context);
                    self.around.pop();
                    body
                }
            };
            match body {
                Ok(None) => return Ok(None),
                Ok(Some(output)) => return self.complete(about, output, about.task.then.clone(), context),
                Err(Stop::Raised(problem)) if self.takes(about, &task.catch, &problem, context) => {
                    self.leaves(&about.at);
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

    /// Whether the nearest `try` around that takes `problem` would try again: then an action's own retry stays out of it.
    pub(super) fn is_tried_outside(&self, problem: &Problem) -> bool {
        let mut around = self.around.iter().rev();
        let taker = around.find(|around| self.takes(&around.about, around.catch, problem, &around.context));
        taker.is_some_and(|taker| taker.catch.retry.is_some())
    }

    /// A taken error: the next attempt, the handlers, or on with it.
    fn take(&mut self, about: &About<'c>, catch: &'c Catch, tried: &mut Tried<'c>, problem: Problem, context: &Value) -> Result<(), Stop> {
        if let Some(spec) = &catch.retry {
            let seen = seen_with_error(about, catch, &problem, context);
            let wanted = spec.when.is_none_or(|when| self.holds(when, &about.input, &seen).unwrap_or(false));
            let refused = spec.except_when.is_some_and(|except| self.holds(except, &about.input, &seen).unwrap_or(true));
            let computed = catch.delay.clone().map(|delay| self.duration_ms(&Duration::Template(delay), &about.input, &seen));
            let spec = match computed.transpose() {
                Ok(delay_ms) => Some(RetrySpec { delay_ms: delay_ms.unwrap_or(spec.delay_ms), ..spec.clone() }),
                Err(_) => None,
            };
            let due_us = spec.and_then(|spec| next_us(&spec, tried.attempt, about.since_us, self.now_us)).filter(|_| wanted && !refused);
            if due_us.is_some() && self.is_used_up() {
                return Err(self.fails(about, too_many_tasks()));
            }
            if let Some(due_us) = due_us {
                self.tasks_run += 1;
                self.gives_back(&about.at);
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
