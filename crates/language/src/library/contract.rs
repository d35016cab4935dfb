//! Contracts: JSON Schema files, each perhaps of one event type.

use std::sync::Arc;

use provost_model::Value;
use provost_model::labels::is_pointer;
use provost_model::marks::{MARKS_MAX, mark};

use super::SCHEMA_BYTES_MAX;
use crate::finding::{Code, Log, Place};
use crate::workflow::unknown_word;
use crate::yaml::{load, shown};

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
    let schema = if path.ends_with(".json") {
        provost_model::value::parse(bytes).map_err(|error| log.error(Code::Syntax, Place::START, error.to_string())).ok()?
    } else {
        load(bytes, 1, log)?.to_value()
    };
    if !check(&schema, Place::START, log) {
        return None;
    }
    let event = match schema.member("x-provost") {
        Some(own) => event_type(own, log),
        None => None,
    };
    Some(Contract { path: path.clone(), name: stem.into(), event, schema })
}

fn event_type(own: &Value, log: &Log) -> Option<Arc<str>> {
    let known = ["type", "compatibility", "trusted", "labels"];
    for (key, _) in own.as_object().into_iter().flat_map(|map| map.iter()) {
        if !known.contains(&&**key) {
            log.unknown(Code::UnknownKey, Place::START, format!("`{}` is not known in `x-provost`", shown(key)), key, &known);
        }
    }
    match own.member("type") {
        Some(Value::Str(kind)) if !kind.is_empty() => Some(kind.clone()),
        Some(_) => {
            log.error(Code::WrongType, Place::START, "`x-provost.type` must be text: the type of the event");
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
    if let Some(trusted) = schema.member("x-provost").and_then(|own| own.member("trusted")) {
        check_trusted(trusted, at, log);
    }
    if let Some(labels) = schema.member("x-provost").and_then(|own| own.member("labels")) {
        check_labels(labels, at, log);
    }
    match crate::contract::Contract::compile(schema) {
        Ok(_) => true,
        Err(error) => {
            log.error_hint(Code::Schema, at, error.to_string(), error.hint());
            false
        }
    }
}

const _: () = assert!(SCHEMA_BYTES_MAX == crate::contract::SCHEMA_BYTES_MAX);
