//! Labels from the edge to the ledger: a business key, or an argument that must be trusted, is never built from what somebody outside wrote.

use crate::support::{Run, compiled, done, json};
use provost_language::{Compiled, Sources};
use provost_model::program::EffectClass;
use provost_model::record::{Command, EffectKind, Ending, Fact, ReviewAnswer, Start};
use provost_model::who::Known;
use provost_model::{EventId, Slot, Value, Who};

const CONTRACT: &str = r#"{ "x-provost": { "type": "t.v1", "trusted": ["/id", "/lines/0/n"] }, "type": "object", "required": ["id"] }"#;

/// A workflow that starts on `t.v1`, with an action whose result has a trusted `ref`, an agent, a table and the tasks `body`.
fn workflow(body: &str) -> Compiled {
    reading("data", body)
}

/// The same that reads its event as `read`.
fn reading(read: &str, body: &str) -> Compiled {
    let mut sources = Sources::new();
    let result = "result: { x-provost: { trusted: [ /ref ] }, type: object }";
    sources.add("actions/pay.yaml", format!("version: 1.0.0\nclass: E1\nqueue: bank\n{result}\n").into_bytes());
    let account = "arguments: { x-provost: { trusted: [ /account ] }, type: object }";
    sources.add("actions/move.yaml", format!("version: 1.0.0\nclass: E1\nqueue: bank\n{account}\n").into_bytes());
    // What an agent says is not trusted, whatever its contract claims.
    let agent =
        "---\nversion: 1.0.0\nmodel: scripted\noutput: { x-provost: { trusted: [ /id ] } }\nexamples: [ { answer: {} } ]\n---\nSay.\n";
    sources.add("agents/sayer.md", agent.as_bytes().to_vec());
    let rules = "version: 1.0.0\nhit: first\nrows:\n  - { id: small, when: '.n < 50', then: { size: small } }\n  - { id: large, then: { size: large } }\n";
    sources.add("rules/size.yaml", rules.as_bytes().to_vec());
    sources.add("contracts/t.json", CONTRACT.as_bytes().to_vec());
    let head = format!(
        "document: {{ dsl: '1.0.3', namespace: test, name: test, version: '1.0.0' }}\nschedule: {{ on: {{ one: {{ with: {{ type: t.v1 }} }} }}, read: {read} }}\ninput: {{ from: 'if type == \"array\" then .[0] else . end' }}\n"
    );
    sources.add("workflows/test.yaml", format!("{head}do:\n{body}").into_bytes());
    compiled(&sources, None)
}

const KEEP: &str = "  - keep: { set: '${ . }', export: { as: '${ { event: . } }' } }\n";
const SAY: &str =
    "  - say: { call: agent, with: { agent: sayer, input: '${ $context.event }' }, export: { as: '${ $context + { said: . } }' } }\n";

fn pay(key: &str) -> String {
    format!("  - pay: {{ call: act, with: {{ action: pay, key: '{key}', arguments: {{ n: 1 }} }} }}\n")
}

const EVENT: &str = r#"{"id":"R-1","note":"R-2","n":7,"lines":[{"n":1,"t":"x"}]}"#;

fn run(code: Compiled) -> Run {
    let answer = r#"{"id":"R-1","ref":"re_1","choice":"R-1","confidencePct":90}"#;
    Run::new(code).world(move |_, _, _, _| Some(done(json(answer))))
}

fn started(body: &str) -> Run {
    run(workflow(body)).start(Value::array([json(EVENT)]))
}

/// The keys under which something left.
fn keys(run: &Run) -> Vec<String> {
    run.verified();
    let keys = run.facts().into_iter().filter_map(|fact| match fact {
        Fact::Intended { kind: EffectKind::Action, business_key: Some(key), .. } => Some(key.to_string()),
        _ => None,
    });
    keys.collect()
}

fn accepted(body: &str, key: &str) {
    let run = started(body);
    assert_eq!(keys(&run), [key], "{body}: {:?}", run.state.parked);
}

fn refused(body: &str) {
    let run = started(body);
    assert_eq!(keys(&run), [""; 0], "{body}");
    let raised = run.facts().into_iter().rev().find_map(|fact| if let Fact::Raised { problem, .. } = fact { Some(problem) } else { None });
    assert!(raised.is_some(), "{body} raised nothing");
    let problem = raised.unwrap();
    assert_eq!(problem.code(), "untrusted-key", "{body}: {problem:?}");
    assert!(problem.detail.contains("x-provost"), "the message says what to do: {}", problem.detail);
}

#[test]
fn of_a_whole_event_the_contract_trusts_places_in_its_data_and_of_its_text_nothing() {
    let envelope = format!(r#"{{"id":"e-1","subject":"R-1","data":{EVENT}}}"#);
    let keyed = |read: &str, key: &str, item: &str| {
        let run = run(reading(read, &pay(key))).start(Value::array([json(item)]));
        keys(&run)
    };
    assert_eq!(keyed("envelope", "${ .data.id }", &envelope), ["R-1"]);
    assert_eq!(keyed("envelope", "${ .data.note }", &envelope), [""; 0]);
    assert_eq!(keyed("envelope", "${ .subject }", &envelope), [""; 0]);
    assert_eq!(keyed("envelope", "${ .id }", &envelope), [""; 0]);
    let text = Value::from(EVENT).to_string();
    assert_eq!(keyed("raw", "${ fromjson | .id }", &text), [""; 0]);
    assert_eq!(keyed("raw", "${ .[0:4] }", &text), [""; 0]);
}

#[test]
fn a_key_is_built_from_what_is_trusted() {
    accepted(&pay("fixed"), "fixed");
    accepted(&pay(r#"${ "refund/" + .id }"#), "refund/R-1");
    accepted(&pay(r#"${ "line/" + (.lines[0].n | tostring) }"#), "line/1");
    accepted(&pay(r#"${ if type == "object" then .id else "none" end }"#), "R-1");
    accepted(&pay(r#"${ $workflow.definition.document.name + "/" + $task.name }"#), "test/pay");
    accepted(&pay(r#"${ $workflow.input[0].id }"#), "R-1");
}

#[test]
fn a_key_from_anything_else_is_refused() {
    for key in [".note", r#".id + .note"#, r#""n/" + (.n | tostring)"#, ".lines[0].t", "tojson", r#"if .n > 1 then "a" else "b" end"#] {
        refused(&pay(&format!("${{ {key} }}")));
    }
    refused(&pay("${ $workflow.input[0].note }"));
}

#[test]
fn a_trusted_field_stays_so_beside_what_an_agent_said() {
    let body = format!("{KEEP}{SAY}{}", pay("${ $context.event.id }"));
    accepted(&body, "R-1");
    let body = format!("{KEEP}{SAY}{}", pay("${ $context.said.id }"));
    refused(&body);
}

#[test]
fn no_task_takes_a_label_off() {
    let ways = [
        "  - a: { set: { id: '${ .said.id }' }, input: { from: '${ $context }' } }\n",
        "  - a: { do: [ { b: { set: { id: '${ $context.said.id }' } } } ] }\n",
        "  - a: { for: { each: one, in: '${ [ $context.said ] }' }, do: [ { b: { set: '${ $one }' } } ] }\n",
        "  - a: { fork: { branches: [ { b: { set: '${ $context.said }' } }, { c: { set: { k: 1 } } } ] }, output: { as: '${ .[0] }' } }\n",
        "  - a: { fork: { branches: [ { b: { set: { k: 2 }, export: { as: '${ $context + { x: $context.said.id } }' } } } ] }, output: { as: '${ { id: $context.x } }' } }\n  - d: { set: { id: '${ $context.x }' } }\n",
        "  - a: { try: [ { b: { raise: { error: { type: 'https://x', status: 500, title: '${ $context.said.id }' } } } } ], catch: { as: e, do: [ { c: { set: { id: '${ $e.title }' } } } ] } }\n",
        "  - a: { call: rules, with: { table: size, input: '${ { n: ($context.said.id | length) } }' }, output: { as: '${ { id: .size } }' } }\n",
        "  - a: { call: decide, with: { opinions: '${ { one: ($context.said | { choice, confidencePct }) } }', rule: first-valid }, output: { as: '${ { id: .choice } }' } }\n",
        "  - a: { call: policy, with: { action: x, context: '${ { said: $context.said.id } }' }, output: { as: '${ { id: .answer } }' } }\n",
        "  - a: { wait: { seconds: 1 }, input: { from: '${ $context.said }' } }\n",
        "  - a: { emit: { event: { with: { source: /t, type: t.v9, data: '${ $context.said }' } } }, output: { as: '${ .data }' } }\n",
        "  - a: { switch: [ { x: { then: continue } } ], input: { from: '${ $context.said }' } }\n",
        "  - a: { set: { k: 1 }, export: { as: '${ { event: $context.event, k: $context.said.id } }' } }\n  - b: { set: { id: '${ $context.k }' } }\n",
    ];
    for way in ways {
        refused(&format!("{KEEP}{SAY}{way}{}", pay("${ .id }")));
    }
}

#[test]
fn what_is_decided_has_an_id_of_its_own() {
    let decide = "  - a: { call: decide, with: { opinions: '${ { one: (. | { choice, confidencePct }) } }', rule: first-valid } }\n";
    let run = started(&format!("{KEEP}{SAY}{decide}{}", pay("${ .decisionId }")));
    assert!(keys(&run).first().is_some_and(|key| key.starts_with("dec_")), "{:?}", keys(&run));
}

#[test]
fn an_actions_contract_may_trust_its_result_and_an_agents_may_not() {
    let first = "  - first: { call: act, with: { action: pay, arguments: { n: 0 } } }\n";
    accepted(&format!("{first}{}", pay("${ .ref }")), "re_1");
    refused(&format!("{first}{}", pay("${ .id }")));
    refused(&format!("{KEEP}{SAY}{}", pay("${ .id }")));
}

#[test]
fn a_persons_choice_is_trusted_and_their_reason_is_not() {
    let ask = "  - ask: { call: review, with: { queue: q, title: t, form: { x-provost: { trusted: [ /ref ] } } } }\n";
    let answered = |key: &str| {
        let mut run = started(&format!("{ask}{}", pay(key)));
        let (id, review) = run.state.reviews.iter().next().unwrap();
        let by = Who { name: "maria".into(), known: Known::Token, roles: Vec::new() };
        let option = review.spec.options.first().unwrap().clone();
        let answer = ReviewAnswer { review: *id, option, by, reason: "R-9".to_owned(), form: json(r#"{"ref":"F-1","other":"F-2"}"#) };
        run.tell(Command::Review(answer)).unwrap();
        run.settle();
        keys(&run)
    };
    assert_eq!(answered("${ .form.ref }"), ["F-1"]);
    assert_eq!(answered(r#"${ .by + "/" + .choice }"#), ["maria/approve"]);
    assert_eq!(answered("${ .form.other }"), [""; 0]);
    assert_eq!(answered("${ .reason }"), [""; 0]);
}

#[test]
fn without_a_contract_the_schema_of_the_input_says_what_is_trusted() {
    let key = |schema: &str, input: &str| {
        let mut sources = Sources::new();
        sources.add("actions/pay.yaml", b"version: 1.0.0\nclass: E1\nqueue: bank\n".to_vec());
        let head = "document: { dsl: '1.0.3', namespace: test, name: test, version: '1.0.0' }\n";
        let input_schema = format!("input: {{ schema: {{ document: {schema} }}, from: 'if type == \"array\" then .[0] else . end' }}\n");
        sources.add("workflows/test.yaml", format!("{head}{input_schema}do:\n{}", pay("${ .id }")).into_bytes());
        keys(&run(compiled(&sources, None)).start(json(input)))
    };
    assert_eq!(key("{ type: object, x-provost: { trusted: [ /id ] } }", r#"{"id":"R-1"}"#), ["R-1"]);
    assert_eq!(key("{ type: array, x-provost: { trusted: [ /0/id ] } }", r#"[{"id":"R-1"}]"#), ["R-1"]);
    assert_eq!(key("{ type: object, x-provost: { trusted: [ /ref ] } }", r#"{"id":"R-1"}"#), [""; 0]);
    assert_eq!(key("true", r#"{"id":"R-1"}"#), [""; 0]);
}

#[test]
fn only_a_named_source_is_believed() {
    let begin = |hops: u32, known: Known, input: &str| {
        let code = workflow(&pay("${ .id }"));
        let program = code.program.clone();
        let by = Who { name: "shop".into(), known, roles: Vec::new() };
        let event = Some(EventId::mint(1, Slot(1), &[b"e"]));
        let (workflow, version, pin) = (program.name.clone(), program.version.clone(), program.pin);
        let input = json(input);
        let start = Start {
            labels: provost_model::Labels::new(),
            workflow,
            version,
            pin,
            binding: 0,
            input,
            event,
            events: Vec::new(),
            subject: None,
            hops,
            origin: None,
            traceparent: None,
            order: None,
            concurrency: None,
            batch: None,
            parent: None,
            by,
        };
        let mut run = run(code);
        run.tell(Command::Start(start)).unwrap();
        run.settle();
        keys(&run)
    };
    assert_eq!(begin(0, Known::Token, r#"[{"id":"R-1"}]"#), ["R-1"]);
    assert_eq!(begin(0, Known::Loopback, r#"{"id":"R-1"}"#), ["R-1"]);
    assert_eq!(begin(1, Known::Token, r#"[{"id":"R-1"}]"#), [""; 0], "an event of ours may repeat what an agent wrote");
    assert_eq!(begin(0, Known::System, r#"[{"id":"R-1"}]"#), [""; 0]);
    assert_eq!(begin(0, Known::Token, r#"[{"id":"R-1"},{"id":"R-1"}]"#), [""; 0], "what breaks the contract is not believed");
}

#[test]
fn an_argument_that_must_be_trusted_is() {
    let moved = |account: &str| {
        let body = format!(
            "{KEEP}{SAY}  - move: {{ call: act, with: {{ action: move, arguments: {{ account: '{account}', note: '${{ $context.said.id }}' }} }} }}\n"
        );
        let run = started(&body);
        run.verified();
        let raised = run.facts().into_iter().find_map(|fact| if let Fact::Raised { problem, .. } = fact { Some(problem) } else { None });
        raised.map(|problem| problem.code().to_owned())
    };
    assert_eq!(moved("DE-1"), None);
    assert_eq!(moved("${ $context.event.id }"), None);
    assert_eq!(moved("${ $context.said.id }").as_deref(), Some("untrusted-argument"));
    assert_eq!(moved("${ { nested: [ $context.said ] } }").as_deref(), Some("untrusted-argument"));
}

#[test]
fn where_nothing_is_decided_on_labels_none_are_kept() {
    let plain = started(&format!("{KEEP}{SAY}{}", "  - pay: { call: act, with: { action: pay, arguments: '${ $context.said }' } }\n"));
    let keyed = started(&format!("{KEEP}{SAY}{}", pay("${ $context.event.id }")));
    let written = |run: &Run| serde_json::to_string(&run.facts()).unwrap().matches("labels\"").count();
    assert_eq!((plain.state.phase, written(&plain)), (provost_engine::Phase::Ended(Ending::Completed), 0));
    assert!(written(&keyed) > 0);
    assert!(plain.state.effects.values().all(|effect| effect.class != EffectClass::E4));
}

const SECRET: &str = "do:\n  - note: { set: { kept: true }, export: { as: '${ { note: $input.note } }' } }\n  - pay: { call: act, with: { action: pay, arguments: { auth: '${ \"Bearer \" + $secrets.token }', list: [ 1, '${ { k: $secrets.key } }' ], note: '${ $context.note }' } } }\n  - undo: { call: compensate, with: {} }\n";

#[test]
fn an_effect_names_its_secrets_and_their_places_and_so_does_its_undo() {
    let mut sources = Sources::new();
    sources.add("actions/pay.yaml", b"version: 1.0.0\nclass: E1\nqueue: bank\nundo: unpay\n".to_vec());
    sources.add("actions/unpay.yaml", b"version: 1.0.0\nclass: E1\nqueue: bank\n".to_vec());
    let head = "document: { dsl: '1.0.3', namespace: test, name: test, version: '1.0.0' }\nuse: { secrets: [ token, key ] }\n";
    sources.add("workflows/test.yaml", format!("{head}{SECRET}").into_bytes());
    // A text that looks like a marker, read by an expression that names no secret.
    let forged = Value::object([("note", Value::from("\u{FDD0}token\u{FDD1}"))]);
    let run = run(compiled(&sources, None)).start(forged);
    run.verified();
    let spans = |wanted: EffectKind| {
        let effect = run.state.effects.values().find(|effect| effect.kind == wanted).unwrap();
        effect.secrets.iter().map(|span| (span.pointer.clone(), span.start, span.end, span.name.clone())).collect::<Vec<_>>()
    };
    let place = |pointer: &str, start: usize, name: &str| (pointer.to_owned(), start, start + name.len() + 6, name.to_owned());
    assert_eq!(spans(EffectKind::Action), [place("/auth", 7, "token"), place("/list/1/k", 0, "key")]);
    assert_eq!(spans(EffectKind::Undo), [place("/arguments/auth", 7, "token"), place("/arguments/list/1/k", 0, "key")]);
}
