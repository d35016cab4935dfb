//! Checks policies against a Cedar schema in which authored actions are resources too.
//!
//! Cedar always declares `Action` as the type of actions and lets no schema use it for a resource, while our requests ask
//! `resource == Action::"payments.refund"`. So a copy of both texts is checked in which the resource's type has another name.
//! What must stay true: the other name has the same length, so that every place stays where the author wrote it; only the copy is
//! changed, never what is evaluated. It does not touch schemas in JSON.

use cedar_policy as cedar;

use crate::finding::Finding;

/// The type of an authored action where it is a resource, in the checked copy only.
const STAND_IN: &str = "Actio_";
const ACTION: &str = "Action";

/// A schema with its action groups refused.
pub(crate) fn read(file: &str, text: &str) -> Result<cedar::Schema, Vec<Finding>> {
    let schema = parsed(file, text).map_err(|finding| vec![named_back(finding)])?;
    let groups = schema.action_groups().map(|group| {
        let message =
            format!("`{group}` is a group of actions, and policy knows no groups; list the actions: `action in [Action::\"a\", …]`");
        Finding::at(file, text, 0, "policy-group", message)
    });
    let groups: Vec<Finding> = groups.collect();
    if groups.is_empty() { Ok(schema) } else { Err(groups) }
}

fn parsed(file: &str, text: &str) -> Result<cedar::Schema, Finding> {
    if file.ends_with(".json") {
        return cedar::Schema::from_json_str(text).map_err(|e| Finding::of_cedar(file, text, 0, "policy-schema", &e));
    }
    let mut copy = renamed(text, &["entity"], &[]);
    let declared = copy != text;
    copy = renamed(&copy, &["resource"], &[":"]);
    if copy.contains(STAND_IN) && !declared {
        copy.push_str("\nentity Actio_;\n");
    }
    let read = cedar::Schema::from_cedarschema_str(&copy);
    read.map(|(schema, _warnings)| schema).map_err(|e| Finding::of_cedar(file, &copy, 0, "policy-schema", &e))
}

/// The copy of a policy file that is checked.
pub(crate) fn policy_copy(text: &str) -> String {
    renamed(text, &["resource"], &["==", "!=", "is", "in"])
}

/// A finding as the author knows the words.
pub(crate) fn named_back(mut finding: Finding) -> Finding {
    finding.message = finding.message.replace(STAND_IN, ACTION);
    finding.hint = finding.hint.map(|hint| hint.replace(STAND_IN, ACTION));
    finding
}

/// Renames `Action` where it follows one of `words` and, if there are any, one of `signs`; in a bracketed list each of it.
fn renamed(text: &str, words: &[&str], signs: &[&str]) -> String {
    let mut out = text.to_owned();
    for word in words {
        for (at, _) in text.match_indices(word) {
            let after = text.get(at.saturating_add(word.len())..).unwrap_or_default();
            if let Some(rest) = past_sign(after, signs) {
                rename_names(&mut out, text.len().saturating_sub(rest.len()), rest);
            }
        }
    }
    out
}

fn past_sign<'a>(after: &'a str, signs: &[&str]) -> Option<&'a str> {
    let trimmed = after.trim_start();
    if signs.is_empty() {
        return (trimmed.len() < after.len()).then_some(trimmed);
    }
    signs.iter().find_map(|sign| trimmed.strip_prefix(sign)).map(str::trim_start)
}

/// Renames the name that `rest` starts with, or every name of the list that it starts with. `at` is where `rest` stands in `out`.
fn rename_names(out: &mut String, at: usize, rest: &str) {
    let list = rest.strip_prefix('[').map(|inner| inner.split(']').next().unwrap_or_default());
    let (start, names) = list.map_or((at, rest), |inner| (at.saturating_add(1), inner));
    for (offset, _) in names.match_indices(ACTION) {
        let first = list.is_some() || offset == 0;
        let ends =
            |text: Option<&str>, at_end: fn(&str) -> Option<char>| text.and_then(at_end).is_none_or(|c| !(c.is_alphanumeric() || c == '_'));
        let whole = ends(names.get(..offset), |t| t.chars().next_back())
            && ends(names.get(offset.saturating_add(ACTION.len())..), |t| t.chars().next());
        if first && whole {
            let begin = start.saturating_add(offset);
            out.replace_range(begin..begin.saturating_add(ACTION.len()), STAND_IN);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{policy_copy, renamed};

    #[test]
    fn only_the_resource_is_renamed_and_nothing_moves() {
        let text =
            "permit (principal, action == Action::\"x\", resource == Action::\"x\")\nwhen { resource is Action || resource is Actions };";
        let copy = policy_copy(text);
        assert_eq!(copy.len(), text.len());
        assert_eq!(
            copy,
            "permit (principal, action == Action::\"x\", resource == Actio_::\"x\")\nwhen { resource is Actio_ || resource is Actions };"
        );
        assert_eq!(renamed("resource: [Agent, Action, Actions]", &["resource"], &[":"]), "resource: [Agent, Actio_, Actions]");
        assert_eq!(renamed("entity Action;", &["entity"], &[]), "entity Actio_;");
        assert_eq!(renamed("// identity\nentityAction", &["entity"], &[]), "// identity\nentityAction");
    }
}
