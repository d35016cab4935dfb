//! The request of a call: address, query, headers and body, from the rendered arguments.
//!
//! What must stay true: whatever cannot be sent as it was written is refused before anything leaves; nothing is dropped silently but
//! members that are null.

use std::collections::BTreeMap;

use provost_model::program::ProtocolCall;
use provost_model::record::Attempted;
use provost_model::value::canonical;
use provost_model::{Problem, Value};
use reqwest::Method;
use reqwest::header::{ACCEPT, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};

use super::{Outgoing, refuse, target};
use crate::Call;
use crate::actions::encode;

const JSON: &str = "application/json";
const FORM: &str = "application/x-www-form-urlencoded";
const TEXT: &str = "text/plain; charset=utf-8";
/// What is asked for where the author says nothing.
const ANY: &str = "application/json, text/plain;q=0.9, */*;q=0.8";
/// Headers that follow from the rest, or would let one request look like two.
const OWN_HEADERS: [&str; 7] = ["host", "content-length", "connection", "transfer-encoding", "upgrade", "te", "trailer"];

/// A body.
#[derive(Clone, Debug)]
pub(super) struct Body {
    pub(super) bytes: Vec<u8>,
}

/// The request without its authentication.
pub(super) fn outgoing(written: &ProtocolCall, call: &Call) -> Result<Outgoing, Attempted> {
    let input = &call.input;
    let url = target::bound(&address(written, input)?, &call.destinations)?;
    let method = Method::from_bytes(written.method.as_bytes());
    let method = method.map_err(|_| refuse("action-invalid", "the call's method cannot be sent".to_owned(), "publish the bundle again"))?;
    let mut headers = headers(input.member("headers"))?;
    if !written.key_header.is_empty() {
        headers.insert(name(&written.key_header)?, value(&written.key_header, &call.key)?);
    }
    headers.entry(ACCEPT).or_insert(HeaderValue::from_static(ANY));
    let body = match input.member("body") {
        None | Some(Value::Null) => None,
        Some(content) => Some(body(content, &mut headers)?),
    };
    Ok(Outgoing { method, url, headers, body })
}

/// The endpoint with its template filled and the query behind it.
fn address(written: &ProtocolCall, input: &Value) -> Result<String, Attempted> {
    let endpoint = input.member("endpoint").and_then(Value::as_str).unwrap_or_default();
    let only_reads = matches!(&*written.method, "GET" | "HEAD" | "OPTIONS") && written.operation.is_none();
    let mut address = match input.member("path") {
        Some(values) if written.template => target::filled(endpoint, values, only_reads)?,
        Some(_) | None => endpoint.to_owned(),
    };
    let pairs = match input.member("query") {
        None | Some(Value::Null) => return Ok(address),
        Some(query) => pairs(query, &written.joined).map_err(|name| {
            refuse(
                "query-argument",
                format!("the query cannot hold what stands under `{name}`"),
                "write text, numbers, truths, or lists of them",
            )
        })?,
    };
    if !pairs.is_empty() {
        address.push(if address.contains('?') { '&' } else { '?' });
        address.push_str(&pairs);
    }
    Ok(address)
}

/// `a=b&c=d`, percent-encoded; a list is one pair for each item, or one with commas.
pub(super) fn pairs(object: &Value, joined: &[std::sync::Arc<str>]) -> Result<String, String> {
    let members = object.as_object().ok_or_else(|| "query".to_owned())?;
    let mut out = String::new();
    let push = |name: &str, texts: &[String], out: &mut String| {
        if !out.is_empty() {
            out.push('&');
        }
        encode(name, out);
        out.push('=');
        for (at, text) in texts.iter().enumerate() {
            if at > 0 {
                out.push(',');
            }
            encode(text, out);
        }
    };
    for (name, member) in members.iter().filter(|(_, member)| !member.is_null()) {
        let items = member.as_array().map_or_else(|| vec![member.clone()], <[Value]>::to_vec);
        let texts: Option<Vec<String>> = items.iter().map(|item| target::scalar(Some(item))).collect();
        let texts = texts.ok_or_else(|| name.to_string())?;
        if joined.iter().any(|known| known == name) {
            push(name, &texts, &mut out);
            continue;
        }
        for text in texts {
            push(name, &[text], &mut out);
        }
    }
    Ok(out)
}

fn headers(authored: Option<&Value>) -> Result<HeaderMap, Attempted> {
    let mut headers = HeaderMap::new();
    let Some(authored) = authored.filter(|authored| !authored.is_null()) else { return Ok(headers) };
    let wrong = |key: &str| refuse("header-argument", format!("the header `{key}` cannot be sent"), "write its value as text or a number");
    let members = authored.as_object().ok_or_else(|| wrong("headers"))?;
    for (key, member) in members.iter().filter(|(_, member)| !member.is_null()) {
        if OWN_HEADERS.contains(&&*key.to_ascii_lowercase()) {
            return Err(refuse("header-argument", format!("the header `{key}` cannot be set"), "leave it out: it follows from the call"));
        }
        let text = target::scalar(Some(member)).ok_or_else(|| wrong(key))?;
        headers.insert(name(key)?, value(key, &text)?);
    }
    Ok(headers)
}

fn name(key: &str) -> Result<HeaderName, Attempted> {
    HeaderName::from_bytes(key.as_bytes())
        .map_err(|_| refuse("header-argument", format!("`{}` is not a header's name", key.escape_debug()), "correct the call's headers"))
}

fn value(key: &str, text: &str) -> Result<HeaderValue, Attempted> {
    HeaderValue::from_str(text).map_err(|_| {
        refuse(
            "header-argument",
            format!("the value of the header `{key}` cannot be sent"),
            "it has line breaks or other control characters",
        )
    })
}

/// Text as it stands, a form where the headers say so, everything else as JSON.
fn body(content: &Value, headers: &mut HeaderMap) -> Result<Body, Attempted> {
    let kind = headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).map(str::to_ascii_lowercase);
    let (bytes, default) = match (content, kind.as_deref()) {
        (Value::Str(text), kind) if !kind.is_some_and(|kind| kind.contains("json")) => (text.as_bytes().to_vec(), TEXT),
        (Value::Object(_), Some(kind)) if kind.starts_with(FORM) => {
            let form = pairs(content, &[]).map_err(|name| {
                refuse(
                    "body-argument",
                    format!("a form cannot hold what stands under `{name}`"),
                    "write text, numbers, truths, or lists of them",
                )
            })?;
            (form.into_bytes(), FORM)
        }
        (content, _) => (canonical(content).into_bytes(), JSON),
    };
    headers.entry(CONTENT_TYPE).or_insert(HeaderValue::from_static(default));
    Ok(Body { bytes })
}

/// The request as an output may show it: with `***` for secrets, and without its authentication.
pub(super) fn shown(written: &ProtocolCall, shown: &Value, destinations: &BTreeMap<String, String>) -> Result<Value, Problem> {
    let failed = |outcome| match outcome {
        Attempted::Failed { problem, .. } | Attempted::Unknown { problem } => problem,
        Attempted::Done { .. } | Attempted::Unreadable { .. } | Attempted::Absent => {
            Problem::standard("runtime", 500, "the request cannot be shown")
        }
    };
    let uri = address(written, shown).and_then(|address| target::bound(&address, destinations)).map_err(failed)?;
    let headers = shown.member("headers").and_then(Value::as_object).into_iter().flat_map(|map| map.iter());
    let headers = headers.filter(|(key, _)| !matches!(&*key.to_ascii_lowercase(), "authorization" | "cookie" | "proxy-authorization"));
    let headers = headers.filter_map(|(key, value)| Some((key.to_ascii_lowercase(), Value::from(target::scalar(Some(value))?))));
    Ok(Value::object([
        ("method", Value::Str(written.method.clone())),
        ("uri", Value::from(uri.to_string())),
        ("headers", Value::object(headers.collect::<Vec<_>>())),
    ]))
}
