//! What an answer means, and what of it is the output.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use provost_model::limits::ValueLimits;
use provost_model::program::{CallOutput, ProtocolCall};
use provost_model::record::Attempted;
use provost_model::value::{ParseError, parse_with};
use provost_model::{Problem, Value};
use reqwest::header::{CONTENT_TYPE, HeaderMap, LOCATION, RETRY_AFTER, SET_COOKIE};
use reqwest::{Response, StatusCode};

use super::target;

/// Deepest answer, in levels.
const DEPTH_MAX: usize = 64;
/// Longest wait that a target may ask for, in seconds.
const RETRY_AFTER_S_MAX: i64 = 86_400;
/// The status of an error about an answer that cannot be read (RFC 9110, section 15.6.3).
const UNREADABLE: u16 = 502;

/// Reads an answer. `request` shows what was asked, for the output `response`.
pub(super) async fn read(answer: Response, written: &ProtocolCall, request: impl FnOnce() -> Result<Value, Problem>) -> Attempted {
    let status = answer.status();
    let retry_after_ms = retry_after_ms(&answer);
    match status.as_u16() {
        200..=299 => done(answer, written, request).await,
        300..=399 if written.redirect => done(answer, written, request).await,
        408 | 425 | 429 | 503 => Attempted::Failed { problem: answered(&answer), retry: true, retry_after_ms },
        300..=499 => Attempted::Failed { problem: answered(&answer), retry: false, retry_after_ms: None },
        _ => Attempted::Unknown { problem: answered(&answer) },
    }
}

fn answered(answer: &Response) -> Problem {
    let status = answer.status();
    let title = format!("`{}` answered {}", target::shown_origin(answer.url()), status.as_u16());
    Problem::standard("communication", status.as_u16(), title).detail(status.canonical_reason().unwrap_or("a status without a name"))
}

fn retry_after_ms(answer: &Response) -> Option<i64> {
    let seconds: i64 = answer.headers().get(RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()?;
    Some(seconds.clamp(0, RETRY_AFTER_S_MAX) * 1000)
}

async fn done(mut answer: Response, written: &ProtocolCall, request: impl FnOnce() -> Result<Value, Problem>) -> Attempted {
    let (status, headers) = (answer.status(), answer.headers().clone());
    let reference = headers.get(LOCATION).and_then(|value| value.to_str().ok()).map(Into::into);
    let body = match body(&mut answer, written.response_bytes_max).await {
        Ok(Read::Whole(body)) => body,
        // It was done; only what it said is lost.
        Ok(Read::TooLarge(bytes)) => {
            return Attempted::Done { value: Value::Null, reference, usage: None, dropped_bytes: Some(bytes) };
        }
        Err(problem) => return Attempted::Unknown { problem },
    };
    let content = match written.output {
        CallOutput::Raw => Ok(Value::from(STANDARD.encode(&body))),
        CallOutput::Content | CallOutput::Response => content(&headers, &body),
    };
    let value = match (content, written.output) {
        (Ok(content), CallOutput::Content | CallOutput::Raw) => content,
        (Ok(content), CallOutput::Response) => match request() {
            Ok(request) => response(request, status, &headers, content),
            Err(problem) => return Attempted::Unknown { problem },
        },
        // It was done all the same.
        (Err(why), _) => return Attempted::Unreadable { problem: unreadable(&answer, &why), reference },
    };
    Attempted::Done { value, reference, usage: None, dropped_bytes: None }
}

enum Read {
    Whole(Vec<u8>),
    TooLarge(u64),
}

/// The body, counted while it arrives.
async fn body(answer: &mut Response, bytes_max: u64) -> Result<Read, Problem> {
    if let Some(bytes) = answer.content_length().filter(|bytes| *bytes > bytes_max) {
        return Ok(Read::TooLarge(bytes));
    }
    let mut body: Vec<u8> = Vec::new();
    loop {
        match answer.chunk().await {
            Ok(Some(chunk)) => {
                let bytes = body.len().saturating_add(chunk.len()) as u64;
                if bytes > bytes_max {
                    return Ok(Read::TooLarge(bytes));
                }
                body.extend_from_slice(&chunk);
            }
            Ok(None) => return Ok(Read::Whole(body)),
            Err(_) => {
                let title = format!("the answer of `{}` broke off", target::shown_origin(answer.url()));
                return Err(
                    Problem::standard("communication", 502, title).detail("it answered that it was done; what else it said is lost")
                );
            }
        }
    }
}

/// What an answer says that calls itself JSON and cannot be read as a value.
fn unreadable(answer: &Response, why: &ParseError) -> Problem {
    let title = format!("`{}` answered with JSON that cannot be read", target::shown_origin(answer.url()));
    let detail = format!("{why}; what was done stays done; `output: raw` gives the bytes as they are");
    Problem::standard("communication", UNREADABLE, title).detail(detail)
}

/// What says that it is JSON as a value, text as text, nothing as null, any other bytes in base64.
fn content(headers: &HeaderMap, body: &[u8]) -> Result<Value, ParseError> {
    if body.is_empty() {
        return Ok(Value::Null);
    }
    if !headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).is_some_and(is_json) {
        return Ok(std::str::from_utf8(body).map_or_else(|_| Value::from(STANDARD.encode(body)), Value::from));
    }
    // RFC 8259, section 8.1: a byte order mark may be ignored.
    let body = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body);
    parse_with(body, ValueLimits { bytes_max: body.len(), depth_max: DEPTH_MAX })
}

/// Whether a media type is one JSON text: `application/json`, or a suffix `+json` (RFC 6839). Lines and sequences of JSON are text.
fn is_json(kind: &str) -> bool {
    let essence = kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    matches!(essence.as_str(), "application/json" | "text/json") || essence.ends_with("+json")
}

/// The answer as an object; cookies stay out of the record.
fn response(request: Value, status: StatusCode, headers: &HeaderMap, content: Value) -> Value {
    let mut all: std::collections::BTreeMap<String, String> = std::collections::BTreeMap::new();
    for (name, value) in headers.iter().filter(|(name, _)| **name != SET_COOKIE) {
        let text = String::from_utf8_lossy(value.as_bytes());
        all.entry(name.as_str().to_owned()).and_modify(|known| *known = format!("{known}, {text}")).or_insert_with(|| text.into_owned());
    }
    let headers = Value::object(all.into_iter().map(|(name, value)| (name, Value::from(value))));
    Value::object([
        ("request", request),
        ("statusCode", Value::Int(i64::from(status.as_u16()))),
        ("headers", headers),
        ("content", content),
    ])
}
