//! Sources of passages: one YAML file each, with the examples that stand in for an index.

use std::sync::Arc;

use provost_model::Digest;
use provost_model::program::reads::{TOP_K_MAX, check_passage};
use provost_model::program::{Example, RetrySpec, Served, SourceSpec};

use super::agent::{Condition, example};
use super::{Named, millis, named};
use crate::fields::{Fields, fields, wrong_type};
use crate::finding::{Code, Log};
use crate::tables::Tables;
use crate::workflow::retry_policy;
use crate::yaml::{Node, load};

/// How long a read may take where nothing is written, in milliseconds.
pub(super) const READ_MS: i64 = 30_000;

const KNOWN: [&str; 7] = ["name", "version", "description", "queue", "timeoutMs", "retry", "examples"];

/// A source as read; conditions are still texts.
#[derive(Debug)]
pub(crate) struct PassageSource {
    spec: SourceSpec,
    conditions: Vec<Condition>,
}

/// Reads a source's file.
pub(crate) fn read(bytes: &[u8], stem: &str, log: &Log) -> Option<(Named, PassageSource)> {
    let node = load(bytes, 1, log)?;
    let file = fields(&node, "a source", &KNOWN, log)?;
    let named = named(&file, stem, log)?;
    file.text("description", log);
    let mut conditions = Vec::new();
    let examples = file.list("examples", log).unwrap_or_default();
    examples.iter().for_each(|node| passages(node, log));
    let examples: Vec<Example> = examples.iter().filter_map(|node| example(node, "passages", &mut conditions, log)).collect();
    let plays = Plays { what: "a source", of: "examples", missing: examples.is_empty().then_some("add `examples:` with `passages`") };
    let spec = SourceSpec { served: served(&file, (&named, bytes), &plays, log), examples };
    Some((named, PassageSource { spec, conditions }))
}

/// What the binary itself plays of something that is read.
pub(super) struct Plays {
    /// What is read.
    pub(super) what: &'static str,
    /// What it plays.
    pub(super) of: &'static str,
    /// What to do where there is nothing to play.
    pub(super) missing: Option<&'static str>,
}

/// Of the file of something that is read: what serves it. What the binary itself serves must have something to play.
pub(super) fn served(file: &Fields<'_>, (named, bytes): (&Named, &[u8]), plays: &Plays, log: &Log) -> Served {
    let queue = file.text("queue", log).unwrap_or_else(|| "builtin".into());
    let timeout_ms = millis(file, "timeoutMs", 1, log).unwrap_or(READ_MS);
    let retry = file.find("retry").and_then(|node| retry_policy(node, log)).unwrap_or_default();
    if let Some(add) = plays.missing.filter(|_| &*queue == "builtin") {
        let message = format!("{} of this binary plays {}, and there are none", plays.what, plays.of);
        log.error_hint(Code::MissingKey, file.at, message, format!("{add}, or name the `queue` of a worker that serves it"));
    }
    Served {
        name: named.name.clone(),
        version: named.version.clone(),
        digest: Digest::of(bytes),
        queue,
        timeout_ms,
        retry: RetrySpec { when: None, except_when: None, ..retry },
    }
}

/// The passages of an example are what a worker may answer.
fn passages(example: &Node, log: &Log) {
    let Some(node) = example.member("passages") else { return };
    let Some(list) = node.as_list() else { return wrong_type(node, "passages", "a list of passages", log) };
    if list.len() as i64 > TOP_K_MAX {
        log.error(Code::TooLarge, node.at, format!("more than {TOP_K_MAX} passages"));
    }
    for passage in list {
        if let Err(wrong) = check_passage(&passage.to_value()) {
            log.error_hint(Code::WrongValue, passage.at, wrong, "write e.g. `{ source: handbook/refunds.md, text: '…' }`");
        }
    }
}

impl PassageSource {
    /// The source inside a program.
    pub(crate) fn compile(&self, tables: &mut Tables) -> SourceSpec {
        let mut spec = self.spec.clone();
        for (example, condition) in spec.examples.iter_mut().zip(&self.conditions) {
            example.when = condition.as_ref().map(|(source, origin)| tables.expression(source, &[], origin.clone()));
        }
        spec
    }

    /// The version, for the lock.
    pub(crate) fn version(&self) -> &Arc<str> {
        &self.spec.served.version
    }
}
