//! Calls that a workflow writes out, against real servers on loopback: what arrives there, and what the attempt is reported as.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

#[path = "protocol/authentication.rs"]
mod authentication;
#[path = "protocol/served.rs"]
mod served;

use std::collections::BTreeMap;

use provost_model::program::{ActionSpec, CallOutput, EffectClass, ProtocolCall, RetrySpec};
use provost_model::record::{Attempted, SecretSpan};
use provost_model::{Digest, Value, value};
use provost_worker::secrets::Secrets;
use provost_worker::{BuiltIn, Call, What};

use served::{Reply, Served, serve};

const TRACEPARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

fn json(text: &str) -> Value {
    value::parse(text.as_bytes()).unwrap()
}

fn written(method: &str) -> ProtocolCall {
    ProtocolCall {
        lookup: None,
        method: method.into(),
        template: false,
        output: CallOutput::Content,
        redirect: false,
        key_header: "".into(),
        operation: None,
        joined: Vec::new(),
        response_bytes_max: 1024,
    }
}

fn spec(call: ProtocolCall) -> ActionSpec {
    let class = if call.is_safe() { EffectClass::E0 } else { EffectClass::E4 };
    ActionSpec {
        name: "http.call".into(),
        version: "1.0.0".into(),
        digest: Digest::of(b"call"),
        class,
        queue: "builtin".into(),
        http: None,
        call: Some(call),
        lookup: None,
        arguments: None,
        result: None,
        meaningful: Vec::new(),
        timeout_ms: 700,
        retry: RetrySpec::default(),
        key_horizon_ms: 1,
        settle_ms: 0,
        undo: None,
        review: None,
        money_out: false,
        rate: None,
        breaker: None,
    }
}

/// A call with these arguments where `name` is bound to `address`.
async fn carried(written: ProtocolCall, input: &str, bound: &[(&str, &str)]) -> Attempted {
    let input = json(input);
    let call = Call {
        what: What::Action(Box::new(spec(written))),
        input,
        secrets: Vec::new(),
        key: "efk1_abc".to_owned(),
        traceparent: TRACEPARENT.to_owned(),
        within_ms: 0,
        destinations: destinations(bound),
    };
    BuiltIn::new().unwrap().carry_out(call).await
}

fn destinations(bound: &[(&str, &str)]) -> BTreeMap<String, String> {
    bound.iter().map(|(name, address)| ((*name).to_owned(), (*address).to_owned())).collect()
}

fn done(outcome: Attempted) -> Value {
    match outcome {
        Attempted::Done { value, dropped_bytes: None, .. } => value,
        other => panic!("{other:?}"),
    }
}

/// A word for what an attempt came to, with its status.
fn word(outcome: &Attempted) -> String {
    match outcome {
        Attempted::Done { dropped_bytes: None, .. } => "done".to_owned(),
        Attempted::Done { dropped_bytes: Some(bytes), .. } => format!("done, {bytes} bytes dropped"),
        Attempted::Failed { problem, retry, .. } => {
            format!("{} {} {}", problem.code(), problem.status, if *retry { "again" } else { "for good" })
        }
        Attempted::Unknown { problem } => format!("unknown {}", problem.status),
        Attempted::Unreadable { problem, .. } => format!("done, unreadable {}: {}", problem.code(), problem.status),
        Attempted::Absent => "absent".to_owned(),
    }
}

fn pets(served: &Served) -> String {
    format!("{}/pets", served.url)
}

#[tokio::test]
async fn a_look_up_asks_the_calls_own_origin_with_its_variables_its_key_and_its_authentication() {
    let statuses = [(200, "done"), (404, "absent"), (410, "absent"), (400, "communication 400 again"), (500, "communication 500 again")];
    for (status, expected) in statuses {
        let served = serve(move |_| Reply { status, ..Reply::json(r#"{"id":9}"#) }).await;
        let lookup = Some(format!("{}/pets/{{id}}/by/{{key}}", served.url).into());
        let written = ProtocolCall { template: true, key_header: "Idempotency-Key".into(), lookup, ..written("POST") };
        let input = format!(
            r#"{{"endpoint":"{}/pets/{{id}}","path":{{"id":7}},"query":{{"q":1}},"headers":{{"x-own":"h"}},"body":{{"n":1}},"authentication":{{"bearer":{{"token":"t0k"}}}}}}"#,
            served.url
        );
        let call = Call {
            what: What::LookUp(Box::new(ActionSpec { class: EffectClass::E3, ..spec(written) })),
            input: json(&input),
            secrets: Vec::new(),
            key: "efk1_abc".to_owned(),
            traceparent: TRACEPARENT.to_owned(),
            within_ms: 0,
            destinations: destinations(&[("any", &served.url)]),
        };
        assert_eq!(word(&BuiltIn::new().unwrap().carry_out(call).await), expected);
        let seen = served.last();
        assert_eq!((seen.line.as_str(), seen.body.as_str()), ("GET /pets/7/by/efk1_abc HTTP/1.1", ""));
        assert_eq!(seen.header("authorization").as_deref(), Some("Bearer t0k"));
        assert_eq!((seen.header("x-own").as_deref(), seen.header("idempotency-key")), (Some("h"), None));
    }
}

#[tokio::test]
async fn a_look_up_without_an_answer_says_nothing_about_the_call() {
    let served = serve(|_| Reply::RESET).await;
    let written = ProtocolCall { lookup: Some(format!("{}/{{key}}", served.url).into()), ..written("POST") };
    let call = Call {
        what: What::LookUp(Box::new(spec(written))),
        input: json(&format!(r#"{{"endpoint":"{}/pets"}}"#, served.url)),
        secrets: Vec::new(),
        key: "efk1_abc".to_owned(),
        traceparent: TRACEPARENT.to_owned(),
        within_ms: 0,
        destinations: destinations(&[("any", &served.url)]),
    };
    assert_eq!(word(&BuiltIn::new().unwrap().carry_out(call).await), "communication 504 again");
}

#[tokio::test]
async fn a_call_arrives_as_it_was_written() {
    let served = serve(|_| Reply::json(r#"{"ok":true}"#)).await;
    let template = ProtocolCall { template: true, key_header: "Idempotency-Key".into(), joined: vec!["csv".into()], ..written("POST") };
    let input = format!(
        r#"{{"endpoint":"{}/pets/{{id}}?a={{b}}","path":{{"id":"x/y","b":"1&2"}},"query":{{"q":["r s",true],"csv":[1,2],"none":null}},
            "headers":{{"X-One":"1","x-two":2}},"body":{{"n":9007199254740993}}}}"#,
        served.url
    );
    assert_eq!(done(carried(template, &input, &[("api", &served.url)]).await), json(r#"{"ok":true}"#));
    let seen = served.last();
    assert_eq!(seen.line, "POST /pets/x%2Fy?a=1%262&csv=1,2&q=r%20s&q=true HTTP/1.1");
    assert_eq!(seen.body, r#"{"n":9007199254740993}"#);
    for (name, wanted) in [
        ("x-one", "1"),
        ("x-two", "2"),
        ("idempotency-key", "efk1_abc"),
        ("content-type", "application/json"),
        ("traceparent", TRACEPARENT),
        ("accept", "application/json, text/plain;q=0.9, */*;q=0.8"),
    ] {
        assert_eq!(seen.header(name).as_deref(), Some(wanted), "{name}");
    }
}

#[tokio::test]
async fn bodies_are_sent_by_what_they_are() {
    let served = serve(|_| Reply::json("null")).await;
    for (body, kind, sent, sent_kind) in [
        (r#""plain text""#, "", "plain text", "text/plain; charset=utf-8"),
        (r#""a,b""#, "text/csv", "a,b", "text/csv"),
        (r#""text""#, "application/json", "\"text\"", "application/json"),
        (r#"{"a":"x y","b":[1,2]}"#, "application/x-www-form-urlencoded", "a=x%20y&b=1&b=2", "application/x-www-form-urlencoded"),
        (r#"[1,2.5]"#, "", "[1,2.5]", "application/json"),
        ("0", "", "0", "application/json"),
    ] {
        let headers = if kind.is_empty() { String::new() } else { format!(r#","headers":{{"Content-Type":"{kind}"}}"#) };
        let input = format!(r#"{{"endpoint":"{}","body":{body}{headers}}}"#, pets(&served));
        assert_eq!(word(&carried(written("PUT"), &input, &[("api", &served.url)]).await), "done");
        let seen = served.last();
        assert_eq!((seen.body.as_str(), seen.header("content-type").as_deref()), (sent, Some(sent_kind)), "{body}");
    }
    let input = format!(r#"{{"endpoint":"{}"}}"#, pets(&served));
    carried(written("DELETE"), &input, &[("api", &served.url)]).await;
    assert_eq!((served.last().body.as_str(), served.last().header("content-type")), ("", None));
}

#[tokio::test]
async fn nothing_goes_where_nothing_is_bound() {
    let served = serve(|_| Reply::json("1")).await;
    let port = served.url.rsplit(':').next().unwrap();
    let path = format!("{}/v1", served.url);
    for (endpoint, bound, wanted) in [
        (format!("http://127.0.0.1:{port}/x"), vec![], "destination-unknown 422 for good"),
        (format!("http://localhost:{port}/x"), vec![("api", served.url.as_str())], "destination-unknown 422 for good"),
        (format!("https://127.0.0.1:{port}/x"), vec![("api", served.url.as_str())], "destination-unknown 422 for good"),
        (format!("http://u:p@127.0.0.1:{port}/x"), vec![("api", served.url.as_str())], "destination-invalid 422 for good"),
        (format!("http://127.0.0.1:{port}/v1/../x"), vec![("api", path.as_str())], "destination-left 422 for good"),
        (format!("http://127.0.0.1:{port}/v2"), vec![("api", path.as_str())], "destination-left 422 for good"),
        (format!("http://127.0.0.1:{port}\\\\@evil.example/"), vec![("api", served.url.as_str())], "destination-invalid 422 for good"),
    ] {
        let input = format!(r#"{{"endpoint":"{endpoint}"}}"#);
        assert_eq!(word(&carried(written("GET"), &input, &bound).await), wanted, "{endpoint}");
    }
    assert_eq!(served.seen(), 0);
    // What stands in the document leads to wherever its host is bound here.
    let input = r#"{"endpoint":"https://petstore.swagger.io/v2/pet/1"}"#;
    assert_eq!(done(carried(written("GET"), input, &[("petstore.swagger.io", &path)]).await), Value::Int(1));
    assert_eq!(served.last().line, "GET /v1/v2/pet/1 HTTP/1.1");
}

#[tokio::test]
async fn what_cannot_be_sent_is_refused_before_it_leaves() {
    let served = serve(|_| Reply::json("1")).await;
    for (members, wanted) in [
        (r#""query":{"a":{"b":1}}"#, "query-argument"),
        (r#""query":"a=b""#, "query-argument"),
        (r#""headers":{"Host":"evil.example"}"#, "header-argument"),
        (r#""headers":{"Transfer-Encoding":"chunked"}"#, "header-argument"),
        (r#""headers":{"a b":"c"}"#, "header-argument"),
        (r#""headers":{"a":"b\r\nx: y"}"#, "header-argument"),
        (r#""headers":{"a":[1]}"#, "header-argument"),
        (r#""headers":{"Content-Type":"application/x-www-form-urlencoded"},"body":{"a":{}}"#, "body-argument"),
        (r#""authentication":{"basic":{"username":"a:b","password":"c"}}"#, "authentication-invalid"),
        (r#""authentication":{"bearer":{"token":7}}"#, "authentication-invalid"),
        (r#""authentication":{"bearer":{"token":"a\r\nb"}}"#, "authentication-invalid"),
    ] {
        let input = format!(r#"{{"endpoint":"{}",{members}}}"#, pets(&served));
        let outcome = carried(written("POST"), &input, &[("api", &served.url)]).await;
        assert_eq!(word(&outcome), format!("{wanted} 422 for good"), "{members}");
    }
    let colon = format!(r#"{{"endpoint":"{}","authentication":{{"basic":{{"username":"a:b","password":"c"}}}}}}"#, pets(&served));
    let Attempted::Failed { problem, .. } = carried(written("GET"), &colon, &[("api", &served.url)]).await else { panic!("it was sent") };
    assert!(problem.title.contains("has a colon"), "{}", problem.title);
    let template = ProtocolCall { template: true, ..written("GET") };
    let input = format!(r#"{{"endpoint":"{}/{{id}}","path":{{"id":".."}}}}"#, pets(&served));
    assert_eq!(word(&carried(template, &input, &[("api", &served.url)]).await), "path-argument 422 for good");
    assert_eq!(served.seen(), 0);
}

#[tokio::test]
async fn every_status_means_what_the_table_says() {
    for (status, redirect, wanted) in [
        (200, false, "done"),
        (204, false, "done"),
        (301, false, "communication 301 for good"),
        (304, true, "done"),
        (308, true, "done"),
        (400, false, "communication 400 for good"),
        (401, false, "communication 401 for good"),
        (404, true, "communication 404 for good"),
        (408, false, "communication 408 again"),
        (409, false, "communication 409 for good"),
        (429, false, "communication 429 again"),
        (500, false, "unknown 500"),
        (502, false, "unknown 502"),
        (503, false, "communication 503 again"),
    ] {
        let served = serve(move |_| Reply { status, ..Reply::json("") }).await;
        let input = format!(r#"{{"endpoint":"{}"}}"#, pets(&served));
        let outcome = carried(ProtocolCall { redirect, ..written("POST") }, &input, &[("api", &served.url)]).await;
        assert_eq!((word(&outcome).as_str(), served.seen()), (wanted, 1), "{status}");
        if let Attempted::Failed { problem, .. } | Attempted::Unknown { problem } = outcome {
            assert_eq!(problem.title, format!("`{}` answered {status}", served.url));
        }
    }
}

#[tokio::test]
async fn silence_resets_and_closed_doors_have_their_causes() {
    for (reply, wanted, cause) in [
        (Reply::SILENT, "unknown 504", "the time is up"),
        (Reply::RESET, "unknown 504", "the connection was reset"),
        (Reply::CUT, "unknown 502", "it answered that it was done"),
    ] {
        let served = serve(move |_| reply.clone()).await;
        let input = format!(r#"{{"endpoint":"{}"}}"#, pets(&served));
        let outcome = carried(written("POST"), &input, &[("api", &served.url)]).await;
        assert_eq!(word(&outcome), wanted);
        let Attempted::Unknown { problem } = outcome else { panic!("{outcome:?}") };
        assert!(problem.detail.contains(cause), "{}", problem.detail);
    }
    let closed = { serve(|_| Reply::json("")).await.closed().await };
    let outcome = carried(written("POST"), &format!(r#"{{"endpoint":"{closed}/x"}}"#), &[("api", &closed)]).await;
    assert_eq!(word(&outcome), "communication 503 again");
    let Attempted::Failed { problem, .. } = outcome else { panic!("{outcome:?}") };
    assert!(problem.detail.starts_with("the connection was refused"), "{}", problem.detail);
}

#[tokio::test]
async fn outputs_are_content_response_or_raw() {
    let served =
        serve(|_| Reply { headers: "x-a: 1\r\nx-a: 2\r\nset-cookie: session=1\r\n".to_owned(), ..Reply::json(r#"{"id":7}"#) }).await;
    let input = format!(r#"{{"endpoint":"{}","headers":{{"X-Ask":"1","Authorization":"Bearer abc"}}}}"#, pets(&served));
    let bound = [("api", served.url.as_str())];
    let output = |output| carried(ProtocolCall { output, ..written("GET") }, &input, &bound);
    assert_eq!(done(output(CallOutput::Content).await), json(r#"{"id":7}"#));
    assert_eq!(done(output(CallOutput::Raw).await), Value::from("eyJpZCI6N30="));
    let response = done(output(CallOutput::Response).await);
    let request = format!(r#"{{"method":"GET","uri":"{}","headers":{{"x-ask":"1"}}}}"#, pets(&served));
    assert_eq!(response.member("request"), Some(&json(&request)), "credentials are not said again");
    assert_eq!(response.member("statusCode"), Some(&Value::Int(200)));
    assert_eq!(response.member("content"), Some(&json(r#"{"id":7}"#)));
    let headers = response.member("headers").unwrap();
    assert_eq!((headers.member("x-a"), headers.member("set-cookie")), (Some(&Value::from("1, 2")), None));
}

#[tokio::test]
async fn contents_that_are_no_json_are_text() {
    for (kind, body, wanted) in [
        ("text/html", "<p>", Value::from("<p>")),
        ("text/plain", "{broken", Value::from("{broken")),
        ("application/x-ndjson", "{}\n{}", Value::from("{}\n{}")),
        ("application/problem+json", "{\"a\":1}", json(r#"{"a":1}"#)),
        ("Application/JSON; charset=utf-8", "\u{feff}{\"a\":1}", json(r#"{"a":1}"#)),
        ("application/json", "", Value::Null),
    ] {
        let served = serve(move |_| Reply { kind, ..Reply::json(body) }).await;
        let input = format!(r#"{{"endpoint":"{}"}}"#, pets(&served));
        assert_eq!(done(carried(written("GET"), &input, &[("api", &served.url)]).await), wanted, "{body}");
    }
}

#[tokio::test]
async fn json_that_cannot_be_read_is_done_and_says_what_is_wrong() {
    let deep = format!("{}{}", "[".repeat(65), "]".repeat(65));
    for (kind, body, wanted) in [
        ("application/json", "{broken".to_owned(), "key must be a string"),
        ("application/json", r#"{"a":1,"a":2}"#.to_owned(), "stands twice"),
        ("application/json", r#"{"n":123456789012345678901234567890}"#.to_owned(), "at `/n`"),
        ("application/vnd.api+json", deep, "levels"),
        ("application/json", "<html>".to_owned(), "expected value"),
    ] {
        for (method, output) in [("GET", CallOutput::Content), ("POST", CallOutput::Content), ("POST", CallOutput::Response)] {
            let body = body.clone();
            let served = serve(move |_| Reply { kind, headers: "location: /pets/7\r\n".to_owned(), ..Reply::json(&body) }).await;
            let input = format!(r#"{{"endpoint":"{}"}}"#, pets(&served));
            let outcome = carried(ProtocolCall { output, ..written(method) }, &input, &[("api", &served.url)]).await;
            let Attempted::Unreadable { problem, reference } = outcome else { panic!("{outcome:?}") };
            assert_eq!((problem.code(), problem.status, reference.as_deref()), ("communication", 502, Some("/pets/7")));
            assert_eq!(problem.title, format!("`{}` answered with JSON that cannot be read", served.url));
            assert!(problem.detail.contains(wanted), "{}", problem.detail);
        }
        let served = serve(move |_| Reply { kind, ..Reply::json(&body) }).await;
        let input = format!(r#"{{"endpoint":"{}"}}"#, pets(&served));
        let raw = ProtocolCall { output: CallOutput::Raw, ..written("GET") };
        assert_eq!(word(&carried(raw, &input, &[("api", &served.url)]).await), "done", "raw takes every answer");
    }
}

#[tokio::test]
async fn bytes_that_are_no_text_lose_none() {
    let bytes: &[u8] = b"caf\xe9 \x00\xff";
    for (kind, output) in
        [("text/plain; charset=iso-8859-1", CallOutput::Content), ("image/png", CallOutput::Content), ("image/png", CallOutput::Raw)]
    {
        let served = serve(move |_| Reply { kind, body: bytes.to_vec(), ..Reply::json("") }).await;
        let input = format!(r#"{{"endpoint":"{}"}}"#, pets(&served));
        let content = done(carried(ProtocolCall { output, ..written("GET") }, &input, &[("api", &served.url)]).await);
        assert_eq!(content, Value::from("Y2Fm6SAA/w=="), "{kind}");
    }
}

#[tokio::test]
async fn an_answer_that_is_too_large_is_dropped_and_what_was_done_stays_done() {
    let big = "x".repeat(1025);
    let served = serve(move |_| Reply::json(&big)).await;
    let input = format!(r#"{{"endpoint":"{}"}}"#, pets(&served));
    assert_eq!(word(&carried(written("POST"), &input, &[("api", &served.url)]).await), "done, 1025 bytes dropped");
    let served = serve(|_| Reply { chunked: true, ..Reply::json(&"x".repeat(5000)) }).await;
    let input = format!(r#"{{"endpoint":"{}"}}"#, pets(&served));
    assert!(word(&carried(written("POST"), &input, &[("api", &served.url)]).await).starts_with("done, "));
}

#[tokio::test]
async fn redirects_are_followed_for_reads_within_their_origin() {
    let elsewhere = serve(|_| Reply::json("\"elsewhere\"")).await;
    let target = elsewhere.url.clone();
    let served = serve(move |seen| match seen.line.split(' ').nth(1) {
        Some("/pets") => Reply::redirect("/pets/1"),
        Some("/pets/1") => Reply::json("\"here\""),
        Some("/away") => Reply::redirect(&format!("{target}/x")),
        Some("/out") => Reply::redirect("/v2/secret"),
        _ => Reply::redirect("/loop"),
    })
    .await;
    let both = [("api", served.url.as_str()), ("other", elsewhere.url.as_str())];
    let follow = |method: &str, place: &str| {
        let written = ProtocolCall { redirect: true, output: CallOutput::Response, ..written(method) };
        let input = format!(r#"{{"endpoint":"{}{place}","authentication":{{"bearer":{{"token":"secret-token"}}}}}}"#, served.url);
        async move { done(carried(written, &input, &both).await) }
    };
    assert_eq!(follow("GET", "/pets").await.member("content"), Some(&Value::from("here")));
    assert_eq!(served.last().header("authorization").as_deref(), Some("Bearer secret-token"));
    for (method, place, asked) in [("GET", "/away", 1), ("POST", "/pets", 1)] {
        let before = served.seen();
        assert_eq!(follow(method, place).await.member("statusCode"), Some(&Value::Int(302)), "{method} {place}");
        assert_eq!(served.seen() - before, asked, "{method} {place}");
    }
    assert_eq!(elsewhere.seen(), 0, "nobody asked policy about it");
    let before = served.seen();
    let looped = ProtocolCall { redirect: true, ..written("GET") };
    let outcome = carried(looped, &format!(r#"{{"endpoint":"{}/loop"}}"#, served.url), &both).await;
    assert_eq!((word(&outcome).as_str(), served.seen() - before), ("communication 302 for good", 6));
    let Attempted::Failed { problem, .. } = outcome else { panic!("{outcome:?}") };
    assert_eq!(problem.title, format!("`{}` redirects more than 5 times", served.url));
}

#[tokio::test]
async fn secrets_are_filled_where_they_belong_and_shown_nowhere() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("key"), "s3cret-value").unwrap();
    let served = serve(|seen| Reply::json(&format!("{:?}", seen.header("x-key").unwrap_or_default()))).await;
    let endpoint = format!("{}/<>/x", served.url);
    let at = endpoint.find("<>").unwrap();
    let span = |pointer: &str, start| SecretSpan { pointer: pointer.to_owned(), start, end: start + 2, name: "key".to_owned() };
    let call = Call {
        what: What::Action(Box::new(spec(ProtocolCall { output: CallOutput::Response, ..written("GET") }))),
        input: Value::object([
            ("endpoint", Value::from(endpoint)),
            ("query", json(r#"{"k":"<>"}"#)),
            ("headers", json(r#"{"X-Key":"k=<>"}"#)),
        ]),
        secrets: vec![span("/endpoint", at), span("/query/k", 0), span("/headers/X-Key", 2)],
        key: String::new(),
        traceparent: String::new(),
        within_ms: 0,
        destinations: destinations(&[("api", &served.url)]),
    };
    let worker = BuiltIn::new().unwrap().with_secrets(Secrets::folder(folder.path().to_owned()));
    let value = done(worker.carry_out(call).await);
    let seen = served.last();
    assert_eq!(seen.line, "GET /s3cret-value/x?k=s3cret-value HTTP/1.1");
    assert_eq!(seen.header("x-key").as_deref(), Some("k=s3cret-value"));
    assert!(!value.to_string().contains("s3cret"), "{value}");
    assert_eq!(value.member("content"), Some(&Value::from("k=***")));
    assert_eq!(value.member("request").unwrap().member("headers"), Some(&json(r#"{"x-key":"k=***"}"#)));
}
