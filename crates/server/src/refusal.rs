//! Refusals as problem documents (RFC 9457).

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
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

/// There is no such route.
pub async fn no_route() -> Refusal {
    Refusal::new(404, "unknown-route", "there is no such route", "`GET /openapi.json` lists those there are")
}
