//! HTTP actions against real servers on loopback that answer well, badly, slowly or not at all. Each case says what the attempt is
//! reported as, and how often the target was reached.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use provost_model::program::{ActionSpec, EffectClass, HttpCall, LookupSpec, RetrySpec};
use provost_model::record::Attempted;
use provost_model::{Digest, Value, value};
use provost_worker::{BuiltIn, Call, What};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

/// What a target does once it has read a request.
enum Target {
    /// Answers with these bytes.
    Answer(Vec<u8>),
    /// Breaks the connection.
    Reset,
    /// Never answers.
    Silence,
    /// Sends a head and then one byte at a time.
    Drip,
}

/// A target and what it saw.
struct Listening {
    url: String,
    requests: Arc<AtomicU32>,
    last: Arc<Mutex<String>>,
}

impl Listening {
    fn seen(&self) -> u32 {
        self.requests.load(Ordering::SeqCst)
    }
}

async fn listen(target: Target) -> Listening {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let (requests, last, target) = (Arc::new(AtomicU32::new(0)), Arc::new(Mutex::new(String::new())), Arc::new(target));
    let (count, keep) = (requests.clone(), last.clone());
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let (count, keep, target) = (count.clone(), keep.clone(), target.clone());
            tokio::spawn(async move { serve(stream, &target, &count, &keep).await });
        }
    });
    Listening { url, requests, last }
}

async fn serve(mut stream: TcpStream, target: &Target, count: &AtomicU32, keep: &Mutex<String>) {
    let mut request = Vec::new();
    let mut piece = [0; 4096];
    loop {
        let Ok(n) = stream.read(&mut piece).await else { return };
        if n == 0 {
            return;
        }
        request.extend_from_slice(piece.get(..n).unwrap());
        let text = String::from_utf8_lossy(&request).into_owned();
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let length = head.lines().find_map(|line| line.to_ascii_lowercase().strip_prefix("content-length: ")?.parse::<usize>().ok());
        if body.len() >= length.unwrap_or(0) {
            count.fetch_add(1, Ordering::SeqCst);
            *keep.lock().unwrap() = text;
            break;
        }
    }
    match target {
        Target::Answer(bytes) => {
            let _gone = stream.write_all(bytes).await;
            let _gone = stream.shutdown().await;
        }
        Target::Reset => {
            socket2_linger(&stream);
            drop(stream);
        }
        Target::Silence => tokio::time::sleep(Duration::from_secs(20)).await,
        Target::Drip => {
            let _gone = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n").await;
            for _ in 0..1000 {
                if stream.write_all(b"x").await.is_err() {
                    return;
                }
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
    }
}

/// The connection is reset instead of closed.
fn socket2_linger(stream: &TcpStream) {
    stream.set_zero_linger().unwrap();
}

fn answer(status: &str, headers: &str, body: &str) -> Target {
    answer_bytes(status, headers, body.as_bytes())
}

fn answer_bytes(status: &str, headers: &str, body: &[u8]) -> Target {
    let head = format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\nconnection: close\r\n{headers}\r\n", body.len());
    Target::Answer([head.as_bytes(), body].concat())
}

fn http(method: &str, path: &str) -> HttpCall {
    HttpCall {
        method: method.into(),
        destination: "bank".into(),
        path: path.into(),
        key_header: "Idempotency-Key".into(),
        contents: Vec::new(),
        body: method != "GET",
        redirects_max: 0,
        response_bytes_max: 1024,
    }
}

fn spec(class: EffectClass) -> ActionSpec {
    ActionSpec {
        name: "pay".into(),
        version: "1.0.0".into(),
        digest: Digest::of(b"pay"),
        class,
        queue: "builtin".into(),
        http: Some(http("POST", "/pay")),
        call: None,
        lookup: Some(LookupSpec { http: http("GET", "/pay/{key}") }),
        arguments: None,
        result: None,
        meaningful: Vec::new(),
        timeout_ms: 600,
        retry: RetrySpec::default(),
        key_horizon_ms: 1,
        settle_ms: 1,
        undo: None,
        review: None,
        money_out: false,
        rate: None,
        breaker: None,
    }
}

fn call(what: What, base: &str) -> Call {
    Call {
        what,
        input: value::parse(br#"{"amount":9007199254740993}"#).unwrap(),
        secrets: Vec::new(),
        key: "efk1_abc".to_owned(),
        traceparent: "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01".to_owned(),
        within_ms: 0,
        destinations: BTreeMap::from([("bank".to_owned(), base.to_owned())]),
    }
}

async fn act(class: EffectClass, base: &str) -> Attempted {
    BuiltIn::new().unwrap().carry_out(call(What::Action(Box::new(spec(class))), base)).await
}

async fn look_up(base: &str) -> Attempted {
    BuiltIn::new().unwrap().carry_out(call(What::LookUp(Box::new(spec(EffectClass::E3))), base)).await
}

/// A word for what an attempt came to.
fn word(outcome: &Attempted) -> String {
    match outcome {
        Attempted::Done { .. } => "done".to_owned(),
        Attempted::Failed { problem, retry, retry_after_ms } => {
            let after = retry_after_ms.map(|ms| format!(" after {ms} ms")).unwrap_or_default();
            let again = if *retry { "failed, again" } else { "failed for good" };
            format!("{again}{after}{}", if problem.is_ours("conflict") { ", conflict" } else { "" })
        }
        Attempted::Unknown { .. } => "unknown".to_owned(),
        Attempted::Unreadable { problem, .. } => format!("done, unreadable {}: {}", problem.code(), problem.status),
        Attempted::Absent => "absent".to_owned(),
    }
}

#[tokio::test]
async fn every_status_means_what_the_table_says() {
    let cases = [
        ("200 OK", "", "done"),
        ("201 Created", "", "done"),
        ("204 No Content", "", "done"),
        ("301 Moved Permanently", "location: /elsewhere\r\n", "failed for good"),
        ("307 Temporary Redirect", "location: /elsewhere\r\n", "failed for good"),
        ("400 Bad Request", "", "failed for good"),
        ("401 Unauthorized", "", "failed for good"),
        ("404 Not Found", "", "failed for good"),
        ("408 Request Timeout", "", "failed, again"),
        ("409 Conflict", "", "failed for good, conflict"),
        ("422 Unprocessable Entity", "", "failed for good"),
        ("429 Too Many Requests", "retry-after: 7\r\n", "failed, again after 7000 ms"),
        ("503 Service Unavailable", "retry-after: 2\r\n", "failed, again after 2000 ms"),
        ("503 Service Unavailable", "retry-after: Fri, 31 Dec 1999 23:59:59 GMT\r\n", "failed, again"),
        ("500 Internal Server Error", "", "unknown"),
        ("502 Bad Gateway", "", "unknown"),
        ("504 Gateway Timeout", "", "unknown"),
    ];
    for (status, headers, expected) in cases {
        let target = listen(answer(status, headers, "")).await;
        let outcome = act(EffectClass::E1, &target.url).await;
        assert_eq!((word(&outcome).as_str(), target.seen()), (expected, 1), "{status}: {outcome:?}");
    }
    let target = listen(answer("409 Conflict", "", "")).await;
    assert_eq!(word(&act(EffectClass::E4, &target.url).await), "failed for good", "without a key a 409 is only a refusal");
}

#[tokio::test]
async fn what_is_sent_is_exact_and_carries_key_and_trace() {
    let body = r#"{"id":"re_551","amount":9007199254740993}"#;
    let target = listen(answer("200 OK", "content-type: application/json\r\n", body)).await;
    let Attempted::Done { value, reference, .. } = act(EffectClass::E1, &target.url).await else { panic!("it was done") };
    assert_eq!((value.to_string(), reference.as_deref()), (r#"{"amount":9007199254740993,"id":"re_551"}"#.to_owned(), Some("re_551")));
    let sent = target.last.lock().unwrap().clone();
    for part in ["POST /pay HTTP/1.1", "idempotency-key: efk1_abc", "traceparent: 00-4bf92f", r#"{"amount":9007199254740993}"#] {
        assert!(sent.contains(part), "`{part}` in {sent}");
    }
}

#[tokio::test]
async fn nothing_is_sent_where_nobody_listens_or_nothing_is_bound() {
    let closed = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    assert_eq!(word(&act(EffectClass::E4, &format!("http://{closed}")).await), "failed, again", "not even an E4 is in doubt");
    let target = listen(answer("200 OK", "", "")).await;
    let mut unbound = call(What::Action(Box::new(spec(EffectClass::E1))), &target.url);
    unbound.destinations = BTreeMap::from([("other".to_owned(), target.url.clone())]);
    let outcome = BuiltIn::new().unwrap().carry_out(unbound).await;
    let Attempted::Failed { problem, retry: false, .. } = &outcome else { panic!("{outcome:?}") };
    assert!(problem.is_ours("destination-unknown") && problem.detail.contains("--bind"), "{problem:?}");
    for odd in ["not a url", "http://", "ftp://127.0.0.1/", "http://[::ffff:127.0.0.1"] {
        assert_eq!(word(&act(EffectClass::E1, odd).await), "failed for good", "{odd}");
    }
    assert_eq!(target.seen(), 0);
}

#[tokio::test]
async fn arguments_do_not_lead_out_of_the_destination() {
    let (inside, outside) = (listen(answer("200 OK", "", "")).await, listen(answer("200 OK", "", "")).await);
    let port = outside.url.rsplit(':').next().unwrap();
    for hostile in [
        format!("@127.0.0.1:{port}/x"),
        format!("//127.0.0.1:{port}/x"),
        format!("\\\\127.0.0.1:{port}\\x"),
        "../../admin".to_owned(),
        "..%2f..%2fadmin".to_owned(),
        "x?evil=1#y".to_owned(),
        "a\r\nhost: evil".to_owned(),
    ] {
        let mut spec = spec(EffectClass::E1);
        spec.http = Some(http("POST", "/accounts/{/account}/pay"));
        let mut call = call(What::Action(Box::new(spec)), &inside.url);
        call.input = Value::object([("account", Value::from(hostile.as_str()))]);
        let before = inside.seen();
        let outcome = BuiltIn::new().unwrap().carry_out(call).await;
        if inside.seen() > before {
            let sent = inside.last.lock().unwrap().lines().next().unwrap_or_default().to_owned();
            assert!(
                sent.starts_with("POST /accounts/") && sent.ends_with("/pay HTTP/1.1") && !sent.contains("/admin/"),
                "{hostile}: {sent}"
            );
        } else {
            assert_eq!(word(&outcome), "failed for good", "{hostile}: {outcome:?}");
        }
    }
    assert_eq!(outside.seen(), 0, "nothing left the destination");
}

#[tokio::test]
async fn a_redirect_is_followed_only_where_the_author_says_so_and_never_to_another_place() {
    let elsewhere = listen(answer("200 OK", "", "")).await;
    let location = format!("location: {}/pay\r\n", elsewhere.url);
    let target = listen(answer("307 Temporary Redirect", &location, "")).await;
    let mut allowed = spec(EffectClass::E1);
    allowed.http = Some(HttpCall { redirects_max: 3, ..http("POST", "/pay") });
    let outcome = BuiltIn::new().unwrap().carry_out(call(What::Action(Box::new(allowed.clone())), &target.url)).await;
    assert_eq!((word(&outcome).as_str(), target.seen(), elsewhere.seen()), ("failed for good", 1, 0));
    let round = listen(answer("307 Temporary Redirect", "location: /pay\r\n", "")).await;
    let outcome = BuiltIn::new().unwrap().carry_out(call(What::Action(Box::new(allowed)), &round.url)).await;
    assert_eq!((word(&outcome).as_str(), round.seen()), ("failed for good", 4), "three redirects and no more: {outcome:?}");
}

#[tokio::test]
async fn what_breaks_after_the_request_was_read_is_unknown() {
    for (name, target) in [("reset", Target::Reset), ("silence", Target::Silence), ("drip", Target::Drip)] {
        let target = listen(target).await;
        let began = Instant::now();
        let outcome = act(EffectClass::E4, &target.url).await;
        assert_eq!((word(&outcome).as_str(), target.seen()), ("unknown", 1), "{name}: {outcome:?}");
        assert!(began.elapsed() < Duration::from_secs(5), "{name} was given up in time");
    }
}

#[tokio::test]
async fn answers_that_cannot_be_used_are_unknown_and_counted() {
    let json = "content-type: application/json\r\n";
    let large = "x".repeat(4096);
    let deep = format!("{}{}", "[".repeat(200), "]".repeat(200));
    for (headers, body) in [(json, "{"), (json, r#"{"a":1,"a":2}"#), (json, "1e400"), (json, deep.as_str()), ("", large.as_str())] {
        let target = listen(answer("200 OK", headers, body)).await;
        let outcome = act(EffectClass::E1, &target.url).await;
        assert_eq!(word(&outcome), "unknown", "{}", body.chars().take(20).collect::<String>());
        let Attempted::Unknown { problem } = outcome else { panic!("it is unknown") };
        assert!(!format!("{problem:?}").contains("xxxx"), "no payload stands in an error");
    }
    let short = Target::Answer(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nonly this".to_vec());
    assert_eq!(word(&act(EffectClass::E1, &listen(short).await.url).await), "unknown");
    let text = listen(answer("200 OK", "content-type: text/plain\r\n", "all well")).await;
    let Attempted::Done { value, .. } = act(EffectClass::E1, &text.url).await else { panic!("text is an answer") };
    assert_eq!(value.to_string(), r#"{"text":"all well"}"#);
}

#[tokio::test]
async fn what_is_no_text_loses_no_byte() {
    let cases: [(&str, &[u8], &str); 4] = [
        ("text/plain; charset=iso-8859-1", b"gr\xfc\xdfe", r#"{"base64":"Z3L832U="}"#),
        ("application/octet-stream", b"\x00\xff", r#"{"base64":"AP8="}"#),
        ("application/octet-stream", "größe".as_bytes(), r#"{"text":"größe"}"#),
        ("text/plain", b"\xef\xbf\xbd", "{\"text\":\"\u{fffd}\"}"),
    ];
    for (kind, body, expected) in cases {
        let target = listen(answer_bytes("200 OK", &format!("content-type: {kind}\r\n"), body)).await;
        let Attempted::Done { value, .. } = act(EffectClass::E1, &target.url).await else { panic!("it is an answer: {kind}") };
        assert_eq!(value.to_string(), expected, "{kind}");
        let Attempted::Done { value, .. } = look_up(&target.url).await else { panic!("it is an answer: {kind}") };
        assert_eq!(value.to_string(), expected, "{kind}, asked");
    }
}

#[tokio::test]
async fn a_look_up_says_done_absent_or_ask_again() {
    let cases = [
        ("200 OK", "done"),
        ("404 Not Found", "absent"),
        ("410 Gone", "absent"),
        ("500 Internal Server Error", "failed, again"),
        ("403 Forbidden", "failed, again"),
    ];
    for (status, expected) in cases {
        let target = listen(answer(status, "", "")).await;
        let outcome = look_up(&target.url).await;
        assert_eq!((word(&outcome).as_str(), target.seen()), (expected, 1), "{status}");
        assert!(target.last.lock().unwrap().starts_with("GET /pay/efk1_abc HTTP/1.1"));
    }
    for target in [Target::Reset, Target::Silence] {
        let target = listen(target).await;
        assert_eq!(word(&look_up(&target.url).await), "failed, again", "an unanswered question is asked again");
    }
}
