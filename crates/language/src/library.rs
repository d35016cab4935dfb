//! The parts of a bundle that workflows name: agents, actions, rules tables, sources, features, contracts and OpenAPI documents, read once and compiled into each program
//! that uses them.
//!
//! What must stay true: a bare name means the one version the bundle holds; several versions need `@major`; nothing is looked up
//! outside the bundle.

pub(crate) mod action;
pub(crate) mod agent;
pub(crate) mod api;
pub(crate) mod contract;
pub(crate) mod feature;
pub(crate) mod function;
mod json;
mod prompt;
pub(crate) mod rules;
pub(crate) mod source;

use std::collections::BTreeMap;
use std::sync::Arc;

use provost_model::Value;
use provost_model::program::ReviewSpec;

use crate::fields::Fields;
use crate::finding::{Code, Log, Place, listed};
use crate::source::SOURCE_BYTES_MAX;
use crate::tables::Tables;
use crate::version;
use crate::workflow::fixed_ms;
use crate::yaml::{Node, shown};

use action::Action;
use agent::Agent;
use api::Api;
use contract::Contract;
use feature::Feature;
use function::Function;
use rules::Table;
use source::PassageSource;

/// Everything workflows can name.
#[derive(Debug, Default)]
pub(crate) struct Library {
    pub(crate) agents: Shelf<Agent>,
    pub(crate) actions: Shelf<Action>,
    pub(crate) rules: Shelf<Table>,
    pub(crate) sources: Shelf<PassageSource>,
    pub(crate) features: Shelf<Feature>,
    pub(crate) contracts: Vec<Contract>,
    pub(crate) apis: Vec<Api>,
    /// What the bundle's workflows call themselves.
    pub(crate) workflows: Vec<Known>,
    /// Functions of the bundle's own catalogues, by `name:version@catalog`.
    pub(crate) functions: BTreeMap<Arc<str>, Function>,
}

/// A workflow of the bundle, as others may run it.
#[derive(Debug)]
pub(crate) struct Known {
    pub(crate) namespace: Arc<str>,
    pub(crate) name: Arc<str>,
    pub(crate) version: Arc<str>,
}

/// A part and its key `name@major`.
#[derive(Debug)]
pub(crate) struct Shelved<T> {
    pub(crate) key: Arc<str>,
    pub(crate) part: T,
}

/// Parts of one kind, by name and major version.
#[derive(Debug)]
pub(crate) struct Shelf<T> {
    parts: BTreeMap<Arc<str>, BTreeMap<u64, Shelved<T>>>,
}

impl<T> Default for Shelf<T> {
    fn default() -> Self {
        Self { parts: BTreeMap::new() }
    }
}

impl<T> Shelf<T> {
    /// Adds a part; `false` if its name and major version are taken.
    pub(crate) fn add(&mut self, name: &Arc<str>, major: u64, part: T) -> bool {
        let versions = self.parts.entry(name.clone()).or_default();
        let key = version::qualified(name, major);
        if versions.contains_key(&major) {
            return false;
        }
        versions.insert(major, Shelved { key, part });
        true
    }

    /// All parts in order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Shelved<T>> {
        self.parts.values().flat_map(BTreeMap::values)
    }

    /// The part that `written` (`name` or `name@major`) means; what is wrong is in the log.
    pub(crate) fn resolve(&self, written: &str, what: &str, at: Place, log: &Log) -> Option<&Shelved<T>> {
        let (name, major) = written.split_once('@').map_or((written, None), |(name, major)| (name, Some(major)));
        let Some(versions) = self.parts.get(name) else {
            let known: Vec<&str> = self.parts.keys().map(|name| &**name).collect();
            let message = format!("the bundle has no {what} `{}`", shown(name));
            if known.is_empty() {
                let folder = if what == "rules table" { "rules".to_owned() } else { format!("{what}s") };
                log.error_hint(Code::UnknownReference, at, message, format!("add it to the folder `{folder}/`"));
            } else {
                log.unknown(Code::UnknownReference, at, message, name, &known);
            }
            return None;
        };
        let keys: Vec<&str> = versions.values().map(|part| &*part.key).collect();
        match major {
            Some("latest") => {
                log.error_hint(Code::Refused, at, "the profile refuses `latest`", format!("write {}", listed(&keys)));
                None
            }
            Some(major) => {
                let found = major.parse().ok().and_then(|major: u64| versions.get(&major));
                if found.is_none() {
                    let hint = format!("the bundle has {}", listed(&keys));
                    log.error_hint(Code::UnknownReference, at, format!("the bundle has no {what} `{}`", shown(written)), hint);
                }
                found
            }
            None if versions.len() > 1 => {
                let message = format!("`{}` fits several versions", shown(name));
                log.error_hint(Code::Ambiguous, at, message, format!("write one of {}", listed(&keys)));
                None
            }
            None => versions.values().next(),
        }
    }
}

/// The heading of a part's file: its name and version.
pub(crate) struct Named {
    pub(crate) name: Arc<str>,
    pub(crate) version: Arc<str>,
    pub(crate) major: u64,
}

/// Name from the file's own name (an `@major` at its end is checked), version from its `version`.
pub(crate) fn named(fields: &Fields<'_>, stem: &str, log: &Log) -> Option<Named> {
    let (stem, wanted) = stem.split_once('@').map_or((stem, None), |(stem, major)| (stem, Some(major)));
    let name = fields.text("name", log).unwrap_or_else(|| stem.into());
    if !version::is_name(&name) {
        let hint = "letters, digits, `-`, `_` and inner dots, at most 63";
        log.error_hint(Code::WrongValue, fields.at, format!("`{}` cannot be a name", shown(&name)), hint);
        return None;
    }
    let node = fields.need("version", log)?;
    let written = crate::fields::text(node, "version", log)?;
    let Some(major) = version::major(&written) else {
        let hint = "write three numbers, e.g. 1.0.0";
        log.error_hint(Code::WrongValue, node.at, format!("`{}` is not a version", shown(&written)), hint);
        return None;
    };
    if wanted.is_some_and(|wanted| wanted != major.to_string()) {
        log.error(Code::WrongValue, node.at, format!("the file's name says another major version than `{written}`"));
    }
    Some(Named { name, version: written, major })
}

impl Library {
    /// A schema written in place.
    pub(crate) fn schema(&self, node: &Node, log: &Log) -> Option<Value> {
        let schema = node.to_value();
        contract::check(&schema, node.at, log).then_some(schema)
    }

    /// A schema, or the name of a contract.
    pub(crate) fn schema_or_contract(&self, node: &Node, log: &Log) -> Option<Value> {
        match node.as_text() {
            Some(name) => self.contract(name, node.at, log),
            None => self.schema(node, log),
        }
    }

    /// The contract under a path (`contracts/x.json`), a file's stem, or an event type.
    pub(crate) fn contract(&self, name: &str, at: Place, log: &Log) -> Option<Value> {
        let path = name.trim_start_matches("./");
        let fits = |contract: &&Contract| *contract.path == *path || *contract.name == *path || contract.event.as_deref() == Some(path);
        let found = self.contracts.iter().find(fits);
        if found.is_none() {
            let known: Vec<&str> = self.contracts.iter().map(|contract| &*contract.name).collect();
            log.unknown(Code::UnknownReference, at, format!("the bundle has no contract `{}`", shown(name)), name, &known);
        }
        found.map(|contract| contract.schema.clone())
    }

    /// The contract that names an event type in `x-provost.type`.
    pub(crate) fn contract_of_event(&self, kind: &str) -> Option<Value> {
        self.contracts.iter().find(|contract| contract.event.as_deref() == Some(kind)).map(|contract| contract.schema.clone())
    }

    /// The members of a review: `queue title options fourEyes form expiresMs`.
    pub(crate) fn review(&self, fields: &Fields<'_>, log: &Log, tables: &mut Tables) -> Option<ReviewSpec> {
        let (review, form) = self.review_source(fields, log)?;
        Some(ReviewSpec { form: form.map(|schema| tables.schema(&schema)), ..review })
    }

    /// A review whose form is still a schema.
    pub(crate) fn review_source(&self, fields: &Fields<'_>, log: &Log) -> Option<(ReviewSpec, Option<Value>)> {
        let queue = fields.need_text("queue", log);
        let title = fields.text("title", log).unwrap_or_default();
        if title.contains("${") {
            let hint = "titles are fixed; put what changes into `show`";
            log.warn(Code::NotEvaluated, fields.key_at("title"), "`title` holds `${` but is taken as it stands", hint);
        }
        let mut options = fields.find("options").map(|node| crate::fields::texts(node, "options", log)).unwrap_or_default();
        if options.is_empty() {
            options = vec!["approve".into(), "reject".into()];
        } else if options.len() < 2 {
            log.error_hint(
                Code::WrongValue,
                fields.key_at("options"),
                "a review has two options or more",
                "the first approves, the second rejects",
            );
        }
        let four_eyes = fields.flag("fourEyes", log).unwrap_or(false);
        let form = fields.find("form").and_then(|node| self.schema_or_contract(node, log));
        let expires_ms = fields.int("expiresMs", 0, i64::MAX, log).unwrap_or(0);
        Some((ReviewSpec { queue: queue?, title, options, four_eyes, form: None, expires_ms }, form))
    }
}

/// A duration in milliseconds under a key that ends in `Ms`, or a duration object.
pub(crate) fn millis(fields: &Fields<'_>, key: &str, from: i64, log: &Log) -> Option<i64> {
    let node = fields.find(key)?;
    if node.as_map().is_some() {
        return fixed_ms(node, key, log);
    }
    crate::fields::int(node, key, from, i64::MAX >> 12, log)
}

/// Size limit of one schema, in bytes of canonical JSON.
pub(crate) const SCHEMA_BYTES_MAX: usize = SOURCE_BYTES_MAX / 4;
