//! Where destinations are: added to, never replaced by what names only some of them, and shown.

use serde_json::json;

use crate::served::{Served, run};

#[tokio::test(flavor = "multi_thread")]
async fn a_second_bundles_bindings_leave_the_firsts_as_they_are() {
    let served = Served::start().await;
    let place = tempfile::tempdir().unwrap();
    let folder = |name: &str| {
        let bundle = place.path().join(name);
        std::fs::create_dir_all(bundle.join("workflows")).unwrap();
        let text =
            format!("document: {{ dsl: '1.0.3', namespace: t, name: {name}, version: '1.0.0' }}\ndo:\n  - one: {{ set: {{ n: 1 }} }}\n");
        std::fs::write(bundle.join("workflows/w.yaml"), text).unwrap();
        bundle.to_str().unwrap().to_owned()
    };
    let (first, second) = (folder("first"), folder("second"));
    let told = |arguments: &[&str]| run(arguments, &served.data());
    let (code, _, said) = told(&["apply", &first, "--bind", "x=http://127.0.0.1:1", "--bind", "y=http://127.0.0.1:2", "--reason", "test"]);
    assert!(code == 0 && said.contains("bound  x  http://127.0.0.1:1"), "{said}");
    let (code, _, said) = told(&["apply", &second, "--bind", "z=http://127.0.0.1:3", "--bind", "y=http://127.0.0.1:4", "--reason", "test"]);
    assert!(code == 0 && said.contains("bound  y  http://127.0.0.1:4  instead of http://127.0.0.1:2"), "{said}");
    let shown = served.local().get("/v1/binding").await;
    let all = json!({ "x": "http://127.0.0.1:1", "y": "http://127.0.0.1:4", "z": "http://127.0.0.1:3" });
    assert_eq!((&shown.json["destinations"], shown.json["revision"].as_u64()), (&all, Some(2)), "{}", shown.text);
    let (code, out, said) = told(&["list", "bindings"]);
    assert!(code == 0 && out.starts_with("DESTINATION  ADDRESS") && out.contains("x            http://127.0.0.1:1"), "{out} {said}");
    let (code, _, said) = told(&["apply", &second, "--bind", "z=http://127.0.0.1:3", "--reason", "again"]);
    assert!(code == 0 && !said.contains("bound"), "nothing moved: {said}");
    served.local().put("/v1/binding", &json!({ "destinations": { "x": "http://127.0.0.1:1" }, "reason": "test" })).await.ok();
    assert_eq!(served.local().get("/v1/binding").await.json["destinations"], json!({ "x": "http://127.0.0.1:1" }));
    let acme = served.tenant("acme").await;
    assert_eq!(acme.get("/v1/binding").await.json, json!({ "revision": 0, "destinations": {} }), "each tenant has its own");
}
