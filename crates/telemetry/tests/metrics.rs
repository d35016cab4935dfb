//! Metrics: what `/metrics` says, that it can be read, and what recording costs.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test stops at the first surprise")]

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use provost_model::Answer;
use provost_model::program::EffectClass;
use provost_model::record::{EffectState, Ending};
use provost_telemetry::catalogue::{Kind, METRICS};
use provost_telemetry::meters::{Arrival, Exchange, Meters, PartitionMeters, Retried};
use provost_telemetry::prometheus::Prometheus;
use provost_telemetry::shown::Word;

/// Reads the text format: sample name with labels -> value. Panics on anything that is not of the format.
fn parse(text: &str) -> BTreeMap<String, f64> {
    let mut samples = BTreeMap::new();
    for line in text.lines().filter(|line| !line.is_empty()) {
        if let Some(comment) = line.strip_prefix("# ") {
            let (keyword, rest) = comment.split_once(' ').unwrap();
            assert!(matches!(keyword, "HELP" | "TYPE"), "{line}");
            assert!(rest.starts_with("provost_"), "{line}");
            continue;
        }
        let (sample, value) = line.rsplit_once(' ').unwrap();
        let name = sample.split('{').next().unwrap();
        assert!(name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_'), "{line}");
        assert_eq!(sample.contains('{'), sample.ends_with('}'), "{line}");
        assert!(samples.insert(sample.to_owned(), value.parse().unwrap()).is_none(), "twice: {line}");
    }
    samples
}

/// Everything of one transition with one effect, in a batch of 64.
fn record(meters: &Meters, partition: &PartitionMeters, n: usize) {
    meters.transition(Duration::from_micros(730));
    meters.effects(EffectClass::E1, EffectState::Intended, 1);
    meters.verdicts(Answer::Allow, 1);
    partition.queue_depth(n);
    partition.timers_pending(n);
    if n.is_multiple_of(64) {
        meters.commit(Duration::from_millis(2), 64);
    }
}

fn record_all(prometheus: &Prometheus) {
    let (meters, partition) = (prometheus.meters(), prometheus.partition(3));
    record(&meters, &partition, 128);
    meters.retried(Retried::Effect, 1);
    meters.circuits(1, 4);
    Arrival::ALL.iter().for_each(|arrival| meters.events(*arrival, 5));
    meters.started(1);
    meters.ended(Ending::Faulted, 1);
    Exchange::ALL.iter().for_each(|kind| meters.exchange(*kind));
    meters.zombie_refused();
    meters.would(Answer::Allow, Answer::Deny, 3);
    partition.parked(2);
    partition.in_doubt(1);
    partition.projection_lag(Duration::from_millis(1500));
    prometheus.upkeep();
}

#[test]
fn the_text_says_what_was_recorded() {
    let prometheus = Prometheus::new();
    record_all(&prometheus);
    let text = prometheus.render();
    let samples = parse(&text);
    for (sample, value) in [
        (r#"provost_events_total{outcome="duplicate"}"#, 5.0),
        (r#"provost_effects_total{class="e1",state="intended"}"#, 1.0),
        (r#"provost_effects_total{class="e4",state="in_doubt"}"#, 0.0),
        (r#"provost_orchestrations_ended_total{ending="faulted"}"#, 1.0),
        (r#"provost_policy_verdicts_total{answer="allow"}"#, 1.0),
        (r#"provost_policy_would_total{answer="allow",would="deny"}"#, 3.0),
        (r#"provost_policy_would_total{answer="deny",would="allow"}"#, 0.0),
        (r#"provost_retries_total{of="effect"}"#, 1.0),
        (r#"provost_queue_depth{partition="3"}"#, 128.0),
        (r#"provost_parked{partition="3"}"#, 2.0),
        (r#"provost_in_doubt{partition="3"}"#, 1.0),
        (r#"provost_projection_lag_seconds{partition="3"}"#, 1.5),
        ("provost_open_circuit_ratio", 0.25),
        ("provost_zombie_reports_refused_total", 1.0),
        ("provost_commit_batch_transitions_sum", 64.0),
        (r#"provost_transition_duration_seconds_bucket{le="0.001"}"#, 1.0),
        (r#"provost_transition_duration_seconds_bucket{le="0.0005"}"#, 0.0),
    ] {
        assert_eq!(samples.get(sample), Some(&value), "{sample} in\n{text}");
    }
}

#[test]
fn every_metric_of_the_catalogue_is_there_with_type_and_help() {
    let prometheus = Prometheus::new();
    record_all(&prometheus);
    let text = prometheus.render();
    for metric in METRICS {
        let kind = match metric.kind {
            Kind::Counter => "counter",
            Kind::Gauge => "gauge",
            Kind::Histogram => "histogram",
        };
        assert!(text.contains(&format!("# TYPE {} {kind}\n", metric.name)), "{} in\n{text}", metric.name);
        assert!(text.contains(&format!("# HELP {} {}\n", metric.name, metric.help)), "{} in\n{text}", metric.name);
    }
}

#[test]
fn two_servers_do_not_mix() {
    let (one, two) = (Prometheus::new(), Prometheus::new());
    one.meters().started(1);
    two.meters();
    assert_eq!(parse(&one.render())["provost_orchestrations_started_total"], 1.0);
    assert_eq!(parse(&two.render())["provost_orchestrations_started_total"], 0.0);
}

#[test]
fn words_stand_at_their_places() {
    fn check<W: Word>() {
        for (place, word) in W::ALL.iter().enumerate() {
            assert_eq!(word.place(), place, "{}", word.word());
            assert_eq!(W::WORDS[place], word.word());
        }
    }
    check::<Answer>();
    check::<Ending>();
    check::<EffectClass>();
    check::<EffectState>();
    check::<Arrival>();
    check::<Retried>();
    check::<Exchange>();
}

/// The budget is 200 ns per transition in an optimised build; without optimisation the same code may take ten times that. The best of
/// many rounds counts, so a busy machine does not fail it.
#[test]
fn the_metrics_of_a_transition_stay_within_their_budget() {
    const ROUND: u32 = 1_000;
    let budget = Duration::from_nanos(if cfg!(debug_assertions) { 2_000 } else { 200 });
    let prometheus = Prometheus::new();
    let (meters, partition) = (prometheus.meters(), prometheus.partition(0));
    let best = (0..50).map(|_| {
        let start = Instant::now();
        (0..ROUND as usize).for_each(|n| record(&meters, &partition, n));
        let took = start.elapsed();
        prometheus.upkeep();
        took / ROUND
    });
    let best = best.min().unwrap();
    assert!(best <= budget, "{best:?} per transition, {budget:?} allowed");
}
