//! The spans of a transition: a function of its facts and of the states around it.
//!
//! What must stay true: built only for traces that are exported; ended only after the commit; ids are derived, so the same work has the
//! same spans after a crash.

use provost_engine::Orchestration;
use provost_model::EffectId;
use provost_model::record::{Attempted, EffectKind, Fact, Transition};
use provost_telemetry::catalogue::field;
use provost_telemetry::{Correlation, Field, Name, Plain, Shown, SpanEnd, Spans, Stage, TraceContext};

use crate::dispatch::Offer;

/// A span that waits for its commit.
pub struct Traced {
    context: TraceContext,
    parent: Option<provost_telemetry::SpanId>,
    stage: Stage,
    correlation: Correlation,
    start_us: i64,
    end_us: i64,
    failed: Option<&'static str>,
    fields: Vec<(Field, Plain<'static>)>,
}

impl Traced {
    /// Tells of it; a transition lasted until `durable_us`.
    pub(crate) fn end(self, spans: &Spans, durable_us: i64) {
        let end_us = if self.stage == Stage::Orchestrate { durable_us.max(self.start_us) } else { self.end_us };
        let Self { context, parent, stage, correlation, start_us, failed, fields, .. } = self;
        spans.end(&context, || SpanEnd { parent, failed, fields, ..SpanEnd::new(stage, &correlation, start_us, end_us) });
    }

    fn with(mut self, field: Field, value: &impl Shown) -> Self {
        self.fields.push((field, value.shown().into_owned()));
        self
    }
}

/// Where an orchestration stands in its trace: its own first span, and the foreign one behind it.
fn home(spans: &Spans, state: &Orchestration) -> (TraceContext, Option<provost_telemetry::SpanId>) {
    let traceparent = state.start.as_ref().and_then(|start| start.traceparent.as_deref());
    let came = spans.accept(traceparent, &state.id);
    match traceparent.and_then(TraceContext::parse) {
        Some(foreign) => (came.child(&state.id, 0, Stage::Orchestrate, 0), Some(foreign.span)),
        None => (came, None),
    }
}

/// The context of one attempt of an effect.
fn attempt(home: &TraceContext, effect: &EffectId, attempt: u32) -> TraceContext {
    home.child_of(&[b"attempt", &effect.bits().to_bytes(), &attempt.to_be_bytes()])
}

/// The `traceparent` that goes out with an offer.
pub fn traceparent(spans: &Spans, offer: &Offer) -> String {
    let came = spans.accept(offer.traceparent.as_deref(), &offer.orchestration);
    let foreign = offer.traceparent.as_deref().and_then(TraceContext::parse).is_some();
    let home = if foreign { came.child(&offer.orchestration, 0, Stage::Orchestrate, 0) } else { came };
    attempt(&home, &offer.effect, offer.attempt).to_string()
}

/// The spans of `transition`, which took the orchestration from `before` to `after`.
pub(crate) fn spans_of(spans: &Spans, before: &Orchestration, after: &Orchestration, transition: &Transition) -> Vec<Traced> {
    if !spans.is_on() {
        return Vec::new();
    }
    let (home, foreign) = home(spans, after);
    if !spans.wants(&home) {
        return Vec::new();
    }
    let now_us = transition.ambient.now_us;
    let first = before.sequence == 0;
    let mut correlation = Correlation::of(&after.tenant).orchestration(after.id);
    correlation.event = after.start.as_ref().and_then(|start| start.event);
    let span = |context, stage, start_us| Traced {
        context,
        parent: Some(home.span),
        stage,
        correlation: correlation.clone(),
        start_us,
        end_us: now_us,
        failed: None,
        fields: Vec::new(),
    };
    let mut found = vec![if first {
        Traced { parent: foreign, ..span(home, Stage::Orchestrate, now_us) }
    } else {
        span(home.child(&after.id, after.sequence, Stage::Orchestrate, 0), Stage::Orchestrate, now_us)
    }];
    for (nth, fact) in (0_u32..).zip(&transition.facts) {
        let place = |stage| home.child(&after.id, after.sequence, stage, nth);
        match fact {
            Fact::Judged { action, answer, .. } => {
                found
                    .push(span(place(Stage::Policy), Stage::Policy, now_us).with(field::ACTION, &Name(action)).with(field::ANSWER, answer));
            }
            Fact::Decided { decision, .. } => {
                found.push(span(place(Stage::Decide), Stage::Decide, now_us).with(field::DECISION_ID, decision));
            }
            Fact::ReviewAnswered { review, .. } => {
                let opened_us = before.reviews.get(review).map_or(now_us, |review| review.opened_us);
                found.push(span(place(Stage::Review), Stage::Review, opened_us).with(field::REVIEW_ID, review));
            }
            Fact::Attempted { effect: id, attempt: nth, result, .. } => {
                let Some(effect) = before.effects.get(id) else { continue };
                let stage = if effect.kind == EffectKind::Agent { Stage::AgentRun } else { Stage::Dispatch };
                let mut ended = span(attempt(&home, id, *nth), stage, effect.last_us).with(field::TARGET, &Name(&effect.name));
                ended = ended.with(field::ATTEMPT, nth).with(field::EFFECT_ID, id).with(field::EFFECT_CLASS, &effect.class);
                ended.correlation.run = Some(*id);
                ended.failed = match result.as_deref() {
                    Some(Attempted::Failed { .. }) => Some("failed"),
                    Some(Attempted::Unknown { .. }) => Some("unknown"),
                    Some(Attempted::Unreadable { .. }) => Some("unreadable"),
                    Some(Attempted::Done { .. } | Attempted::Absent) | None => None,
                };
                found.push(ended);
            }
            _ => {}
        }
    }
    found
}

/// An event or a start by hand that was answered.
pub(crate) struct Arrived<'a> {
    /// The `traceparent` it came with.
    pub traceparent: Option<&'a str>,
    /// Whose it is and what it is; the orchestration is the first that it started.
    pub correlation: Correlation,
    /// When it came and when its answer was durable, in microseconds UTC.
    pub times_us: (i64, i64),
}

/// The span of an arrival: it belongs to the trace it came with, else to that of the orchestration it started.
pub(crate) fn ingested(spans: &Spans, arrived: &Arrived<'_>) {
    let foreign = arrived.traceparent.and_then(TraceContext::parse);
    let own = || arrived.correlation.orchestration.map(|id| spans.accept(None, &id));
    let Some(parent) = foreign.or_else(own) else { return };
    let of = &arrived.correlation;
    let ids = [of.event.map(|id| id.bits().to_bytes()), of.orchestration.map(|id| id.bits().to_bytes())];
    let [event, orchestration] = ids.each_ref().map(|id| id.as_ref().map_or(&[][..], |bytes| bytes));
    let context = parent.child_of(&[b"ingest", event, orchestration]);
    let times = arrived.times_us;
    spans.end(&context, || SpanEnd { parent: Some(parent.span), ..SpanEnd::new(Stage::Ingest, of, times.0, times.1) });
}
