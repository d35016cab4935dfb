//! `use.extensions`: lists before and after every task of a kind.
//!
//! What must stay true: the lists are compiled once and shared; tasks of extensions and of functions are not extended themselves, so that
//! nothing grows without bound.

use std::cell::Cell;
use std::sync::Arc;

use provost_model::program::{AsideTask, ExtendedTask, Flow, Rare, Task, TaskIx, TaskKind};

use super::Build;
use super::task::plain_task;
use crate::fields::{self, fields};
use crate::finding::{Code, Place};
use crate::names::check_seen;
use crate::yaml::{Entry, Node, shown};

/// Most extensions of one document.
const EXTENSIONS_MAX: usize = 32;
const KINDS: [&str; 12] = ["call", "composite", "emit", "for", "listen", "raise", "run", "set", "switch", "try", "wait", "all"];

/// One extension, compiled.
pub(super) struct Extension {
    name: Arc<str>,
    at: Place,
    extend: Arc<str>,
    before: Option<TaskIx>,
    after: Option<TaskIx>,
    /// Whether it reads `$task`.
    reads: bool,
    used: Cell<bool>,
}

impl Extension {
    fn extends(&self, keyword: &str) -> bool {
        match &*self.extend {
            "all" => true,
            // What the specification called so before there were `do` and `fork`.
            "composite" => matches!(keyword, "do" | "fork"),
            kind => kind == keyword,
        }
    }
}

impl Build<'_> {
    /// Reads `use.extensions`.
    pub(super) fn extensions(&mut self, node: &Node) {
        let mut found: Vec<Extension> = Vec::new();
        for (index, item) in fields::list(node, "extensions", self.log).unwrap_or_default().iter().enumerate() {
            let Some([entry]) = item.as_map() else {
                self.log.error(Code::TaskShape, item.at, "an extension must be a mapping of one name");
                continue;
            };
            check_seen(&entry.key, entry.at, self.log);
            if found.iter().any(|other| other.name == entry.key) {
                self.log.error(Code::DuplicateName, entry.at, format!("extension `{}` stands twice", shown(&entry.key)));
            }
            if found.len() >= EXTENSIONS_MAX {
                self.log.error(Code::TooLarge, entry.at, format!("more than {EXTENSIONS_MAX} extensions"));
                break;
            }
            found.extend(self.extension(index, entry));
        }
        // Not before all are read: their own tasks are not extended.
        self.extensions = found;
    }

    fn extension(&mut self, index: usize, entry: &Entry) -> Option<Extension> {
        let known = ["extend", "when", "before", "after"];
        let extension = fields(&entry.value, "an extension", &known, self.log)?;
        extension.need("extend", self.log);
        let when = extension.find("when");
        let condition = when.and_then(|node| self.condition(node, "when"));
        let list = |build: &mut Self, key: &str| {
            let node = extension.find(key)?;
            let pointer = format!("/use/extensions/{index}/{}/{key}", entry.key.replace('~', "~0").replace('/', "~1"));
            let body = build.block(node, key, &pointer);
            let aside = TaskKind::Aside(Box::new(AsideTask { body, before: key == "before", when: condition }));
            Some(build.added(Some(plain_task(&format!("{key}:{}", entry.key), &pointer, aside))))
        };
        let (before, after) = (list(self, "before"), list(self, "after"));
        if before.is_none() && after.is_none() {
            let message = format!("extension `{}` does nothing", shown(&entry.key));
            self.log.error_hint(Code::MissingKey, entry.at, message, "add `before:` or `after:` with a list of tasks");
        }
        let extend = extension.word("extend", &KINDS, self.log)?;
        let reads = entry.value.to_value().to_string().contains("$task");
        if when.is_some() && condition.is_none() {
            return None;
        }
        Some(Extension { name: entry.key.clone(), at: entry.at, extend, before, after, reads, used: Cell::new(false) })
    }

    /// The task with what extensions run around it.
    pub(super) fn extended(&mut self, task: Task, keyword: &str, at: Place, written: &Node) -> Task {
        if !self.expanding.is_empty() {
            return task;
        }
        let around: Vec<&Extension> = self.extensions.iter().filter(|extension| extension.extends(keyword)).collect();
        if around.is_empty() {
            return task;
        }
        around.iter().for_each(|extension| extension.used.set(true));
        if around.iter().any(|other| *task.name == *format!("before:{}", other.name) || *task.name == *format!("after:{}", other.name)) {
            let hint = "give the task or the extension another name";
            self.log.error_hint(Code::DuplicateName, at, format!("`{}` is the name of an extension's own list", shown(&task.name)), hint);
        }
        let definition = around.iter().any(|extension| extension.reads).then(|| written.to_value());
        let before: Vec<TaskIx> = around.iter().filter_map(|extension| extension.before).collect();
        let after: Vec<TaskIx> = around.iter().rev().filter_map(|extension| extension.after).collect();
        let (name, pointer, then, kind) = (task.name.clone(), task.pointer.clone(), task.then.clone(), task.kind);
        let (input, output, export) = (Rare::default(), Rare::default(), Rare::default());
        let inner = self.added(Some(Task { name, pointer, when: None, input, output, export, timeout: None, then, kind }));
        if let Some(marks) = self.tables.owner.and_then(|owner| self.marked.remove(&owner)) {
            self.marked.insert(inner, marks);
        }
        let body = before.into_iter().chain([inner]).chain(after).collect();
        let kind = TaskKind::Extended(Box::new(ExtendedTask { body, task: inner, definition }));
        // Where control goes then is the inner task's to say: a `switch` or a `catch` may go elsewhere.
        Task { then: Flow::Continue, kind, ..task }
    }

    pub(super) fn warn_unused_extensions(&self) {
        for extension in self.extensions.iter().filter(|extension| !extension.used.get()) {
            let message = format!("extension `{}` extends no task", shown(&extension.name));
            self.log.warn(Code::Unused, extension.at, message, "remove it, or change its `extend`");
        }
    }
}
