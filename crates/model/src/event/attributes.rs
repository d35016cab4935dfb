//! What the attributes of a CloudEvent may be (CloudEvents 1.0.2, sections 2.1 and 3): one ruling for events that come in, that a document
//! writes and that a task renders.
//!
//! What must stay true: an attribute without a value (null) is absent, never wrong. What is absent: names, which readers check where they
//! stand, and `data`, which is no attribute.

use crate::instant;
use crate::value::Value;

/// Longest `id`, `source` and `type`, in bytes.
pub const NAMING_BYTES_MAX: usize = 1024;
/// Longest name of an extension attribute, in bytes.
pub const NAME_BYTES_MAX: usize = 20;

/// What the attribute `name` must be, where `value` is not that; reads behind "the event's `name`".
pub fn flaw(name: &str, value: &Value) -> Option<&'static str> {
    if value.is_null() {
        return None;
    }
    let text = value.as_str();
    let naming = |text: &str| is_text(text) && text.len() <= NAMING_BYTES_MAX;
    let (fits, must) = match name {
        "data" => (true, ""),
        "specversion" => (text == Some("1.0"), "must be the text `1.0`"),
        "id" | "type" => (text.is_some_and(naming), "must be text of 1 to 1024 bytes without control characters"),
        "source" => {
            (text.is_some_and(|text| naming(text) && is_uri_reference(text)), "must be a URI reference of 1 to 1024 bytes (RFC 3986)")
        }
        "subject" => (text.is_some_and(is_text), "must be text that is not empty, without control characters"),
        "time" => (text.is_some_and(is_time), "must be a time as in RFC 3339, e.g. `2026-11-21T02:30:58Z`"),
        "dataschema" => (text.is_some_and(is_uri), "must be an absolute URI (RFC 3986)"),
        "datacontenttype" => (text.is_some_and(is_media_type), "must be a media type, e.g. `application/json`"),
        _ => (is_extension(value), "must be text without control characters, a boolean or an integer of 32 bits"),
    };
    (!fits).then_some(must)
}

fn is_extension(value: &Value) -> bool {
    match value {
        Value::Bool(_) => true,
        Value::Int(number) => i32::try_from(*number).is_ok(),
        Value::Str(text) => !text.contains(char::is_control),
        Value::Null | Value::Float(_) | Value::Array(_) | Value::Object(_) => false,
    }
}

fn is_text(text: &str) -> bool {
    !text.is_empty() && !text.contains(char::is_control)
}

/// A day alone is no time.
fn is_time(text: &str) -> bool {
    text.contains(['T', 't']) && instant::parse(text).is_some()
}

/// The characters of RFC 3986, with percent signs only where they encode something.
fn is_uri_reference(text: &str) -> bool {
    let mut rest = text.as_bytes();
    while let Some((first, tail)) = rest.split_first() {
        rest = match first {
            b'%' if tail.get(..2).is_some_and(|pair| pair.iter().all(u8::is_ascii_hexdigit)) => tail.get(2..).unwrap_or_default(),
            byte if byte.is_ascii_alphanumeric() || b"-._~:/?#[]@!$&'()*+,;=".contains(byte) => tail,
            _ => return false,
        };
    }
    !text.is_empty()
}

fn is_uri(text: &str) -> bool {
    let scheme = text.split_once(':').map(|(scheme, _)| scheme).unwrap_or_default();
    let starts = scheme.starts_with(|c: char| c.is_ascii_alphabetic());
    starts && scheme.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'-' | b'.')) && is_uri_reference(text)
}

fn is_media_type(text: &str) -> bool {
    let essence = text.split(';').next().unwrap_or_default().trim_end();
    let token = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b));
    essence.split_once('/').is_some_and(|(kind, rest)| token(kind) && token(rest)) && !text.contains(char::is_control)
}

#[cfg(test)]
mod tests {
    use super::flaw;
    use crate::value::Value;

    fn half() -> Value {
        crate::value::parse(b"1.5").unwrap_or_default()
    }

    fn fits(name: &str, value: impl Into<Value>) -> bool {
        flaw(name, &value.into()).is_none()
    }

    #[test]
    fn what_the_standard_allows_is_taken() {
        for (name, text) in [
            ("specversion", "1.0"),
            ("id", "A234-1234 \u{e4}"),
            ("type", "com.example.created"),
            ("source", "/cloudevents/spec/pull/123"),
            ("source", "urn:uuid:6e8bc430-9c3a-11d9-9669-0800200c9a66"),
            ("source", "crm/eu?x=%20#y"),
            ("subject", "mynewfile.jpg"),
            ("time", "2018-04-05T17:31:00Z"),
            ("time", "2018-04-05t17:31:00.123456789+23:59"),
            ("dataschema", "https://example.com/schema"),
            ("datacontenttype", "application/vnd.api+json; charset=utf-8"),
            ("traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"),
            ("comexample", ""),
        ] {
            assert!(fits(name, text), "{name} {text}");
        }
        assert!(fits("flag", true) && fits("count", i64::from(i32::MIN)) && fits("data", half()));
        assert!(fits("subject", Value::Null), "absent");
    }

    #[test]
    fn what_it_does_not_allow_has_a_flaw() {
        for (name, text) in [
            ("specversion", "0.3"),
            ("id", ""),
            ("id", "a\nb"),
            ("type", ""),
            ("source", ""),
            ("source", "two words"),
            ("source", "https://b\u{fc}cher.example"),
            ("source", "/a%2"),
            ("subject", ""),
            ("time", "yesterday"),
            ("time", "2018-04-05"),
            ("time", "2018-02-30T00:00:00Z"),
            ("time", "2018-04-05T17:31:00"),
            ("dataschema", "schema.json"),
            ("dataschema", ""),
            ("datacontenttype", "json"),
            ("datacontenttype", "a b/c"),
            ("comexample", "a\u{7}b"),
        ] {
            assert!(!fits(name, text), "{name} {text}");
        }
        assert!(!fits("subject", 7_i64) && !fits("specversion", 1_i64) && !fits("id", true) && !fits("time", 1_795_228_258_i64));
        assert!(!fits("count", i64::from(i32::MAX) + 1) && !fits("count", half()) && !fits("more", Value::object([("a", Value::Null)])));
        assert!(!fits("id", "x".repeat(1025)) && fits("id", "x".repeat(1024)));
    }
}
