//! Shapes of constructs that cannot run yet, so that a document which uses them is still checked for what it says.

use provost_model::Value;

use super::{Build, expression_text};
use crate::fields::{self, fields};
use crate::finding::Code;
use crate::yaml::{Kind, Node};

/// What a value looks like.
#[derive(Clone, Copy)]
pub(super) enum Shape {
    Any,
    Text,
    Whole,
    Flag,
    /// A mapping with any keys.
    Map,
    /// A mapping with any keys, or an expression.
    MapOrExpression,
    Texts,
    OneOf(&'static [&'static str]),
    Duration,
    /// A list of tasks, checked like any other; loop variables `item` and `index` are not known to them here.
    Object(&'static [Member]),
    /// An expression or URI, or an object.
    UriOr(&'static [Member]),
    /// Exactly one of these keys.
    Choice(&'static [Member]),
}

/// A key of an object.
#[derive(Clone, Copy)]
pub(super) struct Member {
    pub(super) key: &'static str,
    pub(super) required: bool,
    pub(super) shape: Shape,
}

pub(super) const fn must(key: &'static str, shape: Shape) -> Member {
    Member { key, required: true, shape }
}

pub(super) const fn may(key: &'static str, shape: Shape) -> Member {
    Member { key, required: false, shape }
}

/// Checks `node` against `shape`; what is wrong is in the log.
pub(super) fn check(build: &mut Build<'_>, node: &Node, what: &str, shape: Shape) {
    match shape {
        Shape::Any => {}
        Shape::Text => drop(fields::text(node, what, build.log)),
        Shape::Whole => drop(fields::int(node, what, 0, i64::MAX, build.log)),
        Shape::Flag => {
            if !matches!(node.kind, Kind::Scalar(Value::Bool(_))) {
                fields::wrong_type(node, what, "true or false", build.log);
            }
        }
        Shape::Map => drop(fields::entries(node, what, build.log)),
        Shape::MapOrExpression => {
            if node.as_text().is_none_or(|text| expression_text(text).is_none()) {
                let _checked = fields::entries(node, what, build.log);
            }
        }
        Shape::Texts => drop(fields::texts(node, what, build.log)),
        Shape::OneOf(words) => drop(fields::word(node, what, words, build.log)),
        Shape::Duration => drop(build.duration(node, what)),
        Shape::Object(members) => object(build, node, what, members),
        Shape::UriOr(members) => {
            if node.as_text().is_none() {
                object(build, node, what, members);
            }
        }
        Shape::Choice(members) => choice(build, node, what, members),
    }
}

fn object(build: &mut Build<'_>, node: &Node, what: &str, members: &'static [Member]) {
    let known: Vec<&str> = members.iter().map(|member| member.key).collect();
    let Some(found) = fields(node, what, &known, build.log) else { return };
    for member in members {
        let value = if member.required { found.need(member.key, build.log) } else { found.find(member.key) };
        if let Some(value) = value {
            check(build, value, &format!("`{}`", member.key), member.shape);
        }
    }
}

fn choice(build: &mut Build<'_>, node: &Node, what: &str, members: &'static [Member]) {
    object(build, node, what, members);
    let Some(entries) = node.as_map() else { return };
    if entries.len() != 1 {
        let known: Vec<&str> = members.iter().map(|member| member.key).collect();
        let message = format!("{what} must have exactly one of {}", crate::finding::listed(&known));
        build.log.error(Code::WrongValue, node.at, message);
    }
}
