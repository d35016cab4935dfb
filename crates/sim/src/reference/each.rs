//! An open `listen`: `foreach` over what it took, one event after the other in the order in which they were taken, and its end.
//!
//! What must stay true: events go on being taken while one is worked on; the listener is through once it took its last event and is through
//! with each. One that is through with the last when its time is up is beyond the reference.

use provost_model::program::{ListenEach, ListenTask};
use provost_model::{Problem, Value};

use super::flow::{About, Interpreter, List, Stop, Went};
use super::places::Scope;

/// How far a listener is with what it took.
#[derive(Default)]
pub(super) struct Each<'c> {
    /// The event that is worked on.
    pub body: Option<List<'c>>,
    /// What became of those before it.
    done: Vec<Value>,
}

impl<'c> Interpreter<'c> {
    /// Goes on with a listener.
    pub(super) fn listen_on(&mut self, about: &About<'c>, task: &'c ListenTask, each: &mut Each<'c>, context: &mut Value) -> Went {
        if let Some(problem) = self.listeners.get_mut(&about.at).and_then(|listener| listener.failed.take()) {
            return Err(self.fails(about, problem));
        }
        if let Some(how) = &task.each
            && !self.handle(about, how, each, context)?
        {
            return Ok(None);
        }
        let Some(listener) = self.listeners.get_mut(&about.at).filter(|listener| listener.over) else { return Ok(None) };
        let items = std::mem::take(if task.each.is_some() { &mut each.done } else { &mut listener.items });
        self.listeners.remove(&about.at);
        self.complete(about, Value::array(items), about.task.then.clone(), context)
    }

    /// Works on what was taken; whether nothing is left of it.
    fn handle(&mut self, about: &About<'c>, how: &'c ListenEach, each: &mut Each<'c>, context: &mut Value) -> Result<bool, Stop> {
        loop {
            let (at, n) = (&about.at, each.done.len());
            let Some(item) = self.listeners.get(at).and_then(|listener| listener.items.get(n)).cloned() else { return Ok(true) };
            let index = Value::Int(i64::try_from(n).unwrap_or(0));
            let names = vec![(how.item.clone(), item.clone()), (how.at.clone(), index)];
            let output = match &mut each.body {
                Some(list) => self.list(list, context)?,
                None => {
                    self.in_time(at)?;
                    self.note(&format!("iterated {n}"), at);
                    let scope = Scope::naming(at.iteration(n as u64), names, &about.scope);
                    each.body = Some(List::new(scope, &how.body, item));
                    continue;
                }
            };
            let Some(output) = output else { return Ok(false) };
            // What is through when its time is up succeeded; only what would go on is stopped.
            if !self.listeners.get(at).is_some_and(|listener| listener.over && n + 1 >= listener.items.len()) {
                self.in_time(at)?;
            }
            self.beyond |= self.in_time(at).is_err();
            let (output, exported) = self.made(about, how, (item, names), output, context).map_err(|problem| self.fails(about, problem))?;
            *context = exported;
            if let Some(listener) = self.listeners.get_mut(at) {
                listener.context.clone_from(context);
            }
            self.note(&format!("handled {n}"), at);
            each.body = None;
            each.done.push(output);
        }
    }

    /// What becomes of one event, which is the input here: in the list, and in `$context`.
    fn made(
        &self,
        about: &About<'c>,
        how: &ListenEach,
        (item, names): (Value, Vec<(std::sync::Arc<str>, Value)>),
        raw: Value,
        context: &Value,
    ) -> Result<(Value, Value), Problem> {
        let mut seen = about.seen(context);
        (seen.names, seen.input, seen.output) = (names, item, raw.clone());
        let output = how.output.to.as_ref().map_or_else(|| Ok(raw.clone()), |to| self.render(to, &raw, &seen))?;
        self.validate(how.output.schema, &output)?;
        seen.output = output.clone();
        let exported = how.export.to.as_ref().map_or_else(|| Ok(context.clone()), |to| self.render(to, &output, &seen))?;
        self.validate(how.export.schema, &exported)?;
        Ok((output, exported))
    }
}
