//! What changed in meaning between two bundles, thing by thing.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a bundle that does not compile is a failed test")]

use provost_language::difference::{Change, Side, Subject, difference};
use provost_language::{Sources, compile, render};
use provost_model::Program;

const WORKFLOW: &str = "document: { dsl: '1.0.3', namespace: t, name: w, version: '1.0.0' }
input: { schema: { document: { type: object, properties: { sum: { type: integer } } } } }
do:
  - ask: { call: agent, with: { agent: judge, input: '${ . }' } }
  - price: { call: rules, with: { table: prices, input: { kind: a } } }
  - pay: { call: act, with: { action: pay, arguments: { to: x } } }
  - settle: { call: plan, with: { agent: judge, goal: x, allow: [ pay ] } }
  - choose: { switch: [ { far: { when: '${ .discount > 3 }', then: end } } ] }
";
const AGENT: &str = "---
version: 1.0.0
model: scripted
queue: panel
output: { type: object, properties: { verdict: { enum: [ yes, no ] } } }
examples: [ { answer: { verdict: yes } } ]
---
Judge it.
Be brief.
Say why.
";
const ACTION: &str = "version: 1.0.0
class: E1
queue: hands
timeoutMs: 1000
arguments: { type: object, properties: { to: { type: string } } }
";
const POLICY: &str = "// The first.
@id(\"pay\")
permit (principal, action == Action::\"pay\", resource);
permit (principal, action == Action::\"agent.start\", resource);
";
const TABLE: &str = "# version: 1.0.0
# hit: first
id,.kind,.sum,= discount
small,a,<= 100,1
rest,,,2
";

fn sources(change: (&str, &str, &str)) -> (Vec<Program>, Vec<(String, String)>) {
    let files = [
        ("workflows/w.yaml", WORKFLOW),
        ("agents/judge.md", AGENT),
        ("actions/pay.yaml", ACTION),
        ("rules/prices.csv", TABLE),
        ("policies/p.cedar", POLICY),
    ];
    let all: Sources = files
        .iter()
        .map(|(path, text)| {
            let changed = if *path == change.0 { text.replace(change.1, change.2) } else { (*text).to_owned() };
            assert!(*path != change.0 || change.1 == change.2 || changed != *text, "{path} has no `{}`", change.1);
            ((*path).to_owned(), changed.into_bytes())
        })
        .collect();
    let checked = compile(&all);
    let bundle = checked.bundle.unwrap_or_else(|| panic!("{}", render(&checked.findings, &all)));
    let policies = bundle.policies.iter().map(|(path, text)| (path.to_string(), text.to_string())).collect();
    (bundle.workflows, policies)
}

/// What one change of one file comes to: subject, name, part, before and after.
fn changed(path: &str, from: &str, to: &str) -> Vec<String> {
    let (old, new) = (sources(("", "", "")), sources((path, from, to)));
    let side = |(programs, policies): &'_ (Vec<Program>, Vec<(String, String)>)| -> (Vec<Program>, Vec<(String, String)>) {
        (programs.clone(), policies.clone())
    };
    let ((a, ap), (b, bp)) = (side(&old), side(&new));
    let shown = |change: Change| {
        let Change { subject, name, part, before, after } = change;
        let (before, after) = (before.unwrap_or_else(|| "-".to_owned()), after.unwrap_or_else(|| "-".to_owned()));
        format!("{} {name} {part}: {before} -> {after}", subject.as_str())
    };
    difference(Side { programs: &a, policies: &ap }, Side { programs: &b, policies: &bp }).into_iter().map(shown).collect()
}

#[test]
fn each_kind_of_change_is_told_where_it_is() {
    let cases: [(&str, &str, &str, &[&str]); 23] = [
        ("workflows/w.yaml", "{ to: x }", "{   to:   x   }", &[]),
        ("policies/p.cedar", "// The first.", "// The  first of two.", &[]),
        ("workflows/w.yaml", "'1.0.0' }", "'1.1.0' }", &["workflow w version: 1.0.0 -> 1.1.0"]),
        (
            "workflows/w.yaml",
            "'1.0.0' }",
            "'1.0.0', metadata: { provost: { reconcile: { every: PT5M } } } }",
            &[r#"workflow w reconcile: - -> {"everyMs":300000,"inDoubt":true,"parked":true,"looksMax":12}"#],
        ),
        ("workflows/w.yaml", "{ to: x }", "{ to: y }", &[r#"task w/pay arguments: {"to":"x"} -> {"to":"y"}"#]),
        ("workflows/w.yaml", "> 3", "> 4", &["task w/choose case far: .discount > 3 -> end -> .discount > 4 -> end"]),
        ("workflows/w.yaml", "then: end", "then: exit", &["task w/choose case far: .discount > 3 -> end -> .discount > 3 -> exit"]),
        ("workflows/w.yaml", "  - price", "  - wait: { wait: { seconds: 1 } }\n  - price", &["task w/wait : - -> wait"]),
        (
            "workflows/w.yaml",
            "  - price: { call: rules, with: { table: prices, input: { kind: a } } }\n  - pay: { call: act, with: { action: pay, arguments: { to: x } } }\n",
            "  - pay: { call: act, with: { action: pay, arguments: { to: x } } }\n  - price: { call: rules, with: { table: prices, input: { kind: a } } }\n",
            &["task w order: ask, price, pay, settle, choose -> ask, pay, price, settle, choose"],
        ),
        ("workflows/w.yaml", "goal: x", "goal: y", &[r#"task w/settle goal: "x" -> "y""#]),
        ("workflows/w.yaml", "allow: [ pay ]", "allow: [ pay, { table: prices } ]", &["task w/settle/allow/prices@1 : - -> call rules"]),
        (
            "workflows/w.yaml",
            "allow: [ pay ]",
            "allow: [ { action: pay, arguments: { to: y } } ]",
            &[r#"task w/settle allow act pay@1: - -> to = "y""#],
        ),
        ("workflows/w.yaml", "type: integer", "type: number", &[r#"contract w input /properties/sum/type: "integer" -> "number""#]),
        ("agents/judge.md", "Be brief.", "Be kind.", &["prompt judge line 2: Be brief. -> Be kind."]),
        ("agents/judge.md", "Be brief.\n", "", &["prompt judge line 2: Be brief. -> -"]),
        ("agents/judge.md", "model: scripted", "model: openai:small", &["route judge : scripted -> openai:small"]),
        (
            "agents/judge.md",
            "[ yes, no ] }",
            "[ yes, no, unsure ] }",
            &[r#"contract judge output /properties/verdict/enum: ["yes","no"] -> ["yes","no","unsure"]"#],
        ),
        ("actions/pay.yaml", "timeoutMs: 1000", "timeoutMs: 2000", &["action pay /timeoutMs: 1000 -> 2000"]),
        ("actions/pay.yaml", "class: E1", "class: E2", &[r#"action pay /class: "E1" -> "E2""#]),
        ("rules/prices.csv", "<= 100,1", "<= 200,1", &["rules prices row small .sum: <= 100 -> <= 200"]),
        ("rules/prices.csv", "rest,,,2", "rest,,,3", &["rules prices row rest = discount: 2 -> 3"]),
        (
            "policies/p.cedar",
            "@id(\"pay\")\npermit",
            "@id(\"pay\")\nforbid",
            &[
                r#"policy pay : @id("pay") permit (principal, action == Action::"pay", resource) -> @id("pay") forbid (principal, action == Action::"pay", resource)"#,
            ],
        ),
        (
            "workflows/w.yaml",
            "  - price: { call: rules, with: { table: prices, input: { kind: a } } }\n",
            "",
            &["task w/price : call rules -> -", "rules prices : 1.0.0 -> -"],
        ),
    ];
    for (path, from, to, expected) in cases {
        assert_eq!(changed(path, from, to), *expected, "{path}: {from} -> {to}");
    }
}

#[test]
fn a_subject_has_one_word() {
    let words = [
        Subject::Workflow,
        Subject::Task,
        Subject::Contract,
        Subject::Agent,
        Subject::Prompt,
        Subject::Route,
        Subject::Action,
        Subject::Rules,
        Subject::Policy,
    ];
    for subject in words {
        assert_eq!(serde_json::to_value(subject).unwrap(), subject.as_str());
    }
}
