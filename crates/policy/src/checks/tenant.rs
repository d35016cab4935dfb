//! The tenant's layer, current when asked. Everything needs its yes; no policies loaded means deny.

use provost_model::verdict::Layer;

use super::Said;
use crate::entities::Entities;
use crate::question::Question;
use crate::set::PolicySet;

/// What the tenant's layer says.
pub(crate) fn check(set: &PolicySet, question: &Question, entities: &Entities) -> Said {
    if set.is_empty() {
        return Said::broken(Layer::Tenant, "no policies are loaded in the tenant's layer; load `tenant-default@1` or your own".to_owned());
    }
    let found = set.ask(question, entities);
    Said { layer: Layer::Tenant, answer: found.answer, rules: found.rules, errors: found.errors }
}
