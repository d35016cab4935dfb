//! Calls that a workflow writes out itself (`call: http`, `call: openapi`): one request to a bound destination, with its authentication.
//!
//! | what happens | means |
//! |---|---|
//! | no connection, no token | failed, may be tried again: nothing was sent |
//! | 2xx; 3xx where `redirect` is true | done; an answer that is too large was dropped, JSON that is none cannot be read |
//! | more redirects than are followed | failed for good |
//! | 408, 425, 429, 503 | failed, may be tried again, after `Retry-After` |
//! | other 3xx and 4xx | failed for good |
//! | other 5xx, timeout, reset | unknown: it may have been done; of a read it is a failure like any other |
//!
//! What must stay true: nothing goes where nothing is bound, redirects and tokens included; a credential stands in no report and no
//! error. What is absent: cookies, a store of tokens, retries (the engine's).

mod answer;
mod assertion;
mod authorization;
mod digest;
mod request;
mod target;
mod token;

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use provost_model::program::{ActionSpec, ProtocolCall};
use provost_model::record::Attempted;
use provost_model::{Problem, Value};
use reqwest::header::{HeaderMap, HeaderValue, LOCATION};
use reqwest::{Method, Response, StatusCode, Url};

use crate::Call;
use crate::actions::Http;
use crate::secrets::Filled;

use authorization::Authorization;
use request::Body;

/// Most redirects of one read.
const REDIRECTS_MAX: u32 = 5;

/// What all requests of one call have in common.
struct Sending<'c> {
    http: &'c Http,
    destinations: &'c BTreeMap<String, String>,
    until: Instant,
    traceparent: &'c str,
}

/// A request, ready to leave.
struct Outgoing {
    method: Method,
    url: Url,
    headers: HeaderMap,
    body: Option<Body>,
}

/// Carries out a call. `shown` is its input without the contents of secrets; what is learnt of credentials goes to `filled`.
pub(crate) async fn call(
    http: &Http,
    spec: &ActionSpec,
    written: &ProtocolCall,
    call: &Call,
    shown: &Value,
    filled: &mut Filled,
) -> Attempted {
    let within_ms = if call.within_ms > 0 { spec.timeout_ms.min(call.within_ms) } else { spec.timeout_ms };
    let until = Instant::now() + Duration::from_millis(u64::try_from(within_ms).unwrap_or(0).max(1));
    let sending = Sending { http, destinations: &call.destinations, until, traceparent: &call.traceparent };
    match sent(&sending, written, call, filled).await {
        Ok(answer) => answer::read(answer, written, || request::shown(written, shown, &call.destinations)).await,
        Err(outcome) => outcome,
    }
}

/// Asks whether a call was done: of the endpoint of its look-up, with its headers and its authentication.
pub(crate) async fn look_up(
    http: &Http,
    spec: &ActionSpec,
    written: &ProtocolCall,
    call: &Call,
    shown: &Value,
    filled: &mut Filled,
) -> Attempted {
    let Some(endpoint) = &written.lookup else {
        let title = format!("`{}` describes no look-up", spec.name);
        return refuse("action-not-served", title, "add `lookup` to `metadata.provost.effect`");
    };
    let question =
        ProtocolCall { method: "GET".into(), template: true, key_header: "".into(), redirect: false, lookup: None, ..written.clone() };
    let input = asked(endpoint, &call.input, &call.key);
    let asking = Call { input, ..call.clone() };
    let until = Instant::now() + Duration::from_millis(u64::try_from(spec.timeout_ms).unwrap_or(0).max(1));
    let sending = Sending { http, destinations: &call.destinations, until, traceparent: &call.traceparent };
    let answer = match sent(&sending, &question, &asking, filled).await {
        Ok(answer) if matches!(answer.status(), StatusCode::NOT_FOUND | StatusCode::GONE) => return Attempted::Absent,
        Ok(answer) => {
            let request = || request::shown(&question, &asked(endpoint, shown, &call.key), &call.destinations);
            answer::read(answer, &question, request).await
        }
        Err(outcome) => outcome,
    };
    match answer {
        // A question that was not answered says nothing about what it asked for.
        Attempted::Unknown { problem } => Attempted::Failed { problem, retry: true, retry_after_ms: None },
        Attempted::Failed { problem, retry_after_ms, .. } => Attempted::Failed { problem, retry: true, retry_after_ms },
        told @ (Attempted::Done { .. } | Attempted::Unreadable { .. } | Attempted::Absent) => told,
    }
}

/// The input of a look-up: its endpoint, the call's own variables and the key, and what lets it in.
fn asked(endpoint: &str, input: &Value, key: &str) -> Value {
    let mut path = input.member("path").and_then(Value::as_object).cloned().unwrap_or_default();
    if !path.contains("key") {
        path.insert("key".into(), Value::from(key));
    }
    let mut members = vec![("endpoint", Value::from(endpoint)), ("path", Value::Object(path.into()))];
    members.extend(["headers", "authentication"].into_iter().filter_map(|name| Some((name, input.member(name)?.clone()))));
    Value::object(members)
}

async fn sent(sending: &Sending<'_>, written: &ProtocolCall, call: &Call, filled: &mut Filled) -> Result<Response, Attempted> {
    let mut outgoing = request::outgoing(written, call)?;
    let authorization = authorization::read(call.input.member("authentication"), filled)?;
    if let Some(header) = authorization.header(sending, filled).await? {
        outgoing.headers.insert(reqwest::header::AUTHORIZATION, header);
    }
    let mut answer = sending.send(&outgoing).await?;
    if let (Authorization::Digest(login), StatusCode::UNAUTHORIZED) = (&authorization, answer.status())
        && let Some(header) = digest::answer(login, answer.headers(), &outgoing, &call.key)
    {
        outgoing.headers.insert(reqwest::header::AUTHORIZATION, header);
        answer = sending.send(&outgoing).await?;
    }
    let follows = written.redirect && written.is_safe() && !matches!(authorization, Authorization::Digest(_));
    for _ in 0..REDIRECTS_MAX {
        let Some(next) = redirect(&answer, &outgoing.url, sending).filter(|_| follows) else { return Ok(answer) };
        outgoing.url = next;
        answer = sending.send(&outgoing).await?;
    }
    if follows && redirect(&answer, &outgoing.url, sending).is_some() {
        return Err(leads_nowhere(&answer));
    }
    Ok(answer)
}

/// A read that was redirected more often than is followed.
fn leads_nowhere(answer: &Response) -> Attempted {
    let title = format!("`{}` redirects more than {REDIRECTS_MAX} times", target::shown_origin(answer.url()));
    let detail = "look for a loop of redirects; `redirect: false` makes each of them an error";
    let problem = Problem::standard("communication", answer.status().as_u16(), title).detail(detail);
    Attempted::Failed { problem, retry: false, retry_after_ms: None }
}

/// Where a redirect leads; only within the same origin and the bound path: nobody asked policy about another.
fn redirect(answer: &Response, from: &Url, sending: &Sending<'_>) -> Option<Url> {
    if !matches!(answer.status().as_u16(), 301 | 302 | 303 | 307 | 308) {
        return None;
    }
    let next = from.join(answer.headers().get(LOCATION)?.to_str().ok()?).ok()?;
    (next.origin() == from.origin() && target::is_bound(&next, sending.destinations)).then_some(next)
}

impl Sending<'_> {
    /// Sends one request in the time that is left.
    async fn send(&self, outgoing: &Outgoing) -> Result<Response, Attempted> {
        let left = self.until.saturating_duration_since(Instant::now()).max(Duration::from_millis(1));
        let mut request = self.http.request(outgoing.method.clone(), outgoing.url.clone()).timeout(left).headers(outgoing.headers.clone());
        if let Ok(traceparent) = HeaderValue::from_str(self.traceparent) {
            request = request.header("traceparent", traceparent);
        }
        if let Some(body) = &outgoing.body {
            request = request.body(body.bytes.clone());
        }
        request.send().await.map_err(|error| failed(&target::shown_origin(&outgoing.url), &error))
    }
}

/// A request that got no answer.
fn failed(origin: &str, error: &reqwest::Error) -> Attempted {
    if error.is_connect() || error.is_builder() {
        let problem = Problem::standard("communication", 503, format!("`{origin}` cannot be reached"))
            .detail(format!("{}; nothing was sent; look at the binding and the target", cause(error)));
        return Attempted::Failed { problem, retry: true, retry_after_ms: None };
    }
    let what = if error.is_timeout() { "did not answer in time" } else { "broke the connection" };
    let problem =
        Problem::standard("communication", 504, format!("`{origin}` {what}")).detail(format!("{}; it may have acted", cause(error)));
    Attempted::Unknown { problem }
}

/// Why there is no answer, without anything of the request.
fn cause(error: &reqwest::Error) -> &'static str {
    let mut source: Option<&dyn std::error::Error> = Some(error);
    while let Some(inner) = source {
        if let Some(io) = inner.downcast_ref::<std::io::Error>() {
            return match io.kind() {
                std::io::ErrorKind::ConnectionRefused => "the connection was refused",
                std::io::ErrorKind::ConnectionReset | std::io::ErrorKind::BrokenPipe => "the connection was reset",
                std::io::ErrorKind::TimedOut => "the connection timed out",
                std::io::ErrorKind::UnexpectedEof => "the connection ended early",
                std::io::ErrorKind::InvalidData => "the connection is not secure",
                _ => "there is no connection",
            };
        }
        source = inner.source();
    }
    if error.is_timeout() { "the time is up" } else { "there is no connection" }
}

/// An attempt that was certainly not sent, and will not be.
fn refuse(code: &str, title: String, detail: &str) -> Attempted {
    Attempted::Failed { problem: Problem::ours(code, 422, title).detail(detail), retry: false, retry_after_ms: None }
}
