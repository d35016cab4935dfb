//! The crash table: for each kind of command, whether a machine died before, inside and after its commit.

use std::collections::BTreeMap;

use provost_model::record::{Attempted, Command};
use provost_runtime::Delivery;

/// Where a machine dies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Moment {
    /// Before the commit: nothing is on disk.
    Before,
    /// Inside: it is on disk, and nobody was told that it is.
    Inside,
    /// After: the commit was answered, and nothing left yet.
    After,
}

/// Every kind of write; the first [`COMMITS`] are commits.
pub static KINDS: [&str; 22] = [
    "event",
    "heard",
    "spread",
    "start",
    "sending",
    "claim",
    "claimed",
    "admitted",
    "outcome-done",
    "outcome-failed",
    "outcome-unknown",
    "outcome-absent",
    "timer",
    "review",
    "cancel",
    "redrive",
    "resolve",
    "continue",
    "told",
    "tick",
    "snapshot",
    "lists",
];

/// How many kinds are commits.
pub const COMMITS: usize = 20;

/// The moments, in order.
pub const MOMENTS: [Moment; 3] = [Moment::Before, Moment::Inside, Moment::After];

/// Crashes by kind and moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cells(pub BTreeMap<(&'static str, Moment), u64>);

impl Cells {
    /// Counts a crash.
    pub fn count(&mut self, kind: &'static str, moment: Moment) {
        *self.0.entry((kind, moment)).or_default() += 1;
    }

    /// Adds another table.
    pub fn add(&mut self, other: &Self) {
        for (cell, n) in &other.0 {
            *self.0.entry(*cell).or_default() += n;
        }
    }

    /// The cells of `kinds` that no crash has met.
    pub fn empty(&self, kinds: &[&'static str]) -> Vec<String> {
        let all = kinds.iter().flat_map(|kind| MOMENTS.iter().map(move |moment| (*kind, *moment)));
        all.filter(|cell| !self.0.contains_key(cell)).map(|(kind, moment)| format!("{kind}/{moment:?}").to_lowercase()).collect()
    }
}

/// The kind of a delivery.
pub fn kind_of(delivery: &Delivery) -> &'static str {
    match delivery {
        Delivery::Accept { .. } => "event",
        Delivery::Hear { .. } | Delivery::Heard { .. } => "heard",
        Delivery::Spread { .. } | Delivery::Look { .. } => "spread",
        Delivery::Start { .. } | Delivery::Delivered { .. } | Delivery::Control { .. } => "start",
        Delivery::Tick { .. } => "tick",
        Delivery::Tell { .. } => "told",
        Delivery::Claim { .. } | Delivery::Inquire { .. } => "claim",
        Delivery::Follow { .. } => "admitted",
        Delivery::Command { command, .. } => match &**command {
            Command::Start(_) => "start",
            Command::Sending { .. } => "sending",
            Command::Outcome(outcome) => match outcome.result {
                Attempted::Done { .. } | Attempted::Unreadable { .. } => "outcome-done",
                Attempted::Failed { .. } => "outcome-failed",
                Attempted::Unknown { .. } => "outcome-unknown",
                Attempted::Absent => "outcome-absent",
            },
            Command::Arrived(_) => "spread",
            Command::Claimed(_) => "claimed",
            Command::Admitted | Command::Entangled { .. } => "admitted",
            Command::Timer { .. } => "timer",
            Command::Review(_) => "review",
            Command::Child(_) | Command::Interrupt { .. } => "told",
            Command::Cancel(_) => "cancel",
            Command::Redrive(_) => "redrive",
            Command::Resolve(_) => "resolve",
            Command::Continue => "continue",
        },
    }
}
