//! Verdicts kept for questions that are asked again and again: may this worker exchange work, may this caller read.
//!
//! Judging is pure, and a tenant's policies and Guard are one value that is replaced whole: what is kept belongs to that value and goes
//! with it. Only questions without a context are kept; the others differ each time.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use provost_model::verdict::{Entity, Verdict};
use provost_model::{PolicyRequest, Value, Who};

/// Most verdicts kept for a tenant; beyond that all are forgotten at once.
const KEPT_MAX: usize = 4096;

type Key = (Who, Arc<str>, Entity);

/// The verdicts of one tenant's world. A copy of the world begins with none: it is about to differ.
#[derive(Debug, Default)]
pub struct Kept(Mutex<HashMap<Key, Verdict>>);

impl Clone for Kept {
    fn clone(&self) -> Self {
        Self::default()
    }
}

impl Kept {
    /// The verdict on `request` by `who`, kept or new.
    pub fn or_judge(&self, who: &Who, request: &PolicyRequest, judge: impl FnOnce() -> Verdict) -> Verdict {
        if request.context != Value::empty() {
            return judge();
        }
        let key = (who.clone(), request.action.clone(), request.resource.clone());
        if let Some(verdict) = self.0.lock().unwrap_or_else(PoisonError::into_inner).get(&key) {
            return verdict.clone();
        }
        let verdict = judge();
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() >= KEPT_MAX {
            kept.clear();
        }
        kept.insert(key, verdict.clone());
        verdict
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use provost_model::verdict::Entity;
    use provost_model::{PolicyRequest, Value, Who};

    use super::Kept;

    fn asked(context: Value) -> PolicyRequest {
        PolicyRequest { principal: Entity::new("User", "a"), action: "read".into(), resource: Entity::new("Tenant", "t"), context }
    }

    #[test]
    fn an_equal_question_is_judged_once_for_each_asker_and_again_in_another_world() {
        let (kept, judged) = (Kept::default(), Cell::new(0));
        let ask = |kept: &Kept, name: &str, context: Value| {
            let who = Who { name: name.into(), ..Who::system() };
            let request = asked(context);
            kept.or_judge(&who, &request, || {
                judged.set(judged.get() + 1);
                let (bundle, guard) = (provost_policy::PolicySet::empty(), provost_policy::Guard::default());
                let judge = provost_policy::Judge { bundle: &bundle, tenant: provost_policy::tenant_default(), guard: &guard };
                judge.judge(&request, provost_policy::Entities::none())
            })
        };
        let first = ask(&kept, "a", Value::empty());
        assert_eq!(ask(&kept, "a", Value::empty()), first);
        assert_eq!(judged.get(), 1);
        ask(&kept, "b", Value::empty());
        assert_eq!(judged.get(), 2);
        ask(&kept.clone(), "a", Value::empty());
        assert_eq!(judged.get(), 3);
        for _ in 0..2 {
            ask(&kept, "a", Value::object([("n", Value::from(1))]));
        }
        assert_eq!(judged.get(), 5, "a question with a context is never kept");
    }
}
