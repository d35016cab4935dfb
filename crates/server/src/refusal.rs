//! Refusals as problem documents (RFC 9457).

use axum::extract::Request;
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use futures::StreamExt as _;
use provost_api::cloudevents::Unreadable;
use provost_api::problem::{MEDIA_TYPE, ProblemBody};
use provost_runtime::Refused;

/// A refusal on its way out.
#[derive(Debug)]
pub struct Refusal {
    body: ProblemBody,
    retry_after_s: Option<u64>,
}

impl Refusal {
    /// A refusal of the edge itself.
    pub fn new(status: u16, code: &str, title: impl Into<String>, detail: impl Into<String>) -> Self {
        Self { body: ProblemBody::new(status, code, title).detail(detail), retry_after_s: None }
    }

    /// The body.
    pub fn body(&self) -> &ProblemBody {
        &self.body
    }
}

impl From<Refused> for Refusal {
    fn from(refused: Refused) -> Self {
        let detail = match &refused {
            Refused::Store(error) => error.hint().to_owned(),
            Refused::Retired(tombstone) => format!("its journal ended at {} with head {}", tombstone.head.sequence, tombstone.head.chain),
            _ => String::new(),
        };
        let status = refused.status();
        let retry_after_s = matches!(status, 429 | 503).then_some(1);
        Self { body: ProblemBody::new(status, refused.code(), refused.to_string()).detail(detail), retry_after_s }
    }
}

impl From<Unreadable> for Refusal {
    fn from(unreadable: Unreadable) -> Self {
        Self::new(unreadable.status, unreadable.code, unreadable.title, unreadable.detail)
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.body.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = (status, axum::Json(&self.body)).into_response();
        response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(MEDIA_TYPE));
        if let Some(seconds) = self.retry_after_s {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}

/// Most of a framework's own text that is kept as the detail, in bytes.
const DETAIL_BYTES_MAX: usize = 1024;

/// Most of a body over the limit that is read and thrown away, so that its sender hears the refusal, in bytes.
const HEARD_OUT_BYTES_MAX: usize = 32 << 20;

/// A sender that is refused while it still writes would see a broken connection and no reason: a body over the limit is read first.
pub async fn hear_out(request: Request, next: Next) -> Response {
    let length = request.headers().get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<usize>().ok());
    if length.is_none_or(|length| length <= crate::BODY_BYTES_MAX) {
        return next.run(request).await;
    }
    let mut body = request.into_body().into_data_stream();
    let mut heard = 0;
    while let Some(Ok(piece)) = body.next().await {
        heard += piece.len();
        if heard > HEARD_OUT_BYTES_MAX {
            break;
        }
    }
    StatusCode::PAYLOAD_TOO_LARGE.into_response()
}

/// Whatever refuses a request before it reaches a handler does so as a problem document too.
pub async fn as_problem(response: Response) -> Response {
    let status = response.status();
    let kind = response.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if status.as_u16() < 400 || kind.contains("json") {
        return response;
    }
    let (code, title, hint) = match status.as_u16() {
        405 => ("method", "the route does not know this method", "`GET /openapi.json` lists what each route knows"),
        413 => {
            ("body-too-large", "the body is too large", "send at most 4 MiB in one request; put large data where a reference can name it")
        }
        415 => ("content-type", "the content type is not taken", "send `content-type: application/json`"),
        400 | 422 => ("malformed", "the request cannot be read", "`GET /openapi.json` says what the route takes"),
        _ => ("refused", "the request cannot be taken", "`GET /openapi.json` says what the route takes"),
    };
    let allow = response.headers().get(header::ALLOW).cloned();
    let said = axum::body::to_bytes(response.into_body(), DETAIL_BYTES_MAX).await.unwrap_or_default();
    let said = String::from_utf8_lossy(&said);
    let detail = if said.is_empty() { hint.to_owned() } else { format!("{said}; {hint}") };
    let mut answer = Refusal::new(status.as_u16(), code, title, detail).into_response();
    if let Some(allow) = allow {
        answer.headers_mut().insert(header::ALLOW, allow);
    }
    answer
}

/// There is no such route.
pub async fn no_route() -> Refusal {
    Refusal::new(404, "unknown-route", "there is no such route", "`GET /openapi.json` lists those there are")
}
