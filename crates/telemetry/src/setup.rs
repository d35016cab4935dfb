//! Starts logs, metrics and traces once, at the edge of the process, and ends them in order.
//!
//! What must stay true: only this file touches anything global (the log subscriber and the panic hook).

use std::sync::Arc;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use tracing_subscriber::layer::{Layer as _, SubscriberExt as _};

use crate::config::Config;
use crate::logs::{JsonLines, filter, quiet_panics};
use crate::meters::Meters;
use crate::otlp::{Exporter, Spans};
use crate::prometheus::Prometheus;

/// How often the samples of histograms are sorted into their buckets.
const UPKEEP_EVERY: Duration = Duration::from_secs(5);

/// Why telemetry cannot start.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    /// The traces' address is none.
    #[error("`{endpoint}` cannot take traces: {why}")]
    Endpoint {
        /// What was configured.
        endpoint: String,
        /// Why.
        why: String,
    },
    /// The operating system gave no threads.
    #[error("the exporter's threads could not start: {0}")]
    Threads(String),
    /// Logs are set up already.
    #[error("logs were set up twice in one process")]
    Twice,
}

impl SetupError {
    /// The stable code.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Endpoint { .. } => "TELEMETRY_ENDPOINT",
            Self::Threads(_) => "TELEMETRY_THREADS",
            Self::Twice => "TELEMETRY_TWICE",
        }
    }

    /// What to do.
    pub const fn hint(&self) -> &'static str {
        match self {
            Self::Endpoint { .. } => "set `otlp_endpoint` to an address such as `http://127.0.0.1:4318`, or leave it out",
            Self::Threads(_) => "raise the limit of threads, or leave `otlp_endpoint` out",
            Self::Twice => "call `setup` once, where the process starts",
        }
    }
}

/// Telemetry while the process lives. Dropping it exports what waits, within the export timeout.
pub struct Telemetry {
    /// The handles of every metric that belongs to no partition.
    pub meters: Arc<Meters>,
    /// The way out for spans.
    pub spans: Spans,
    /// The store behind `/metrics`, and where partitions get their handles.
    pub prometheus: Arc<Prometheus>,
    exporter: Option<Exporter>,
    upkeep: Option<(Sender<()>, JoinHandle<()>)>,
}

impl Telemetry {
    /// Metrics and traces without touching anything global: for a second server in one process, and for tests.
    ///
    /// # Errors
    /// [`SetupError`] for an endpoint that is none.
    pub fn start(config: &Config) -> Result<Self, SetupError> {
        let prometheus = Arc::new(Prometheus::new());
        let (exporter, spans) = match &config.otlp_endpoint {
            Some(endpoint) => {
                let (exporter, spans) = Exporter::start(config, endpoint)?;
                (Some(exporter), spans)
            }
            None => (None, Spans::off()),
        };
        let upkeep = Some(start_upkeep(&prometheus)?);
        Ok(Self { meters: Arc::new(prometheus.meters()), spans, prometheus, exporter, upkeep })
    }

    /// Exports what waits and waits for it; `false` if the collector did not take it. Without an exporter there is nothing to do.
    pub fn flush(&self) -> bool {
        self.exporter.as_ref().is_none_or(Exporter::flush)
    }
}

impl Drop for Telemetry {
    fn drop(&mut self) {
        if let Some((stop, thread)) = self.upkeep.take() {
            drop(stop);
            // A panic of the upkeep thread was logged where it happened.
            let _panicked = thread.join();
        }
    }
}

/// Starts everything, logs and the panic hook of the process included. Keep the result until the process ends.
///
/// # Errors
/// [`SetupError`] for an endpoint that is none, or when called twice.
pub fn setup(config: &Config) -> Result<Telemetry, SetupError> {
    let lines = JsonLines::new(std::io::stderr, config.foreign_messages).with_filter(filter(config));
    tracing::subscriber::set_global_default(tracing_subscriber::registry().with(lines)).map_err(|_| SetupError::Twice)?;
    quiet_panics();
    Telemetry::start(config)
}

fn start_upkeep(prometheus: &Prometheus) -> Result<(Sender<()>, JoinHandle<()>), SetupError> {
    let (stop, stopped) = channel();
    let handle = prometheus.handle();
    let thread = std::thread::Builder::new().name("provost-metrics".to_owned()).spawn(move || {
        while stopped.recv_timeout(UPKEEP_EVERY) == Err(RecvTimeoutError::Timeout) {
            handle.run_upkeep();
        }
    });
    Ok((stop, thread.map_err(|e| SetupError::Threads(e.to_string()))?))
}
