//! `schedule`: starts at times, after the run before, and from several events.
//!
//! What must stay true: a time zone stands here by its name; what its rules make of a time is recorded when the time comes.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{ExprIx, StartOn};
use crate::value::Value;

/// When a workflow starts by itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Schedule {
    /// At which times.
    pub at: Times,
    /// What becomes of times that went by while nobody was at work.
    #[serde(default)]
    pub missed: Missed,
}

/// Times; in UTC where no zone is named.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Times {
    /// Every multiple of so many milliseconds since 1970; at least 1000.
    EveryMs(i64),
    /// A cron pattern.
    Cron(Arc<str>),
    /// A cron pattern on the clocks of a time zone.
    CronIn {
        /// The pattern.
        pattern: Arc<str>,
        /// The zone's name in the IANA database.
        zone: Arc<str>,
    },
    /// The beginning of every so many days on the calendar of a time zone, counted from 1970-01-01.
    DaysIn {
        /// How many days; at least 1.
        days: i64,
        /// The zone's name in the IANA database.
        zone: Arc<str>,
    },
    /// So many milliseconds after the run before ended, the first so long after the schedule began; at least 1000.
    AfterMs(i64),
}

/// `schedule.on` with `any` or `all`: the events that start an orchestration.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StartSet {
    /// Whether each filter must be met, by an event of its own; else any one of them is enough.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub all: bool,
    /// The filters in order; at least one.
    pub filters: Vec<StartFilter>,
}

/// One of the events of a [`StartSet`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StartFilter {
    /// Which event.
    pub on: StartOn,
    /// What the events of one start have in common, the same names in every filter, sorted; where one event is enough, what it must have.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub correlate: Vec<StartCorrelation>,
}

/// One correlation of a [`StartFilter`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StartCorrelation {
    /// Its name.
    pub name: Arc<str>,
    /// What is compared, over the whole event.
    pub from: ExprIx,
    /// What it must be; none: the same in every event.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expect: Option<Value>,
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
