//! What the data plane tells telemetry: handles obtained once, recorded after the commit.

use std::sync::Arc;
use std::time::Duration;

use provost_telemetry::meters::Retried;
use provost_telemetry::{Meters, PartitionMeters, Prometheus, Spans};

use crate::partition::Outputs;
use crate::tally::{Lasted, Levels};

/// Where metrics and spans go.
#[derive(Clone)]
pub struct Observer {
    /// The store behind `/metrics`.
    pub prometheus: Arc<Prometheus>,
    /// The handles that belong to no partition.
    pub meters: Arc<Meters>,
    /// The way out for spans.
    pub spans: Spans,
}

impl Observer {
    /// Metrics in memory and no spans: for a process that serves nobody, and for tests.
    pub fn quiet() -> Self {
        let prometheus = Arc::new(Prometheus::new());
        Self { meters: Arc::new(prometheus.meters()), prometheus, spans: Spans::off() }
    }
}

/// One partition's share: its writer records here.
pub(crate) struct Watch {
    observer: Observer,
    partition: PartitionMeters,
    levels: Levels,
}

impl Watch {
    /// The share of partition `index`.
    pub fn new(observer: Observer, index: u32) -> Self {
        let partition = observer.prometheus.partition(u16::try_from(index).unwrap_or(u16::MAX));
        let mut watch = Self { observer, partition, levels: Levels::default() };
        watch.changed(Levels::default());
        watch
    }

    /// Open work that was there at the start.
    pub fn found(&mut self, levels: Levels) {
        self.changed(levels);
    }

    /// Open work changed by so much. Said at once: whoever is told of a commit finds it in the gauges.
    fn changed(&mut self, by: Levels) {
        self.levels = self.levels.plus(by);
        self.partition.open(self.levels.open);
        self.partition.parked(self.levels.parked);
        self.partition.in_doubt(self.levels.in_doubt);
        self.partition.reviews(self.levels.reviews);
    }

    /// A batch is on disk, `took` after its first command was taken. Before anybody is told.
    pub fn committed(&mut self, outputs: &mut Outputs, took: Duration, durable_us: i64) {
        let (meters, tally) = (&self.observer.meters, &outputs.tally);
        if outputs.committed > 0 {
            meters.commit(outputs.commit_took, outputs.committed);
            meters.transitions(took, outputs.committed);
        }
        tally.events().for_each(|(arrival, n)| meters.events(arrival, n));
        for (what, n) in [Retried::Effect, Retried::Tasks].into_iter().zip(tally.retried) {
            meters.retried(what, n);
        }
        meters.started(tally.started);
        tally.ended().for_each(|(ending, n)| meters.ended(ending, n));
        tally.verdicts().for_each(|(answer, n)| meters.verdicts(answer, n));
        tally.would().for_each(|(answer, would, n)| meters.would(answer, would, n));
        outputs.lasted.iter().for_each(|lasted| match *lasted {
            Lasted::Effect(kind, us) => meters.effect_took(kind, microseconds(us)),
            Lasted::Orchestration(ending, us) => meters.orchestration_took(ending, microseconds(us)),
        });
        tally.effects().for_each(|(class, state, n)| meters.effects(class, state, n));
        if tally.levels != Levels::default() {
            self.changed(tally.levels);
        }
        for traced in std::mem::take(&mut outputs.traced) {
            traced.end(&self.observer.spans, durable_us);
        }
    }

    /// How things stand between two batches.
    pub fn stands(&self, queued: usize, timers: usize, lists_lag: Duration, breakers: (usize, usize)) {
        self.partition.queue_depth(queued);
        self.partition.timers_pending(timers);
        self.partition.projection_lag(lists_lag);
        self.observer.meters.circuits(breakers.0, breakers.1);
    }
}

/// A clock that went back makes nothing shorter than no time at all.
fn microseconds(us: i64) -> Duration {
    Duration::from_micros(u64::try_from(us).unwrap_or(0))
}
