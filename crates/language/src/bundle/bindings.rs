//! `bindings/*.yaml`: where destinations are. It is no part of a bundle, but what is wrong with it is found here too.

use std::sync::Arc;

use crate::fields;
use crate::finding::{Code, Finding, Log};
use crate::yaml::{Node, load, shown};

/// Longest address, in bytes.
const ADDRESS_BYTES_MAX: usize = 2048;

/// What is wrong with a file of bindings.
pub(super) fn check(path: &Arc<str>, bytes: &[u8]) -> Vec<Finding> {
    let log = Log::new(path);
    if let Some(root) = load(bytes, 1, &log).filter(|root| !root.to_value().is_null()) {
        for entry in fields::entries(&root, "bindings", &log) {
            address(&entry.value, &log);
        }
    }
    log.into_findings()
}

fn address(node: &Node, log: &Log) {
    let hint = "write an address such as http://127.0.0.1:4000 or https://pay.internal:8443/v1";
    let Some(text) = fields::text(node, "an address", log) else { return };
    let wrong = match text.split_once("://") {
        None => Some("it is no absolute address"),
        Some((scheme, _)) if !matches!(scheme, "http" | "https") => Some("it is neither http nor https"),
        Some((_, rest)) if rest.split(['/', '?', '#']).next().is_none_or(str::is_empty) => Some("it has no host"),
        Some((_, rest)) if rest.split('/').next().is_some_and(|host| host.contains('@')) => {
            Some("it holds a user, which would be recorded")
        }
        Some((_, rest)) if rest.contains(['?', '#']) => Some("it has a query or fragment, where secrets would be recorded"),
        Some(_) if text.len() > ADDRESS_BYTES_MAX => Some("it is too long"),
        Some(_) => None,
    };
    if let Some(why) = wrong {
        log.error_hint(Code::WrongValue, node.at, format!("a destination cannot be at `{}`: {why}", shown(&text)), hint);
    }
}
