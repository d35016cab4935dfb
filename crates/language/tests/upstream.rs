//! The upstream documents: every example compiles or is refused for a reason that is stated, the invalid ones fail for the right one,
//! and what the conformance kit runs compiles. They are read beside the repository, where they are lent.
#![expect(clippy::unwrap_used, clippy::print_stderr, reason = "a missing file is a failed test; a skipped one must be said")]
#![expect(clippy::disallowed_methods, reason = "the test reads the folders that the crate must not")]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use provost_language::{Code, Finding, Sources, compile, render};

fn lent(folder: &str) -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/conformance/open-workflow").join(folder);
    if !path.exists() {
        eprintln!("skipped: the upstream documents are not here");
        return None;
    }
    Some(path)
}

fn check(name: &str, text: &str) -> (bool, Vec<Finding>, String) {
    let sources = Sources::lone(name, text.as_bytes());
    let checked = compile(&sources);
    let shown = render(&checked.findings, &sources);
    (checked.bundle.is_some(), checked.findings, shown)
}

fn documents(folder: &str) -> Vec<(String, String)> {
    let Some(folder) = lent(folder) else { return Vec::new() };
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let yaml = files.into_iter().filter(|path| path.extension().is_some_and(|ending| ending == "yaml"));
    yaml.map(|path| (path.file_name().unwrap().to_str().unwrap().to_owned(), std::fs::read_to_string(&path).unwrap())).collect()
}

#[test]
fn examples_compile_or_are_refused_with_a_reason() {
    let documents = documents("examples");
    if documents.is_empty() {
        return;
    }
    assert_eq!(documents.len(), 68);
    let mut compiled = Vec::new();
    let mut wrong = BTreeMap::new();
    for (name, text) in &documents {
        let (whole, findings, shown) = check(name, text);
        let stated = |finding: &Finding| matches!(finding.code, Code::NotYet | Code::Refused) && finding.hint.is_some();
        if findings.iter().filter(|finding| finding.is_error()).any(|finding| !stated(finding)) {
            wrong.insert(name, shown);
        } else if whole {
            let told: Vec<&Finding> = findings.iter().filter(|finding| finding.code >= Code::Unreachable).collect();
            assert!(told.is_empty(), "{name} is as it should be: {told:?}");
            compiled.push(name.as_str());
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    let wanted = [
        "authentication-bearer-uri-format.yaml",
        "authentication-bearer.yaml",
        "authentication-oauth2-secret.yaml",
        "authentication-oauth2.yaml",
        "authentication-oidc-secret.yaml",
        "authentication-oidc.yaml",
        "authentication-reusable.yaml",
        "call-custom-function-inline.yaml",
        "call-http-endpoint-interpolation-shorthand.yaml",
        "call-http-endpoint-interpolation.yaml",
        "call-http-query-headers-expressions.yaml",
        "call-http-query-parameters.yaml",
        "call-http-redirect.yaml",
        "conditional-task.yaml",
        "do-multiple.yaml",
        "do-single.yaml",
        "emit.yaml",
        "for-inline-array.yaml",
        "for.yaml",
        "fork.yaml",
        "listen-to-all read-envelope.yaml",
        "listen-to-all.yaml",
        "listen-to-any-filter.yaml",
        "listen-to-any-forever-foreach.yaml",
        "listen-to-any-until-condition.yaml",
        "listen-to-any-until-consumed.yaml",
        "listen-to-any.yaml",
        "listen-to-one.yaml",
        "mock-service-extension.yaml",
        "raise-inline.yaml",
        "raise-reusable.yaml",
        "schedule-cron.yaml",
        "schedule-event-driven.yaml",
        "set-expression.yaml",
        "set.yaml",
        "star-wars-homeworld.yaml",
        "switch-then-string.yaml",
        "try-catch-retry-inline.yaml",
        "try-catch-retry-reusable.yaml",
        "try-catch-then-directive.yaml",
        "try-catch-then.yaml",
        "try-catch.yaml",
        "wait-duration-inline.yaml",
        "wait-duration-iso8601.yaml",
    ];
    assert_eq!(compiled, wanted);
}

#[test]
fn invalid_documents_fail_for_the_right_reason() {
    let reasons = [
        ("extra-property-in-call.yaml", Code::UnknownKey, "`foo`"),
        ("listen-any-until-any-until.yaml", Code::UnknownKey, "`until`"),
        ("listen-any-until-any-until.yaml", Code::DuplicateKey, "`do`"),
        ("two-tasks-in-one-item.yaml", Code::TaskShape, "`setMessage`"),
    ];
    let documents = documents("invalid");
    for (name, text) in &documents {
        // A key that stands twice hides everything else, so the rest of that document is read without it.
        let once = text.replacen("do:\ndo:\n", "do:\n", 1);
        let found: Vec<Finding> = [text, &once].iter().flat_map(|text| check(name, text).1).collect();
        for (_, code, word) in reasons.iter().filter(|(file, _, _)| file == name) {
            assert!(found.iter().any(|f| f.code == *code && f.message.contains(word)), "{name}: {code} {word}: {found:#?}");
        }
        assert!(reasons.iter().any(|(file, _, _)| file == name), "{name} is new");
    }
}

/// What the upstream documents name as `https://petstore.swagger.io/v2/swagger.json`, as far as they use it.
const PETSTORE: &str = r#"{
  "swagger": "2.0", "info": { "title": "Pets", "version": "1.0.0" }, "host": "petstore.swagger.io", "basePath": "/v2", "schemes": ["https"],
  "paths": {
    "/pet/findByStatus": { "get": { "operationId": "findPetsByStatus", "produces": ["application/json"], "responses": {},
      "parameters": [{ "name": "status", "in": "query", "required": true, "type": "array", "items": { "type": "string" } }] } },
    "/pet/{petId}": { "get": { "operationId": "getPetById", "responses": {},
      "parameters": [{ "name": "petId", "in": "path", "required": true, "type": "integer" }] } }
  }
}"#;

#[test]
fn documents_that_name_an_openapi_document_compile_once_the_bundle_holds_it() {
    let Some(folder) = lent("examples") else { return };
    let features = std::fs::read_to_string(lent("ctk/features").unwrap().join("call.feature")).unwrap();
    let examples = ["call-openapi.yaml", "call-openapi-redirect.yaml"].map(|name| std::fs::read_to_string(folder.join(name)).unwrap());
    let scenarios = definitions(&features).into_iter().filter(|document| document.contains("call: openapi"));
    let documents: Vec<String> = examples.into_iter().chain(scenarios).collect();
    assert_eq!(documents.len(), 4);
    for document in documents {
        let mut sources = Sources::new();
        sources.add("workflows/w.yaml", document.clone().into_bytes());
        sources.add("apis/petstore.swagger.io/v2/swagger.json", PETSTORE.as_bytes().to_vec());
        let checked = compile(&sources);
        assert!(checked.bundle.is_some(), "{}\n{document}", render(&checked.findings, &sources));
    }
}

#[test]
fn scenarios_compile_but_for_documents_from_elsewhere() {
    let Some(folder) = lent("ctk/features") else { return };
    let mut count = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let text = std::fs::read_to_string(&path).unwrap();
        for document in definitions(&text) {
            let elsewhere = document.contains("call: openapi");
            let (whole, findings, shown) = check("scenario.yaml", &document);
            assert_eq!(whole, !elsewhere, "{}\n{shown}\n{document}", path.display());
            let refused = findings.iter().filter(|finding| finding.is_error()).all(|finding| finding.code == Code::Refused);
            assert!(refused, "{}\n{shown}", path.display());
            count += usize::from(!elsewhere);
        }
    }
    assert_eq!(count, 19);
}

/// The workflow documents of a feature file.
fn definitions(feature: &str) -> Vec<String> {
    let mut out = Vec::new();
    let mut lines = feature.lines();
    while let Some(line) = lines.next() {
        if !line.trim().starts_with("Given a workflow with definition:") {
            continue;
        }
        let indent = lines.next().unwrap().find('"').unwrap();
        let body = lines.by_ref().take_while(|line| line.trim() != "\"\"\"");
        out.push(body.map(|line| line.get(indent..).unwrap_or_default()).collect::<Vec<_>>().join("\n"));
    }
    out
}
