//! A token ends while its caller follows: a real node behind the real routes, because over the API no token ends within a day.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::Arc;
use std::time::Duration;

use provost_model::record::Attempted;
use provost_model::who::Known;
use provost_model::{TenantId, Who};
use provost_runtime::language::{Sources, compile};
use provost_runtime::{Binding, Compiled, Done, Hands, Node, NodeConfig, Observer, Offer, RetentionConfig, now_us};
use provost_server::{App, listen, router};

const WORKFLOW: &str = "document: { dsl: '1.0.3', namespace: test, name: later, version: '1.0.0' }
do:
  - later: { wait: { hours: 1 } }
";
/// How long the token works.
const TOKEN: Duration = Duration::from_secs(5);

struct Idle;

impl Hands for Idle {
    fn at_once(&self, _: &Offer, _: &Compiled) -> Option<Attempted> {
        None
    }

    fn carry_out(&self, _: Offer, _: Arc<Compiled>, _: Arc<Binding>, _: Done) {}
}

/// A node with a workflow that waits, the token of a reader that ends soon, and when.
async fn node(data: &std::path::Path) -> (Arc<Node>, String, i64) {
    let (hands, observer, retention) = (Arc::new(Idle), Observer::quiet(), RetentionConfig::default());
    let node = Node::open(NodeConfig { data: data.to_owned(), partitions: 2, hands, observer, retention }).unwrap();
    let (tenant, by) = (TenantId::local(), Who { name: "tester".into(), known: Known::Token, roles: vec!["admin".into()] });
    node.ensure_tenant(&tenant, by.clone()).await.unwrap();
    let mut sources = Sources::new();
    sources.add("workflows/later.yaml", WORKFLOW.as_bytes().to_vec());
    let bundle = compile(&sources).bundle.unwrap();
    node.control.publish(&node.plane, &tenant, &bundle, by.clone(), "test".into()).await.unwrap();
    let ends_us = now_us() + i64::try_from(TOKEN.as_micros()).unwrap();
    let token = node.create_token(&tenant, "reader", vec!["writer".into()], Some(ends_us), by, "test".into()).await.unwrap();
    (Arc::new(node), token.reveal().to_owned(), ends_us)
}

#[tokio::test(flavor = "multi_thread")]
async fn who_follows_hears_when_the_token_ends() {
    let folder = tempfile::tempdir().unwrap();
    let (node, token, ends_us) = node(folder.path()).await;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let routes = router(App { node: node.clone(), loopback_user: None });
    let server = tokio::spawn(listen::serve(listener, routes, listen::HEAD_WITHIN, async move { drop(stopped.await) }));

    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let started = http.post(format!("{url}/v1/workflows/later/orchestrations")).bearer_auth(&token).send().await.unwrap();
    let started: serde_json::Value = serde_json::from_str(&started.text().await.unwrap()).unwrap();
    let path = format!("{url}/v1/orchestrations/{}/stream", started.get("id").unwrap().as_str().unwrap());
    let followed = http.get(path).bearer_auth(&token).send().await.unwrap();
    assert_eq!(followed.status().as_u16(), 200);
    let heard = tokio::time::timeout(TOKEN * 10, followed.text()).await.unwrap().unwrap();
    assert!(now_us() >= ends_us, "it ended early: {heard}");
    let events: Vec<&str> = heard.lines().filter_map(|line| line.strip_prefix("event: ")).collect();
    assert_eq!(events, ["rows", "refused"], "{heard}");
    assert!(heard.contains(r#""code":"unauthenticated""#), "{heard}");

    stop.send(()).unwrap();
    drop(http);
    server.await.unwrap();
    tokio::task::spawn_blocking(move || node.plane.stop()).await.unwrap();
}
