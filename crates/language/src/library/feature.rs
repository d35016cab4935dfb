//! Features: one YAML file each, with the contract of the value and the values that stand in for a feature store.

use std::sync::Arc;

use provost_model::program::{FeatureSpec, FeatureValue};
use provost_model::{Value, instant};

use super::source::{Plays, served};
use super::{Library, Named, named};
use crate::contract::Contract;
use crate::fields::{entries, fields, list, text};
use crate::finding::{Code, Log};
use crate::tables::Tables;
use crate::yaml::{Node, load, shown};

const KNOWN: [&str; 8] = ["name", "version", "description", "queue", "timeoutMs", "retry", "value", "values"];

/// Most values of one entity in a file.
const VALUES_MAX: usize = 10_000;

/// A feature as read; its contract is still a source.
#[derive(Debug)]
pub(crate) struct Feature {
    spec: FeatureSpec,
    value: Option<Value>,
}

/// Reads a feature's file.
pub(crate) fn read(bytes: &[u8], stem: &str, library: &Library, log: &Log) -> Option<(Named, Feature)> {
    let node = load(bytes, 1, log)?;
    let file = fields(&node, "a feature", &KNOWN, log)?;
    let named = named(&file, stem, log)?;
    file.text("description", log);
    let value = file.need("value", log).and_then(|node| library.schema_or_contract(node, log));
    let contract = value.as_ref().and_then(|schema| Contract::compile(schema).ok());
    let written = file.find("values").map(|node| entries(node, "`values`", log)).unwrap_or_default();
    let values: Vec<(Arc<str>, Vec<FeatureValue>)> =
        written.iter().map(|entry| (entry.key.clone(), timeline(&entry.value, contract.as_ref(), log))).collect();
    let add = "add `values:` by entity, each a list of `from` and `value`";
    let plays = Plays { what: "a feature", of: "values", missing: values.is_empty().then_some(add) };
    let spec = FeatureSpec { served: served(&file, (&named, bytes), &plays, log), value: None, values };
    Some((named, Feature { spec, value }))
}

/// The values of one entity, earliest first.
fn timeline(node: &Node, contract: Option<&Contract>, log: &Log) -> Vec<FeatureValue> {
    let Some(items) = list(node, "values of an entity", log) else { return Vec::new() };
    if items.len() > VALUES_MAX {
        log.error(Code::TooLarge, node.at, format!("more than {VALUES_MAX} values of one entity"));
    }
    let mut values: Vec<FeatureValue> = Vec::new();
    for item in items {
        let Some(value) = at_time(item, contract, log) else { continue };
        if values.last().is_some_and(|before| before.from_us >= value.from_us) {
            log.error_hint(Code::WrongValue, item.at, "values of an entity stand in order of time", "write the earliest `from` first");
        }
        values.push(value);
    }
    values
}

fn at_time(node: &Node, contract: Option<&Contract>, log: &Log) -> Option<FeatureValue> {
    let fields = fields(node, "a value", &["from", "value"], log)?;
    let value = fields.need("value", log).map(Node::to_value);
    let from = fields.need("from", log)?;
    let written = text(from, "from", log)?;
    let Some(from_us) = instant::parse(&written) else {
        let hint = "write e.g. '2026-01-31' or '2026-01-31T08:00:00Z'";
        log.error_hint(Code::WrongValue, from.at, format!("`{}` is no instant", shown(&written)), hint);
        return None;
    };
    let value = value?;
    if let Some(violation) = contract.and_then(|contract| contract.violations(&value).into_iter().next()) {
        let message = format!("the value does not obey the contract of the feature: `{}` {}", violation.pointer, violation.message);
        log.error(Code::WrongValue, fields.value_at("value"), message);
    }
    Some(FeatureValue { from_us, value })
}

impl Feature {
    /// The feature inside a program.
    pub(crate) fn compile(&self, tables: &mut Tables) -> FeatureSpec {
        FeatureSpec { value: self.value.as_ref().map(|schema| tables.schema(schema)), ..self.spec.clone() }
    }

    /// The version, for the lock.
    pub(crate) fn version(&self) -> &Arc<str> {
        &self.spec.served.version
    }

    /// The queue that serves it.
    pub(crate) fn queue(&self) -> &Arc<str> {
        &self.spec.served.queue
    }
}
