//! Secrets in expressions: names that travel, contents that never do.
//!
//! What must stay true: inside an evaluation `$secrets.name` is a marker and nothing but a marker; it may only be put next to other text,
//! never looked at; no document can hold the characters a marker is made of where markers are used. Who sends a request replaces exactly
//! the spans that [`secret_spans`] finds. Source: LANGUAGE.md, row "secrets".

use provost_model::Value;
pub use provost_model::record::SecretSpan;

use super::meter;
use super::text::is_reserved;

/// First character of a marker. A noncharacter of Unicode, refused in documents where secrets are used.
pub(super) const RESERVED: char = '\u{FDD0}';
/// Last character of a marker.
const END: char = '\u{FDD1}';

/// The marker that stands for the secret `name` until the request leaves.
pub fn secret_marker(name: &str) -> String {
    format!("{RESERVED}{name}{END}")
}

/// Every marker in `value`, in document order. Keys of objects hold none: they cannot be built of secrets.
pub fn secret_spans(value: &Value) -> Vec<SecretSpan> {
    let mut spans = Vec::new();
    collect(value, &mut Vec::new(), &mut spans);
    spans
}

fn collect(value: &Value, path: &mut Vec<String>, spans: &mut Vec<SecretSpan>) {
    match value {
        Value::Str(text) => spans.extend(in_text(text, path)),
        Value::Array(items) => {
            for (at, item) in items.iter().enumerate() {
                path.push(at.to_string());
                collect(item, path, spans);
                path.pop();
            }
        }
        Value::Object(map) => {
            for (key, member) in map.iter() {
                path.push(key.replace('~', "~0").replace('/', "~1"));
                collect(member, path, spans);
                path.pop();
            }
        }
        Value::Null | Value::Bool(_) | Value::Int(_) | Value::Float(_) => {}
    }
}

fn in_text(text: &str, path: &[String]) -> Vec<SecretSpan> {
    let pointer = || path.iter().map(|token| format!("/{token}")).collect::<String>();
    let mut spans = Vec::new();
    let mut from = 0;
    while let Some((start, name, end)) = next_marker(text, from) {
        spans.push(SecretSpan { pointer: pointer(), start, end, name: name.to_owned() });
        from = end;
    }
    spans
}

fn next_marker(text: &str, from: usize) -> Option<(usize, &str, usize)> {
    let start = from + text.get(from..)?.find(RESERVED)?;
    let inner = start + RESERVED.len_utf8();
    let len = text.get(inner..)?.find(END)?;
    Some((start, text.get(inner..inner + len)?, inner + len + END.len_utf8()))
}

/// Whether any text or key in `value` holds the first character of a marker.
pub(super) fn holds_reserved(value: &Value) -> bool {
    meter::charge_copy();
    match value {
        Value::Str(text) => is_reserved(text),
        Value::Array(items) => items.iter().any(holds_reserved),
        Value::Object(map) => map.iter().any(|(key, member)| is_reserved(key) || holds_reserved(member)),
        Value::Null | Value::Bool(_) | Value::Int(_) | Value::Float(_) => false,
    }
}
