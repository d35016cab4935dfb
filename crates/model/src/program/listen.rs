//! `listen`, as compiled: which events a task waits for, and what it does with each.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{Block, ExprIx, Output, SchemaIx, Template};
use crate::value::Value;

/// `listen`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListenTask {
    /// Which events.
    pub to: Strategy,
    /// Until when, where it is more than the first; only with [`Consume::Any`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Until>,
    /// What is read of each event.
    #[serde(default)]
    pub read: Reading,
    /// `foreach`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub each: Option<ListenEach>,
}

/// Which events are consumed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Strategy {
    /// How many of the filters must be met.
    pub consume: Consume,
    /// The filters in order; none, with [`Consume::Any`]: every event.
    pub filters: Vec<EventFilter>,
}

/// How many filters must be met.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Consume {
    /// The one there is.
    One,
    /// Any of them.
    Any,
    /// Each of them, by an event of its own.
    All,
}

/// When a listener to `any` events stops.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Until {
    /// Never by itself: only its timeout, a competition or somebody ends it.
    Never,
    /// Once this holds over the events consumed so far.
    Condition(ExprIx),
    /// Once these events came.
    Events(Strategy),
}

/// What is read of an event.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Reading {
    /// Its data.
    #[default]
    Data,
    /// The whole event, as an object of its attributes and `data`.
    Envelope,
    /// Its data as text.
    Raw,
}

impl Reading {
    /// Whether it is the data, as where nothing is written.
    pub fn is_default(&self) -> bool {
        *self == Self::Data
    }
}

/// One event that is waited for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EventFilter {
    /// Wanted attributes by equality; computed ones are computed when listening begins. `data` among them: the whole data.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub attributes: Vec<(Arc<str>, Template)>,
    /// Attributes that are written as a pattern: a condition over each one's text.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub patterns: Vec<(Arc<str>, ExprIx)>,
    /// A condition over the data.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data: Option<ExprIx>,
    /// What links the event to the others, and to what is known.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub correlate: Vec<Correlation>,
    /// The contract of the event's data, where the bundle has one for its type.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contract: Option<SchemaIx>,
}

/// One value of an event that must be as expected.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Correlation {
    /// Its name, shared by the filters of one listener.
    pub name: Arc<str>,
    /// Where it stands in the event.
    pub from: ExprIx,
    /// What it must be; none: what the first event said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expect: Option<Template>,
}

/// `foreach`: what is done with each event, one after the other.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListenEach {
    /// Name of the event's variable, without `$`.
    pub item: Arc<str>,
    /// Name of the index's variable, without `$`.
    pub at: Arc<str>,
    /// The list run for each event.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub body: Block,
    /// What becomes of each event in the task's output.
    #[serde(default)]
    pub output: Output,
    /// What each event leaves in `$context`.
    #[serde(default)]
    pub export: Output,
}

impl ListenTask {
    /// Every filter: those of `to`, then those of `until`.
    pub fn filters(&self) -> impl Iterator<Item = &EventFilter> {
        let until = match &self.until {
            Some(Until::Events(strategy)) => strategy.filters.as_slice(),
            Some(Until::Never | Until::Condition(_)) | None => &[],
        };
        self.to.filters.iter().chain(until)
    }

    /// Whether one of its strategies takes events of every type.
    pub fn takes_every_type(&self) -> bool {
        let open = |strategy: &Strategy| strategy.filters.is_empty() && strategy.consume == Consume::Any;
        let until = matches!(&self.until, Some(Until::Events(strategy)) if open(strategy));
        until || open(&self.to)
    }
}

impl EventFilter {
    /// The type it waits for, where the author wrote it.
    pub fn kind(&self) -> Option<&Arc<str>> {
        self.attributes.iter().find_map(|(name, wanted)| match wanted {
            Template::Literal(Value::Str(kind)) if **name == *"type" => Some(kind),
            Template::Literal(_) | Template::Expression(_) | Template::Array(_) | Template::Object(_) => None,
        })
    }
}
