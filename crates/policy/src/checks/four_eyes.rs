//! Four eyes means two different authenticated names, else denied, never waived: no policy of any layer can grant it away.

use provost_model::value::Value;
use provost_model::verdict::{Answer, Layer, PolicyRequest, Rule};

use super::Said;
use crate::vocabulary::{FOUR_EYES, REVIEW_DECIDE, SECOND_PERSON};

/// The denial of a decision that needs four eyes and has two. A review that does not say whether it needs them is denied as well.
pub(crate) fn check(request: &PolicyRequest) -> Option<Said> {
    if &*request.action != REVIEW_DECIDE {
        return None;
    }
    let Some(needed) = request.context.member(FOUR_EYES).and_then(Value::as_bool) else {
        return Some(Said::broken(Layer::Tenant, format!("context: `/{FOUR_EYES}` is missing; say whether the review needs four eyes")));
    };
    let second = request.context.member(SECOND_PERSON).and_then(Value::as_bool).unwrap_or(false);
    let rule = Rule { id: "four-eyes".into(), at: "built-in".into() };
    (needed && !second).then(|| Said { layer: Layer::Tenant, answer: Answer::Deny, rules: vec![rule], errors: Vec::new() })
}
