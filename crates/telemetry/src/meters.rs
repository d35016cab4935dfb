//! Handles of every metric, obtained once: recording is a few atomic writes, with no look-up and no allocation per call.
//!
//! What must stay true: all metrics of one transition together cost under 200 ns (a test measures it). It keeps no clock: callers hand in durations.

use std::time::Duration;

use metrics::{Counter, Gauge, Histogram, Key, Label, Level, Metadata, Recorder};
use provost_model::Answer;
use provost_model::program::EffectClass;
use provost_model::record::{EffectKind, EffectState, Ending};

use crate::catalogue::{Metric, SCOPE, metric};
use crate::shown::{Plain, Shown, Word, worded};

/// What became of an event that arrived.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Arrival {
    /// Taken.
    Accepted,
    /// Refused and kept with the reason.
    Rejected,
    /// Known already.
    Duplicate,
}

/// What was tried again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Retried {
    /// An attempt of an effect.
    Effect,
    /// The list of a `try`.
    Tasks,
}

/// What an exchange with a worker was for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Exchange {
    /// Taking tasks; some were there.
    Claimed,
    /// Taking tasks; none were there in time.
    Empty,
    /// Reporting outcomes.
    Reported,
    /// Extending leases.
    Extended,
}

worded! {
    Arrival: Accepted = "accepted", Rejected = "rejected", Duplicate = "duplicate";
    Retried: Effect = "effect", Tasks = "tasks";
    Exchange: Claimed = "claimed", Empty = "empty", Reported = "reported", Extended = "extended";
}

/// One counter per word of `W`.
struct PerWord(Vec<Counter>);

impl PerWord {
    fn new<W: Word>(recorder: &impl Recorder, metric: &Metric) -> Self {
        Self(W::WORDS.iter().map(|word| counter(recorder, metric, &[word])).collect())
    }

    fn add<W: Word>(&self, word: W, n: u64) {
        if let Some(counter) = self.0.get(word.place()) {
            counter.increment(n);
        }
    }
}

/// Every metric that belongs to no partition.
pub struct Meters {
    transition: Histogram,
    commit: Histogram,
    ingest: Histogram,
    effect_durations: Vec<Histogram>,
    orchestration_durations: Vec<Histogram>,
    batch: Histogram,
    retries: PerWord,
    open_circuits: Gauge,
    events: PerWord,
    started: Counter,
    ended: PerWord,
    effects: Vec<PerWord>,
    exchanges: PerWord,
    zombies: Counter,
    verdicts: PerWord,
    would: Vec<PerWord>,
    waiting: Gauge,
    leased: Gauge,
    overloaded: Counter,
}

impl Meters {
    /// Obtains every handle from `recorder`; do it once and share.
    pub fn new(recorder: &impl Recorder) -> Self {
        let effects = |class: &&'static str| {
            PerWord(EffectState::WORDS.iter().map(|state| counter(recorder, &metric::EFFECTS, &[class, state])).collect())
        };
        let would = |answer: &&'static str| {
            PerWord(Answer::WORDS.iter().map(|would| counter(recorder, &metric::POLICY_WOULD, &[answer, would])).collect())
        };
        Self {
            transition: histogram(recorder, &metric::TRANSITION_DURATION, &[]),
            commit: histogram(recorder, &metric::COMMIT_DURATION, &[]),
            ingest: histogram(recorder, &metric::INGEST_DURATION, &[]),
            effect_durations: histograms::<EffectKind>(recorder, &metric::EFFECT_DURATION),
            orchestration_durations: histograms::<Ending>(recorder, &metric::ORCHESTRATION_DURATION),
            batch: histogram(recorder, &metric::COMMIT_BATCH, &[]),
            retries: PerWord::new::<Retried>(recorder, &metric::RETRIES),
            open_circuits: gauge(recorder, &metric::OPEN_CIRCUIT_RATIO, &[]),
            events: PerWord::new::<Arrival>(recorder, &metric::EVENTS),
            started: counter(recorder, &metric::ORCHESTRATIONS_STARTED, &[]),
            ended: PerWord::new::<Ending>(recorder, &metric::ORCHESTRATIONS_ENDED),
            effects: EffectClass::WORDS.iter().map(effects).collect(),
            exchanges: PerWord::new::<Exchange>(recorder, &metric::WORKER_EXCHANGES),
            zombies: counter(recorder, &metric::ZOMBIE_REPORTS, &[]),
            verdicts: PerWord::new::<Answer>(recorder, &metric::POLICY_VERDICTS),
            would: Answer::WORDS.iter().map(would).collect(),
            waiting: gauge(recorder, &metric::WORK_WAITING, &[]),
            leased: gauge(recorder, &metric::WORK_LEASED, &[]),
            overloaded: counter(recorder, &metric::OVERLOADED, &[]),
        }
    }

    /// A transition became durable this long after its command was taken from the queue.
    pub fn transition(&self, took: Duration) {
        self.transition.record(took);
    }

    /// `n` transitions of one batch became durable.
    pub fn transitions(&self, took: Duration, n: u32) {
        self.transition.record_many(took, n as usize);
    }

    /// An event or a start was answered this long after it arrived.
    pub fn ingest(&self, took: Duration) {
        self.ingest.record(took);
    }

    /// An effect settled this long after it was intended.
    pub fn effect_took(&self, kind: EffectKind, took: Duration) {
        if let Some(histogram) = self.effect_durations.get(kind.place()) {
            histogram.record(took);
        }
    }

    /// An orchestration ended this long after its start.
    pub fn orchestration_took(&self, ending: Ending, took: Duration) {
        if let Some(histogram) = self.orchestration_durations.get(ending.place()) {
            histogram.record(took);
        }
    }

    /// A batch of `transitions` was committed.
    pub fn commit(&self, took: Duration, transitions: u32) {
        self.commit.record(took);
        self.batch.record(transitions);
    }

    /// Something was tried again.
    pub fn retried(&self, what: Retried, n: u64) {
        self.retries.add(what, n);
    }

    /// Of `total` breakers, `open` are open.
    pub fn circuits(&self, open: usize, total: usize) {
        self.open_circuits.set(if total == 0 { 0.0 } else { open as f64 / total as f64 });
    }

    /// Events arrived.
    pub fn events(&self, arrival: Arrival, n: u64) {
        self.events.add(arrival, n);
    }

    /// Orchestrations started.
    pub fn started(&self, n: u64) {
        self.started.increment(n);
    }

    /// Orchestrations ended.
    pub fn ended(&self, ending: Ending, n: u64) {
        self.ended.add(ending, n);
    }

    /// Effects reached a state.
    pub fn effects(&self, class: EffectClass, state: EffectState, n: u64) {
        if let Some(states) = self.effects.get(class.place()) {
            states.add(state, n);
        }
    }

    /// Work for workers: waiting in queues, and in their hands.
    pub fn work(&self, waiting: usize, leased: usize) {
        self.waiting.set(waiting as f64);
        self.leased.set(leased as f64);
    }

    /// A request was turned away because there is too much work.
    pub fn overloaded(&self) {
        self.overloaded.increment(1);
    }

    /// An exchange with a worker ended.
    pub fn exchange(&self, kind: Exchange) {
        self.exchanges.add(kind, 1);
    }

    /// A report came from a worker whose lease or epoch was over.
    pub fn zombie_refused(&self) {
        self.zombies.increment(1);
    }

    /// Policy answered.
    pub fn verdicts(&self, answer: Answer, n: u64) {
        self.verdicts.add(answer, n);
    }

    /// Policy answered, and policies on trial would have changed the answer.
    pub fn would(&self, answer: Answer, would: Answer, n: u64) {
        if let Some(answers) = self.would.get(answer.place()) {
            answers.add(would, n);
        }
    }
}

/// The metrics of one partition. Obtained once per partition; its writer sets them.
pub struct PartitionMeters {
    queue: Gauge,
    parked: Gauge,
    in_doubt: Gauge,
    lag: Gauge,
    timers: Gauge,
    open: Gauge,
    reviews: Gauge,
}

impl PartitionMeters {
    /// Obtains the handles of partition `number`.
    pub fn new(recorder: &impl Recorder, number: u16) -> Self {
        let number = number.to_string();
        let of = |metric: &Metric| gauge(recorder, metric, &[&number]);
        Self {
            queue: of(&metric::QUEUE_DEPTH),
            parked: of(&metric::PARKED),
            in_doubt: of(&metric::IN_DOUBT),
            lag: of(&metric::PROJECTION_LAG),
            timers: of(&metric::TIMERS_PENDING),
            open: of(&metric::ORCHESTRATIONS_OPEN),
            reviews: of(&metric::REVIEWS_OPEN),
        }
    }

    /// Commands waiting.
    pub fn queue_depth(&self, n: usize) {
        self.queue.set(n as f64);
    }

    /// Orchestrations parked.
    pub fn parked(&self, n: i64) {
        self.parked.set(n as f64);
    }

    /// Effects in doubt.
    pub fn in_doubt(&self, n: i64) {
        self.in_doubt.set(n as f64);
    }

    /// Orchestrations that are not over.
    pub fn open(&self, n: i64) {
        self.open.set(n as f64);
    }

    /// Questions to people without an answer.
    pub fn reviews(&self, n: i64) {
        self.reviews.set(n as f64);
    }

    /// How far the lists stand behind the journals.
    pub fn projection_lag(&self, lag: Duration) {
        self.lag.set(lag.as_secs_f64());
    }

    /// Timers waiting.
    pub fn timers_pending(&self, n: usize) {
        self.timers.set(n as f64);
    }
}

fn key(metric: &Metric, values: &[&str]) -> Key {
    debug_assert_eq!(metric.labels.len(), values.len(), "labels of {}", metric.name);
    let labels: Vec<Label> = metric.labels.iter().zip(values).map(|(label, value)| Label::new(*label, (*value).to_owned())).collect();
    Key::from_parts(metric.name, labels)
}

const METADATA: Metadata<'static> = Metadata::new(SCOPE, Level::INFO, None);

fn counter(recorder: &impl Recorder, metric: &Metric, values: &[&str]) -> Counter {
    recorder.register_counter(&key(metric, values), &METADATA)
}

fn gauge(recorder: &impl Recorder, metric: &Metric, values: &[&str]) -> Gauge {
    recorder.register_gauge(&key(metric, values), &METADATA)
}

fn histogram(recorder: &impl Recorder, metric: &Metric, values: &[&str]) -> Histogram {
    recorder.register_histogram(&key(metric, values), &METADATA)
}

fn histograms<W: Word>(recorder: &impl Recorder, metric: &Metric) -> Vec<Histogram> {
    W::WORDS.iter().map(|word| histogram(recorder, metric, &[word])).collect()
}
