//! `schema/*.schema.json` are what is generated (`UPDATE_GOLDEN=1` writes them anew), and agree with the readers.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a missing file or member is a failed test")]
#![expect(clippy::disallowed_methods, reason = "the test reads the folders that the crate must not")]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::{SchemaKind, text};
use crate::contract::Contract;
use crate::finding::{Code, Log};
use crate::{Sources, compile};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn compiled(kind: SchemaKind) -> Contract {
    Contract::compile(&provost_model::value::parse(text(kind).as_bytes()).unwrap()).unwrap()
}

fn value(bytes: &[u8], name: &str) -> Option<provost_model::Value> {
    if name.ends_with(".md") {
        let text = std::str::from_utf8(bytes).unwrap();
        return value(text.split("---\n").nth(1).unwrap().as_bytes(), "front.yaml");
    }
    crate::yaml::load(bytes, 1, &Log::new(name)).map(|node| node.to_value())
}

fn faults(kind: SchemaKind, bytes: &[u8], name: &str) -> Vec<String> {
    let Some(value) = value(bytes, name) else { return vec!["not YAML".to_owned()] };
    compiled(kind).violations(&value).iter().map(|violation| format!("{violation:?}")).collect()
}

#[test]
fn the_committed_schemas_are_the_generated_ones() {
    for kind in SchemaKind::ALL {
        let path = root().join(format!("schema/{}.schema.json", kind.word()));
        if std::env::var_os("UPDATE_GOLDEN").is_some() {
            std::fs::write(&path, text(kind)).unwrap();
        }
        assert_eq!(std::fs::read_to_string(&path).unwrap_or_default(), text(kind), "run with UPDATE_GOLDEN=1: {}", path.display());
    }
}

#[test]
fn every_file_of_the_bundles_is_valid() {
    let kinds = [
        ("workflows", SchemaKind::Workflow),
        ("agents", SchemaKind::Agent),
        ("rules", SchemaKind::Rules),
        ("actions", SchemaKind::Action),
        ("contracts", SchemaKind::Contract),
        ("tests", SchemaKind::Test),
    ];
    let mut seen = 0;
    for bundle in std::fs::read_dir(root().join("bundles")).unwrap().map(|entry| entry.unwrap().path()) {
        for (folder, kind) in kinds {
            for file in std::fs::read_dir(bundle.join(folder)).into_iter().flatten().map(|entry| entry.unwrap().path()) {
                let bytes = std::fs::read(&file).unwrap();
                assert_eq!(faults(kind, &bytes, file.to_str().unwrap()), Vec::<String>::new(), "{}", file.display());
                seen += 1;
            }
        }
        let sources: Sources = [(
            "workflows/w.yaml",
            "document: { dsl: '1.0.3', namespace: n, name: w, version: '1.0.0' }\ndo: [ { a: { set: { b: 1 } } } ]\n",
        )]
        .map(|(path, text)| (path, text.as_bytes().to_vec()))
        .into_iter()
        .collect();
        let lock = compile(&sources).bundle.unwrap().lock.to_text();
        assert_eq!(faults(SchemaKind::Lock, lock.as_bytes(), "provost.lock"), Vec::<String>::new());
    }
    assert!(seen >= 20, "{seen} files");
}

/// The keys a schema allows at a path of members, `*` being every member of a mapping and `#` the items of a list.
fn keys(kind: SchemaKind, path: &str) -> BTreeSet<String> {
    let schema: serde_json::Value = serde_json::from_str(&text(kind)).unwrap();
    let found = schema.pointer(path).unwrap_or_else(|| panic!("{path}"));
    found["properties"].as_object().unwrap_or_else(|| panic!("{path}")).keys().cloned().collect()
}

/// What the reader says it knows where `oddity` stands.
fn known(files: &[(&str, &str)]) -> BTreeSet<String> {
    let lone = "document: { dsl: '1.0.3', namespace: n, name: w, version: '1.0.0' }\ndo: [ { a: { set: { b: 1 } } } ]\n";
    let mut sources = Sources::new();
    sources.add("workflows/w.yaml", lone.as_bytes());
    sources.add("contracts/c.json", &b"{}"[..]);
    for (path, text) in files {
        sources.add(path, text.as_bytes());
    }
    let findings = compile(&sources).findings;
    let odd = findings.iter().find(|finding| finding.code == Code::UnknownKey && finding.message.contains("oddity"));
    odd.unwrap_or_else(|| panic!("{files:?}: {findings:?}")).expected.iter().cloned().collect()
}

#[test]
fn schemas_know_the_keys_that_the_readers_know() {
    let action = |body: &str| format!("version: 1.0.0\nclass: E1\n{body}\n");
    for (path, body) in [
        ("", "oddity: 1"),
        ("/properties/http", "http: { oddity: 1 }"),
        ("/properties/lookup", "lookup: { oddity: 1 }"),
        ("/properties/retry", "retry: { oddity: 1 }"),
        ("/properties/review", "review: { oddity: 1 }"),
        ("/properties/rate", "rate: { oddity: 1 }"),
        ("/properties/breaker", "breaker: { oddity: 1 }"),
        ("/properties/retry/properties/limit", "retry: { limit: { oddity: 1 } }"),
    ] {
        let mut known = known(&[("actions/a.yaml", &action(body))]);
        // Conditions are read to be refused with a better message than an unknown key has.
        known.retain(|key| !(path == "/properties/retry" && matches!(key.as_str(), "when" | "exceptWhen")));
        assert_eq!(keys(SchemaKind::Action, path), known, "action {path}");
    }
    for (path, body) in [
        ("", "oddity: 1"),
        ("/properties/budgets", "budgets: { oddity: 1 }"),
        ("/properties/failure/anyOf/1", "failure: { oddity: 1 }"),
        ("/properties/examples/items", "examples: [ { oddity: 1 } ]"),
    ] {
        let text = format!("---\nversion: 1.0.0\nmodel: scripted\n{body}\n---\nprompt\n");
        assert_eq!(keys(SchemaKind::Agent, path), known(&[("agents/a.md", &text)]), "agent {path}");
    }
    for (path, body) in [("", "oddity: 1\nrows: [ { then: 1 } ]"), ("/properties/rows/items", "rows: [ { then: 1, oddity: 1 } ]")] {
        assert_eq!(keys(SchemaKind::Rules, path), known(&[("rules/r.yaml", &format!("version: 1.0.0\n{body}\n"))]), "rules {path}");
    }
    let contract = known(&[("contracts/d.json", r#"{ "x-provost": { "oddity": 1 } }"#)]);
    assert_eq!(keys(SchemaKind::Contract, "/properties/x-provost"), contract);
}

#[test]
fn the_workflow_schema_knows_the_keys_that_the_compiler_knows() {
    let task = "/$defs/task/properties";
    let with = |at: usize| format!("/$defs/task/allOf/{at}/then/properties/with");
    let provost = "/properties/document/properties/metadata/properties/provost".to_owned();
    for (path, head, body) in [
        (String::new(), "", "do: []\noddity: 1"),
        ("/properties/document".to_owned(), ", oddity: 1", "do: []"),
        (provost.clone(), ", metadata: { provost: { oddity: 1 } }", "do: []"),
        (format!("{provost}/properties/limits"), ", metadata: { provost: { limits: { oddity: 1 } } }", "do: []"),
        (format!("{provost}/properties/cancel"), ", metadata: { provost: { cancel: { oddity: 1 } } }", "do: []"),
        ("/properties/use".to_owned(), "", "use: { oddity: 1 }\ndo: []"),
        ("/properties/schedule".to_owned(), "", "schedule: { oddity: 1 }\ndo: []"),
        ("/properties/evaluate".to_owned(), "", "evaluate: { oddity: 1 }\ndo: []"),
        ("/$defs/input".to_owned(), "", "input: { oddity: 1 }\ndo: []"),
        ("/$defs/output".to_owned(), "", "output: { oddity: 1 }\ndo: []"),
        (format!("{task}/for"), "", "do: [ { a: { for: { oddity: 1 }, do: [] } } ]"),
        (format!("{task}/fork"), "", "do: [ { a: { fork: { oddity: 1 } } } ]"),
        (format!("{task}/catch"), "", "do: [ { a: { try: [ { b: { set: { c: 1 } } } ], catch: { oddity: 1 } } } ]"),
        (format!("{task}/switch/items/additionalProperties"), "", "do: [ { a: { switch: [ { b: { oddity: 1 } } ] } } ]"),
        (format!("{task}/metadata/properties/provost"), "", "do: [ { a: { set: { b: 1 }, metadata: { provost: { oddity: 1 } } } } ]"),
        (with(0), "", "do: [ { a: { call: agent, with: { oddity: 1 } } } ]"),
        (with(1), "", "do: [ { a: { call: rules, with: { oddity: 1 } } } ]"),
        (with(2), "", "do: [ { a: { call: decide, with: { oddity: 1 } } } ]"),
        (with(3), "", "do: [ { a: { call: policy, with: { oddity: 1 } } } ]"),
        (with(4), "", "do: [ { a: { call: review, with: { oddity: 1 } } } ]"),
        (with(5), "", "do: [ { a: { call: act, with: { oddity: 1 } } } ]"),
        (with(6), "", "do: [ { a: { call: compensate, with: { oddity: 1 } } } ]"),
    ] {
        let text = format!("document: {{ dsl: '1.0.3', namespace: n, name: w, version: '1.0.0'{head} }}\n{body}\n");
        assert_eq!(keys(SchemaKind::Workflow, &path), known(&[("workflows/w.yaml", &text)]), "workflow {path}");
    }
}

/// Where the upstream documents are lent: what must fail does, unless only more than its shape says so; what may run is valid.
#[test]
fn upstream_documents_that_must_fail_do() {
    let lent = root().join("../shared/conformance/open-workflow/invalid");
    let mut caught = 0;
    for file in std::fs::read_dir(lent).into_iter().flatten().map(|entry| entry.unwrap().path()) {
        let name = file.file_name().unwrap().to_str().unwrap().to_owned();
        if !name.ends_with(".yaml") {
            continue;
        }
        let found = faults(SchemaKind::Workflow, &std::fs::read(&file).unwrap(), &name);
        assert!(!found.is_empty(), "{name} is valid under the schema");
        caught += 1;
    }
    let examples = root().join("../shared/conformance/open-workflow/examples");
    for file in std::fs::read_dir(examples).into_iter().flatten().map(|entry| entry.unwrap().path()) {
        if file.extension().is_some_and(|ending| ending == "yaml") {
            let found = faults(SchemaKind::Workflow, &std::fs::read(&file).unwrap(), "w.yaml");
            assert_eq!(found, Vec::<String>::new(), "{}", file.display());
        }
    }
    let absent = !root().join("../shared/conformance").exists();
    assert!(absent || caught > 0, "nothing was read");
}

#[test]
fn faults_of_shape_are_caught() {
    let document = |tasks: &str| format!("document: {{ dsl: '1.0.3', namespace: n, name: w, version: '1.0.0' }}\ndo: {tasks}\n");
    assert_eq!(faults(SchemaKind::Workflow, document("[ { a: { set: { b: 1 } } } ]").as_bytes(), "w.yaml"), Vec::<String>::new());
    for tasks in [
        "[]",
        "[ { a: { set: { b: 1 }, oddity: 1 } } ]",
        "[ { a: { set: { b: 1 }, wait: PT1S } } ]",
        "[ { a: { then: end } } ]",
        "[ { a: { set: { b: 1 } }, c: { set: { b: 1 } } } ]",
        "[ { a: { call: act, with: { action: x } } } ]",
        "[ { a: { wait: { secnods: 1 } } } ]",
        "[ { a: { try: [ { b: { set: { c: 1 } } } ] } } ]",
    ] {
        assert!(!faults(SchemaKind::Workflow, document(tasks).as_bytes(), "w.yaml").is_empty(), "{tasks}");
    }
    for (kind, text) in [
        (SchemaKind::Action, "class: E1"),
        (SchemaKind::Action, "{ version: 1.0.0, class: E9 }"),
        (SchemaKind::Agent, "{ version: 1.0.0, model: latest }"),
        (SchemaKind::Rules, "{ version: 1.0.0, rows: [] }"),
        (SchemaKind::Contract, "{ x-provost: { trusted: [ id ] } }"),
        (SchemaKind::Bindings, "{ desk: 7 }"),
        (SchemaKind::Test, "{ expect: { outcome: well } }"),
        (SchemaKind::Lock, "{ format: 2, bundle: x, parts: [] }"),
    ] {
        assert!(!faults(kind, text.as_bytes(), "x.yaml").is_empty(), "{text}");
    }
}
