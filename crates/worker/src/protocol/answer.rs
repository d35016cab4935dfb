//! What an answer means, and what of it is the output.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use provost_model::limits::ValueLimits;
use provost_model::program::{CallOutput, ProtocolCall};
use provost_model::record::Attempted;
use provost_model::value::parse_with;
use provost_model::{Problem, Value};
use reqwest::header::{CONTENT_TYPE, HeaderMap, LOCATION, RETRY_AFTER, SET_COOKIE};
use reqwest::{Response, StatusCode};

use super::target;

/// Deepest answer, in levels.
const DEPTH_MAX: usize = 64;
/// Longest wait that a target may ask for, in seconds.
const RETRY_AFTER_S_MAX: i64 = 86_400;

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
    let value = match written.output {
        CallOutput::Content => content(&headers, &body),
        CallOutput::Raw => Value::from(STANDARD.encode(&body)),
        CallOutput::Response => match request() {
            Ok(request) => response(request, status, &headers, content(&headers, &body)),
            Err(problem) => return Attempted::Unknown { problem },
        },
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

/// JSON as a value; anything else, and JSON that cannot be held exactly, as text; nothing as null.
fn content(headers: &HeaderMap, body: &[u8]) -> Value {
    if body.is_empty() {
        return Value::Null;
    }
    let json = headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).is_some_and(|kind| kind.to_ascii_lowercase().contains("json"));
    let limits = ValueLimits { bytes_max: body.len(), depth_max: DEPTH_MAX };
    let parsed = json.then(|| parse_with(body, limits).ok()).flatten();
    parsed.unwrap_or_else(|| Value::from(String::from_utf8_lossy(body).into_owned()))
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
