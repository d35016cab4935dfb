//! The verdict: Guard, four eyes, the bundle's layer and the tenant's layer, the stricter wins. Beside it, what policies on trial would
//! have changed.
//!
//! What must stay true: equal inputs give equal verdicts; nothing that is missing, broken or in error ever allows; a policy on trial
//! never changes the answer, its rules or its errors. It fetches nothing: who asks brings roles, context and the Guard.

use std::collections::BTreeMap;

use provost_model::digest::Digest;
use provost_model::verdict::{Answer, Layer, PolicyRequest, Verdict, Would};

use crate::checks::{Said, bundle, four_eyes, guard, tenant};
use crate::entities::Entities;
use crate::guard::Guard;
use crate::question::Question;
use crate::set::PolicySet;
use crate::vocabulary::is_platform;

/// The three layers of one tenant and one pin.
#[derive(Clone, Copy, Debug)]
pub struct Judge<'a> {
    /// The bundle's policies, pinned; [`crate::starter`] where a laptop's bundle brings none, [`PolicySet::empty`] where no bundle is
    /// concerned.
    pub bundle: &'a PolicySet,
    /// The tenant's policies, current; [`crate::tenant_default`] until the tenant brings its own.
    pub tenant: &'a PolicySet,
    /// What is stopped now.
    pub guard: &'a Guard,
}

impl Judge<'_> {
    /// Judges one request. The verdict's `binding` is 0; who knows the binding writes it.
    pub fn judge(&self, request: &PolicyRequest, entities: &Entities) -> Verdict {
        let (Said { layer, answer, rules, errors }, would) = self.said(request, entities);
        Verdict {
            request: request.digest(),
            answer,
            rules,
            layer,
            errors,
            bundle: self.bundle.digest(),
            tenant: self.tenant.digest(),
            guard: self.guard.revision,
            binding: 0,
            would,
        }
    }

    fn said(&self, request: &PolicyRequest, entities: &Entities) -> (Said, Option<Would>) {
        if let Some(denial) = guard::check(self.guard, request).or_else(|| four_eyes::check(request)) {
            return (denial, None);
        }
        let question = match Question::new(request) {
            Ok(question) => question,
            Err(error) => return (Said::broken(Layer::Bundle, error), None),
        };
        let platform = is_platform(&request.action);
        let layers = Layers {
            bundle: bundle::check(self.bundle, &question, entities, platform),
            tenant: tenant::check(self.tenant, &question, entities),
        };
        let would = self.would(&question, entities, platform, &layers);
        (layers.joined(), would)
    }

    /// What the policies on trial would have changed, had they decided together with the others.
    fn would(&self, question: &Question, entities: &Entities, platform: bool, decided: &Layers) -> Option<Would> {
        let of_bundle = self.bundle.trial_on(question, entities);
        let of_tenant = self.tenant.trial_on(question, entities);
        if of_bundle.is_none() && of_tenant.is_none() {
            return None;
        }
        let tried = Layers {
            bundle: of_bundle.map_or_else(|| decided.bundle.clone(), |trial| bundle::check(&trial.set, question, entities, platform)),
            tenant: of_tenant.map_or_else(|| decided.tenant.clone(), |trial| tenant::check(&trial.set, question, entities)),
        };
        if tried.answer() == decided.answer() {
            return None;
        }
        let mut would = Would { answer: tried.answer(), rules: Vec::new(), errors: Vec::new() };
        let (before, after) = (decided.answers(), tried.answers());
        for (trial, said, moved) in [(of_bundle, tried.bundle, before.0 != after.0), (of_tenant, Some(tried.tenant), before.1 != after.1)] {
            let (Some(trial), Some(said), true) = (trial, said, moved) else { continue };
            would.rules.extend(said.rules.into_iter().filter(|rule| trial.holds(rule)));
            would.errors.extend(said.errors);
        }
        Some(would)
    }
}

/// What the two layers of policies say.
struct Layers {
    /// Nothing, where the question is not its business.
    bundle: Option<Said>,
    tenant: Said,
}

impl Layers {
    /// The bundle's and the tenant's; silence is no objection.
    fn answers(&self) -> (Answer, Answer) {
        (self.bundle.as_ref().map_or(Answer::Allow, |said| said.answer), self.tenant.answer)
    }

    fn answer(&self) -> Answer {
        let (bundle, tenant) = self.answers();
        bundle.max(tenant)
    }

    fn joined(self) -> Said {
        match self.bundle {
            Some(bundle) => bundle.stricter(self.tenant),
            None => self.tenant,
        }
    }
}

/// What a kept verdict depends on: everything that [`Judge::judge`] reads.
type Key = [Digest; 5];

/// Verdicts kept for equal questions; judging is pure, so a kept verdict is the verdict.
#[derive(Clone, Debug)]
pub struct CachedJudge {
    capacity: usize,
    clock: u64,
    kept: BTreeMap<Key, (u64, Verdict)>,
    by_age: BTreeMap<u64, Key>,
}

impl CachedJudge {
    /// Keeps at most `capacity` verdicts; the one unused for longest leaves first.
    pub fn new(capacity: usize) -> Self {
        Self { capacity, clock: 0, kept: BTreeMap::new(), by_age: BTreeMap::new() }
    }

    /// The verdict of `judge`, kept or new.
    pub fn judge(&mut self, judge: &Judge<'_>, request: &PolicyRequest, entities: &Entities) -> Verdict {
        let key = [request.digest(), entities.digest(), judge.bundle.digest(), judge.tenant.digest(), judge.guard.digest()];
        self.clock = self.clock.saturating_add(1);
        if let Some((used, verdict)) = self.kept.get_mut(&key) {
            self.by_age.remove(used);
            self.by_age.insert(self.clock, key);
            *used = self.clock;
            return verdict.clone();
        }
        let verdict = judge.judge(request, entities);
        self.keep(key, verdict.clone());
        verdict
    }

    /// How many verdicts are kept.
    pub fn len(&self) -> usize {
        self.kept.len()
    }

    /// Whether none is kept.
    pub fn is_empty(&self) -> bool {
        self.kept.is_empty()
    }

    fn keep(&mut self, key: Key, verdict: Verdict) {
        if self.capacity == 0 {
            return;
        }
        if self.kept.len() >= self.capacity
            && let Some((_, oldest)) = self.by_age.pop_first()
        {
            self.kept.remove(&oldest);
        }
        self.by_age.insert(self.clock, key);
        self.kept.insert(key, (self.clock, verdict));
    }
}

#[cfg(test)]
mod tests {
    use provost_model::value::Value;
    use provost_model::verdict::Entity;

    use super::{CachedJudge, Entities, Guard, Judge, PolicyRequest};
    use crate::builtin::{starter, tenant_default};

    #[test]
    fn the_verdict_unused_for_longest_leaves_first() {
        let guard = Guard::default();
        let judge = Judge { bundle: starter(), tenant: tenant_default(), guard: &guard };
        let ask = |number: i64| PolicyRequest {
            principal: Entity::new("Workflow", "w"),
            action: "x".into(),
            resource: Entity::new("Action", "x"),
            context: Value::object([("n", Value::from(number))]),
        };
        let mut kept = CachedJudge::new(2);
        for number in [1, 2, 1, 3] {
            kept.judge(&judge, &ask(number), Entities::none());
        }
        let holds = |number: i64| kept.kept.keys().any(|key| key.first() == Some(&ask(number).digest()));
        assert!(holds(1) && holds(3) && !holds(2));
        assert_eq!(kept.kept.len(), kept.by_age.len());
    }
}
