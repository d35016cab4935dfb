//! The text of `/metrics`.
//!
//! What must stay true: every metric of the catalogue is described; [`Prometheus::upkeep`] runs every few seconds, or histograms keep
//! every sample in memory. Nothing here is global, so two servers in one process do not mix.

use metrics::{KeyName, Recorder, Unit as Measured};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle, PrometheusRecorder};

use crate::catalogue::{Kind, METRICS, Metric, Unit};
use crate::meters::{Meters, PartitionMeters};

/// The media type of [`Prometheus::render`]'s text.
pub const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// The store of all metrics.
pub struct Prometheus {
    recorder: PrometheusRecorder,
    handle: PrometheusHandle,
}

impl Prometheus {
    /// An empty store that knows every metric of the catalogue.
    pub fn new() -> Self {
        let histograms = METRICS.iter().filter(|metric| metric.kind == Kind::Histogram);
        let recorder = histograms.fold(PrometheusBuilder::new(), with_buckets).build_recorder();
        for metric in METRICS {
            describe(&recorder, metric);
        }
        let handle = recorder.handle();
        Self { recorder, handle }
    }

    /// The handles of every metric that belongs to no partition.
    pub fn meters(&self) -> Meters {
        Meters::new(&self.recorder)
    }

    /// The handles of one partition.
    pub fn partition(&self, number: u16) -> PartitionMeters {
        PartitionMeters::new(&self.recorder, number)
    }

    /// The text of `/metrics`, in the Prometheus text format 0.0.4.
    pub fn render(&self) -> String {
        self.handle.render()
    }

    /// Sorts the samples of histograms into their buckets. Run it every few seconds.
    pub fn upkeep(&self) {
        self.handle.run_upkeep();
    }

    /// For a thread that only does the upkeep.
    pub(crate) fn handle(&self) -> PrometheusHandle {
        self.handle.clone()
    }
}

impl Default for Prometheus {
    fn default() -> Self {
        Self::new()
    }
}

/// The builder with a histogram's buckets. Only an empty list is refused, which the catalogue's own test rules out.
fn with_buckets(builder: PrometheusBuilder, metric: &Metric) -> PrometheusBuilder {
    let named = Matcher::Full(metric.name.to_owned());
    builder.set_buckets_for_metric(named, metric.buckets).unwrap_or_default()
}

fn describe(recorder: &PrometheusRecorder, metric: &Metric) {
    let (name, help) = (KeyName::from(metric.name), metric.help.into());
    let unit = Some(match metric.unit {
        Unit::Seconds => Measured::Seconds,
        Unit::Count | Unit::Ratio => Measured::Count,
    });
    match metric.kind {
        Kind::Counter => recorder.describe_counter(name, unit, help),
        Kind::Gauge => recorder.describe_gauge(name, unit, help),
        Kind::Histogram => recorder.describe_histogram(name, unit, help),
    }
}
