//! Problem bodies (RFC 9457), with our code.

use serde::{Deserialize, Serialize};

/// The media type of problem bodies.
pub const MEDIA_TYPE: &str = "application/problem+json";

/// What every refusal of the API looks like.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct ProblemBody {
    /// A URI that names the kind of problem.
    #[serde(rename = "type")]
    pub kind: String,
    /// What happened.
    pub title: String,
    /// The HTTP status.
    pub status: u16,
    /// What to do.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub detail: String,
    /// The stable code.
    pub code: String,
}

impl ProblemBody {
    /// A problem of ours.
    pub fn new(status: u16, code: &str, title: impl Into<String>) -> Self {
        let kind = format!("{}{code}", provost_model::problem::OURS);
        Self { kind, title: title.into(), status, detail: String::new(), code: code.to_owned() }
    }

    /// With what to do.
    #[must_use]
    pub fn detail(mut self, detail: impl Into<String>) -> Self {
        self.detail = detail.into();
        self
    }
}
