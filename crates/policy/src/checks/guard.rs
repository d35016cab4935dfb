//! The Guard's layer: live and deny-only, so it either denies or says nothing.

use provost_model::verdict::{Answer, Layer, PolicyRequest};

use super::Said;
use crate::guard::Guard;

/// The Guard's denial, if there is one.
pub(crate) fn check(guard: &Guard, request: &PolicyRequest) -> Option<Said> {
    let rule = guard.denies(request)?;
    Some(Said { layer: Layer::Guard, answer: Answer::Deny, rules: vec![rule], errors: Vec::new() })
}
