//! Targets of which nobody knows what they did: a "not done" counts only if it was asked after the target had settled; what is out keeps
//! its time whatever happens around it.

use crate::support::{Run, compiled, done, failed, folder, json, root, unknown};
use provost_language::{Compiled, Sources};
use provost_model::record::{Attempted, Cancel, Command, EffectState, Intent, Outcome, Redrive};
use provost_model::who::Known;
use provost_model::{Value, Who};

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
    run.tell(Command::Outcome(Outcome { effect, attempt, result, worker: "test".into(), took_ms: 1, stored: None })).unwrap();
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

#[test]
fn a_redrive_leaves_the_undo_of_a_cancellation_its_time() {
    let by = || Who { name: "olga".into(), known: Known::Token, roles: Vec::new() };
    let code = compiled(&folder(&root().join("corpus/sim/saga")), Some("saga"));
    let mut run = Run::new(code).begin(json("[{\"n\": 3}]"));
    answer(&mut run, 1_000, done(json("{}")));
    answer(&mut run, 1_000, done(json("{}")));
    run.tell(Command::Cancel(Cancel { by: by(), reason: "not wanted".into(), replaced_by: None })).unwrap();
    answer(&mut run, 1_000, failed(422, false));
    assert!(run.state.parked.is_some(), "the undo inside the catch failed");
    answer(&mut run, 1_000, unknown());
    run.tell(Command::Redrive(Redrive { by: by(), reason: "again".into() })).unwrap();
    run.world = Box::new(|_, _, _, _| Some(done(json("{}"))));
    run.settle();
    assert!(run.state.is_ended(), "nothing is left that would wake it: {:?}", run.state.timers);
    run.verified();
}
