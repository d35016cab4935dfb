//! The events themselves: types, ids, and what the specification wants each to say.

use std::sync::Arc;

use provost_model::program::{Task, TaskIx, TaskKind};
use provost_model::value::Map;
use provost_model::{Event, Position, Program, Value};

use super::{Lifecycle, LifecycleEvent, Status, TYPE_PREFIX};

impl Lifecycle {
    /// Tells of the workflow: `what` is the end of the type, `when` the member that holds the instant.
    pub(super) fn say_workflow(&mut self, program: &Program, what: &str, when: &str, more: Vec<(&str, Value)>) {
        let mut members: Map = more.into_iter().map(|(key, value)| (Arc::from(key), value)).collect();
        members.insert("name".into(), Value::Str(self.name.clone()));
        members.insert(when.into(), self.instant());
        self.say(program, &format!("workflow.{what}"), None, members);
    }

    /// Tells of the task `ix` at `at`. What is no task of the author is silent.
    pub(super) fn say_task(
        &mut self,
        program: &Program,
        (at, ix): (&Position, TaskIx),
        (what, when): (&str, &str),
        more: Vec<(&str, Value)>,
    ) {
        let Some(task) = authored(program, ix) else { return };
        let mut members: Map = more.into_iter().map(|(key, value)| (Arc::from(key), value)).collect();
        members.insert("workflow".into(), Value::Str(self.name.clone()));
        members.insert("task".into(), Value::Str(task.pointer.clone()));
        members.insert(when.into(), self.instant());
        self.say(program, &format!("task.{what}"), Some(at), members);
    }

    /// Tells that the task `ix` at `at` is in another phase.
    pub(super) fn say_task_status(&mut self, program: &Program, of: (&Position, TaskIx), status: Status) {
        self.say_task(program, of, ("status-changed", "updatedAt"), vec![("status", status.as_str().into())]);
    }

    /// The name as the specification writes it: the workflow's own and the orchestration's, then the namespace.
    pub(super) fn named(&mut self, program: &Program) {
        self.name = format!("{}-{}.{}", program.name, self.state.id, program.namespace).into();
    }

    fn instant(&self) -> Value {
        Value::from(crate::time::iso8601(self.now_us))
    }

    fn say(&mut self, program: &Program, what: &str, at: Option<&Position>, members: Map) {
        let (id, sequence) = (self.state.id, self.state.sequence);
        // A fact tells of one place at most once in the same words, so that this is unique and says where it comes from.
        let place = at.map(|at| format!("/{at}")).unwrap_or_default();
        let position = at.map(|at| Value::object([("position", Value::from(at.as_str()))]));
        let event = Event {
            effect: None,
            id: format!("{id}/{sequence}/{what}{place}").into(),
            source: format!("/workflows/{}/{}", program.namespace, program.name).into(),
            kind: format!("{TYPE_PREFIX}{what}.v1").into(),
            subject: Some(id.to_string().into()),
            time: Some(crate::time::iso8601(self.now_us).into()),
            datacontenttype: Some("application/json".into()),
            traceparent: self.state.start.as_ref().and_then(|start| start.traceparent.clone()),
            extensions: position.unwrap_or_default(),
            data: Value::Object(members.into()),
            ..Event::default()
        };
        self.told.push(LifecycleEvent { sequence, event });
    }
}

/// The task of the author at `ix`; none for the workflow itself and for what an extension puts around a task.
pub(super) fn authored(program: &Program, ix: TaskIx) -> Option<&Task> {
    if ix == TaskIx::ROOT {
        return None;
    }
    program.task(ix).filter(|task| !matches!(task.kind, TaskKind::Extended(_) | TaskKind::Aside(_)))
}
