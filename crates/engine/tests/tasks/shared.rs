//! Shared state and business keys, as the engine rules them from recorded answers.
#![expect(clippy::panic, reason = "a test fails by panicking")]

use std::cell::RefCell;
use std::rc::Rc;

use crate::support::{Run, admission, compiled, done, failed, json};
use provost_language::{Compiled, Sources};
use provost_model::record::{Admission, ClaimAnswer, Command, EffectState, Fact};
use provost_model::{OrchestrationId, Slot, Value};

const START_US: i64 = 1_700_000_000_000_000;

fn acting(settings: &str, with: &str) -> Compiled {
    let mut sources = Sources::new();
    let action = format!("version: 1.0.0\nclass: E1\nqueue: bank\n{settings}\n");
    sources.add("actions/pay.yaml", action.into_bytes());
    let document = format!(
        "document: {{ dsl: '1.0.3', namespace: test, name: test, version: '1.0.0' }}\ndo:\n  - pay: {{ call: act, with: {{ action: pay, {with} arguments: {{ n: 1 }} }} }}\n"
    );
    sources.add("workflows/test.yaml", document.into_bytes());
    compiled(&sources, None)
}

fn other() -> OrchestrationId {
    OrchestrationId::mint(START_US, Slot(9), &[b"other"])
}

fn effect_state(run: &Run) -> EffectState {
    run.state.effects.values().next().unwrap().state
}

#[test]
fn an_open_breaker_delays_and_the_attempt_leaves_when_it_closes() {
    let code = acting("breaker: { failuresMax: 3, openMs: 1000 }", "");
    let mut run = Run::new(code).world(|_, _, _, _| Some(done(Value::Null)));
    run.shared = Box::new(|request, now_us| Admission {
        delayed_until_us: (now_us < START_US + 5_000_000).then_some(START_US + 5_000_000),
        ..admission(request)
    });
    let run = run.start(Value::Null);
    assert!(run.state.is_ended());
    let behind = run.facts().into_iter().find_map(|fact| match fact {
        Fact::AttemptScheduled { behind, due_us, .. } => Some((behind, due_us)),
        _ => None,
    });
    assert_eq!(behind, Some((Some("breaker:bank".into()), START_US + 5_000_000)));
    run.verified();
}

#[test]
fn a_rate_is_asked_once_for_each_attempt_and_the_breaker_again_when_it_is_due() {
    let asked = Rc::new(RefCell::new(Vec::new()));
    let code =
        acting("rate: { permits: 1, perMs: 1000 }\nbreaker: {}\nretry: { delay: { seconds: 1 }, limit: { attempt: { count: 3 } } }", "");
    let mut run = Run::new(code).world(|_, _, _, attempt| Some(if attempt == 1 { failed(503, true) } else { done(Value::Null) }));
    let heard = asked.clone();
    run.shared = Box::new(move |request, now_us| {
        heard.borrow_mut().push(format!("{} {}", request.what, request.attempt));
        let delayed = &*request.what == "rate:pay@1" && request.attempt == 1;
        Admission { delayed_until_us: delayed.then_some(now_us + 700_000), ..admission(request) }
    });
    let run = run.start(Value::Null);
    assert!(run.state.is_ended());
    assert_eq!(*asked.borrow(), ["rate:pay@1 1", "breaker:bank 1", "rate:pay@1 2", "breaker:bank 2"]);
    run.verified();
}

#[test]
fn a_refusing_rate_is_asked_again_later() {
    let code = acting("rate: { permits: 1, perMs: 1000 }", "");
    let mut run = Run::new(code);
    run.shared = Box::new(|request, now_us| Admission {
        refused: (now_us < START_US + 100_000_000).then(|| "the line is longer than an hour".into()),
        ..admission(request)
    });
    let run = run.start(Value::Null);
    assert!(run.state.is_ended() && run.now_us >= START_US + 120_000_000, "asked after one minute and after two");
    run.verified();
}

#[test]
fn a_granted_key_lets_it_leave_and_a_done_one_gives_the_stored_result() {
    let code = || acting("", "key: 'refund/R-1',");
    let run = Run::new(code()).world(|_, _, _, _| Some(done(json("7")))).start(Value::Null);
    assert_eq!((run.state.is_ended(), &run.state.output), (true, &json("7")));
    run.verified();

    let mut run = Run::new(code()).world(|_, _, _, _| panic!("nothing may be sent"));
    run.home = Box::new(|key| {
        assert_eq!(key, "refund/R-1");
        ClaimAnswer::Done { by: other(), result: json("{\"id\":\"re_1\"}"), reference: Some("re_1".into()) }
    });
    let run = run.start(Value::Null);
    assert_eq!((run.state.is_ended(), &run.state.output), (true, &json("{\"id\":\"re_1\"}")));
    assert!(run.state.undoable.is_empty(), "what another one did is not this one's to undo");
    run.verified();
}

#[test]
fn a_held_key_is_asked_for_again_until_it_is_free() {
    let asked = Rc::new(RefCell::new(0));
    let mut run = Run::new(acting("", "key: k,")).world(|_, _, _, _| Some(done(json("7"))));
    let count = asked.clone();
    run.home = Box::new(move |_| {
        *count.borrow_mut() += 1;
        if *count.borrow() < 4 { ClaimAnswer::Held { by: other() } } else { ClaimAnswer::Granted }
    });
    let run = run.start(Value::Null);
    assert_eq!((run.state.is_ended(), *asked.borrow()), (true, 4));
    assert!(run.now_us >= START_US + 6_000_000);
    run.verified();
}

#[test]
fn another_use_of_the_key_parks_and_a_redrive_asks_again() {
    for answer in [ClaimAnswer::Conflict { by: other() }, ClaimAnswer::Unsettled { by: other() }] {
        let free = Rc::new(RefCell::new(false));
        let mut run = Run::new(acting("", "key: k,")).world(|_, _, _, _| Some(done(json("7"))));
        let is_free = free.clone();
        run.home = Box::new(move |_| if *is_free.borrow() { ClaimAnswer::Granted } else { answer.clone() });
        let mut run = run.start(Value::Null);
        assert!(run.state.parked.is_some() && matches!(effect_state(&run), EffectState::Conflict | EffectState::Claiming));
        assert!(run.tell(claimed(&run, ClaimAnswer::Granted)).is_err(), "an answer that comes late changes nothing");
        *free.borrow_mut() = true;
        run.tell(Command::Redrive(provost_model::record::Redrive { by: who(), reason: "looked".into() })).unwrap();
        run.settle();
        assert!(run.state.is_ended());
        run.verified();
    }
}

#[test]
fn a_key_that_is_asked_for_when_the_time_is_up_was_never_used() {
    let mut run = Run::new(acting("", "key: k,")).world(|_, _, _, _| panic!("nothing may be sent"));
    run.home = Box::new(|_| ClaimAnswer::Held { by: other() });
    let mut run = run.begin(Value::Null);
    run.tell(Command::Cancel(provost_model::record::Cancel { by: who(), reason: "stop".into(), replaced_by: None })).unwrap();
    assert!(run.state.is_ended());
    assert_eq!(effect_state(&run), EffectState::Abandoned);
    run.verified();
}

#[test]
fn who_is_not_in_front_waits_for_its_turn_and_its_time_has_not_begun() {
    let document = "timeout: { after: { seconds: 5 } }\ndo:\n  - a: { set: { n: 1 } }\n";
    let mut run = Run::new(crate::support::document(document));
    run.order = Some("customer-7".into());
    run.shared = Box::new(|request, _| Admission { delayed_until_us: Some(i64::MAX), number: Some(3), ..admission(request) });
    let mut run = run.start(Value::Null);
    assert_eq!((run.state.queued, run.state.timers.size()), (Some(3), 0));
    run.tell(Command::Admitted).unwrap();
    assert!(run.state.is_ended());
    assert!(run.tell(Command::Admitted).is_err());
    run.verified();
}

fn who() -> provost_model::Who {
    provost_model::Who { name: "maria".into(), known: provost_model::who::Known::Token, roles: Vec::new() }
}

fn claimed(run: &Run, answer: ClaimAnswer) -> Command {
    let effect = *run.state.effects.keys().next().unwrap();
    Command::Claimed(provost_model::record::Claimed { effect, answer })
}
