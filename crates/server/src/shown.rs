//! State of the core as resources of the API, without what whoever asks may not see.

use provost_api::resources::{Effect, Orchestration, Review, WaitsFor};
use provost_model::marks::Sight;
use provost_model::record::{EffectKind, EffectState, Ending};
use provost_model::{Digest, EffectId, ReviewId};
use provost_runtime::View;
use provost_runtime::engine::{self, Phase, iso8601};

/// The word for where it stands.
pub fn status(state: &engine::Orchestration) -> &'static str {
    match (&state.phase, &state.parked) {
        (Phase::Ended(Ending::Completed), _) => "completed",
        (Phase::Ended(Ending::Faulted), _) => "faulted",
        (Phase::Ended(Ending::Cancelled), _) => "cancelled",
        (Phase::Cancelling { .. }, _) => "cancelling",
        (Phase::New | Phase::Running, Some(_)) => "parked",
        (Phase::New | Phase::Running, None) if state.waits() => "waiting",
        (Phase::New | Phase::Running, None) => "running",
    }
}

/// An orchestration with its open questions and effects.
pub fn orchestration(view: &View, sight: Sight) -> Orchestration {
    let state = &view.state;
    let start = state.start.as_deref();
    let parked = state.parked.as_ref().map(|parked| parked.problem.clone());
    Orchestration {
        id: state.id,
        workflow: start.map(|s| s.workflow.to_string()).unwrap_or_default(),
        version: start.map(|s| s.version.to_string()).unwrap_or_default(),
        pin: start.map_or(Digest::from_bytes([0; 32]), |s| s.pin),
        status: status(state).to_owned(),
        subject: start.and_then(|s| s.subject.as_ref()).map(ToString::to_string),
        event: start.and_then(|s| s.event),
        sequence: state.sequence,
        started_at: iso8601(state.started_at_us),
        output: state.output_labels.as_ref().map_or_else(|| state.output.clone(), |labels| sight.of(&state.output, labels)),
        problem: state.problem.as_deref().cloned().or(parked).map(|problem| sight.problem(&problem)),
        waits_for: waits_for(state),
        reviews: state.reviews.iter().map(|(id, r)| review(state, id, r, sight)).collect(),
        effects: state.effects.iter().map(|(id, e)| effect(state, id, e, sight)).collect(),
    }
}

/// Whom it waits for under its concurrency key.
fn waits_for(state: &engine::Orchestration) -> Option<WaitsFor> {
    let behind = state.behind.as_deref()?;
    let key = state.start.as_ref()?.concurrency.as_ref()?;
    Some(WaitsFor { key: key.to_string(), position: behind.ahead.saturating_add(1), holders: behind.holders.clone() })
}

/// A question to a person.
pub fn review(state: &engine::Orchestration, id: &ReviewId, review: &engine::Review, sight: Sight) -> Review {
    let status = match (&review.answer, review.closed) {
        (Some(_), _) => "answered",
        (None, true) => "closed",
        (None, false) => "open",
    };
    Review {
        id: *id,
        orchestration: state.id,
        queue: review.spec.queue.to_string(),
        title: review.spec.title.to_string(),
        options: review.spec.options.iter().map(ToString::to_string).collect(),
        four_eyes: review.spec.four_eyes,
        show: sight.of(&review.show, &review.show.labels),
        action: review.action.as_ref().map(ToString::to_string),
        status: status.to_owned(),
        opened_at: iso8601(review.opened_us),
    }
}

/// An effect of the ledger.
pub fn effect(state: &engine::Orchestration, id: &EffectId, effect: &engine::Effect, sight: Sight) -> Effect {
    let kind = match effect.kind {
        EffectKind::Agent => "agent",
        EffectKind::Action => "action",
        EffectKind::Undo => "undo",
        EffectKind::Retrieval => "retrieval",
        EffectKind::Feature => "feature",
    };
    Effect {
        id: *id,
        orchestration: state.id,
        name: effect.name.to_string(),
        kind: kind.to_owned(),
        class: format!("{:?}", effect.class),
        state: word(effect.state).to_owned(),
        position: effect.at.to_string(),
        key: if sight.hides(effect.key_label) { effect.key_label.instead().to_owned() } else { effect.key.to_string() },
        attempts: effect.attempt,
        reference: effect.reference.as_ref().map(ToString::to_string),
    }
}

/// The word for an effect's state.
pub fn word(state: EffectState) -> &'static str {
    match state {
        EffectState::Intended => "intended",
        EffectState::Sent => "sent",
        EffectState::Waiting => "waiting",
        EffectState::Claiming => "claiming",
        EffectState::Asked => "asked",
        EffectState::Done => "done",
        EffectState::Failed => "failed",
        EffectState::InDoubt => "in-doubt",
        EffectState::Conflict => "conflict",
        EffectState::Abandoned => "abandoned",
    }
}
