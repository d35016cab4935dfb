//! The settings of telemetry.
//!
//! What must stay true: every setting has a default that works on a laptop, with no exporter. Nothing here reads the environment.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::secret::Secret;

/// Settings of logs, traces and metrics.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "snake_case", default, deny_unknown_fields)]
pub struct Config {
    /// The name this process has in traces.
    pub service_name: String,
    /// The mildest level that is logged.
    pub log_level: LogLevel,
    /// Other levels for parts of the program, e.g. `provost_store: debug`.
    pub log_levels: BTreeMap<String, LogLevel>,
    /// Whether messages of foreign libraries are logged in full. They are not redacted; off by default: only their place is logged.
    pub foreign_messages: bool,
    /// Where traces go (OTLP over HTTP, protobuf), e.g. `http://127.0.0.1:4318`; absent: nowhere.
    pub otlp_endpoint: Option<String>,
    /// Headers for that place, e.g. an `authorization`.
    pub otlp_headers: BTreeMap<String, Secret<String>>,
    /// How many of a million traces that come without a decision of their own are exported.
    pub sample_per_million: u32,
    /// Spans kept in memory until they are exported; more are dropped.
    pub spans_queued_max: usize,
    /// The longest one export may take, in milliseconds.
    pub export_timeout_ms: u64,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            service_name: "provost".to_owned(),
            log_level: LogLevel::Info,
            log_levels: BTreeMap::new(),
            foreign_messages: false,
            otlp_endpoint: None,
            otlp_headers: BTreeMap::new(),
            sample_per_million: 1_000_000,
            spans_queued_max: 16_384,
            export_timeout_ms: 5_000,
        }
    }
}

/// How much is logged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogLevel {
    /// Nothing.
    Off,
    /// What failed.
    Error,
    /// What looks wrong.
    Warn,
    /// What happened.
    #[default]
    Info,
    /// How it happened.
    Debug,
    /// Everything.
    Trace,
}

impl From<LogLevel> for tracing::level_filters::LevelFilter {
    fn from(level: LogLevel) -> Self {
        match level {
            LogLevel::Off => Self::OFF,
            LogLevel::Error => Self::ERROR,
            LogLevel::Warn => Self::WARN,
            LogLevel::Info => Self::INFO,
            LogLevel::Debug => Self::DEBUG,
            LogLevel::Trace => Self::TRACE,
        }
    }
}
