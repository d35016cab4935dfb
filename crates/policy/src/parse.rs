//! Files to policies: every finding of every file at once, rules with names and places.
//!
//! What must stay true: policies are numbered in the order of the sorted files, so that two machines name the same rule the same
//! way. Templates and groups of actions are refused, because the index could not place them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use cedar_policy as cedar;
use provost_model::verdict::Rule;

use crate::finding::{Finding, line_column};

/// Most policies in one set.
pub const POLICIES_MAX: usize = 10_000;
/// Longest policy or schema file, in bytes.
pub const FILE_BYTES_MAX: usize = 1 << 20;
/// Deepest nesting of brackets in a policy file, in levels.
pub const NESTING_MAX: usize = 64;
/// Longest statement, in bytes.
pub const STATEMENT_BYTES_MAX: usize = 16 << 10;
/// What puts a policy on trial: it is evaluated, and what it would have changed is recorded, but it does not decide.
pub const LOG_ONLY: &str = "log_only";

/// Policies whose ids are their numbers, and their rules by number.
pub(crate) struct Parsed {
    pub(crate) policies: Vec<cedar::Policy>,
    pub(crate) rules: Vec<Rule>,
    /// The numbers of those on trial.
    pub(crate) tried: BTreeSet<usize>,
    pub(crate) actions: BTreeSet<Arc<str>>,
}

/// A policy before it is numbered.
struct Located<'a> {
    file: &'a str,
    text: &'a str,
    offset: usize,
    policy: cedar::Policy,
    rule: Rule,
}

/// Parses files and checks them; see [`crate::PolicySet::parse`].
pub(crate) fn parse(files: &[(&str, &str)], schema: Option<(&str, &str)>) -> Result<Parsed, Vec<Finding>> {
    let mut findings = Vec::new();
    let mut sorted = files.to_vec();
    sorted.sort_unstable();
    let mut located = Vec::new();
    let mut before = None;
    for (file, text) in sorted {
        if before == Some(file) {
            findings.push(Finding::at(file, "", 0, "policy-file", format!("`{file}` is given twice; name each file once")));
        } else if let Some(finding) = unfit(file, text) {
            findings.push(finding);
        } else {
            one_file(file, text, &mut located, &mut findings);
        }
        before = Some(file);
    }
    if located.len() > POLICIES_MAX {
        let message = format!("{} policies are more than {POLICIES_MAX}; split the set or say more in one policy", located.len());
        findings.push(Finding::at(files.first().map_or("", |f| f.0), "", 0, "policy-limit", message));
    }
    same_names(&located, &mut findings);
    trials(&located, &mut findings);
    let actions = located.iter().flat_map(|l| actions_of(l, &mut findings)).collect();
    if let Some((file, text)) = schema {
        against_schema(file, text, &located, &mut findings);
    }
    findings.sort();
    findings.dedup();
    if !findings.is_empty() {
        return Err(findings);
    }
    let rules = located.iter().map(|l| l.rule.clone()).collect();
    let tried = located.iter().enumerate().filter(|(_, l)| l.policy.annotation(LOG_ONLY).is_some()).map(|(number, _)| number).collect();
    Ok(Parsed { policies: numbered(&located), rules, tried, actions })
}

/// A file too long or nested too deep for the parser, which recurses.
fn unfit(file: &str, text: &str) -> Option<Finding> {
    if text.len() > FILE_BYTES_MAX {
        let message = format!("{} bytes are more than {FILE_BYTES_MAX}; split the file", text.len());
        return Some(Finding::at(file, "", 0, "policy-limit", message));
    }
    let (at, message) = too_deep(text)?;
    Some(Finding::at(file, text, at, "policy-limit", message))
}

/// Where a statement first nests too deep or gets too long (a long chain of operators is a deep tree), and what to do about it.
fn too_deep(text: &str) -> Option<(usize, String)> {
    let (mut open, mut conditionals, mut start) = (0_usize, 0_usize, 0_usize);
    let mut word = String::new();
    for (at, c) in code(text) {
        match c {
            '(' | '[' | '{' => open = open.saturating_add(1),
            ')' | ']' | '}' => open = open.saturating_sub(1),
            ';' => (conditionals, start) = (0, at),
            _ => {}
        }
        if c.is_alphanumeric() || c == '_' {
            word.push(c);
        } else {
            conditionals = conditionals.saturating_add(usize::from(word == "if"));
            word.clear();
        }
        if open.saturating_add(conditionals) > NESTING_MAX {
            return Some((at, format!("brackets or conditionals nest deeper than {NESTING_MAX} levels; flatten the condition")));
        }
        if at.saturating_sub(start) > STATEMENT_BYTES_MAX {
            return Some((start, format!("the statement after here is longer than {STATEMENT_BYTES_MAX} bytes; split the policy")));
        }
    }
    None
}

/// The characters outside strings and comments, so that neither hides the end of a statement nor feigns one.
fn code(text: &str) -> impl Iterator<Item = (usize, char)> {
    let (mut quoted, mut escaped, mut comment) = (false, false, false);
    text.char_indices().filter(move |(at, c)| {
        if comment {
            comment = *c != '\n';
            return !comment;
        }
        if quoted {
            (quoted, escaped) = (escaped || *c != '"', !escaped && *c == '\\');
            return false;
        }
        quoted = *c == '"';
        comment = text.get(*at..).is_some_and(|rest| rest.starts_with("//"));
        !quoted && !comment
    })
}

fn one_file<'a>(file: &'a str, text: &'a str, located: &mut Vec<Located<'a>>, findings: &mut Vec<Finding>) {
    let set: cedar::PolicySet = match text.parse() {
        Ok(set) => set,
        Err(errors) => {
            let errors: cedar::ParseErrors = errors;
            findings.extend(errors.iter().map(|e| Finding::of_cedar(file, text, 0, "policy-syntax", e)));
            return;
        }
    };
    for template in set.templates() {
        let offset = template.as_ref().loc().map_or(0, |loc| loc.start());
        let message = "policy templates are not supported; write the principal or resource out".to_owned();
        findings.push(Finding::at(file, text, offset, "policy-template", message));
    }
    let mut found: Vec<(usize, &cedar::Policy)> = set.policies().map(|p| (start(p), p)).collect();
    found.sort_by_key(|(offset, _)| *offset);
    for (number, (offset, policy)) in found.into_iter().enumerate() {
        let name = policy.annotation("id").map_or_else(|| format!("policy{number}"), str::to_owned);
        let rule = Rule { id: name.into(), at: format!("{file}:{}", line_column(text, offset).0).into() };
        located.push(Located { file, text, offset, policy: policy.clone(), rule });
    }
}

/// Two rules of one `@id`, or an empty one, would make a verdict ambiguous.
fn same_names(located: &[Located<'_>], findings: &mut Vec<Finding>) {
    let mut first: BTreeMap<&str, &Rule> = BTreeMap::new();
    for here in located {
        let Some(name) = here.policy.annotation("id") else { continue };
        let finding = |message| Finding::at(here.file, here.text, here.offset, "policy-id", message);
        if name.trim().is_empty() {
            findings.push(finding("the `@id` is empty; give the policy a name".to_owned()));
        } else if let Some(earlier) = first.insert(name, &here.rule) {
            findings.push(finding(format!("`@id(\"{name}\")` names the policy at {} too; give each its own name", earlier.at)));
        }
    }
}

/// An annotation that reads as the opposite of what it does would put a policy in force, or out of it, unseen.
fn trials(located: &[Located<'_>], findings: &mut Vec<Finding>) {
    for here in located {
        let finding = |message| Finding::at(here.file, here.text, here.offset, "policy-log-only", message);
        for (name, text) in here.policy.annotations() {
            if name != LOG_ONLY && name.replace('_', "").eq_ignore_ascii_case("logonly") {
                findings.push(finding(format!("`@{name}` puts no policy on trial; write `@{LOG_ONLY}(\"what is tried\")`")));
            } else if name == LOG_ONLY && matches!(text.trim(), "" | "false") {
                let message = format!("`@{LOG_ONLY}` says nothing; write what is tried, or remove it and the policy decides");
                findings.push(finding(message));
            }
        }
    }
}

/// The names of a policy's actions; one in a namespace could never match.
fn actions_of(here: &Located<'_>, findings: &mut Vec<Finding>) -> Vec<Arc<str>> {
    let named = match here.policy.action_constraint() {
        cedar::ActionConstraint::Any => Vec::new(),
        cedar::ActionConstraint::Eq(action) => vec![action],
        cedar::ActionConstraint::In(actions) => actions,
    };
    for action in named.iter().filter(|a| !a.type_name().namespace().is_empty()) {
        let message = format!("`{action}` is in a namespace and never asked for; write `Action::\"{}\"`", action.id().unescaped());
        findings.push(Finding::at(here.file, here.text, here.offset, "policy-action", message));
    }
    named.iter().map(|a| Arc::from(a.id().unescaped())).collect()
}

fn against_schema(file: &str, text: &str, located: &[Located<'_>], findings: &mut Vec<Finding>) {
    if let Some(finding) = unfit(file, text) {
        findings.push(finding);
        return;
    }
    let schema = match crate::schema::read(file, text) {
        Ok(schema) => schema,
        Err(found) => {
            findings.extend(found);
            return;
        }
    };
    let Ok(set) = cedar::PolicySet::from_policies(checked_copies(located)) else { return };
    for error in cedar::Validator::new(schema).validate(&set, cedar::ValidationMode::Strict).validation_errors() {
        let id: &str = error.policy_id().as_ref();
        if let Some(here) = id.parse::<usize>().ok().and_then(|number| located.get(number)) {
            let finding = Finding::of_cedar(here.file, here.text, here.offset, "policy-type", error);
            findings.push(without_number(crate::schema::named_back(finding), id, &here.rule));
        }
    }
}

/// The policies as the schema sees them, at the same places and under the same numbers.
fn checked_copies(located: &[Located<'_>]) -> Vec<cedar::Policy> {
    let mut copies: BTreeMap<&str, Vec<cedar::Policy>> = BTreeMap::new();
    for here in located {
        copies.entry(here.file).or_insert_with(|| reparsed(&crate::schema::policy_copy(here.text)));
    }
    let copy = |here: &Located<'_>| copies.get(here.file)?.iter().find(|p| start(p) == here.offset).cloned();
    let policies = located.iter().map(|here| copy(here).unwrap_or_else(|| here.policy.clone()));
    policies.enumerate().map(|(number, policy)| policy.new_id(numbered_id(number))).collect()
}

fn reparsed(text: &str) -> Vec<cedar::Policy> {
    text.parse::<cedar::PolicySet>().map(|set| set.policies().cloned().collect()).unwrap_or_default()
}

/// Where a policy starts in its file, in bytes.
fn start(policy: &cedar::Policy) -> usize {
    policy.as_ref().loc().map_or(0, |loc| loc.start())
}

/// Cedar names policies by our numbers; people know them by their rules.
fn without_number(mut finding: Finding, id: &str, rule: &Rule) -> Finding {
    let (number, name) = (format!("for policy `{id}`"), format!("in `{}`", rule.id));
    finding.message = finding.message.replace(&number, &name);
    finding.hint = finding.hint.map(|hint| hint.replace(&number, &name));
    finding
}

fn numbered(located: &[Located<'_>]) -> Vec<cedar::Policy> {
    located.iter().enumerate().map(|(number, here)| here.policy.new_id(numbered_id(number))).collect()
}

fn numbered_id(number: usize) -> cedar::PolicyId {
    cedar::PolicyId::new(format!("{number:06}"))
}
