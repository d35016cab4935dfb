//! `schedule.every` and `schedule.cron`: starts at times.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// When a workflow starts by itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Schedule {
    /// At which times.
    pub at: Times,
    /// What becomes of times that went by while nobody was at work.
    #[serde(default)]
    pub missed: Missed,
}

/// Times in UTC.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Times {
    /// Every multiple of so many milliseconds since 1970; at least 1000.
    EveryMs(i64),
    /// A cron pattern.
    Cron(Arc<str>),
}

/// `metadata.provost.missed`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Missed {
    /// One run, for the last of them.
    #[default]
    Last,
    /// None is made up for.
    None,
    /// Each, up to a limit.
    All,
}
