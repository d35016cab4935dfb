//! What has to be held: each row with its limit, what was reached, and the ratio of both in the same run.
//!
//! What must stay true: a row that was not measured is never shown as held; a peer that did not run beside is quoted, and said to be.

use serde_json::{Value as Json, json};

use crate::figures::{Figure, reached};
use crate::table::amount;

/// The fastest peer as written down on another day: orchestrations of ten steps a second at 512 in flight.
const QUOTED_RATE: f64 = 1_275.0;
/// The same peer at one in flight, p50 in milliseconds.
const QUOTED_P50_MS: f64 = 12.1;

/// On which side of its limit a figure has to be.
#[derive(Clone, Copy, Debug)]
enum Bound {
    AtLeast,
    AtMost,
}

/// What a figure is divided by before it is held against the limit.
#[derive(Clone, Copy, Debug)]
enum Over {
    One,
    PeerRate,
    PeerP50,
    PlainLog,
}

/// One row: what, which figure of which workload, the bound, the limit, the base.
type Asked = (&'static str, &'static str, &'static str, Bound, f64, Over);

/// The rows of the design, in its order, and those of the language; the model gateway is measured elsewhere.
const ASKED: [Asked; 23] = [
    (
        "10 pure tasks in one commit, 512 in flight, over the peer",
        "w1",
        "10 pure tasks, one commit, 512 in flight",
        Bound::AtLeast,
        10.0,
        Over::PeerRate,
    ),
    ("10 in-process tasks, 512 in flight, over the peer", "w1", "10 in-process tasks, 512 in flight", Bound::AtLeast, 4.0, Over::PeerRate),
    (
        "10 tasks, HTTP worker, 512 in flight, over the peer",
        "w1",
        "10 tasks, HTTP worker, 512 in flight",
        Bound::AtLeast,
        4.0,
        Over::PeerRate,
    ),
    (
        "10 tasks, HTTP worker, 1 in flight, p50, over the peer",
        "w1",
        "10 tasks, HTTP worker, 1 in flight, p50",
        Bound::AtMost,
        0.4,
        Over::PeerP50,
    ),
    (
        "journal append over a plain log, 4 writers, batch 64",
        "append",
        "journal, 4 partitions, batch 64",
        Bound::AtLeast,
        0.25,
        Over::PlainLog,
    ),
    ("fold, one core, bench rows, facts/s", "fold", "bench", Bound::AtLeast, 500_000.0, Over::One),
    ("fold, one core, refund rows, facts/s", "fold", "refund-triage", Bound::AtLeast, 500_000.0, Over::One),
    ("verify, one core, bench rows, facts/s", "verify", "bench", Bound::AtLeast, 100_000.0, Over::One),
    ("verify, one core, refund rows, facts/s", "verify", "refund-triage", Bound::AtLeast, 100_000.0, Over::One),
    ("100,000 waiting: resident, MiB", "w4", "100000 waiting: resident", Bound::AtMost, 400.0, Over::One),
    ("100,000 waiting: ready after kill -9, s", "w4", "100000 waiting: ready after kill -9", Bound::AtMost, 3.0, Over::One),
    ("growth per finished 10-task orchestration, in process, KiB", "w5", "growth, in process", Bound::AtMost, 6.0, Over::One),
    ("the same, external with effects, KiB", "w5", "growth, external with effects", Bound::AtMost, 12.0, Over::One),
    (
        "policy gate, 1,000 policies over 50 actions + 10, p99, us",
        "gate",
        "all layers, verdict and digest, p99",
        Bound::AtMost,
        60.0,
        Over::One,
    ),
    (
        "cold start to the first finished orchestration, ms",
        "w5",
        "cold start to the first finished orchestration",
        Bound::AtMost,
        250.0,
        Over::One,
    ),
    ("publish (check and compile) of 200 tasks, ms", "language", "publish: check and compile 200 tasks", Bound::AtMost, 20.0, Over::One),
    ("a switch on a document of 2 KiB, us", "language", "a switch on a document of 2 KiB", Bound::AtMost, 5.0, Over::One),
    ("fork of 1,000 branches in process, each result durable, ms", "w3", "fork of 1,000 branches", Bound::AtMost, 50.0, Over::One),
    (
        "publish: a task of a list of 10,000 over one of 100",
        "language",
        "publish, list: a task of 10,000 over one of 100",
        Bound::AtMost,
        1.5,
        Over::One,
    ),
    (
        "run: a task of a list of 10,000 over one of 100",
        "language",
        "run, list: a task of 10,000 over one of 100",
        Bound::AtMost,
        1.5,
        Over::One,
    ),
    (
        "run: a task of a loop of 10,000 over one of 100",
        "language",
        "run, loop: a task of 10,000 over one of 100",
        Bound::AtMost,
        1.5,
        Over::One,
    ),
    (
        "a durable run of a loop of 10,000 over one of 100",
        "language",
        "loop of durable runs: one of 10,000 over one of 100",
        Bound::AtMost,
        1.5,
        Over::One,
    ),
    ("a waiting timer in the server: resident, B", "language", "a waiting timer: resident", Bound::AtMost, 200.0, Over::One),
];

/// A row with what was reached.
#[derive(Clone, Debug)]
pub struct Hold {
    what: &'static str,
    bound: Bound,
    limit: f64,
    reached: Option<f64>,
    base: &'static str,
}

/// Every row, from `figures`; `build_s` is the time of a clean build, where there was one.
pub fn rows(figures: &[Figure], build_s: Option<f64>) -> Vec<Hold> {
    let mut rows: Vec<Hold> = ASKED
        .iter()
        .map(|(what, workload, key, bound, limit, base)| {
            let (divisor, base) = divisor(figures, *base);
            let reached = reached(figures, workload, key).zip(divisor).map(|(value, divisor)| value / divisor);
            Hold { what, bound: *bound, limit: *limit, reached, base }
        })
        .collect();
    let what = "clean build of the measured profile, minutes";
    rows.push(Hold { what, bound: Bound::AtMost, limit: 8.0, reached: build_s.map(|s| s / 60.0), base: "" });
    rows
}

fn divisor(figures: &[Figure], base: Over) -> (Option<f64>, &'static str) {
    let peer = |key, quoted| reached(figures, "beside", key).map_or((Some(quoted), "peer quoted"), |beside| (Some(beside), "peer beside"));
    match base {
        Over::One => (Some(1.0), ""),
        Over::PeerRate => peer("10 steps, 512 in flight", QUOTED_RATE),
        Over::PeerP50 => peer("10 steps, 1 in flight, p50", QUOTED_P50_MS),
        Over::PlainLog => (reached(figures, "append", "plain log, 4 files, batch 64"), "same run"),
    }
}

impl Hold {
    fn verdict(&self) -> &'static str {
        let held = self.reached.map(|value| match self.bound {
            Bound::AtLeast => value >= self.limit,
            Bound::AtMost => value <= self.limit,
        });
        match held {
            Some(true) => "held",
            Some(false) => "NOT HELD",
            None => "not measured",
        }
    }

    fn bound(&self) -> &'static str {
        match self.bound {
            Bound::AtLeast => ">=",
            Bound::AtMost => "<=",
        }
    }

    /// What it is about.
    pub fn what(&self) -> &'static str {
        self.what
    }

    /// It was measured and is on the wrong side of its limit.
    pub fn is_missed(&self) -> bool {
        self.verdict() == "NOT HELD"
    }

    /// One row of a Markdown table.
    pub fn cells(&self) -> String {
        let limit = format!("{} {}", self.bound(), self.limit);
        let Some(value) = self.reached else {
            return format!("| {} | {limit} | | | {} |\n", self.what, self.verdict());
        };
        let base = if self.base.is_empty() { String::new() } else { format!(" ({})", self.base) };
        format!("| {} | {limit} | {}{base} | {:.2} | {} |\n", self.what, amount(value), value / self.limit, self.verdict())
    }

    /// One line for people.
    pub fn line(&self) -> String {
        let (bound, limit, verdict) = (self.bound(), self.limit, self.verdict());
        match self.reached {
            Some(value) => format!(
                "{verdict:12} {:62} {value:>12.2}  {bound} {limit:<9}  {:>6.2} of the limit  {}\n",
                self.what,
                value / limit,
                self.base
            ),
            None => format!("{verdict:12} {:62} {:>12}  {bound} {limit}\n", self.what, ""),
        }
    }

    /// One line for machines.
    pub fn json(&self) -> Json {
        json!({ "hold": self.what, "reached": self.reached, "bound": self.bound(), "limit": self.limit, "verdict": self.verdict(),
            "of_the_limit": self.reached.map(|value| value / self.limit), "base": self.base })
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

    use super::*;
    use crate::figures::figure;

    fn row(figures: &[Figure], what: &str) -> Hold {
        rows(figures, None).into_iter().find(|row| row.what.starts_with(what)).unwrap()
    }

    #[test]
    fn a_row_is_held_on_its_side_of_the_limit_only() {
        let cold = |ms| row(&[figure("w5", "cold start to the first finished orchestration", "ms", vec![ms])], "cold").verdict();
        assert_eq!([cold(28.0), cold(250.0), cold(251.0)], ["held", "held", "NOT HELD"]);
        let fold = |rate| row(&[figure("fold", "bench", "facts/s", vec![rate])], "fold, one core, bench").verdict();
        assert_eq!([fold(499_999.0), fold(500_000.0)], ["NOT HELD", "held"]);
    }

    #[test]
    fn what_was_not_measured_is_not_held() {
        assert!(rows(&[], None).iter().all(|row| row.verdict() == "not measured"));
        let alone = [figure("append", "journal, 4 partitions, batch 64", "rows/s", vec![1e9])];
        assert_eq!(row(&alone, "journal append").verdict(), "not measured");
    }

    #[test]
    fn a_peer_beside_replaces_the_quoted_one() {
        let ours = figure("w1", "10 in-process tasks, 512 in flight", "orch/s", vec![6_000.0]);
        let quoted = row(std::slice::from_ref(&ours), "10 in-process");
        assert_eq!((quoted.verdict(), quoted.base), ("held", "peer quoted"));
        let beside = row(&[ours, figure("beside", "10 steps, 512 in flight", "orch/s", vec![2_000.0])], "10 in-process");
        assert_eq!((beside.verdict(), beside.base), ("NOT HELD", "peer beside"));
    }
}
