//! Folding questions to people.

use std::sync::Arc;

use provost_model::id::ReviewId;
use provost_model::record::Fact;
use provost_model::{Labelled, Position};

use crate::state::{Orchestration, Review, ReviewAnswered};

pub(super) fn fold(state: &mut Orchestration, fact: &Fact, now_us: i64) {
    match fact {
        Fact::ReviewOpened { review, at, spec, show, labels, call, action } => {
            state.touched = true;
            let opened = Review {
                at: at.clone(),
                spec: spec.clone(),
                show: Labelled::new(show.clone(), labels.clone()),
                call: *call,
                action: action.clone(),
                opened_us: now_us,
                answer: None,
                closed: false,
                spent: false,
            };
            state.reviews.insert_mut(*review, Arc::new(opened));
        }
        Fact::ReviewAnswered { review, option, approved, by, form, labels, reason } => change(state, review, |r| {
            let (option, by, form) = (option.clone(), by.clone(), Labelled::new(form.clone(), labels.clone()));
            r.answer = Some(ReviewAnswered { option, approved: *approved, by, form, reason: reason.as_str().into(), at_us: now_us });
        }),
        Fact::ReviewClosed { review } => change(state, review, |r| r.closed = true),
        Fact::ApprovalSpent { review, .. } => change(state, review, |r| r.spent = true),
        _ => {}
    }
}

fn change(state: &mut Orchestration, id: &ReviewId, with: impl FnOnce(&mut Review)) {
    if let Some(review) = state.reviews.get_mut(id) {
        with(Arc::make_mut(review));
    }
}

/// Unanswered questions at `at` and inside it lose their place.
pub(super) fn close_within(state: &mut Orchestration, at: &Position) {
    if state.reviews.is_empty() {
        return;
    }
    let closing: Vec<ReviewId> = state
        .reviews
        .iter()
        .filter(|(_, review)| review.answer.is_none() && !review.closed && review.at.is_within(at))
        .map(|(id, _)| *id)
        .collect();
    for id in &closing {
        change(state, id, |review| review.closed = true);
    }
}
