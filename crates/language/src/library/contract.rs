//! Contracts: JSON Schema files, each perhaps of one event type.

use std::sync::Arc;

use provost_model::Value;
use provost_model::labels::is_pointer;
use provost_model::marks::{MARKS_MAX, mark};

use super::SCHEMA_BYTES_MAX;
use crate::contract::ContractError;
use crate::finding::{Code, Log, Place};
use crate::workflow::unknown_word;
use crate::yaml::{Node, load, shown};

/// A contract as read.
#[derive(Debug)]
pub(crate) struct Contract {
    /// Its path in the bundle.
    pub(crate) path: Arc<str>,
    /// The file's name without its ending.
    pub(crate) name: Arc<str>,
    /// The event type it is the contract of.
    pub(crate) event: Option<Arc<str>>,
    pub(crate) schema: Value,
}

/// Reads a contract's file: JSON, or YAML.
pub(crate) fn read(bytes: &[u8], path: &Arc<str>, stem: &str, log: &Log) -> Option<Contract> {
    let schema = if path.ends_with(".json") { super::json::read(bytes, log)? } else { load(bytes, 1, log)?.to_value() };
    // JSON is YAML, whose reader knows where everything stands.
    let root = load(bytes, 1, &Log::new(path));
    if !is_valid(&schema, |pointer| root.as_ref().map_or(Place::START, |root| root.place(pointer)), log) {
        return None;
    }
    let event = match schema.member("x-provost") {
        Some(own) => event_type(own, root.as_ref().and_then(|root| root.member("x-provost")), log),
        None => None,
    };
    Some(Contract { path: path.clone(), name: stem.into(), event, schema })
}

fn event_type(own: &Value, written: Option<&Node>, log: &Log) -> Option<Arc<str>> {
    let known = ["type", "compatibility", "trusted", "labels"];
    for (key, _) in own.as_object().into_iter().flat_map(|map| map.iter()) {
        if !known.contains(&&**key) {
            let entry = written.and_then(Node::as_map).and_then(|entries| entries.iter().find(|entry| entry.key == *key));
            let at = entry.map_or(Place::START, |entry| entry.at);
            log.unknown(Code::UnknownKey, at, format!("`{}` is not known in `x-provost`", shown(key)), key, &known);
        }
    }
    match own.member("type") {
        Some(Value::Str(kind)) if !kind.is_empty() => Some(kind.clone()),
        Some(_) => {
            log.error(
                Code::WrongType,
                written.map_or(Place::START, |own| own.place("/type")),
                "`x-provost.type` must be text: the type of the event",
            );
            None
        }
        None => None,
    }
}

/// `x-provost.trusted` is a list of JSON pointers.
fn check_trusted(trusted: &Value, at: Place, log: &Log) {
    let hint = "write the places as JSON pointers, e.g. `\"trusted\": [\"/requestId\"]`";
    let Some(places) = trusted.as_array() else {
        return log.error_hint(Code::WrongType, at, "`x-provost.trusted` must be a list of JSON pointers", hint);
    };
    for place in places {
        let pointer = place.as_str().is_some_and(|place| is_pointer(place) && !place.is_empty());
        if !pointer {
            let shown = shown(&place.to_string());
            log.error_hint(Code::WrongValue, at, format!("{shown} in `x-provost.trusted` is no place of the value"), hint);
        }
    }
}

/// `x-provost.labels` is an object of JSON pointers to words.
fn check_labels(labels: &Value, at: Place, log: &Log) {
    let Some(places) = labels.as_object() else {
        let hint = "write e.g. `\"labels\": { \"/customer/email\": \"personal\" }`";
        return log.error_hint(Code::WrongType, at, "`x-provost.labels` must be an object of JSON pointers", hint);
    };
    for (place, word) in places.iter() {
        if !is_pointer(place) {
            let hint = "write a JSON pointer such as `/customer/email`, or an empty text for the whole value";
            log.error_hint(Code::WrongValue, at, format!("`{}` in `x-provost.labels` is no place of the value", shown(place)), hint);
        }
        if let Err(error) = mark(word) {
            unknown_word(word, at, &error, log);
        }
    }
    if places.len() > MARKS_MAX {
        let hint = "name what holds them: a place stands for everything in it";
        log.error_hint(Code::WrongValue, at, format!("more than {MARKS_MAX} places are labelled"), hint);
    }
}

/// Whether a schema can be compiled; if not, the log says why.
pub(crate) fn check(schema: &Value, at: Place, log: &Log) -> bool {
    is_valid(schema, |_| at, log)
}

/// The same, where `place` knows where the value at a pointer stands.
fn is_valid(schema: &Value, place: impl Fn(&str) -> Place, log: &Log) -> bool {
    let own = schema.member("x-provost");
    if let Some(trusted) = own.and_then(|own| own.member("trusted")) {
        check_trusted(trusted, place("/x-provost/trusted"), log);
    }
    if let Some(labels) = own.and_then(|own| own.member("labels")) {
        check_labels(labels, place("/x-provost/labels"), log);
    }
    let Err(error) = crate::contract::Contract::compile(schema) else { return true };
    let at = match &error {
        ContractError::Remote { pointer, .. } | ContractError::Invalid { pointer, .. } => place(pointer),
        ContractError::Dialect(_) => place("/$schema"),
        ContractError::TooLarge(_) | ContractError::NotASchema(_) => place(""),
    };
    log.error_hint(Code::Schema, at, error.to_string(), error.hint());
    false
}

const _: () = assert!(SCHEMA_BYTES_MAX == crate::contract::SCHEMA_BYTES_MAX);
