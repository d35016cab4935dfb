//! A name and a version that mean two contents are warned of, with the bundle that had the other one.

use serde_json::{Value as Json, json};

use crate::served::{Caller, Served, run};

const POLICY: &str = "permit(principal, action, resource);\n";

fn document(version: &str, factor: u32) -> String {
    let head = format!("document: {{ dsl: '1.0.3', namespace: test, name: scale, version: '{version}' }}");
    format!("{head}\ndo:\n  - scale: {{ set: {{ n: '${{ .n * {factor} }}' }} }}\n")
}

/// The pin, and what is said of versions.
async fn published(who: &Caller, workflow: &str, policy: &str) -> (String, Vec<String>) {
    let files = json!({ "workflows/scale.yaml": workflow, "policies/all.cedar": policy });
    let answer = who.post("/v1/bundles", &json!({ "files": files, "reason": "test" })).await;
    let said = answer.ok().json["warnings"].as_array().cloned().unwrap_or_default();
    let said = said.iter().filter_map(Json::as_str).filter(|line| line.contains("PV2040")).map(str::to_owned);
    (answer.text_at("/digest"), said.collect())
}

#[tokio::test(flavor = "multi_thread")]
async fn other_content_under_a_version_is_warned_of_with_the_digest_that_has_it() {
    let mut served = Served::start().await;
    let first = document("1.0.0", 2);
    let local = served.local();
    let (doubles, said) = published(&local, &first, POLICY).await;
    assert_eq!(said, Vec::<String>::new());
    assert_eq!(published(&local, &first, POLICY).await, (doubles.clone(), vec![]), "the same again");
    let (laid_out, said) = published(&local, &format!("# doubles\n{first}"), POLICY).await;
    assert!(laid_out != doubles && said.is_empty(), "layout is no content: {said:?}");

    // What was written and what is read back are the same content.
    served.kill();
    served.up().await;
    let local = served.local();
    assert_eq!(published(&local, &first, POLICY).await, (doubles.clone(), vec![]));
    let (triples, said) = published(&local, &document("1.0.0", 3), POLICY).await;
    let expected = format!(
        "workflows/scale.yaml:1:66: PV2040 `scale` `1.0.0` is active with other content, in `{doubles}`; \
         raise `document.version`; `provost diff {doubles} FOLDER` shows what differs"
    );
    assert_eq!(said, [expected]);
    let (_, said) = published(&local, &first, POLICY).await;
    assert!(said.len() == 1 && said[0].contains("is active") && said[0].contains(&triples), "back again: {said:?}");
    let (_, said) = published(&local, &first, &format!("{POLICY}// looked at\n")).await;
    assert!(said.len() == 1 && said[0].contains(&doubles), "policies are content: {said:?}");

    assert_eq!(published(&local, &document("1.0.1", 4), POLICY).await.1, Vec::<String>::new(), "a new version");
    let (_, said) = published(&local, &document("1.0.0", 5), POLICY).await;
    assert!(said.len() == 1 && said[0].contains("was published before with other content"), "{said:?}");
    assert_eq!(published(&local, &document("1.0.1", 4), POLICY).await.1, Vec::<String>::new(), "a version of before, as it was");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_verbs_that_publish_show_it() {
    let served = Served::start().await;
    let (first, _) = published(&served.local(), &document("1.0.0", 2), POLICY).await;
    let place = tempfile::tempdir().unwrap();
    let file = place.path().join("scale.yaml");
    let verbs: [&[&str]; 2] = [&["apply", "FILE", "--reason", "test"], &["start", "FILE", "--input", r#"{"n":1}"#, "--wait"]];
    for (factor, verb) in (3..).zip(verbs) {
        std::fs::write(&file, document("1.0.0", factor)).unwrap();
        let verb: Vec<&str> = verb.iter().map(|word| if *word == "FILE" { file.to_str().unwrap() } else { word }).collect();
        let (code, out, said) = run(&verb, &served.data());
        assert!(code == 0 && said.contains("PV2040 `scale` `1.0.0` is active with other content, in `sha256:"), "{out} {said}");
        assert_eq!(said.contains(&first), factor == 3, "the one that is active now: {said}");
        assert!(!out.contains("PV2040"), "{out}");
    }
}
