//! The bundle's layer, pinned. It grants what workflows do; what the platform does it can only narrow, because who may read or cancel is
//! the tenant's to say. No policies loaded means deny for everything this layer grants.

use provost_model::verdict::{Answer, Layer};

use super::Said;
use crate::entities::Entities;
use crate::question::Question;
use crate::set::PolicySet;

/// What the bundle's layer says; `None` where the question is not its business and it is silent.
pub(crate) fn check(set: &PolicySet, question: &Question, entities: &Entities, platform: bool) -> Option<Said> {
    if set.is_empty() {
        let broken = || Said::broken(Layer::Bundle, "no policies are loaded in the bundle's layer; add a policy to the bundle".to_owned());
        return (!platform).then(broken);
    }
    let found = set.ask(question, entities);
    let silent = found.answer == Answer::Deny && found.rules.is_empty() && found.errors.is_empty();
    if platform && silent {
        return None;
    }
    Some(Said { layer: Layer::Bundle, answer: found.answer, rules: found.rules, errors: found.errors })
}
