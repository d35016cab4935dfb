//! Errors as authored: their types under either host's spelling, raised or filtered.

use std::sync::Arc;

use provost_model::Value;
use provost_model::problem::STANDARD;
use provost_model::program::{ErrorFilter, Template};

use super::{Build, expression_text, template};
use crate::fields::{self, fields};
use crate::finding::Code;
use crate::yaml::{Node, shown};

const KINDS: [&str; 8] =
    ["configuration", "validation", "expression", "authentication", "authorization", "timeout", "communication", "runtime"];
const HOSTS: [&str; 4] = [
    "https://serverlessworkflow.io/",
    "http://serverlessworkflow.io/",
    "https://open-workflow-specification.org/",
    "http://open-workflow-specification.org/",
];
const FOLDERS: [&str; 3] = ["spec/1.0.0/errors/", "dsl/errors/types/", "errors/types/"];

/// The one spelling of an error type: both hosts and all folders of the standard's own errors are aliases.
pub fn canonical_type(uri: &str) -> Arc<str> {
    let Some(path) = HOSTS.iter().find_map(|host| uri.strip_prefix(host)) else { return uri.into() };
    let standard = FOLDERS.iter().find_map(|folder| path.strip_prefix(folder)).filter(|kind| KINDS.contains(kind));
    match standard {
        Some(kind) => format!("{STANDARD}{kind}").into(),
        None => format!("https://open-workflow-specification.org/{path}").into(),
    }
}

impl Build<'_> {
    /// An error definition as an object template.
    pub(super) fn error_definition(&mut self, node: &Node) -> Option<Template> {
        let known = ["type", "status", "title", "detail", "instance"];
        let error = fields(node, "an error", &known, self.log)?;
        let kind = error.need_text("type", self.log);
        let status = error.need("status", self.log).and_then(|node| fields::int(node, "status", 100, 599, self.log));
        let kind = kind?;
        let mut members: Vec<(Arc<str>, Template)> = Vec::new();
        if expression_text(&kind).is_some() {
            members.push(("type".into(), self.template(error.find("type")?)));
        } else if kind.trim().is_empty() || kind.contains(char::is_whitespace) {
            self.log.error_hint(
                Code::WrongValue,
                node.at,
                format!("`{}` is not a URI", shown(&kind)),
                "write e.g. `https://acme.example/errors/late`",
            );
        } else {
            members.push(("type".into(), Template::Literal(Value::Str(canonical_type(&kind)))));
        }
        members.push(("status".into(), Template::Literal(Value::Int(status?))));
        for key in ["title", "detail", "instance"] {
            if let Some(member) = error.find(key) {
                fields::text(member, key, self.log)?;
                members.push((key.into(), self.template(member)));
            }
        }
        Some(template::object(members))
    }

    /// `errors.with`.
    pub(super) fn error_filter(&mut self, node: &Node) -> ErrorFilter {
        let known = ["type", "status", "title", "detail", "instance"];
        let Some(filter) = fields(node, "an error filter", &known, self.log) else { return ErrorFilter::default() };
        if node.as_map().is_some_and(<[_]>::is_empty) {
            self.log.error_hint(Code::MissingKey, node.at, "the filter is empty", "leave `errors` out to catch all errors");
        }
        for key in ["type", "title", "detail", "instance"] {
            if let Some(text) = filter.find(key).and_then(Node::as_text).filter(|text| expression_text(text).is_some()) {
                let hint = "filters are fixed; move the condition to `catch.when`";
                self.log.error_hint(Code::WrongValue, filter.key_at(key), format!("`{}` is not evaluated here", shown(text)), hint);
            }
        }
        ErrorFilter {
            kind: filter.text("type", self.log).map(|uri| canonical_type(&uri)),
            status: filter.int("status", 100, 599, self.log).and_then(|status| u16::try_from(status).ok()),
            instance: filter.text("instance", self.log),
            title: filter.text("title", self.log),
            detail: filter.text("detail", self.log),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_hosts_name_the_same_errors() {
        let one = canonical_type("https://open-workflow-specification.org/spec/1.0.0/errors/timeout");
        assert_eq!(&*one, format!("{STANDARD}timeout"));
        for alias in [
            "https://serverlessworkflow.io/spec/1.0.0/errors/timeout",
            "https://serverlessworkflow.io/dsl/errors/types/timeout",
            "https://open-workflow-specification.org/dsl/errors/types/timeout",
        ] {
            assert_eq!(canonical_type(alias), one, "{alias}");
        }
        assert_eq!(&*canonical_type("https://acme.example/late"), "https://acme.example/late");
        let own = "https://open-workflow-specification.org/errors/types/compliance";
        assert_eq!(&*canonical_type(own), own);
    }
}
