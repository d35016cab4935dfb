//! `use`: what a document declares once and names often.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::sync::Arc;

use super::Build;
use crate::compiled::{self, Expressions};
use crate::fields::{Fields, entries, fields, texts};
use crate::finding::{Code, Log, Place};
use crate::names::check_seen;
use crate::tables::Tables;
use crate::yaml::{Entry, Node, shown};

const KNOWN: [&str; 8] = ["authentications", "errors", "extensions", "functions", "retries", "secrets", "timeouts", "catalogs"];
const KEPT: [&str; 5] = ["authentications", "errors", "functions", "retries", "timeouts"];

/// The declarations of `use`, by section and name.
#[derive(Debug, Default)]
pub(super) struct Uses<'n> {
    declared: Vec<(&'static str, &'n Entry)>,
    used: RefCell<BTreeSet<(&'static str, Arc<str>)>>,
}

impl<'n> Uses<'n> {
    fn read(node: &'n Node, log: &Log) -> Option<(Self, Fields<'n>)> {
        let sections = fields(node, "`use`", &KNOWN, log)?;
        let mut declared = Vec::new();
        for section in KEPT {
            let Some(found) = sections.find(section) else { continue };
            let written = entries(found, section, log);
            written.iter().for_each(|entry| check_seen(&entry.key, entry.at, log));
            declared.extend(written.iter().map(|entry| (section, entry)));
        }
        Some((Self { declared, used: RefCell::default() }, sections))
    }

    /// Whether `section` declares `name`.
    pub(super) fn declares(&self, section: &'static str, name: &str) -> bool {
        self.declared.iter().any(|(s, entry)| *s == section && *entry.key == *name)
    }

    /// What `section` declares under `name`.
    pub(super) fn find(&self, section: &'static str, name: &Arc<str>, at: Place, log: &Log) -> Option<&'n Node> {
        self.used.borrow_mut().insert((section, name.clone()));
        let found = self.declared.iter().find(|(s, entry)| *s == section && entry.key == *name);
        if found.is_none() {
            let known: Vec<&str> = self.declared.iter().filter(|(s, _)| *s == section).map(|(_, entry)| &*entry.key).collect();
            log.unknown(Code::UnknownReference, at, format!("`use.{section}` declares no `{}`", shown(name)), name, &known);
        }
        found.map(|(_, entry)| &entry.value)
    }

    /// Names under `section`.
    pub(super) fn names(&self, section: &'static str) -> Vec<&'n str> {
        self.declared.iter().filter(|(s, _)| *s == section).map(|(_, entry)| &*entry.key).collect()
    }
}

impl<'a> Build<'a> {
    /// Reads `use`; definitions are checked whether or not they are used.
    pub(super) fn uses(&mut self, node: &'a Node) {
        let before = self.log.errors();
        self.uses_sections(node);
        self.uses_read = self.log.errors() == before;
    }

    fn uses_sections(&mut self, node: &'a Node) {
        let Some((uses, sections)) = Uses::read(node, self.log) else { return };
        let declared = uses.declared.clone();
        self.uses = uses;
        for (section, entry) in declared {
            match section {
                "authentications" => self.authentication_definition(&entry.value),
                "errors" => drop(self.error_definition(&entry.value)),
                "timeouts" => drop(self.timeout(&entry.value)),
                "retries" => self.retry_definition(&entry.value),
                _ => {}
            }
        }
        self.foreign_sections(&sections);
    }

    /// A retry policy that is declared. It is expanded where a `catch` names it, so that its conditions see the error under the name that
    /// this `catch` gives it: here only what is wrong with them under any name is said.
    fn retry_definition(&mut self, node: &Node) {
        let (log, outer) = (self.log, std::mem::take(&mut self.tables));
        super::duration::catch_retry(node, self, log);
        let own = std::mem::replace(&mut self.tables, outer);
        let Tables { expressions, expression_origins: origins, .. } = &own;
        // Where secrets may stand is said of each use.
        log.extend(compiled::certain(&Expressions { expressions, origins, kept: &[], secrets: None }));
    }

    fn foreign_sections(&mut self, sections: &Fields<'_>) {
        if let Some(node) = sections.find("secrets") {
            let places = node.as_list().unwrap_or_default().iter().map(|item| item.at);
            self.secrets = texts(node, "secrets", self.log).into_iter().zip(places).collect();
            for (name, _) in self.secrets.iter().filter(|(name, _)| !provost_model::record::is_secret_name(name)) {
                let hint = "1 to 128 of `a-z A-Z 0-9 _ - .`, not beginning with a dot: it is the name of a file";
                self.log.error_hint(Code::Secret, node.at, format!("`{}` cannot be the name of a secret", shown(name)), hint);
            }
        }
        if let Some(node) = sections.find("extensions") {
            self.extensions(node);
        }
        if let Some(node) = sections.find("catalogs") {
            for entry in entries(node, "catalogs", self.log) {
                self.catalog(entry);
            }
        }
    }

    /// A catalogue: a folder of the bundle.
    fn catalog(&mut self, entry: &Entry) {
        let Some(catalog) = fields(&entry.value, "a catalogue", &["endpoint"], self.log) else { return };
        let Some(endpoint) = catalog.need("endpoint", self.log) else { return };
        let uri = match endpoint.as_map() {
            Some(_) => {
                fields(endpoint, "`endpoint`", &["uri", "authentication"], self.log).and_then(|fields| fields.need_text("uri", self.log))
            }
            None => crate::fields::text(endpoint, "endpoint", self.log),
        };
        let Some(uri) = uri else { return };
        if uri.contains("://") || uri.contains("${") {
            let hint = "put its functions into the bundle: `catalogs/CATALOG/functions/NAME/VERSION/function.yaml`";
            return self.refuse(endpoint.at, "catalogues from elsewhere", hint);
        }
        if &*entry.key == "default" {
            self.log.error_hint(Code::WrongValue, entry.at, "`default` is Provost's own catalogue", "choose another name");
        }
        let folder = uri.trim_start_matches("./").trim_end_matches('/');
        let known: Vec<String> = self.library.functions.values().map(|function| format!("catalogs/{}", function.catalog)).collect();
        if !known.iter().any(|known| *known == *folder) {
            let message = format!("the bundle has no catalogue `{}`", shown(&uri));
            let known: Vec<&str> = known.iter().map(String::as_str).collect();
            self.log.unknown(Code::UnknownReference, endpoint.at, message, folder, &known);
            return;
        }
        let folder: Arc<str> = folder.trim_start_matches("catalogs/").into();
        self.catalogs.insert(entry.key.clone(), folder);
    }

    /// Warns about declarations that nothing names.
    pub(super) fn warn_unused(&self) {
        self.warn_unused_extensions();
        let used = self.uses.used.borrow();
        for (section, entry) in &self.uses.declared {
            if !used.contains(&(*section, entry.key.clone())) {
                let message = format!("`use.{section}.{}` is never used", shown(&entry.key));
                self.log.warn(Code::Unused, entry.at, message, "remove it, or name it");
            }
        }
    }
}
