//! `run: workflow`: a workflow of the same bundle, by namespace, name and version.
//!
//! What must stay true: what is run is in the bundle, so that one pin fixes both; nothing is looked up elsewhere.

use provost_model::program::{RunTask, TaskKind};

use super::Build;
use crate::fields::fields;
use crate::finding::{Code, Place};
use crate::yaml::{Node, shown};

impl Build<'_> {
    /// The workflow that `what` names.
    pub(super) fn run_workflow(&mut self, what: &Node, at: Place, (awaits, silent): (bool, bool)) -> Option<TaskKind> {
        let named = fields(what, "`workflow`", &["namespace", "name", "version", "input"], self.log)?;
        let namespace = named.need_text("namespace", self.log);
        let name = named.need_text("name", self.log);
        let version = named.need_text("version", self.log);
        let input = named.find("input").map(|node| self.transform(node, "input"));
        let (namespace, name, version) = (namespace?, name?, version?);
        if &*version == "latest" {
            self.refuse(named.value_at("version"), "the version `latest`", "name the version that was tested");
            return None;
        }
        let library = self.library;
        let Some(found) = library.workflows.iter().find(|workflow| workflow.name == name && workflow.namespace == namespace) else {
            let known: Vec<String> = library.workflows.iter().map(|w| format!("`{}/{}` {}", w.namespace, w.name, w.version)).collect();
            let names: Vec<&str> = library.workflows.iter().map(|workflow| &*workflow.name).collect();
            let near = crate::nearest::nearest(&name, &names).map(|near| format!("did you mean `{}`? ", near.word)).unwrap_or_default();
            let rest = if known.is_empty() { String::new() } else { format!(". The bundle has {}", known.join(", ")) };
            let hint = format!("{near}put it into `workflows/`: one pin fixes both{rest}");
            self.refuse(at, &format!("`{}/{}`, which is not in the bundle", shown(&namespace), shown(&name)), &hint);
            return None;
        };
        if found.version != version {
            let hint = format!("write version: '{}'", found.version);
            let message = format!("the bundle has no version `{}` of `{name}`", shown(&version));
            self.log.error_hint(Code::UnknownReference, named.value_at("version"), message, hint);
            return None;
        }
        let input = match input {
            Some(input) => Some(input?),
            None => None,
        };
        Some(TaskKind::Run(Box::new(RunTask { workflow: name, version, input, awaits, silent, keys: None })))
    }
}
