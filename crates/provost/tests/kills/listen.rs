//! Listeners of a real server that is killed between accepting events and offering them: none is lost, none is taken twice.

use std::process::Output;
use std::time::Duration;

use crate::site::{Site, until};
use serde_json::{Value as Json, json};

/// How many orders wait for their payments; they live in all four partitions.
const ORDERS: usize = 12;

/// Every second order begins to listen late; all take two parts, with `foreach`, in the order in which they were heard.
const WORKFLOW: &str = "
document: { dsl: '1.0.3', namespace: test, name: order, version: '1.0.0' }
do:
  - late: { if: '${ .n % 2 == 1 }', wait: { milliseconds: 700 } }
  - paid:
      listen:
        to:
          any: [ { with: { type: test.paid, subject: '${ .id }' } } ]
          until: '${ length >= 2 }'
      foreach: { item: part, do: [ { note: { set: { part: '${ $part.part }' } } } ] }
  - shipped:
      listen: { to: { one: { with: { type: test.shipped }, correlate: { order: { from: .data.order, expect: '${ $workflow.input.id }' } } } } }
      output: { as: '${ { parts: [$input[].part], by: .[0].by } }' }
";

/// Sends one event for each order, as one batch; a second sending is a duplicate.
fn emit(site: &Site, kind: &str, round: usize, data: impl Fn(usize) -> Json) -> Output {
    let event = |n| {
        json!({ "specversion": "1.0", "id": format!("{kind}-{round}-{n}"), "source": "/tests", "type": kind,
            "subject": format!("R-{n}"), "data": data(n) })
    };
    site.emit((0..ORDERS).map(event).collect())
}

#[test]
fn listeners_survive_kills() {
    let mut site = Site::with(&[("order", WORKFLOW)]);
    site.serve_bundle();
    let start = |n: usize| {
        let input = json!({ "id": format!("R-{n}"), "n": n }).to_string();
        site.json(&["start", "order", "--key", &format!("k-{n}"), "--input", &input])["id"].as_str().unwrap().to_owned()
    };
    let orders: Vec<String> = (0..ORDERS).map(start).collect();

    // Acknowledged, and killed before much of it can have been offered.
    let told = emit(&site, "test.paid", 1, |_| json!({ "part": 1 }));
    assert!(told.status.success(), "{}", String::from_utf8_lossy(&told.stderr));
    site.kill();
    site.serve();

    // Some of them cannot be told; a client sends again what was not acknowledged.
    let mut server = site.server.take().unwrap();
    let killer = std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(150));
        let _gone = server.kill();
        let _waited = server.wait();
    });
    let _may_fail = emit(&site, "test.paid", 2, |_| json!({ "part": 2 }));
    killer.join().unwrap();
    site.serve();
    until("the second parts are taken", || emit(&site, "test.paid", 2, |_| json!({ "part": 2 })).status.success());

    // Everything but the journals is derived again, while all of them still listen.
    site.kill();
    let rebuilt = site.run(&["rebuild"]);
    assert!(rebuilt.status.success(), "{}", String::from_utf8_lossy(&rebuilt.stderr));
    site.serve();
    let shipped = emit(&site, "test.shipped", 1, |n| json!({ "order": format!("R-{n}"), "by": n }));
    assert!(shipped.status.success(), "{}", String::from_utf8_lossy(&shipped.stderr));
    site.kill();
    site.serve();

    for (n, order) in orders.iter().enumerate() {
        until(&format!("order {n} ends"), || site.json(&["get", order])["status"] == "completed");
        let ended = site.json(&["get", order]);
        assert_eq!(ended["output"], json!({ "parts": [1, 2], "by": n }), "{ended}");
        let explained = String::from_utf8(site.run(&["explain", order]).stdout).unwrap();
        assert_eq!(explained.matches("test.paid taken by paid").count(), 2, "{explained}");
    }
    let unknown = site.run(&["emit", &json!({ "specversion": "1.0", "id": "u", "source": "/tests", "type": "test.unheard" }).to_string()]);
    let said = format!("{}{}", String::from_utf8_lossy(&unknown.stdout), String::from_utf8_lossy(&unknown.stderr));
    assert!(said.contains("event-unknown"), "nobody starts on it and nobody listens: {said}");
    site.kill();
    site.verify();
}
