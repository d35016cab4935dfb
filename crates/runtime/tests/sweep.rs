//! Blobs on a real node: what a row names stays, what nothing names leaves after its grace.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::Arc;
use std::time::{Duration, Instant};

use provost_model::record::Attempted;
use provost_model::who::Known;
use provost_model::{Event, TenantId, Value, Who};
use provost_runtime::{Binding, Compiled, Done, Hands, Node, NodeConfig, Offer, RetentionConfig};
use provost_store::Blobs;

struct Idle;

impl Hands for Idle {
    fn at_once(&self, _: &Offer, _: &Compiled) -> Option<Attempted> {
        None
    }

    fn carry_out(&self, _: Offer, _: Arc<Compiled>, _: Arc<Binding>, _: Done) {}
}

#[test]
fn blobs_leave_by_mark_and_grace() {
    let temporary = tempfile::tempdir().unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let retention = RetentionConfig::default();
    let node = Node::open(NodeConfig {
        data: temporary.path().to_owned(),
        partitions: 2,
        hands: Arc::new(Idle),
        observer: provost_runtime::Observer::quiet(),
        retention,
    })
    .unwrap();
    let (tenant, by) = (TenantId::local(), Who { name: "tester".into(), known: Known::Token, roles: vec!["admin".into()] });
    let blobs = Blobs::new(temporary.path().join("blobs"));
    let [named, lost] = [&b"named"[..], b"lost"].map(|bytes| blobs.put(&tenant, bytes, "text/plain").unwrap());
    runtime.block_on(async {
        node.ensure_tenant(&tenant, by.clone()).await.unwrap();
        let data = Value::object([("report", Value::from(named.digest.to_string()))]);
        let event = Event { id: "1".into(), source: "/tests".into(), kind: "nobody.knows".into(), data, ..Event::default() };
        assert!(node.plane.accept(&tenant, event, by, Instant::now()).await.unwrap().rejected.is_some());
        assert_eq!(node.sweep_blobs(Duration::from_secs(3600)).await, Ok(0), "young blobs stay");
        tokio::time::sleep(Duration::from_millis(20)).await;
        assert_eq!(node.sweep_blobs(Duration::ZERO).await, Ok(1));
        assert_eq!(node.sweep_blobs(Duration::ZERO).await, Ok(0));
    });
    assert!(blobs.open(&tenant, &named).unwrap().is_some());
    assert!(blobs.open(&tenant, &lost).unwrap().is_none());
    node.plane.stop();
}
