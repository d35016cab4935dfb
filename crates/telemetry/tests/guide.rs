//! The guide and the catalogue say the same: every metric with kind and labels, every span, every alert over metrics that exist.
#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use std::collections::{BTreeMap, BTreeSet};

use provost_telemetry::catalogue::{Kind, METRICS, Stage};

const GUIDE: &str = include_str!("../../../docs/guides/telemetry.md");

/// The cells of every table row, the first one without its backticks.
fn rows() -> Vec<(&'static str, Vec<&'static str>)> {
    let cells = |line: &'static str| line.strip_prefix("| `").map(|rest| rest.split(" | ").collect::<Vec<_>>());
    GUIDE.lines().filter_map(cells).map(|cells| (cells.first().unwrap().trim_end_matches('`'), cells)).collect()
}

#[test]
fn the_table_of_metrics_is_the_catalogue() {
    let told = rows().into_iter().filter(|(name, _)| name.starts_with("provost_"));
    let told: Vec<(&str, String, BTreeSet<&str>)> = told
        .map(|(name, cells)| {
            let labels = cells.get(2).unwrap().split('`').skip(1).step_by(2).collect();
            (name, (*cells.get(1).unwrap()).to_owned(), labels)
        })
        .collect();
    let kind = |kind: Kind| match kind {
        Kind::Counter => "counter",
        Kind::Gauge => "gauge",
        Kind::Histogram => "histogram",
    };
    let known: Vec<(&str, String, BTreeSet<&str>)> =
        METRICS.iter().map(|metric| (metric.name, kind(metric.kind).to_owned(), metric.labels.iter().copied().collect())).collect();
    assert_eq!(told, known);
}

#[test]
fn the_table_of_spans_is_the_catalogue() {
    let told: BTreeMap<&str, usize> = rows().into_iter().map(|(name, cells)| (name, cells.len())).collect();
    let order: Vec<&str> =
        rows().into_iter().map(|(name, _)| name).filter(|name| Stage::ALL.iter().any(|stage| stage.name() == *name)).collect();
    assert_eq!(order, Stage::ALL.map(Stage::name));
    assert!(Stage::ALL.iter().all(|stage| told.get(stage.name()) == Some(&3)));
}

#[test]
fn three_alerts_ask_for_metrics_that_exist() {
    let asked: Vec<&str> = GUIDE.lines().filter_map(|line| line.trim().strip_prefix("expr: ")).collect();
    assert_eq!(asked.len(), 3);
    let words = |expression: &'static str| expression.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_'));
    for word in asked.into_iter().flat_map(words).filter(|word| word.starts_with("provost_")) {
        let name = word.strip_suffix("_bucket").unwrap_or(word);
        assert!(METRICS.iter().any(|metric| metric.name == name), "`{word}` is no metric");
    }
}
