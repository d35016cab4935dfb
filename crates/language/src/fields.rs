//! Reading typed members out of a tree: every refusal is a finding with its place and the nearest known word.

use std::sync::Arc;

use provost_model::Value;

use crate::finding::{Code, Fix, Log, Place};
use crate::yaml::{Entry, Kind, Node, shown};

/// A mapping whose keys were checked.
#[derive(Clone, Copy)]
pub(crate) struct Fields<'n> {
    pub(crate) at: Place,
    entries: &'n [Entry],
}

impl<'n> Fields<'n> {
    /// The value of `key`, if it is there.
    pub(crate) fn find(&self, key: &str) -> Option<&'n Node> {
        self.entries.iter().find(|entry| &*entry.key == key).map(|entry| &entry.value)
    }

    /// Where `key` itself stands; the mapping's own place if it is not there.
    pub(crate) fn key_at(&self, key: &str) -> Place {
        self.entries.iter().find(|entry| &*entry.key == key).map_or(self.at, |entry| entry.at)
    }

    /// Where the value of `key` stands; the mapping's own place if it is not there.
    pub(crate) fn value_at(&self, key: &str) -> Place {
        self.find(key).map_or(self.at, |node| node.at)
    }

    /// The value of `key`, which must be there.
    pub(crate) fn need(&self, key: &str, log: &Log) -> Option<&'n Node> {
        let found = self.find(key);
        if found.is_none() {
            log.unexpected(Code::MissingKey, self.at, format!("`{key}` is missing"), key, Some(format!("add `{key}:`")), None);
        }
        found
    }

    /// A text member.
    pub(crate) fn text(&self, key: &str, log: &Log) -> Option<Arc<str>> {
        self.find(key).and_then(|node| text(node, key, log))
    }

    /// A text member that must be there.
    pub(crate) fn need_text(&self, key: &str, log: &Log) -> Option<Arc<str>> {
        self.need(key, log).and_then(|node| text(node, key, log))
    }

    /// An integer member within bounds.
    pub(crate) fn int(&self, key: &str, from: i64, to: i64, log: &Log) -> Option<i64> {
        self.find(key).and_then(|node| int(node, key, from, to, log))
    }

    /// A boolean member.
    pub(crate) fn flag(&self, key: &str, log: &Log) -> Option<bool> {
        let node = self.find(key)?;
        match &node.kind {
            Kind::Scalar(Value::Bool(value)) => Some(*value),
            Kind::Scalar(_) | Kind::List(_) | Kind::Map(_) => {
                wrong_type(node, key, "true or false", log);
                None
            }
        }
    }

    /// A list member.
    pub(crate) fn list(&self, key: &str, log: &Log) -> Option<&'n [Node]> {
        self.find(key).and_then(|node| list(node, key, log))
    }

    /// A member that is one of `words`.
    pub(crate) fn word(&self, key: &str, words: &[&str], log: &Log) -> Option<Arc<str>> {
        self.find(key).and_then(|node| word(node, key, words, log))
    }
}

/// A mapping with only `known` keys. `what` names it in messages.
pub(crate) fn fields<'n>(node: &'n Node, what: &str, known: &[&str], log: &Log) -> Option<Fields<'n>> {
    let entries = open_fields(node, what, log)?;
    for entry in entries.entries {
        if !known.contains(&&*entry.key) {
            log.unknown(Code::UnknownKey, entry.at, format!("`{}` is not known in {what}", shown(&entry.key)), &entry.key, known);
        }
    }
    Some(entries)
}

/// A mapping with any keys.
pub(crate) fn open_fields<'n>(node: &'n Node, what: &str, log: &Log) -> Option<Fields<'n>> {
    match &node.kind {
        Kind::Map(entries) => Some(Fields { at: node.at, entries }),
        Kind::Scalar(_) | Kind::List(_) => {
            wrong_type(node, what, "a mapping", log);
            None
        }
    }
}

/// The entries of a mapping with any keys.
pub(crate) fn entries<'n>(node: &'n Node, what: &str, log: &Log) -> &'n [Entry] {
    open_fields(node, what, log).map_or(&[], |fields| fields.entries)
}

/// A text.
pub(crate) fn text(node: &Node, what: &str, log: &Log) -> Option<Arc<str>> {
    let text = node.as_text();
    if text.is_none() {
        let written = match &node.kind {
            Kind::Scalar(value @ (Value::Int(_) | Value::Float(_) | Value::Bool(_))) => Some(value.to_string()),
            Kind::Scalar(_) | Kind::List(_) | Kind::Map(_) => None,
        };
        let hint = written.is_some().then_some("put it in quotes");
        let fix = written.map(|written| Fix { with: format!("'{written}'"), replace: written });
        wrong_type_hint(node, what, "text", hint, fix, log);
    }
    text.cloned()
}

/// An integer within bounds.
pub(crate) fn int(node: &Node, what: &str, from: i64, to: i64, log: &Log) -> Option<i64> {
    match &node.kind {
        Kind::Scalar(Value::Int(number)) if (from..=to).contains(number) => Some(*number),
        Kind::Scalar(Value::Int(number)) => {
            let expected = if to == i64::MAX { format!("{from} or more") } else { format!("{from} to {to}") };
            let message = format!("{} is {number}, which is out of range", quoted(what));
            log.unexpected(Code::WrongValue, node.at, message, &expected, Some(format!("write {expected}")), None);
            None
        }
        Kind::Scalar(_) | Kind::List(_) | Kind::Map(_) => {
            let number = node.as_text().and_then(|text| text.trim().parse::<i64>().ok());
            let hint = number.map(|number| format!("write it without quotes: {number}"));
            wrong_type_hint(node, what, "a whole number", hint.as_deref(), None, log);
            None
        }
    }
}

/// A list.
pub(crate) fn list<'n>(node: &'n Node, what: &str, log: &Log) -> Option<&'n [Node]> {
    let items = node.as_list();
    if items.is_none() {
        wrong_type(node, what, "a list", log);
    }
    items
}

/// A list of texts.
pub(crate) fn texts(node: &Node, what: &str, log: &Log) -> Vec<Arc<str>> {
    list(node, what, log).unwrap_or_default().iter().filter_map(|item| text(item, what, log)).collect()
}

/// One of `words`.
pub(crate) fn word(node: &Node, what: &str, words: &[&str], log: &Log) -> Option<Arc<str>> {
    let word = text(node, what, log)?;
    if words.contains(&&*word) {
        return Some(word);
    }
    log.unknown(Code::WrongValue, node.at, format!("{} cannot be `{}`", quoted(what), shown(&word)), &word, words);
    None
}

/// A value of the wrong type.
pub(crate) fn wrong_type(node: &Node, what: &str, wanted: &str, log: &Log) {
    wrong_type_hint(node, what, wanted, None, None, log);
}

/// A bare key in backticks; a phrase as it stands.
fn quoted(what: &str) -> String {
    if what.contains([' ', '`']) { what.to_owned() } else { format!("`{what}`") }
}

fn wrong_type_hint(node: &Node, what: &str, wanted: &str, hint: Option<&str>, fix: Option<Fix>, log: &Log) {
    let what = quoted(what);
    let message = format!("{what} must be {wanted}, not {}", node.what());
    log.unexpected(Code::WrongType, node.at, message, wanted, hint.map(str::to_owned), fix);
}
