//! CloudEvents 1.0.2 over HTTP, as functions of headers and body: binary, structured and batched mode.
//!
//! What must stay true: an event that is read has its required attributes, attribute names of the standard only, and nothing that only we
//! may say (hops, origin). What is absent: who sends it, and whether anybody takes it.

use std::sync::Arc;

use provost_model::event::attributes;
use provost_model::limits::{VALUE, ValueLimits};
use provost_model::value::{Map, ParseErrorKind, parse_with};
use provost_model::{Event, Value};

/// Most events of one batch.
pub const BATCH_MAX: usize = 1000;

/// Why something is no event.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{title}")]
pub struct Unreadable {
    /// The status of the answer.
    pub status: u16,
    /// The stable code.
    pub code: &'static str,
    /// What is wrong.
    pub title: String,
    /// What to do.
    pub detail: String,
}

/// What a request brings.
#[derive(Clone, Debug, PartialEq)]
pub enum Sent {
    /// One event.
    One(Box<Event>),
    /// Several, each of which may be refused by itself.
    Batch(Vec<Result<Event, Unreadable>>),
}

fn unreadable(status: u16, code: &'static str, title: impl Into<String>, detail: impl Into<String>) -> Unreadable {
    Unreadable { status, code, title: title.into(), detail: detail.into() }
}

/// Reads a request of this content type with these headers (names in lower case); a batch may have `batch_bytes_max`.
///
/// # Errors
/// [`Unreadable`] where nothing of it can be taken.
pub fn read(content_type: &str, headers: &[(&str, &[u8])], body: &[u8], batch_bytes_max: usize) -> Result<Sent, Unreadable> {
    let kind = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let named = |name: &str| headers.iter().any(|(known, _)| *known == name);
    match kind.as_str() {
        "application/cloudevents+json" => structured(&value(body, VALUE)?).map(Box::new).map(Sent::One),
        "application/cloudevents-batch+json" => batch(body, batch_bytes_max),
        _ if named("ce-id") || named("ce-specversion") => binary(headers, &kind, body).map(Box::new).map(Sent::One),
        other => Err(unreadable(
            415,
            "content-type",
            format!("`{other}` is no CloudEvent"),
            "send `application/cloudevents+json`, `application/cloudevents-batch+json`, or `ce-` headers",
        )),
    }
}

fn value(body: &[u8], limits: ValueLimits) -> Result<Value, Unreadable> {
    parse_with(body, limits).map_err(|error| {
        let (status, code) = match error.kind {
            ParseErrorKind::TooLarge => (413, "body-too-large"),
            ParseErrorKind::TooDeep => (422, "body-too-deep"),
            ParseErrorKind::DuplicateKey => (422, "duplicate-key"),
            ParseErrorKind::Number => (422, "number"),
            ParseErrorKind::Malformed => (400, "malformed"),
        };
        unreadable(status, code, "the body cannot be taken", error.to_string())
    })
}

fn batch(body: &[u8], bytes_max: usize) -> Result<Sent, Unreadable> {
    let list = value(body, ValueLimits { bytes_max, ..VALUE })?;
    let Some(items) = list.as_array() else {
        return Err(unreadable(400, "malformed", "a batch is a JSON array of events", "send `[{…}, {…}]`"));
    };
    if items.len() > BATCH_MAX {
        let detail = format!("send at most {BATCH_MAX} events in one batch");
        return Err(unreadable(413, "batch-too-large", format!("{} events are too many", items.len()), detail));
    }
    Ok(Sent::Batch(items.iter().map(structured).collect()))
}

fn attribute_refusal(name: &str, what: &str) -> Unreadable {
    unreadable(422, "event-attribute", format!("the event's `{name}` {what}"), "see CloudEvents 1.0.2, Context Attributes")
}

/// An event in structured mode.
fn structured(value: &Value) -> Result<Event, Unreadable> {
    let Some(map) = value.as_object() else {
        return Err(unreadable(422, "malformed", "an event is a JSON object", "see CloudEvents 1.0.2, JSON Event Format"));
    };
    if map.contains("data_base64") {
        return Err(attribute_refusal("data_base64", "is not taken; send JSON in `data`"));
    }
    if let Some((name, must)) = map.iter().find_map(|(name, value)| Some((name, attributes::flaw(name, value)?))) {
        return Err(attribute_refusal(name, must));
    }
    let mut rest: Map = map.clone();
    let mut text = |name: &str| match rest.remove(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Str(text)) => Ok(Some(text)),
        Some(_) => Err(attribute_refusal(name, "is no text")),
    };
    let version = text("specversion")?;
    let (id, source, kind) = (text("id")?, text("source")?, text("type")?);
    let (subject, time) = (text("subject")?, text("time")?);
    let (dataschema, datacontenttype, traceparent) = (text("dataschema")?, text("datacontenttype")?, text("traceparent")?);
    let data = rest.remove("data").unwrap_or_default();
    let extensions = if rest.is_empty() { Value::Null } else { Value::Object(Arc::new(rest)) };
    let (id, source, kind) = (id.unwrap_or_default(), source.unwrap_or_default(), kind.unwrap_or_default());
    let event = Event { id, source, kind, subject, time, dataschema, datacontenttype, traceparent, extensions, data, ..Event::default() };
    checked(event, version.as_deref())
}

/// An event in binary mode: attributes in `ce-` headers, the body is its data.
fn binary(headers: &[(&str, &[u8])], kind: &str, body: &[u8]) -> Result<Event, Unreadable> {
    let mut attributes = Map::new();
    for (name, value) in headers.iter().filter_map(|(name, value)| Some((name.strip_prefix("ce-")?, value))) {
        if matches!(name, "data" | "datacontenttype") {
            return Err(attribute_refusal(name, "is no `ce-` header: the body is the data, `Content-Type` says what it is"));
        }
        let text = visible(value).and_then(decoded).ok_or_else(|| attribute_refusal(name, "is no readable header"))?;
        if attributes.insert(name.into(), Value::from(text)).is_some() {
            return Err(attribute_refusal(name, "stands in two headers; which one counts would be a guess"));
        }
    }
    let traceparent = headers.iter().find(|(name, _)| *name == "traceparent").and_then(|(_, value)| visible(value));
    if let Some(traceparent) = traceparent {
        attributes.insert("traceparent".into(), Value::from(traceparent));
    }
    if !body.is_empty() {
        if !(kind.is_empty() || kind.ends_with("json")) {
            return Err(unreadable(415, "content-type", format!("data of type `{kind}` is not taken"), "send JSON"));
        }
        attributes.insert("data".into(), value(body, VALUE)?);
    }
    attributes.insert("datacontenttype".into(), Value::from(if kind.is_empty() { "application/json" } else { kind }));
    structured(&Value::Object(Arc::new(attributes)))
}

/// A header's value, where it is visible ASCII.
fn visible(value: &[u8]) -> Option<&str> {
    let seen = value.iter().all(|byte| *byte == b'\t' || (0x20..0x7f).contains(byte));
    std::str::from_utf8(value).ok().filter(|_| seen)
}

/// Percent-decoding of header values (CloudEvents HTTP binding, 3.1.3.2).
fn decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, tail)) = rest.split_first() {
        if *first != b'%' {
            bytes.push(*first);
            rest = tail;
            continue;
        }
        let pair = tail.get(..2).filter(|pair| pair.iter().all(u8::is_ascii_hexdigit))?;
        bytes.push(u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()?);
        rest = tail.get(2..)?;
    }
    String::from_utf8(bytes).ok()
}

fn checked(event: Event, version: Option<&str>) -> Result<Event, Unreadable> {
    if version != Some("1.0") {
        return Err(attribute_refusal("specversion", "is missing; send `1.0`"));
    }
    for (name, text) in [("id", &event.id), ("source", &event.source), ("type", &event.kind)] {
        if text.is_empty() {
            return Err(attribute_refusal(name, "is missing; every event needs one"));
        }
    }
    let named = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
    let fits = |name: &str| !name.is_empty() && name.bytes().all(named) && name.len() <= attributes::NAME_BYTES_MAX;
    let odd = event.extensions.as_object().into_iter().flat_map(Map::iter).find(|(name, _)| !fits(name)).map(|(name, _)| name.clone());
    match odd {
        Some(name) => Err(attribute_refusal(&name, "is no attribute name; use up to 20 of a-z and 0-9")),
        None => Ok(event),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(content_type: &str, headers: &[(&str, &[u8])], body: &str) -> Result<Event, &'static str> {
        match read(content_type, headers, body.as_bytes(), 1 << 20) {
            Ok(Sent::One(event)) => Ok(*event),
            Ok(Sent::Batch(_)) => Err("batch"),
            Err(error) => Err(error.code),
        }
    }

    const HEAD: [(&str, &[u8]); 4] = [("ce-specversion", b"1.0"), ("ce-id", b"1"), ("ce-source", b"/s"), ("ce-type", b"t%C3%A4")];

    #[test]
    fn both_modes_say_the_same() {
        let binary = one("application/json", &HEAD, r#"{"n":1}"#);
        let text = r#"{"specversion":"1.0","id":"1","source":"/s","type":"tä","datacontenttype":"application/json","data":{"n":1}}"#;
        assert_eq!(binary, one("Application/CloudEvents+JSON; charset=utf-8", &[], text));
        assert!(binary.is_ok_and(|event| &*event.kind == "tä"));
    }

    #[test]
    fn what_is_no_event_is_refused() {
        assert_eq!(one("text/plain", &[], "x"), Err("content-type"));
        assert_eq!(one("text/plain", &HEAD, "x"), Err("content-type"));
        assert_eq!(one("application/cloudevents+json", &[], "{"), Err("malformed"));
        assert_eq!(one("application/json", &[&HEAD[..], &[("ce-id", b"2")]].concat(), ""), Err("event-attribute"), "two ids");
        assert_eq!(one("application/json", &[&HEAD[..], &[("ce-x", b"%+1")]].concat(), ""), Err("event-attribute"), "no two digits");
        assert_eq!(one("application/json", &[&HEAD[..], &[("ce-x", b"\xff")]].concat(), ""), Err("event-attribute"), "no text");
    }

    #[test]
    fn nobody_outside_says_what_caused_an_event() {
        let text = r#"{"specversion":"1.0","id":"1","source":"/s","type":"t","hops":0,"origin":"orc_1"}"#;
        let event = one("application/cloudevents+json", &[], text);
        assert!(event.is_ok_and(|event| event.hops == 0 && event.origin.is_none() && event.extensions.member("origin").is_some()));
    }
}
