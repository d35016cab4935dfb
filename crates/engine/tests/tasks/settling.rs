//! A target that can be asked: its "not done" counts only if it was asked after it had settled.

use crate::support::{Run, compiled, done, json, unknown};
use provost_language::{Compiled, Sources};
use provost_model::Value;
use provost_model::record::{Attempted, Command, EffectState, Intent, Outcome};

const SETTLE_US: i64 = 10_000_000;

fn asking() -> Compiled {
    let mut sources = Sources::new();
    let action = "version: 1.0.0\nclass: E3\nhttp: { method: POST, destination: bank, path: /pay, keyHeader: Idempotency-Key }\nlookup: { http: { method: GET, destination: bank, path: '/{key}' } }\nsettleMs: 10000\nretry: { limit: { attempt: { count: 4 } } }\n";
    sources.add("actions/pay.yaml", action.as_bytes().to_vec());
    let document = "document: { dsl: '1.0.3', namespace: test, name: test, version: '1.0.0' }\ndo:\n  - pay: { call: act, with: { action: pay, arguments: { n: 1 } } }\n";
    sources.add("workflows/test.yaml", document.as_bytes().to_vec());
    compiled(&sources, None)
}

/// Answers the one request that is out.
fn answer(run: &mut Run, after_us: i64, result: Attempted) {
    let request = std::iter::from_fn(|| run.intents.pop_front()).find_map(|intent| match intent {
        Intent::Attempt { effect, attempt } | Intent::LookUp { effect, attempt } => Some((effect, attempt)),
        _ => None,
    });
    let (effect, attempt) = request.unwrap();
    run.now_us += after_us;
    run.tell(Command::Outcome(Outcome { effect, attempt, result, worker: "test".into(), took_ms: 1 })).unwrap();
}

#[test]
fn an_absent_that_was_long_on_its_way_is_asked_again() {
    let mut run = Run::new(asking()).begin(Value::Null);
    answer(&mut run, 1_000, unknown());
    // Asked at once, and the answer comes when the target has long settled: it may have been given before the request took effect.
    answer(&mut run, 2 * SETTLE_US, Attempted::Absent);
    assert_eq!(run.state.effects.values().next().unwrap().state, EffectState::Asked);
    answer(&mut run, 1_000, done(json("7")));
    assert_eq!((run.state.is_ended(), &run.state.output), (true, &json("7")));
    assert_eq!(run.state.effects.values().next().unwrap().attempt, 1, "it was done at the first attempt and is not sent again");
    run.verified();
}

#[test]
fn an_absent_asked_after_the_target_settled_is_final() {
    let mut run = Run::new(asking()).begin(Value::Null);
    answer(&mut run, 1_000, unknown());
    answer(&mut run, 1_000, Attempted::Absent);
    assert!(run.fire(), "it is asked again once the target has settled");
    answer(&mut run, 1_000, Attempted::Absent);
    assert!(run.fire(), "it was not done: the next attempt has its time");
    assert_eq!(run.state.effects.values().next().unwrap().attempt, 2);
    answer(&mut run, 1_000, done(json("7")));
    assert!(run.state.is_ended());
    run.verified();
}
