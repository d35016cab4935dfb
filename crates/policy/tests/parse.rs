//! Files to sets: findings with their places, several at once; names, places and digests of what parses.
#![expect(clippy::unwrap_used, reason = "a set that does not parse is a failed test")]

use provost_policy::{Finding, NESTING_MAX, PolicySet, starter};

const SCHEMA: &str = r#"
entity Workflow;
entity Agent;
action "payments.refund", "payments.refund.with-review" appliesTo {
  principal: Workflow,
  resource: Action,
  context: { arguments: { amount: Long } }
};
"#;

fn findings(files: &[(&str, &str)], schema: Option<&str>) -> Vec<Finding> {
    PolicySet::parse(files, schema.map(|text| ("policy.cedarschema", text))).map(|set| set.len()).unwrap_err()
}

#[track_caller]
fn check(files: &[(&str, &str)], schema: Option<&str>, expected: &[(&str, u32, u32, &str)]) {
    let found = findings(files, schema);
    let places: Vec<_> = found.iter().map(|f| (f.file.as_str(), f.line, f.column, f.code)).collect();
    assert_eq!(places, expected, "{}", found.iter().map(Finding::to_string).collect::<Vec<_>>().join("\n"));
}

#[test]
fn syntax_errors_of_all_files_come_at_once() {
    let a = "permit (principal, action, resource);\npermit (principal, action resource);\n";
    let b = "// fine\n\n  forbid (principal, action, resource) when { context.a = 1 };\n";
    check(&[("b.cedar", b), ("a.cedar", a)], None, &[("a.cedar", 2, 27, "policy-syntax"), ("b.cedar", 3, 47, "policy-syntax")]);
}

#[test]
fn names_are_unique_and_not_empty() {
    let a = "@id(\"x\")\npermit (principal, action, resource);\n@id(\"\")\npermit (principal, action, resource);\n";
    let b = "\n@id(\"x\")\nforbid (principal, action, resource);\n";
    check(&[("a.cedar", a), ("b.cedar", b)], None, &[("a.cedar", 3, 1, "policy-id"), ("b.cedar", 2, 1, "policy-id")]);
}

#[test]
fn what_the_index_cannot_place_is_refused() {
    let a = "permit (principal == ?principal, action, resource);\npermit (principal, action == Shop::Action::\"x\", resource);\n";
    check(&[("a.cedar", a)], None, &[("a.cedar", 1, 1, "policy-template"), ("a.cedar", 2, 1, "policy-action")]);
    let group = "entity Workflow;\naction \"all\";\naction \"x\" in [\"all\"] appliesTo { principal: Workflow, resource: Workflow };\n";
    check(
        &[("a.cedar", "permit (principal, action == Action::\"x\", resource);")],
        Some(group),
        &[("policy.cedarschema", 1, 1, "policy-group")],
    );
}

#[test]
fn a_schema_finds_wrong_names_and_types() {
    let text = "@id(\"typo\")\npermit (principal is Workflow, action == Action::\"payments.refnd\", resource);\n\
                @id(\"text\")\npermit (principal, action == Action::\"payments.refund\", resource)\nwhen { context.arguments.amount == \"1\" };\n";
    check(&[("a.cedar", text)], Some(SCHEMA), &[("a.cedar", 2, 42, "policy-type"), ("a.cedar", 5, 8, "policy-type")]);
    let found = findings(&[("a.cedar", text)], Some(SCHEMA));
    assert!(found.iter().any(|f| f.message.contains("in `typo`")), "{found:?}");
}

#[test]
fn a_policy_on_trial_is_checked_as_one_in_force() {
    let text = "@log_only(\"a try\")\npermit (principal is Workflow, action == Action::\"payments.refnd\", resource);\n\
                @id(\"x\")\n@log_only(\"a try\")\npermit (principal, action == Action::\"payments.refund\", resource)\nwhen { context.arguments.amount == \"1\" };\n\
                @id(\"x\")\npermit (principal, action, resource);\n";
    let expected = [("a.cedar", 2, 42, "policy-type"), ("a.cedar", 6, 8, "policy-type"), ("a.cedar", 7, 1, "policy-id")];
    check(&[("a.cedar", text)], Some(SCHEMA), &expected);
    let group = "@log_only(\"a try\") permit (principal, action == Shop::Action::\"x\", resource);";
    check(&[("a.cedar", group)], None, &[("a.cedar", 1, 1, "policy-action")]);
}

#[test]
fn an_annotation_that_means_less_or_more_than_it_says_is_refused() {
    let policy = |annotation: &str| format!("{annotation}\npermit (principal, action, resource);");
    for annotation in ["@log_only", "@log_only(\" \")", "@log_only(\"false\")", "@logonly(\"a try\")", "@LOG_ONLY(\"a try\")"] {
        check(&[("a.cedar", &policy(annotation))], None, &[("a.cedar", 1, 1, "policy-log-only")]);
    }
    let tried = PolicySet::parse(&[("a.cedar", &policy("@log_only(\"a try\")"))], None).unwrap();
    let forced = PolicySet::parse(&[("a.cedar", &policy(""))], None).unwrap();
    assert!(tried.trial().is_some() && forced.trial().is_none());
    assert_ne!(tried.digest(), forced.digest());
}

#[test]
fn a_trial_keeps_names_places_and_actions_of_all() {
    let text = "permit (principal, action == Action::\"x\", resource);\n@log_only(\"a try\")\nforbid (principal, action == Action::\"y\", resource);\n\
                permit (principal, action == Action::\"z\", resource);\n";
    let set = PolicySet::parse(&[("a.cedar", text)], None).unwrap();
    let rules = |set: &PolicySet| set.rules().iter().map(|r| format!("{} {}", r.id, r.at)).collect::<Vec<_>>();
    assert_eq!(rules(&set), ["policy0 a.cedar:1", "policy1 a.cedar:2", "policy2 a.cedar:4"]);
    assert_eq!(rules(&set), rules(set.trial().unwrap()));
    assert_eq!(set.actions().collect::<Vec<_>>(), ["x", "y", "z"]);
    assert!(set.trial().unwrap().trial().is_none());
}

#[test]
fn a_schema_accepts_actions_as_resources() {
    let text = "permit (principal is Workflow, action == Action::\"payments.refund\", resource == Action::\"payments.refund\")\n\
                when { context.arguments.amount < 5 };\n";
    assert_eq!(PolicySet::parse(&[("a.cedar", text)], Some(("s.cedarschema", SCHEMA))).unwrap().len(), 1);
}

#[test]
fn a_broken_schema_is_a_finding() {
    let found = findings(&[("a.cedar", "permit (principal, action, resource);")], Some("entity Workflow\nentity ;"));
    assert_eq!(found.first().map(|f| (f.file.as_str(), f.code)), Some(("policy.cedarschema", "policy-schema")));
}

#[test]
fn a_file_given_twice_is_refused() {
    check(&[("a.cedar", ""), ("a.cedar", "permit (principal, action, resource);")], None, &[("a.cedar", 1, 1, "policy-file")]);
}

#[test]
fn nesting_is_bounded_before_the_parser_recurses() {
    let deep = |n: usize| format!("permit (principal, action, resource) when {{ {}true{} }};", "(".repeat(n), ")".repeat(n));
    assert!(PolicySet::parse(&[("a.cedar", &deep(NESTING_MAX / 2))], None).is_ok());
    check(&[("a.cedar", &deep(200_000))], None, &[("a.cedar", 1, 44 + 64, "policy-limit")]);
    let chained = format!("permit (principal, action, resource) when {{ {}true }};", "if true then true else ".repeat(20_000));
    assert_eq!(findings(&[("a.cedar", &chained)], None).first().map(|f| f.code), Some("policy-limit"));
}

#[test]
fn a_chain_of_operators_is_bounded_and_nothing_hides_it() {
    let chained = |link: &str, n: usize| format!("permit (principal, action, resource) when {{ {}1 == 2 }};", link.repeat(n));
    assert!(PolicySet::parse(&[("a.cedar", &chained("1 + ", 4_000))], None).is_ok());
    for link in ["1 + ", "1 + // ;\n", "if ", "context.s.a"] {
        let found = findings(&[("a.cedar", &chained(link, 40_000))], None);
        assert_eq!(found.first().map(|f| f.code), Some("policy-limit"), "{link}");
    }
    let quoted = format!("permit (principal, action, resource) when {{ {}\"\" == \"\" }};", "\"\\\";\" == context.a || ".repeat(1_000));
    assert_eq!(findings(&[("a.cedar", &quoted)], None).first().map(|f| f.code), Some("policy-limit"));
    let fine = format!("permit (principal, action, resource) when {{ context.s == \"{}\" }};", "((({{if ".repeat(100));
    assert!(PolicySet::parse(&[("a.cedar", &fine)], None).is_ok());
}

#[test]
fn a_digest_names_files_and_texts_in_any_order() {
    let digest = |files: &[(&str, &str)]| PolicySet::parse(files, None).unwrap().digest();
    let (a, b) = (("a.cedar", "permit (principal, action, resource);"), ("b.cedar", "// b"));
    assert_eq!(digest(&[a, b]), digest(&[b, a]));
    assert_ne!(digest(&[a, b]), digest(&[a]));
    assert_ne!(digest(&[("a.cedar", b.1)]), digest(&[b]));
    assert_eq!(PolicySet::empty().digest(), digest(&[]));
}

#[test]
fn a_rule_stands_where_its_policy_starts() {
    let text = "// permit (principal, action, resource);\n\n@id(\"named\")\n@why(\"because\")\npermit (principal, action, resource);\nforbid (principal, action == Action::\"x\", resource);";
    let set = PolicySet::parse(&[("a.cedar", text)], None).unwrap();
    let rules: Vec<String> = set.rules().iter().map(|r| format!("{} {}", r.id, r.at)).collect();
    assert_eq!(rules, ["named a.cedar:3", "policy1 a.cedar:6"]);
    assert_eq!(set.actions().collect::<Vec<_>>(), ["x"]);
    assert!(starter().rules().iter().all(|r| r.at.starts_with("starter@1.cedar:")));
}
