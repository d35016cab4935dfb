//! Policies that name an action, a workflow or an agent that nothing asks about: usually a name that was misspelt or that is gone.
//!
//! What must stay true: names are found as Cedar writes them (`Action::"…"`), outside of comments and texts. Whether the policies are
//! right is for the crate that reads them.

use std::collections::BTreeSet;
use std::sync::Arc;

use provost_model::Program;
use provost_model::program::{HTTP_CALL, TaskKind, Template};
use provost_model::verdict::PROVOST_ACTIONS;

use crate::finding::{Code, Log, Place};
use crate::library::Library;
use crate::nearest::nearest;
use crate::yaml::shown;

/// What follows an action's name in the question whether it may happen after a review.
const WITH_REVIEW: &str = ".with-review";

/// The names that questions to policy can hold in one bundle.
#[derive(Debug, Default)]
pub(crate) struct Asked {
    actions: BTreeSet<Arc<str>>,
    workflows: BTreeSet<Arc<str>>,
    agents: BTreeSet<Arc<str>>,
    /// Whether a question may name any action.
    any: bool,
}

impl Asked {
    /// What `programs`, all workflows of a bundle, ask.
    pub(crate) fn of<'p>(programs: impl IntoIterator<Item = &'p Program>) -> Self {
        let mut asked = Self { actions: PROVOST_ACTIONS.iter().map(|name| Arc::from(*name)).collect(), ..Self::default() };
        for program in programs {
            asked.workflows.insert(program.name.clone());
            asked.actions.extend(program.actions.values().map(|spec| spec.name.clone()));
            asked.agents.extend(program.agents.values().map(|spec| spec.name.clone()));
            for task in &program.tasks {
                let TaskKind::Policy(question) = &task.kind else { continue };
                match &question.action {
                    Template::Literal(value) => asked.actions.extend(value.as_str().map(Arc::from)),
                    Template::Expression(_) | Template::Array(_) | Template::Object(_) => asked.any = true,
                }
            }
        }
        asked
    }

    fn names(&self, kind: &str) -> Option<&BTreeSet<Arc<str>>> {
        match kind {
            "Action" if !self.any => Some(&self.actions),
            "Workflow" => Some(&self.workflows),
            "Agent" => Some(&self.agents),
            _ => None,
        }
    }
}

/// The actions that an answer of policy may depend on: those of the bundle and of Provost, and whatever a policy names.
pub(crate) fn answered<'l>(library: &'l Library, policies: &'l [(Arc<str>, Arc<str>)]) -> BTreeSet<&'l str> {
    let named = policies.iter().flat_map(|(_, text)| names(text)).filter(|named| named.kind == "Action");
    let named = named.map(|named| named.name.strip_suffix(WITH_REVIEW).unwrap_or(named.name));
    let of_bundle = library.actions.iter().filter_map(|action| action.key.rsplit_once('@').map(|(name, _)| name));
    named.chain(of_bundle).chain(PROVOST_ACTIONS).chain([HTTP_CALL]).collect()
}

/// What is said about a question that asks for an action that is not among `known`.
pub(crate) fn unanswered(action: &str, known: &BTreeSet<&str>, at: Place, log: &Log) {
    let all: Vec<&str> = known.iter().copied().collect();
    let hint = match (action.strip_suffix(WITH_REVIEW), nearest(action, &all)) {
        (Some(plain), _) if known.contains(plain) => format!("write `{plain}`: the answer says whether it needs a review"),
        (_, Some(near)) => format!("did you mean `{}`?", near.word),
        (_, None) => "write the name of an action, or a policy that names it".to_owned(),
    };
    let message = format!("the bundle has no action `{}`, and no policy names it", shown(action));
    log.warn(Code::Unanswered, at, message, hint);
}

/// What is said about one policy file.
pub(crate) fn check(asked: &Asked, text: &str, log: &Log) {
    for Named { kind, name, at } in names(text) {
        let Some(known) = asked.names(kind) else { continue };
        let plain = if kind == "Action" { name.strip_suffix(WITH_REVIEW).unwrap_or(name) } else { name };
        if known.contains(plain) {
            continue;
        }
        let all: Vec<&str> = known.iter().map(|name| &**name).collect();
        let hint = match nearest(plain, &all) {
            Some(near) => format!("did you mean `{}`?", near.word),
            None => "remove it, or add what it is about to the bundle".to_owned(),
        };
        let what = kind.to_ascii_lowercase();
        log.warn(Code::Unasked, at, format!("nothing in this bundle asks about the {what} `{}`", shown(plain)), hint);
    }
}

/// `Kind::"name"` in a policy.
struct Named<'t> {
    kind: &'t str,
    name: &'t str,
    at: Place,
}

fn names(text: &str) -> Vec<Named<'_>> {
    let mut found = Vec::new();
    for (line, row) in (1_u32..).zip(text.lines()) {
        let mut offset = 0;
        while let Some((start, end)) = quoted(row, offset) {
            let before = row.get(..start).unwrap_or_default().trim_end();
            if let Some(rest) = before.strip_suffix("::") {
                let rest = rest.trim_end();
                let from = rest.rfind(|c: char| !c.is_ascii_alphanumeric() && c != '_').map_or(0, |at| at + 1);
                let (path, kind) = rest.split_at_checked(from).unwrap_or(("", rest));
                let column = u32::try_from(path.chars().count()).unwrap_or(0) + 1;
                if !path.ends_with("::") {
                    let name = row.get(start + 1..end).unwrap_or_default();
                    found.push(Named { kind, name, at: Place { line, column } });
                }
            }
            offset = end + 1;
        }
    }
    found
}

/// The next text in quotes from `offset`: where its quotes stand. Nothing after a comment begins.
fn quoted(row: &str, offset: usize) -> Option<(usize, usize)> {
    let rest = row.get(offset..)?;
    let start = rest.find('"')? + offset;
    if row.get(offset..start)?.contains("//") {
        return None;
    }
    let mut escaped = false;
    for (at, c) in row.get(start + 1..)?.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return Some((start, start + 1 + at)),
            _ => {}
        }
    }
    None
}
