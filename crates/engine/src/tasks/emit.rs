//! `emit`: an event into our own inbox. Its id is the effect's key, so that a retry or a redrive is no second event, unless the author
//! gives one: then the effect goes beside it, and the inbox takes two events of one source and id for one, as it does with everybody's.
//!
//! What must stay true: one place sends one event. Run again with the same id and content it answers as sent, with others it parks. What
//! goes out is a CloudEvent, or the task faults.

use provost_model::event::attributes;
use provost_model::limits::EMIT_TASKS;
use provost_model::program::EmitTask;
use provost_model::record::{Fact, Intent, Shape};
use provost_model::value::Map;
use provost_model::{Event, Labelled, Labels, Problem, Value};

use super::ended;
use crate::flow::{Entering, Entry, park};
use crate::turn::Turn;

pub(super) fn enter(turn: &mut Turn<'_>, entering: &Entering<'_>, task: &EmitTask) -> Result<Entry, Problem> {
    let rendered = turn.render(&task.event, &entering.input, &entering.scope())?;
    turn.validate(task.contract, &rendered.part("data"), "the event's data")?;
    let labels = turn.program().marks_of(task.contract).placed("/data").on(&rendered, rendered.labels.clone());
    let rendered = Labelled::new(rendered.value, labels);
    let effect = turn.state.id.effect(entering.at.as_str(), EMIT);
    let mut event = event(&rendered, turn.state.start.as_ref().and_then(|start| start.traceparent.clone()))?;
    event.hops = turn.state.start.as_ref().map_or(0, |start| start.hops).max(turn.state.hops).saturating_add(1);
    event.origin = Some(turn.state.origin());
    event.labels = rendered.labels.sensitive();
    if event.id.is_empty() {
        event.id = effect.event_key().into();
    } else {
        event.effect = Some(effect);
    }
    event.time.get_or_insert_with(|| crate::time::iso8601(turn.ambient.now_us).into());
    if event.source.is_empty() {
        event.source = format!("/workflows/{}/{}", turn.program().namespace, turn.program().name).into();
    }
    match turn.state.emitted.get(&effect).cloned() {
        Some(sent) if is_same(&sent, &event) || provost_model::planted::planted("emitted-once-whatever") => {
            ended(entering, Labelled::new(as_value(&sent), rendered.labels))
        }
        Some(sent) => {
            entering.open(turn, Shape::Plain)?;
            park(turn, entering.at.clone(), conflict(&sent));
            Ok(Entry::Open)
        }
        None => {
            let output = as_value(&event);
            turn.spend_more(EMIT_TASKS - 1);
            turn.emit(Fact::Emitted { at: entering.at.clone(), effect, event: Box::new(event) });
            turn.intend(Intent::Emit { effect });
            ended(entering, Labelled::new(output, rendered.labels))
        }
    }
}

/// What the event of a place is for: one place sends one event, however often it is run again.
const EMIT: &str = "emit";

/// Whether whoever hears of both takes them for one event.
fn is_same(sent: &Event, event: &Event) -> bool {
    sent.source == event.source && sent.id == event.id && sent.fingerprint() == event.fingerprint()
}

fn conflict(sent: &Event) -> Problem {
    Problem::ours("conflict", 409, format!("`{}` was emitted here already with other content", sent.kind))
        .detail("what an event says must not depend on what a retry runs again; put the `emit` behind the `try`, then cancel this one")
}

const KNOWN: [&str; 9] = ["id", "source", "type", "subject", "time", "dataschema", "datacontenttype", "data", "specversion"];

fn event(rendered: &Value, traceparent: Option<std::sync::Arc<str>>) -> Result<Event, Problem> {
    let Some(map) = rendered.as_object() else {
        return Err(
            Problem::standard("configuration", 400, "the event to emit is no object").detail("write `emit.event.with` as an object")
        );
    };
    let text = |key: &str| map.lookup(key).and_then(Value::as_str).map(std::sync::Arc::<str>::from);
    let kind = text("type").ok_or_else(|| {
        Problem::standard("configuration", 400, "the event to emit has no `type`").detail("write `emit.event.with.type` as text")
    })?;
    if let Some((key, must)) = map.iter().find_map(|(key, value)| Some((key, attributes::flaw(key, value)?))) {
        let detail = format!("correct `emit.event.with.{key}`; an attribute that is null is left out");
        return Err(Problem::standard("validation", 400, format!("the event's `{key}` {must}")).detail(detail));
    }
    let more = map.iter().filter(|(key, value)| !KNOWN.contains(&&***key) && !value.is_null());
    let extensions: Map = more.map(|(key, value)| (key.clone(), value.clone())).collect();
    Ok(Event {
        id: text("id").unwrap_or_default(),
        effect: None,
        source: text("source").unwrap_or_default(),
        kind,
        subject: text("subject"),
        time: text("time"),
        dataschema: text("dataschema"),
        datacontenttype: text("datacontenttype"),
        traceparent,
        hops: 0,
        origin: None,
        extensions: if extensions.is_empty() { Value::Null } else { Value::Object(extensions.into()) },
        data: map.lookup("data").cloned().unwrap_or_default(),
        labels: Labels::new(),
    })
}

/// The event as sent: the task's output.
pub fn as_value(event: &Event) -> Value {
    let mut map: Map = event.extensions.as_object().cloned().unwrap_or_default();
    map.insert("specversion".into(), "1.0".into());
    map.insert("id".into(), Value::Str(event.id.clone()));
    map.insert("source".into(), Value::Str(event.source.clone()));
    map.insert("type".into(), Value::Str(event.kind.clone()));
    for (key, text) in [
        ("subject", &event.subject),
        ("time", &event.time),
        ("dataschema", &event.dataschema),
        ("datacontenttype", &event.datacontenttype),
        ("traceparent", &event.traceparent),
    ] {
        if let Some(text) = text {
            map.insert(key.into(), Value::Str(text.clone()));
        }
    }
    map.insert("data".into(), event.data.clone());
    Value::Object(map.into())
}
