//! The targets: each reads bytes as one reader of ours would, and checks what must hold of whatever comes out.
//!
//! What must stay true: a target panics if and only if something is broken; it looks at nothing but its bytes.
#![expect(clippy::panic, reason = "a target tells its driver by a panic that something is broken")]

use provost_api::cloudevents::{self, Sent};
use provost_language::contract::Contract;
use provost_language::expr::{Fuel, Module, Source, Variables};
use provost_language::plan::{Ready, evaluate};
use provost_language::{Sources, compile, read_value};
use provost_model::program::plan::PLAN_TASKS_MAX;
use provost_model::program::{Allowed, PlanTask, PlannedCall, Template};
use provost_model::record::{Cause, ENGINE, FORMAT, Given, Row, Stream, Transition};
use provost_model::value::{canonical, canonical_len, parse};
use provost_model::{Digest, Event, Labelled, TenantId, Value};
use provost_policy::PolicySet;
use provost_runtime::control_plane;

use super::seeds::FILE_MARK;

/// What an expression may burn here.
const FUEL: Fuel = Fuel { units_max: 20_000, bytes_max: 1 << 20 };
/// Deepest value that a reader gives.
const DEPTH_MAX: usize = 65;

/// Longest body that the server reads, in bytes.
const BODY_BYTES_MAX: usize = 4 << 20;

/// One target.
#[derive(Clone, Copy, Debug)]
pub struct Target {
    /// What it is called.
    pub name: &'static str,
    /// Reads the bytes; panics where something is broken.
    pub run: fn(&[u8]),
}

/// Every target.
pub const TARGETS: [Target; 11] = [
    Target { name: "yaml", run: yaml },
    Target { name: "expression", run: expression },
    Target { name: "workflow", run: workflow },
    Target { name: "bundle", run: bundle },
    Target { name: "contract", run: contract },
    Target { name: "value", run: value },
    Target { name: "event", run: event },
    Target { name: "http", run: http },
    Target { name: "record", run: record },
    Target { name: "policy", run: policy },
    Target { name: "plan", run: plan },
];

fn depth(value: &Value) -> usize {
    match value {
        Value::Array(items) => 1 + items.iter().map(depth).max().unwrap_or(0),
        Value::Object(map) => 1 + map.iter().map(|(_, member)| depth(member)).max().unwrap_or(0),
        Value::Null | Value::Bool(_) | Value::Int(_) | Value::Float(_) | Value::Str(_) => 0,
    }
}

/// A value has one text, which is read as the same value.
fn one_text(value: &Value) {
    let text = canonical(value);
    assert_eq!(text.len(), canonical_len(value), "the length of {text}");
    if text.len() > provost_model::limits::VALUE.bytes_max || depth(value) > provost_model::limits::VALUE.depth_max {
        return;
    }
    match parse(text.as_bytes()) {
        Ok(again) => assert!(again == *value && canonical(&again) == text, "{text} is read as {again}"),
        Err(error) => panic!("{text} is written and cannot be read: {error}"),
    }
}

fn yaml(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    match read_value(text) {
        Ok(value) => {
            assert!(depth(&value) <= DEPTH_MAX, "deeper than a document may be");
            one_text(&value);
            assert_eq!(Ok(value), read_value(text), "read twice");
        }
        Err(findings) => assert!(!findings.is_empty(), "refused without a reason"),
    }
}

fn expression(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    match Module::compile(&[Source::new(text)]) {
        Err(errors) => {
            assert!(!errors.is_empty(), "refused without a reason");
            assert!(errors.iter().all(|error| error.offset <= text.len() && error.line > 0 && error.column > 0), "{errors:?}");
        }
        Ok(module) => {
            let input = Value::object([("a", Value::array([Value::Int(1), Value::from("x"), Value::Null])), ("b", Value::Bool(true))]);
            let once = module.evaluate_counted(0, &input, &Variables::new(), FUEL);
            assert!(once.1.units <= FUEL.units_max && once.1.bytes <= FUEL.bytes_max, "{:?}", once.1);
            if let Ok(value) = &once.0 {
                one_text(value);
            }
            assert_eq!(once, module.evaluate_counted(0, &input, &Variables::new(), FUEL), "evaluated twice");
        }
    }
}

fn compiled(sources: &Sources) {
    let checked = compile(sources);
    let refused = checked.findings.iter().any(provost_language::Finding::is_error);
    assert_eq!(checked.bundle.is_none(), refused, "{:?}", checked.findings.first());
    let again = compile(sources);
    assert!(again.findings == checked.findings && again.bundle == checked.bundle, "compiled twice");
    if let Some(bundle) = &checked.bundle
        && let Err(error) = control_plane::load(control_plane::stored(bundle))
    {
        // What the compiler takes, the data plane must take; policies are read there only.
        assert!(!bundle.policies.is_empty() || !bundle.policy_schemas.is_empty(), "it compiles and does not load: {error}");
    }
}

fn workflow(bytes: &[u8]) {
    compiled(&Sources::lone("workflow.yaml", bytes));
}

/// `=== path` begins a file.
fn bundle(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let mut sources = Sources::new();
    let (mut path, mut content) = ("workflow.yaml".to_owned(), String::new());
    for line in text.split_inclusive('\n') {
        match line.strip_prefix(FILE_MARK) {
            Some(next) => {
                sources.add(&path, std::mem::take(&mut content).into_bytes());
                path = next.trim().to_owned();
            }
            None => content.push_str(line),
        }
    }
    sources.add(&path, content.into_bytes());
    compiled(&sources);
}

fn contract(bytes: &[u8]) {
    let Ok(schema) = parse(bytes) else { return };
    let Ok(contract) = Contract::compile(&schema) else { return };
    let values =
        [Value::Null, Value::Int(7), Value::from("aaaaaaaaaaaaaaaaaaaaaaaa"), Value::array([Value::Int(1), Value::Int(1)]), schema.clone()];
    for value in &values {
        let violations = contract.violations(value);
        assert_eq!(contract.allows(value), violations.is_empty(), "{value}: {violations:?}");
        assert_eq!(violations, contract.violations(value), "judged twice");
    }
}

fn value(bytes: &[u8]) {
    match parse(bytes) {
        Ok(value) => {
            assert!(depth(&value) <= DEPTH_MAX, "deeper than a value may be");
            one_text(&value);
        }
        Err(error) => assert!(!error.to_string().is_empty(), "refused without a reason"),
    }
}

fn event(bytes: &[u8]) {
    let Ok(event) = serde_json::from_slice::<Event>(bytes) else { return };
    let Ok(written) = serde_json::to_vec(&event) else { panic!("an event that was read cannot be written") };
    match serde_json::from_slice::<Event>(&written) {
        Ok(again) => assert_eq!(event, again),
        Err(error) => panic!("an event that was written cannot be read: {error}"),
    }
    for name in ["specversion", "id", "source", "type", "subject", "time", "data", "x"] {
        if let Some(value) = event.attribute(name) {
            one_text(&value);
        }
    }
}

/// The first line is the content type, the lines up to an empty one are headers, the rest is the body: as the server hands them over.
fn http(bytes: &[u8]) {
    let end = bytes.windows(2).position(|pair| pair == b"\n\n").unwrap_or(bytes.len());
    let (head, body) = (bytes.get(..end).unwrap_or_default(), bytes.get(end + 2..).unwrap_or_default());
    let mut lines = head.split(|byte| *byte == b'\n');
    let content_type = String::from_utf8_lossy(lines.next().unwrap_or_default()).into_owned();
    let named = lines.filter_map(|line| {
        let colon = line.iter().position(|byte| *byte == b':')?;
        let name = std::str::from_utf8(line.get(..colon)?).ok()?;
        Some((name, line.get(colon + 1..)?))
    });
    let headers: Vec<(&str, &[u8])> = named.collect();
    let sent = cloudevents::read(&content_type, &headers, body, BODY_BYTES_MAX);
    assert_eq!(sent, cloudevents::read(&content_type, &headers, body, BODY_BYTES_MAX), "read twice");
    let (events, refused): (Vec<_>, Vec<_>) = match sent {
        Ok(Sent::One(event)) => (vec![*event], Vec::new()),
        Ok(Sent::Batch(items)) => {
            assert!(items.len() <= cloudevents::BATCH_MAX, "a batch of {} events", items.len());
            let (events, refused): (Vec<_>, Vec<_>) = items.into_iter().partition(Result::is_ok);
            (events.into_iter().flatten().collect(), refused.into_iter().filter_map(Result::err).collect())
        }
        Err(unreadable) => (Vec::new(), vec![unreadable]),
    };
    assert!(refused.iter().all(|why| (400..500).contains(&why.status) && !why.title.is_empty()), "{refused:?}");
    for sent in events {
        assert!(!sent.id.is_empty() && !sent.source.is_empty() && !sent.kind.is_empty(), "{sent:?}");
        assert!(sent.hops == 0 && sent.origin.is_none(), "what only we may say: {sent:?}");
        let Ok(written) = serde_json::to_vec(&sent) else { panic!("an event that was read cannot be written") };
        event(&written);
    }
}

fn record(bytes: &[u8]) {
    let read = Transition::decode(bytes);
    if let Ok(transition) = &read {
        let Ok(written) = transition.encode() else { panic!("a transition that was read cannot be written") };
        match Transition::decode(&written) {
            Ok(again) => assert_eq!(*transition, again),
            Err(error) => panic!("a transition that was written cannot be read: {error}"),
        }
        assert!(Given::decode(bytes).is_ok(), "what a transition was decided on cannot be read alone");
    }
    // Damage in a row's cell must be told, never met.
    let _damaged = row(bytes).transition();
}

fn row(payload: &[u8]) -> Row {
    Row {
        tenant: TenantId::local(),
        stream: Stream::Control,
        first_sequence: 1,
        fact_count: 1,
        format: FORMAT,
        engine: ENGINE,
        recorded_at_us: 0,
        epoch: 1,
        cause: Cause::default(),
        chain: Digest::of(b""),
        payload: payload.to_vec(),
    }
}

/// A plan as an agent answers it: refused with a reason, or every task of it can be evaluated.
fn plan(bytes: &[u8]) {
    let Ok(answer) = parse(bytes) else { return };
    let entry = |call, name: &str, fixed: &[&str]| Allowed {
        call,
        name: name.into(),
        fixed: fixed.iter().map(|key| ((*key).into(), Template::Literal(Value::Null))).collect(),
    };
    let task = PlanTask {
        agent: "planner@1".into(),
        goal: Template::Literal(Value::Null),
        allow: vec![
            entry(PlannedCall::Act, "note@1", &["by"]),
            entry(PlannedCall::Agent, "adviser@1", &[]),
            entry(PlannedCall::Set, "", &[]),
        ],
        tasks: Vec::new(),
        review: None,
    };
    let read = provost_language::plan::read(&answer, &task);
    assert_eq!(read, provost_language::plan::read(&answer, &task), "read twice");
    match read {
        Err(wrong) => assert!(!wrong.is_empty(), "refused without a reason"),
        Ok(proposed) => {
            assert!(proposed.tasks.len() <= PLAN_TASKS_MAX, "{} tasks", proposed.tasks.len());
            let input = Labelled::authored(Value::object([("n", Value::Int(1))]));
            for task in &proposed.tasks {
                assert!(task.given.member("by").is_none() || task.call != PlannedCall::Act, "what is fixed was given");
                match evaluate(task, &input, FUEL, &mut |_| input.clone()) {
                    Ok(Ready::With(given)) => one_text(&given.value),
                    Ok(Ready::Skipped) => {}
                    Err(why) => assert!(!why.is_empty(), "failed without a reason"),
                }
            }
        }
    }
}

fn policy(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    match PolicySet::parse(&[("fuzz.cedar", text)], None) {
        Ok(set) => {
            let again = PolicySet::parse(&[("fuzz.cedar", text)], None);
            assert!(again.is_ok_and(|again| again.digest() == set.digest() && again.rules() == set.rules()), "parsed twice");
        }
        Err(findings) => assert!(!findings.is_empty(), "refused without a reason"),
    }
}
