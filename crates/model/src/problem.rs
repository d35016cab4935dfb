//! Problem objects (RFC 9457): what `$error` is, what the API answers, what the journal keeps.

use serde::{Deserialize, Serialize};

use crate::labels::Label;
use crate::value::{Map, Value};

/// Where the standard's own error types live.
pub const STANDARD: &str = "https://open-workflow-specification.org/spec/1.0.0/errors/";
/// Where ours live.
pub const OURS: &str = "https://provost.dev/errors/";

/// An error as data: `title` says what happened, `detail` what to do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    /// A URI that names the kind of error.
    #[serde(rename = "type")]
    pub kind: String,
    /// What happened.
    pub title: String,
    /// The HTTP status that fits.
    pub status: u16,
    /// What to do about it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub detail: String,
    /// The reference of the task it happened in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instance: Option<String>,
    /// More facts about it.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub extra: Value,
    /// Who may see what its texts quote.
    #[serde(default, skip_serializing_if = "Label::is_none")]
    pub label: Label,
}

impl Problem {
    /// One of the eight standard errors by short name: `configuration validation expression authentication authorization timeout
    /// communication runtime`.
    pub fn standard(name: &str, status: u16, title: impl Into<String>) -> Self {
        Self::new(format!("{STANDARD}{name}"), status, title.into())
    }

    /// One of our own errors by its code.
    pub fn ours(code: &str, status: u16, title: impl Into<String>) -> Self {
        Self::new(format!("{OURS}{code}"), status, title.into())
    }

    fn new(kind: String, status: u16, title: String) -> Self {
        Self { kind, title, status, detail: String::new(), instance: None, extra: Value::Null, label: Label::NONE }
    }

    /// With what to do.
    #[must_use]
    pub fn detail(mut self, detail: impl Into<String>) -> Self {
        self.detail = detail.into();
        self
    }

    /// With the task's reference.
    #[must_use]
    pub fn at(mut self, instance: impl Into<String>) -> Self {
        self.instance = Some(instance.into());
        self
    }

    /// The last segment of the type: the short name or code.
    pub fn code(&self) -> &str {
        self.kind.rsplit('/').next().unwrap_or_default()
    }

    /// Whether this is our own error `code`.
    pub fn is_ours(&self, code: &str) -> bool {
        self.kind.strip_prefix(OURS) == Some(code)
    }

    /// As a value, for `$error`: what else is known stands beside the standard members, as RFC 9457 has it (section 3.2).
    pub fn to_value(&self) -> Value {
        let mut pairs = vec![
            ("type", Value::from(self.kind.as_str())),
            ("title", Value::from(self.title.as_str())),
            ("status", Value::Int(i64::from(self.status))),
        ];
        if !self.detail.is_empty() {
            pairs.push(("detail", Value::from(self.detail.as_str())));
        }
        if let Some(instance) = &self.instance {
            pairs.push(("instance", Value::from(instance.as_str())));
        }
        let members = self.extra.as_object().into_iter().flat_map(Map::iter);
        let known = ["type", "title", "status", "detail", "instance"];
        let members: Vec<(&str, Value)> =
            members.map(|(key, value)| (&**key, value.clone())).filter(|(key, _)| !known.contains(key)).collect();
        pairs.extend(members);
        Value::object(pairs)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_else_is_known_stands_beside_the_standard_members_and_replaces_none() {
        let mut problem = Problem::ours("odd", 418, "it is odd").at("/do/0/a");
        problem.extra = Value::object([("rules", Value::array([Value::from("r1")])), ("status", Value::Int(200))]);
        let value = problem.to_value();
        assert_eq!(value.member("rules"), problem.extra.member("rules"));
        assert_eq!(value.member("status"), Some(&Value::Int(418)));
        assert_eq!(value.member("extra"), None);
    }
}
