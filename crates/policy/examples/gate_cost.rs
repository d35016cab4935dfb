//! What the gate costs: 1,000 policies over 50 actions and 10 unscoped ones, both questions, entities built anew for every request.
//!
//! `cargo run --release -p provost-policy --example gate_cost [-- REQUESTS]` prints one JSON line per way of asking.
#![expect(clippy::disallowed_methods, clippy::disallowed_types, reason = "it measures time and reads its one argument")]
#![expect(clippy::print_stdout, reason = "an example that prints its measurement")]

use std::fmt::Write as _;
use std::hint::black_box;
use std::time::{Duration, Instant};

use provost_model::value::Value;
use provost_model::verdict::{Answer, Entity, PolicyRequest};
use provost_policy::{Described, Entities, Guard, Judge, PolicySet, tenant_default};

/// The binary's own, so that this measures what ships.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const ACTIONS: u32 = 50;
const PER_ACTION: u32 = 20;

/// 20 policies per action: half of them about any workflow, half about one; every second pair asks for a review.
fn policies() -> String {
    let mut text = String::new();
    for number in 0..ACTIONS * PER_ACTION {
        let (action, rule) = (number % ACTIONS, number / ACTIONS);
        let principal =
            if rule % 2 == 0 { "principal is Workflow".to_owned() } else { format!("principal == Workflow::\"w{}\"", rule % 5) };
        let suffix = if rule % 4 < 2 { "" } else { ".with-review" };
        let _infallible = write!(
            text,
            "@id(\"rule-{number}\")\npermit ({principal}, action == Action::\"shop.act{action}{suffix}\", resource == Action::\"shop.act{action}\")\n\
             when {{ context.arguments.amount > {low} && context.arguments.currency == \"EUR\" && context.effectClass != \"E4\" }};\n",
            low = 10_000 + rule * 1_000,
        );
    }
    for number in 0..10 {
        let _infallible = write!(
            text,
            "@id(\"everywhere-{number}\")\nforbid (principal, action, resource) when {{ context.arguments.amount > {} && principal in Role::\"r{number}\" }};\n",
            1_000_000 + number,
        );
    }
    text
}

fn request(number: u32) -> PolicyRequest {
    let action = format!("shop.act{}", number % ACTIONS);
    let arguments = Value::object([
        // Below every rule's bound: neither question finds a permit, so both are asked in full.
        ("amount", Value::from(i64::from(number % 9_000))),
        ("currency", Value::from("EUR")),
        ("customer", Value::from(format!("c-{number}"))),
        ("lines", Value::array((0..4).map(|line| Value::object([("sku", Value::from(format!("s{line}"))), ("quantity", Value::from(2))])))),
    ]);
    PolicyRequest {
        principal: Entity::new("Workflow", &format!("w{}", number % 5)),
        resource: Entity::new("Action", &action),
        action: action.into(),
        context: Value::object([
            ("arguments", arguments),
            ("destinationHost", Value::from("pay.example.com")),
            ("effectClass", Value::from("E1")),
        ]),
    }
}

fn described(request: &PolicyRequest) -> [Described; 3] {
    let role = |name: &str| Entity::new("Role", name);
    [
        Described::new(request.principal.clone(), vec![role("r1"), role("shop")]),
        Described::new(role("shop"), vec![role("all")]),
        Described::new(request.resource.clone(), Vec::new()),
    ]
}

fn percentile(sorted: &[Duration], per_mille: usize) -> f64 {
    let at = sorted.len().saturating_sub(1) * per_mille / 1_000;
    sorted.get(at).map_or(0.0, |time| time.as_secs_f64() * 1e6)
}

fn measure(name: &str, requests: &[PolicyRequest], mut ask: impl FnMut(&PolicyRequest) -> Option<Answer>) {
    for request in requests.iter().take(1_000) {
        black_box(ask(request));
    }
    let mut denied = 0_usize;
    let mut times: Vec<Duration> = requests
        .iter()
        .map(|request| {
            let start = Instant::now();
            let answer = black_box(ask(request));
            let time = start.elapsed();
            denied += usize::from(answer == Some(Answer::Deny));
            time
        })
        .collect();
    times.sort_unstable();
    let (p50, p99, max) = (percentile(&times, 500), percentile(&times, 990), percentile(&times, 1_000));
    println!(
        r#"{{"way":"{name}","requests":{},"denied_by_both_questions":{denied},"p50_us":{p50:.1},"p99_us":{p99:.1},"max_us":{max:.1}}}"#,
        times.len()
    );
}

fn main() -> Result<(), String> {
    let count = std::env::args().nth(1).map_or(Ok(20_000), |text| text.parse::<u32>()).map_err(|e| format!("requests: {e}"))?;
    let text = policies();
    let set = PolicySet::parse(&[("shop.cedar", &text)], None).map_err(|findings| format!("{findings:?}"))?;
    let guard = Guard::default();
    let judge = Judge { bundle: &set, tenant: tenant_default(), guard: &guard };
    let requests: Vec<PolicyRequest> = (0..count).map(request).collect();
    let entities = |request: &PolicyRequest| Entities::new(&described(request)).ok();
    measure("entities alone", &requests, |r| entities(r).map(|_| Answer::Deny));
    measure("one layer", &requests, |r| Some(set.answer(r, &entities(r)?).answer));
    measure("all layers, verdict and digest", &requests, |r| Some(judge.judge(r, &entities(r)?).answer));
    let scanned = requests.get(..requests.len().min(500)).unwrap_or_default();
    measure("full scan", scanned, |r| Some(set.full_scan(r, &entities(r)?).answer));
    Ok(())
}
