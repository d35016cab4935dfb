//! Actions over HTTP: approved destinations only, no redirects unless the author allows some, responses counted.
//!
//! | what happens | means |
//! |---|---|
//! | no connection | failed, may be tried again: nothing was sent |
//! | 2xx | done |
//! | 408, 425, 429, 503 | failed, may be tried again, after `Retry-After` |
//! | 409 of a keyed action | conflict: the key was used with other arguments |
//! | other 3xx, 4xx | failed for good |
//! | 500, 502, 504, other 5xx, timeout, reset, unreadable body | unknown: it may have been done |

mod path;

pub(crate) use path::encode;

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use provost_model::program::{ActionSpec, EffectClass, HttpCall};
use provost_model::record::Attempted;
use provost_model::value::{canonical, parse_with};
use provost_model::{Problem, Value, limits::ValueLimits};
use reqwest::header::{CONTENT_TYPE, HeaderName, HeaderValue, LOCATION, RETRY_AFTER};
use reqwest::{Method, Response, StatusCode, Url};

use crate::Call;

/// Deepest response body, in levels.
const RESPONSE_DEPTH_MAX: usize = 64;
/// Longest wait for a connection, in milliseconds.
const CONNECT_MS_MAX: u64 = 5_000;

/// The pool of connections.
#[derive(Clone, Debug)]
pub struct Http {
    client: reqwest::Client,
}

impl Http {
    /// Without proxies and without redirects of its own.
    ///
    /// # Errors
    /// What the client says when it cannot be made.
    pub fn new() -> Result<Self, reqwest::Error> {
        let client = reqwest::Client::builder()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(Duration::from_millis(CONNECT_MS_MAX))
            .tcp_nodelay(true)
            .build()?;
        Ok(Self { client })
    }

    /// A request of the pool.
    pub(crate) fn request(&self, method: Method, url: Url) -> reqwest::RequestBuilder {
        self.client.request(method, url)
    }
}

/// Carries out an action.
pub async fn act(http: &Http, spec: &ActionSpec, call: &Call) -> Attempted {
    let Some(described) = &spec.http else {
        return refuse(
            "action-not-served",
            format!("action `{}` describes no call", spec.name),
            "add `http` to its file, or serve its queue",
        );
    };
    match send(http, described, call, spec.timeout_ms).await {
        Ok(answer) => acted(spec, described, answer).await,
        Err(outcome) => outcome,
    }
}

/// Asks whether an action was done.
pub async fn look_up(http: &Http, spec: &ActionSpec, call: &Call) -> Attempted {
    let Some(lookup) = &spec.lookup else {
        return refuse("action-not-served", format!("action `{}` describes no look-up", spec.name), "add `lookup` to its file");
    };
    let answer = match send(http, &lookup.http, call, spec.timeout_ms).await {
        Ok(answer) => answer,
        Err(Attempted::Unknown { problem }) => return Attempted::Failed { problem, retry: true, retry_after_ms: None },
        Err(outcome) => return outcome,
    };
    match answer.status() {
        StatusCode::NOT_FOUND | StatusCode::GONE => Attempted::Absent,
        status if status.is_success() => match read(answer, lookup.http.response_bytes_max).await {
            Ok((value, reference)) => Attempted::Done { value, reference, usage: None, dropped_bytes: None },
            Err(problem) => Attempted::Failed { problem, retry: true, retry_after_ms: None },
        },
        status => Attempted::Failed { problem: answered(&lookup.http, status), retry: true, retry_after_ms: retry_after_ms(&answer) },
    }
}

fn refuse(code: &str, title: String, detail: &str) -> Attempted {
    Attempted::Failed { problem: Problem::ours(code, 422, title).detail(detail), retry: false, retry_after_ms: None }
}

async fn send(http: &Http, described: &HttpCall, call: &Call, timeout_ms: i64) -> Result<Response, Attempted> {
    let mut url = target(described, call)?;
    let within_ms = if call.within_ms > 0 { timeout_ms.min(call.within_ms) } else { timeout_ms };
    let within = Duration::from_millis(u64::try_from(within_ms).unwrap_or(0).max(1));
    for _ in 0..=described.redirects_max {
        let request = request(http, described, call, url.clone(), within)?;
        let answer = request.send().await.map_err(|error| failed_to_send(described, &error))?;
        let Some(next) = redirect(&answer, &url, described) else { return Ok(answer) };
        url = next;
    }
    Err(refuse("redirect-refused", format!("`{}` redirects more often than allowed", described.destination), "raise `redirectsMax`"))
}

/// The address: the bound destination and the author's path, with arguments percent-encoded into it.
fn target(described: &HttpCall, call: &Call) -> Result<Url, Attempted> {
    let Some(base) = call.destinations.get(&*described.destination) else {
        let title = format!("destination `{}` is not bound here", described.destination);
        return Err(refuse("destination-unknown", title, "bind it: `--bind NAME=URL`, or `bindings/local.yaml`"));
    };
    let path = path::fill(&described.path, &call.input, &call.key)
        .map_err(|place| refuse("path-argument", format!("the path needs text or an integer at `{place}`"), "pass it as an argument"))?;
    let unusable = || {
        let title = format!("destination `{}` has no usable address", described.destination);
        refuse("destination-invalid", title, "bind it to `http://host:port`")
    };
    let bound = Url::parse(base).ok().filter(|bound| matches!(bound.scheme(), "http" | "https") && bound.has_host());
    let bound = bound.ok_or_else(unusable)?;
    let joined = format!("{}/{}", base.trim_end_matches('/'), path.trim_start_matches('/'));
    let url = Url::parse(&joined).map_err(|_| unusable())?;
    if bound.origin() != url.origin() {
        return Err(refuse("destination-left", "the path leads away from its destination".to_owned(), "look at the path's arguments"));
    }
    Ok(url)
}

fn request(http: &Http, described: &HttpCall, call: &Call, url: Url, within: Duration) -> Result<reqwest::RequestBuilder, Attempted> {
    let invalid = |what: &str| refuse("action-invalid", format!("the action's {what} cannot be sent"), "correct its file");
    let method = Method::from_bytes(described.method.as_bytes()).map_err(|_| invalid("method"))?;
    let mut request = http.client.request(method, url).timeout(within);
    if !described.key_header.is_empty() {
        let name = HeaderName::from_bytes(described.key_header.as_bytes()).map_err(|_| invalid("key header"))?;
        let value = HeaderValue::from_str(&call.key).map_err(|_| invalid("key"))?;
        request = request.header(name, value);
    }
    if let Ok(traceparent) = HeaderValue::from_str(&call.traceparent) {
        request = request.header("traceparent", traceparent);
    }
    if described.body {
        request = request.header(CONTENT_TYPE, "application/json").body(canonical(&call.input));
    }
    Ok(request)
}

/// Where an allowed redirect leads; only within the same destination.
fn redirect(answer: &Response, from: &Url, described: &HttpCall) -> Option<Url> {
    if described.redirects_max == 0 || !answer.status().is_redirection() {
        return None;
    }
    let location = answer.headers().get(LOCATION)?.to_str().ok()?;
    from.join(location).ok().filter(|next| next.origin() == from.origin())
}

fn failed_to_send(described: &HttpCall, error: &reqwest::Error) -> Attempted {
    if error.is_connect() || error.is_builder() {
        let title = format!("`{}` cannot be reached", described.destination);
        let problem = Problem::standard("communication", 503, title).detail("nothing was sent; look at the binding and the target");
        return Attempted::Failed { problem, retry: true, retry_after_ms: None };
    }
    let what = if error.is_timeout() { "did not answer in time" } else { "broke the connection" };
    let problem = Problem::standard("communication", 504, format!("`{}` {what}", described.destination)).detail("it may have acted");
    Attempted::Unknown { problem }
}

async fn acted(spec: &ActionSpec, described: &HttpCall, answer: Response) -> Attempted {
    let status = answer.status();
    let retry_after_ms = retry_after_ms(&answer);
    match status.as_u16() {
        200..=299 => match read(answer, described.response_bytes_max).await {
            Ok((value, reference)) => Attempted::Done { value, reference, usage: None, dropped_bytes: None },
            Err(problem) => Attempted::Unknown { problem },
        },
        408 | 425 | 429 | 503 => Attempted::Failed { problem: answered(described, status), retry: true, retry_after_ms },
        409 if spec.class == EffectClass::E1 => {
            let title = format!("`{}` says that the key was used with other arguments", described.destination);
            Attempted::Failed { problem: Problem::ours("conflict", 409, title), retry: false, retry_after_ms: None }
        }
        300..=499 => Attempted::Failed { problem: answered(described, status), retry: false, retry_after_ms: None },
        _ => Attempted::Unknown { problem: answered(described, status) },
    }
}

fn answered(described: &HttpCall, status: StatusCode) -> Problem {
    Problem::standard("communication", status.as_u16(), format!("`{}` answered {}", described.destination, status.as_u16()))
}

fn retry_after_ms(answer: &Response) -> Option<i64> {
    let seconds: i64 = answer.headers().get(RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()?;
    Some(seconds.clamp(0, 86_400) * 1000)
}

/// An answer that does not call itself JSON: its text, or its bytes where they are none.
fn spoken(body: &[u8]) -> Value {
    match std::str::from_utf8(body) {
        Ok(text) => Value::object([("text", Value::from(text))]),
        Err(_) => Value::object([("base64", Value::from(STANDARD.encode(body)))]),
    }
}

/// The body, counted while it arrives: JSON as a value, anything else as text or bytes; and the target's own reference.
async fn read(mut answer: Response, bytes_max: u64) -> Result<(Value, Option<std::sync::Arc<str>>), Problem> {
    let location = answer.headers().get(LOCATION).and_then(|value| value.to_str().ok()).map(str::to_owned);
    let json = answer.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).is_some_and(|kind| kind.contains("json"));
    let limit = usize::try_from(bytes_max).unwrap_or(usize::MAX);
    let mut body: Vec<u8> = Vec::new();
    loop {
        match answer.chunk().await {
            Ok(Some(chunk)) if body.len() + chunk.len() <= limit => body.extend_from_slice(&chunk),
            Ok(Some(_)) => return Err(Problem::standard("communication", 502, format!("the answer is larger than {bytes_max} bytes"))),
            Ok(None) => break,
            Err(_) => return Err(Problem::standard("communication", 502, "the answer broke off")),
        }
    }
    if body.is_empty() {
        return Ok((Value::Null, location.map(Into::into)));
    }
    if !json {
        return Ok((spoken(&body), location.map(Into::into)));
    }
    let limits = ValueLimits { bytes_max: limit, depth_max: RESPONSE_DEPTH_MAX };
    let value = parse_with(&body, limits)
        .map_err(|e| Problem::standard("communication", 502, "the answer is no usable JSON").detail(e.to_string()))?;
    let named = ["id", "reference"].iter().find_map(|key| value.member(key).and_then(Value::as_str).map(str::to_owned));
    Ok((value, named.or(location).map(Into::into)))
}
