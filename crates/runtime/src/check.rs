//! What is wrong with the sources of a bundle: findings of the language and of its policies, in one list.
//!
//! What must stay true: whatever keeps a bundle from being published is a finding with file, line and column, said beside all others. What
//! is absent: reading a folder, and showing anything.

use std::sync::Arc;

use provost_language::{Checked, Code, Finding, Severity, Sources, compile, policy_files};
use provost_policy::PolicySet;

/// Checks and compiles a bundle folder, or a lone workflow document, with its policies.
pub fn check(sources: &Sources) -> Checked {
    let mut checked = compile(sources);
    checked.extend(policies(sources));
    checked
}

fn policies(sources: &Sources) -> Vec<Finding> {
    let files = policy_files(sources);
    let pairs: Vec<(&str, &str)> = files.policies.iter().map(|(path, text)| (&**path, &**text)).collect();
    let (schema, ignored) = files.schemas.split_first().map_or((None, &[][..]), |(first, rest)| (Some(first), rest));
    let more = schema.into_iter().flat_map(|(first, _)| ignored.iter().map(move |(path, _)| unread(path, first)));
    let schema = schema.map(|(path, text)| (&**path, &**text));
    let found = PolicySet::parse(&pairs, schema).err().unwrap_or_default();
    found.into_iter().map(finding).chain(more).collect()
}

/// All policies of a bundle obey one schema.
fn unread(path: &Arc<str>, first: &str) -> Finding {
    Finding {
        code: Code::Policy,
        severity: Severity::Error,
        file: path.clone(),
        line: 1,
        column: 1,
        message: format!("`{first}` is the schema already"),
        hint: Some("a bundle has one schema of policies: put both into one file".to_owned()),
        expected: Vec::new(),
        fix: None,
    }
}

fn finding(found: provost_policy::Finding) -> Finding {
    let provost_policy::Finding { file, line, column, code, message, hint } = found;
    let (message, hint) = match (hint, usual(code)) {
        (Some(hint), _) => (message, hint),
        (None, Some(usual)) => (message, usual.to_owned()),
        // What Provost itself says of a policy ends with what to do.
        (None, None) => {
            message.rsplit_once("; ").map_or_else(|| (message.clone(), String::new()), |(what, todo)| (what.to_owned(), todo.to_owned()))
        }
    };
    let hint = (!hint.is_empty()).then_some(hint);
    Finding {
        code: Code::Policy,
        severity: Severity::Error,
        file: file.into(),
        line,
        column,
        message: format!("{message} ({code})"),
        hint,
        expected: Vec::new(),
        fix: None,
    }
}

/// What to do about a finding in Cedar's own words.
fn usual(code: &str) -> Option<&'static str> {
    match code {
        "policy-syntax" => Some("a policy is Cedar: `permit (principal, action == Action::\"name\", resource) when { … };`"),
        "policy-schema" => {
            Some("a schema is Cedar: `action \"name\" appliesTo { principal: Workflow, resource: Action, context: { … } };`")
        }
        "policy-type" => Some("compare it with the schema beside the policies"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WORKFLOW: &str = "document: { dsl: '1.0.3', namespace: t, name: t, version: '1.0.0' }\ndo: [ { a: { set: { b: 1 } } } ]\n";

    fn said(files: &[(&str, &str)]) -> (bool, String) {
        let mut sources = Sources::new();
        sources.add("workflows/w.yaml", WORKFLOW.as_bytes());
        files.iter().for_each(|(path, text)| sources.add(path, text.as_bytes()));
        let checked = check(&sources);
        (checked.bundle.is_some(), provost_language::render(&checked.findings, &sources))
    }

    #[test]
    fn a_policy_that_cannot_be_read_is_a_finding_like_every_other() {
        let (sound, said) = said(&[("policies/p.cedar", "@id(\"a\")\npermit (principal, action resource);\n")]);
        assert!(!sound, "{said}");
        let expected = "policies/p.cedar:2:27: error PV1047: unexpected token `resource`: expected `!=`, `)`, `,`, `:`, `<`, `<=`, `==`, `>`, `>=`, `in`, or `is` (policy-syntax)\n    \
                        2 | permit (principal, action resource);\n      |                           ^^^^^^^^\n      \
                        = a policy is Cedar: `permit (principal, action == Action::\"name\", resource) when { … };`\n";
        assert_eq!(said, expected);
    }

    #[test]
    fn what_provost_asks_of_policies_says_what_to_do() {
        let policy = "@id(\"\")\npermit (principal, action, resource);\n";
        let (sound, said) =
            said(&[("policies/p.cedar", policy), ("policies/a.cedarschema", "entity W;"), ("policies/b.cedarschema", "entity W;")]);
        assert!(!sound, "{said}");
        assert!(said.contains("policies/p.cedar:1:1: error PV1047: the `@id` is empty (policy-id)"), "{said}");
        assert!(said.contains("      = give the policy a name\n"), "{said}");
        assert!(said.contains("policies/b.cedarschema:1:1: error PV1047: `policies/a.cedarschema` is the schema already\n"), "{said}");
    }

    #[test]
    fn a_policy_is_judged_beside_a_document_that_does_not_compile() {
        let (sound, said) = said(&[("workflows/x.yaml", "document: 7\n"), ("policies/p.cedar", "permit;\n")]);
        assert!(!sound && said.contains("PV1012") && said.contains("policies/p.cedar:1:7: error PV1047"), "{said}");
    }
}
