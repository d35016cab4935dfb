//! `emit`: one place sends one event.

use std::sync::Arc;

use provost_model::program::EmitTask;
use provost_model::value::Map;
use provost_model::{Event, Problem, Value};

use super::evaluate::{Seen, iso8601};
use super::flow::{About, Entered, Interpreter, Stop};

impl<'c> Interpreter<'c> {
    /// The event that a task says, without what the place adds to it.
    pub(super) fn event(&self, task: &EmitTask, input: &Value, seen: &Seen<'_>) -> Result<Event, Problem> {
        let said = self.render(&task.event, input, seen)?;
        self.validate(task.contract, said.member("data").unwrap_or(&Value::Null))?;
        let wrong = || Problem::standard("configuration", 400, "the event has no `type`");
        let text = |key: &str| said.member(key).and_then(Value::as_str).map(Arc::<str>::from);
        let own = ["id", "source", "type", "subject", "time", "dataschema", "datacontenttype", "data", "specversion"];
        let more = said.as_object().into_iter().flat_map(Map::iter).filter(|(key, _)| !own.contains(&&***key));
        let more: Vec<(Arc<str>, Value)> = more.map(|(key, value)| (key.clone(), value.clone())).collect();
        let program = &self.code.program;
        Ok(Event {
            id: text("id").unwrap_or_default(),
            effect: None,
            source: text("source").unwrap_or_else(|| format!("/workflows/{}/{}", program.namespace, program.name).into()),
            kind: text("type").ok_or_else(wrong)?,
            subject: text("subject"),
            time: Some(text("time").unwrap_or_else(|| iso8601(self.now_us).into())),
            dataschema: text("dataschema"),
            datacontenttype: text("datacontenttype"),
            traceparent: None,
            hops: 1,
            origin: Some(self.id),
            extensions: if more.is_empty() { Value::Null } else { Value::object(more) },
            data: said.member("data").cloned().unwrap_or_default(),
            labels: provost_model::Labels::new(),
        })
    }

    /// `emit`: one place sends one event; run again with the same content it answers as sent, with other content it parks.
    pub(super) fn emit(&mut self, about: About<'c>, mut event: Event, context: &mut Value) -> Result<Entered<'c>, Stop> {
        let effect = self.id.effect(about.at.as_str(), "emit");
        if event.id.is_empty() {
            event.id = effect.event_key().into();
        } else {
            event.effect = Some(effect);
        }
        let sent = self.sent.entry(about.at.clone()).or_insert_with(|| event.clone()).clone();
        let again = sent.source == event.source && sent.id == event.id && sent.fingerprint() == event.fingerprint();
        if !again {
            self.note("entered", &about.at);
            return Err(Stop::Parked(Problem::ours("conflict", 409, "another event was emitted here already")));
        }
        if !self.events.iter().any(|known| known.id == sent.id) {
            self.events.push(sent.clone());
            self.touched = true;
            self.note("emitted", &about.at);
        }
        self.ended(&about, as_value(&sent), about.task.then.clone(), context)
    }
}

/// The event as sent.
pub(super) fn as_value(event: &Event) -> Value {
    let optional = [
        ("subject", &event.subject),
        ("time", &event.time),
        ("dataschema", &event.dataschema),
        ("datacontenttype", &event.datacontenttype),
    ];
    let mut members: Vec<(Arc<str>, Value)> =
        event.extensions.as_object().into_iter().flat_map(Map::iter).map(|(k, v)| (k.clone(), v.clone())).collect();
    for (key, text) in [("specversion", "1.0"), ("id", &*event.id), ("source", &*event.source), ("type", &*event.kind)] {
        members.push((key.into(), Value::from(text)));
    }
    members.extend(optional.into_iter().filter_map(|(key, text)| Some((key.into(), Value::Str(text.clone()?)))));
    members.push(("data".into(), event.data.clone()));
    Value::object(members)
}
