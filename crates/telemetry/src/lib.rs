//! What Provost tells about itself: the one catalogue of spans, metrics and log fields, and the ways out.
//!
//! What must stay true: whatever leaves through here is redacted by type ([`Shown`]): ids, numbers, fixed words and authored names go
//! out, payloads show kind and size, secrets show `***`. A span, metric or field that is not in [`catalogue`] does not exist. With no
//! exporter configured, a span costs one branch. What is absent: every decision, and the environment (settings arrive in [`Config`]).

pub mod catalogue;
pub mod config;
pub mod correlation;
pub mod logs;
pub mod meters;
pub mod otlp;
pub mod prometheus;
pub mod secret;
pub mod setup;
pub mod shown;
pub mod trace;

pub use catalogue::{Field, Metric, Stage};
pub use config::{Config, LogLevel};
pub use correlation::Correlation;
pub use meters::{Meters, PartitionMeters};
pub use otlp::{SpanEnd, Spans};
pub use prometheus::Prometheus;
pub use secret::Secret;
pub use setup::{SetupError, Telemetry, setup};
pub use shown::{Name, Payload, Plain, Shown};
pub use trace::{SpanId, TraceContext, TraceId};

#[doc(hidden)]
pub use tracing;
