//! What expressions read of the workflow, the task, the runtime and the authorization beside what the state holds.
//!
//! What must stay true: nothing here changes with the machine, the time or the release, since an expression that reads it is evaluated
//! again when a journal is verified; of an authorization only the scheme is known here, because what it carries is a secret.

use provost_model::program::{Program, Task, TaskIx, TaskKind, Template};
use provost_model::record::ENGINE;
use provost_model::value::lookup;
use provost_model::{Labelled, Value};

/// `$runtime`: the version is the number of the engine's behaviour.
pub(crate) fn runtime() -> Value {
    Value::object([
        ("name", Value::from("provost")),
        ("version", Value::from(ENGINE.to_string())),
        ("metadata", Value::object([("profile", Value::from("1"))])),
    ])
}

/// The task as its author wrote it. What stands in a catalogue is in no document, and null.
pub(crate) fn written(program: &Program, task: &Task) -> Option<Value> {
    lookup(program.definition.as_ref()?, &task.pointer).cloned()
}

/// `$authorization` of a call that the workflow writes out: its scheme, as the header says it.
pub(crate) fn authorization(program: &Program, task: Option<TaskIx>) -> Labelled {
    let found = task.and_then(|ix| scheme(program, program.task(ix)?));
    let scheme = found.map(|scheme| Value::object([("scheme", Value::from(scheme)), ("parameter", Value::Null)]));
    Labelled::authored(scheme.unwrap_or_default())
}

fn scheme(program: &Program, task: &Task) -> Option<&'static str> {
    let act = match &task.kind {
        TaskKind::Act(act) => act,
        TaskKind::Extended(extended) => return scheme(program, program.task(extended.task)?),
        _ => return None,
    };
    program.actions.get(&act.action)?.call.as_ref()?;
    match &act.arguments {
        Template::Object(arguments) => named(&arguments.iter().find(|(key, _)| &**key == "authentication")?.1),
        // Where nothing is computed, all of it is one value.
        Template::Literal(arguments) => arguments.member("authentication")?.as_object()?.iter().find_map(|(key, _)| word(key)),
        Template::Expression(_) | Template::Array(_) => None,
    }
}

fn named(authentication: &Template) -> Option<&'static str> {
    match authentication {
        Template::Object(members) => members.iter().find_map(|(key, _)| word(key)),
        Template::Literal(value) => value.as_object()?.iter().find_map(|(key, _)| word(key)),
        Template::Expression(_) | Template::Array(_) => None,
    }
}

fn word(key: &str) -> Option<&'static str> {
    match key {
        "basic" => Some("Basic"),
        "bearer" | "oauth2" | "oidc" => Some("Bearer"),
        "digest" => Some("Digest"),
        _ => None,
    }
}
