//! `call: retrieve` and `call: feature`: names are written out, so that what is missing is found at publish.

use std::sync::Arc;

use provost_model::program::reads::{FEATURES_MAX, TOP_K, TOP_K_MAX};
use provost_model::program::{FeatureTask, RetrieveTask, TaskKind};

use super::{Build, expression_text};
use crate::fields::{self, fields};
use crate::finding::{Code, Place};
use crate::yaml::Node;

impl Build<'_> {
    pub(super) fn retrieve_call(&mut self, with: &Node) -> Option<TaskKind> {
        let with = fields(with, "`with` of retrieve", &["source", "query", "topK"], self.log)?;
        let source = with.need_text("source", self.log).and_then(|name| self.source(&name, with.value_at("source")));
        let query = with.need("query", self.log).map(|node| self.template(node));
        let top_k = with.int("topK", 1, TOP_K_MAX, self.log).unwrap_or(TOP_K);
        Some(TaskKind::Retrieve(Box::new(RetrieveTask { source: source?, query: query?, top_k })))
    }

    pub(super) fn feature_call(&mut self, with: &Node) -> Option<TaskKind> {
        let with = fields(with, "`with` of feature", &["names", "entity", "asOf"], self.log)?;
        let names = with.need("names", self.log).map(|node| (node.at, fields::list(node, "names", self.log).unwrap_or_default()));
        let entity = with.need("entity", self.log).map(|node| self.template(node));
        let as_of = with.find("asOf").map(|node| self.template(node));
        let (at, nodes) = names?;
        if nodes.is_empty() || nodes.len() > FEATURES_MAX {
            let message = format!("`names` holds 1 to {FEATURES_MAX} features");
            self.log.error_hint(Code::WrongValue, at, message, "write e.g. `names: [ orders-30d ]`");
            return None;
        }
        let mut names: Vec<Arc<str>> = Vec::new();
        let mut queues: Vec<Arc<str>> = Vec::new();
        for node in nodes {
            let name = fields::text(node, "names", self.log)?;
            let (key, queue) = self.feature(&name, node.at)?;
            let plain = |key: &Arc<str>| key.split('@').next().map(str::to_owned);
            if names.iter().any(|known| plain(known) == plain(&key)) {
                self.log.error(Code::WrongValue, node.at, format!("`{key}` is named twice"));
            }
            if queues.first().is_some_and(|first| *first != queue) {
                let hint = "write one call for each queue";
                self.log.error_hint(Code::WrongValue, node.at, "the features of one call are served by one queue", hint);
            }
            names.push(key);
            queues.push(queue);
        }
        Some(TaskKind::Feature(Box::new(FeatureTask { names, entity: entity?, as_of })))
    }

    /// Resolves a source and takes it into the program.
    pub(super) fn source(&mut self, name: &str, at: Place) -> Option<Arc<str>> {
        if self.is_computed(name, at, "source") {
            return None;
        }
        let source = self.library.sources.resolve(name, "source", at, self.log)?;
        let key = source.key.clone();
        if !self.sources.contains_key(&key) {
            let spec = source.part.compile(&mut self.tables);
            self.sources.insert(key.clone(), spec);
        }
        Some(key)
    }

    /// Resolves a feature and takes it into the program; its queue too.
    pub(super) fn feature(&mut self, name: &str, at: Place) -> Option<(Arc<str>, Arc<str>)> {
        if self.is_computed(name, at, "feature") {
            return None;
        }
        let feature = self.library.features.resolve(name, "feature", at, self.log)?;
        let key = feature.key.clone();
        if !self.features.contains_key(&key) {
            let spec = feature.part.compile(&mut self.tables);
            self.features.insert(key.clone(), spec);
        }
        Some((key, feature.part.queue().clone()))
    }

    /// A name that is an expression cannot be checked at publish, nor pinned.
    fn is_computed(&self, name: &str, at: Place, what: &str) -> bool {
        let computed = expression_text(name).is_some();
        if computed {
            let hint = format!("write the name of the {what}; choose between several with `switch`");
            self.log.error_hint(Code::WrongValue, at, format!("the name of a {what} cannot be computed"), hint);
        }
        computed
    }
}
