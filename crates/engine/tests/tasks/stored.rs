//! Results that stand in a blob: the core sees a reference and what the edge said of the content, and decides on nothing else.

use crate::support::{Run, compiled, json};
use provost_language::{Compiled, Sources};
use provost_model::Value;
use provost_model::record::{Attempted, Command, EffectState, Intent, Outcome, Stored};

const REFERENCE: &str =
    r#"{"digest":"sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855","media_type":"application/json","size":900000}"#;

fn storing() -> Compiled {
    let mut sources = Sources::new();
    let action = "version: 1.0.0\nclass: E2\nqueue: scales\nresult: { type: object, required: [ grams ] }\n";
    sources.add("actions/weigh.yaml", action.as_bytes().to_vec());
    let head = "document: { dsl: '1.0.3', namespace: test, name: test, version: '1.0.0', metadata: { provost: { limits: { blobBytes: 1000000 } } } }";
    let tasks = "  - weigh: { call: act, with: { action: weigh, arguments: {} }, metadata: { provost: { store: blob } } }
  - size: { set: { size: '${ .size }' } }";
    sources.add("workflows/test.yaml", format!("{head}\ndo:\n{tasks}\n").into_bytes());
    compiled(&sources, None)
}

fn reported(value: &Value, dropped_bytes: Option<u64>, stored: Option<Stored>) -> Run {
    let mut run = Run::new(storing()).begin(Value::Null);
    let request = std::iter::from_fn(|| run.intents.pop_front()).find_map(|intent| match intent {
        Intent::Attempt { effect, attempt } => Some((effect, attempt)),
        _ => None,
    });
    let (effect, attempt) = request.unwrap();
    let result = Attempted::Done { value: value.clone(), reference: None, usage: None, dropped_bytes };
    run.tell(Command::Outcome(Outcome { effect, attempt, result, worker: "test".into(), took_ms: 1, stored })).unwrap();
    run.verified();
    assert!(run.state.is_ended() || run.state.parked.is_some());
    assert_eq!(run.state.effects.values().next().unwrap().state, EffectState::Done, "what was done stays done");
    run
}

fn problem(run: &Run) -> String {
    format!("{:?}", run.state)
}

#[test]
fn expressions_see_the_reference_and_the_contract_is_not_asked_about_it() {
    let run = reported(&json(REFERENCE), None, Some(Stored::default()));
    assert_eq!(run.state.output, json(r#"{"size":900000}"#));
}

#[test]
fn what_the_edge_says_of_the_content_is_the_contracts_word() {
    let run = reported(&json(REFERENCE), None, Some(Stored { broken: Some("`/grams` is missing".into()) }));
    let said = problem(&run);
    assert!(said.contains("the action's result does not obey its contract") && said.contains("`/grams` is missing"), "{said}");
}

#[test]
fn a_value_that_only_looks_like_a_reference_obeys_its_contract_or_faults() {
    let said = problem(&reported(&json(REFERENCE), None, None));
    assert!(said.contains("the action's result does not obey its contract"), "{said}");
}

#[test]
fn what_was_dropped_faults_with_the_limit_that_it_was_over() {
    let said = problem(&reported(&Value::Null, Some(1_000_001), None));
    assert!(said.contains("value-too-large") && said.contains("limits.blobBytes"), "{said}");
}
