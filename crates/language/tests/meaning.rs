//! What documents mean once compiled: the parts of a program that authors write in more than one way.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a missing task is a failed test")]

use provost_language::{Contract, Contracts, Sources, compile, render};
use provost_model::program::{
    Backoff, CallOutput, Duration, EffectClass, Flow, HitPolicy, InDoubt, Keeping, SchemaIx, Task, TaskKind, Template,
};
use provost_model::{Program, Value};

const HEAD: &str = "document: { dsl: '1.0.3', namespace: t, name: t, version: '1.0.0' }\n";

fn folder(files: &[(&str, &str)]) -> Program {
    let sources: Sources = files.iter().map(|(path, text)| (*path, text.as_bytes())).collect();
    let checked = compile(&sources);
    assert!(checked.bundle.is_some(), "{}", render(&checked.findings, &sources));
    checked.bundle.unwrap().workflows.remove(0)
}

fn lone(body: &str) -> Program {
    folder(&[("w.yaml", &format!("{HEAD}{body}"))])
}

fn task<'p>(program: &'p Program, name: &str) -> &'p Task {
    program.tasks.iter().find(|task| &*task.name == name).unwrap()
}

fn value(json: &str) -> Value {
    provost_model::value::parse(json.as_bytes()).unwrap()
}

#[test]
fn literals_stay_and_only_whole_texts_are_expressions() {
    let program = lone("do: [ { a: { set: { b: [ 1, { c: .d } ], e: '${ .f }' } } } ]\n");
    let TaskKind::Set(Template::Object(members)) = &task(&program, "a").kind else { unreachable!() };
    assert_eq!(members[0].1, Template::Literal(value(r#"[1,{"c":".d"}]"#)));
    assert!(matches!(members[1].1, Template::Expression(_)));
    assert_eq!(&*program.expressions[0].source, ".f");
}

#[test]
fn flow_goes_to_tasks_of_the_same_list() {
    let program = lone("do: [ { a: { set: { x: 1 }, then: c } }, { b: { set: { x: 1 }, then: exit } }, { c: { set: { x: 1 } } } ]\n");
    assert_eq!(task(&program, "a").then, Flow::Task(program.root[2]));
    assert_eq!(task(&program, "b").then, Flow::Exit);
    assert_eq!(task(&program, "c").then, Flow::Continue);
}

#[test]
fn variables_are_in_scope_where_they_are_named() {
    let program = lone(
        "do: [ { l: { for: { each: x, in: .xs }, while: $index < 3, do: [ { t: { try: [ { a: { set: { v: '${ $x }' } } } ],\n\
         \x20 catch: { as: err, do: [ { b: { set: { v: '${ $err.title + $x }' } } } ] } } } ] } } ]\n",
    );
    let names = |source: &str| {
        let found = program.expressions.iter().find(|expression| &*expression.source == source).unwrap();
        found.variables.iter().map(|name| &**name).collect::<Vec<_>>()
    };
    assert_eq!(names(".xs"), [""; 0]);
    assert_eq!(names("$index < 3"), ["x", "index"]);
    assert_eq!(names("$x"), ["x", "index"]);
    assert_eq!(names("$err.title + $x"), ["x", "index", "err"]);
}

#[test]
fn retries_and_errors_by_name() {
    let program = lone(
        "use:\n  retries: { patient: { delay: { seconds: 3 }, backoff: { exponential: {} }, limit: { attempt: { count: 5 }, duration: PT1M } } }\n\
         \x20 errors: { late: { type: https://serverlessworkflow.io/dsl/errors/types/timeout, status: 408, title: '${ .why }' } }\n\
         \x20 timeouts: { short: { after: PT0.5S } }\n\
         do: [ { t: { try: [ { r: { raise: { error: late }, timeout: short } } ], catch: { errors: { with: { type: https://open-workflow-specification.org/dsl/errors/types/timeout } }, retry: patient, then: end } } } ]\n",
    );
    let TaskKind::Try(attempt) = &task(&program, "t").kind else { unreachable!() };
    let retry = attempt.catch.retry.as_ref().unwrap();
    assert_eq!((retry.delay_ms, retry.backoff, retry.attempts_max), (3000, Backoff::Exponential, 6));
    assert_eq!(retry.total_ms_max, 60_000);
    assert_eq!((attempt.catch.then.clone(), &*attempt.catch.variable, attempt.catch.body.is_none()), (Flow::End, "error", true));
    let TaskKind::Raise(raise) = &task(&program, "r").kind else { unreachable!() };
    let Template::Object(members) = &raise.error else { unreachable!() };
    let kind = attempt.catch.errors.kind.clone().unwrap();
    assert_eq!(members[0].1, Template::Literal(Value::Str(kind)));
    assert_eq!(task(&program, "r").timeout.as_deref(), Some(&Duration::Millis(500)));
}

#[test]
fn a_function_gets_its_arguments_and_none_of_the_callers_variables() {
    let program = lone(
        "use: { functions: { greet: { input: { from: .who }, set: { text: '${ \"hi \" + . }' } } } }\n\
         do: [ { l: { for: { each: x, in: .xs }, do: [ { g: { call: greet, with: { who: '${ $x }' } } } ] } } ]\n",
    );
    let TaskKind::Do(block) = &task(&program, "g").kind else { unreachable!() };
    let inner: Vec<&str> = block.iter().map(|index| &*program.task(*index).unwrap().name).collect();
    assert_eq!(inner, ["with", "greet"]);
    let inside = program.expressions.iter().find(|expression| expression.source.contains("hi")).unwrap();
    assert!(inside.variables.is_empty());
}

#[test]
fn a_table_in_csv_is_a_table_in_yaml() {
    let workflow = format!("{HEAD}do: [ {{ a: {{ call: rules, with: {{ table: limits, input: '${{ . }}' }} }} }} ]\n");
    let csv = "# version: 1.2.0\n# hit: first\n# otherwise: { choice: unsure }\nid,.amount,.tier,= choice,= pct\nsmall,<= 5000,-,approve,95\nvip,,gold,approve,80\n";
    let program = folder(&[("workflows/w.yaml", &workflow), ("rules/limits.csv", csv)]);
    let table = &program.rules["limits@1"];
    assert_eq!((table.hit, table.otherwise.clone()), (HitPolicy::First, Some(value(r#"{"choice":"unsure"}"#))));
    assert_eq!(table.rows[0].then, value(r#"{"choice":"approve","pct":95}"#));
    let source = |row: usize| program.expressions[table.rows[row].when.unwrap().0 as usize].source.to_string();
    assert_eq!((source(0).as_str(), source(1).as_str()), ("((.amount) <= 5000)", "((.tier) == \"gold\")"));
}

#[test]
fn acts_inherit_the_documents_doubt() {
    let head = "document: { dsl: '1.0.3', namespace: t, name: t, version: '1.0.0', metadata: { provost: { inDoubt: raise } } }\n";
    let act = "call: act, with: { action: pay, arguments: '${ . }' }";
    let body = format!("{head}do: [ {{ a: {{ {act} }} }}, {{ b: {{ {act}, metadata: {{ provost: {{ inDoubt: wait }} }} }} }} ]\n");
    let action = "version: 1.0.0\nclass: E2\nhttp: { method: PUT, destination: bank, path: '/pay/{/id}' }\n";
    let program = folder(&[("workflows/w.yaml", &body), ("actions/pay.yaml", action)]);
    let doubt = |name: &str| match &task(&program, name).kind {
        TaskKind::Act(act) => act.in_doubt,
        other => unreachable!("{other:?}"),
    };
    assert_eq!((doubt("a"), doubt("b")), (InDoubt::Raise, InDoubt::Wait));
    assert!(program.actions["pay@1"].http.as_ref().unwrap().body);
}

#[test]
fn a_call_is_an_action_of_its_own() {
    let swagger = r#"{ "swagger": "2.0", "host": "a.example", "paths": { "/x": { "get": { "operationId": "get", "parameters": [
        { "name": "many", "in": "query", "collectionFormat": "multi" }, { "name": "one", "in": "query" } ] } } } }"#;
    let body = "do:\n\
        - { a: { call: http, with: { method: PoSt, endpoint: 'https://a.example/{id}/{id}', output: raw, redirect: true },\n\
        \x20 metadata: { provost: { store: blob, inDoubt: raise, effect: { class: E1, keyHeader: K } } } } }\n\
        - { b: { call: openapi, with: { document: { endpoint: a }, operationId: get, parameters: { many: [ 1 ], one: [ 1 ] } } } }\n\
        - { c: { call: http, with: { method: head, endpoint: 'https://a.example' } } }\n";
    let program = folder(&[("workflows/w.yaml", &format!("{HEAD}{body}")), ("apis/a.json", swagger)]);
    let of = |name: &str| {
        let TaskKind::Act(act) = &task(&program, name).kind else { unreachable!() };
        let spec = &program.actions[&act.action];
        (act, spec, spec.call.as_ref().unwrap())
    };
    let (act, spec, call) = of("a");
    assert_eq!((&*act.action, act.in_doubt, act.store), ("http.call@/do/0/a", InDoubt::Raise, Keeping::Blob));
    assert_eq!((&*spec.name, spec.class, spec.retry.attempts_max), ("http.call", EffectClass::E1, 5));
    assert_eq!((&*call.method, call.template, call.output, call.redirect), ("POST", true, CallOutput::Raw, true));
    assert_eq!((&*call.key_header, call.response_bytes_max), ("K", program.limits.blob_bytes));
    let (_, spec, call) = of("b");
    assert_eq!((spec.class, spec.retry.attempts_max, call.operation.as_deref()), (EffectClass::E0, 1, Some("get")));
    assert_eq!(call.joined, ["one".into()], "a list is one text with commas unless the document says otherwise");
    let (_, _, call) = of("c");
    assert_eq!((&*call.method, call.template, call.response_bytes_max), ("HEAD", false, program.limits.value_bytes));
    assert!(program.tasks.iter().all(|task| matches!(task.kind, TaskKind::Act(_))), "each is one task");
}

#[test]
fn an_emitted_event_has_its_contract() {
    let workflow = format!("{HEAD}do: [ {{ a: {{ emit: {{ event: {{ with: {{ type: t.v1, data: '${{ . }}' }} }} }} }} }} ]\n");
    let contract = r#"{ "x-provost": { "type": "t.v1" }, "type": "object", "required": ["id"] }"#;
    let program = folder(&[("workflows/w.yaml", &workflow), ("contracts/t.json", contract)]);
    let TaskKind::Emit(emit) = &task(&program, "a").kind else { unreachable!() };
    let contracts = Contracts::compile(&program).unwrap();
    assert!(contracts.validate(emit.contract.unwrap(), &value(r#"{"id":1}"#)).is_empty());
    assert_eq!(contracts.validate(emit.contract.unwrap(), &value("{}")).len(), 1);
    assert_eq!(contracts.validate(SchemaIx(99), &value("{}")).len(), 1);
}

#[test]
fn contracts_judge_our_own_values() {
    for (schema, good, bad) in [
        (r#"{"type":"integer"}"#, "9007199254740993", "1.5"),
        (r#"{"const":9007199254740993}"#, "9007199254740993", "9007199254740992"),
        (r#"{"multipleOf":3,"minimum":-3}"#, "-3", "-6"),
        (r#"{"uniqueItems":true}"#, r#"[1,"1",{"a":1}]"#, r#"[{"a":1,"b":2},{"b":2,"a":1}]"#),
        (r#"{"pattern":"^(a+)+$"}"#, r#""aaaa""#, r#""aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab""#),
        (r#"{"propertyNames":{"maxLength":1}}"#, r#"{"a":1}"#, r#"{"ab":1}"#),
        (r##"{"properties":{"next":{"$ref":"#"}},"additionalProperties":false}"##, r#"{"next":{"next":{}}}"#, r#"{"next":{"no":1}}"#),
        (r#"{"maxLength":2}"#, r#""😀😀""#, r#""abc""#),
        (r#"{"prefixItems":[{"enum":["a",null]}],"items":false}"#, "[null]", r#"["a",1]"#),
    ] {
        let contract = Contract::compile(&value(schema)).unwrap();
        assert_eq!(contract.violations(&value(good)), [], "{schema} {good}");
        assert!(!contract.allows(&value(bad)) && !contract.violations(&value(bad)).is_empty(), "{schema} {bad}");
    }
    let contract = Contract::compile(&value(r#"{"properties":{"a":{"items":{"type":"string"}}}}"#)).unwrap();
    assert_eq!(contract.violations(&value(r#"{"a":["x",2]}"#))[0].pointer, "/a/1");
}
