//! Breakers and rate limits, one for each tenant and name, and how many orchestrations one of them caused: shared by all partitions, in memory, cold after a restart.
//!
//! What must stay true: an answer is given once per question and recorded by who asked; nothing here is needed to read a record again.
//! What is absent: ordering keys, which belong to one partition.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use provost_engine::shared::{Breaker, BreakerState, RateLimit};
use provost_model::program::{BreakerSpec, RateSpec};
use provost_model::record::{Admission, AdmissionRequest, Attempted};
use provost_model::{EffectId, OrchestrationId, TenantId};

/// Most calls whose outcome a breaker waits for; older ones are forgotten and then count for nothing.
const TICKETS_MAX: usize = 65_536;

/// Most orchestrations whose consequences are counted at once; the oldest are forgotten first.
const ORIGINS_MAX: usize = 65_536;

type Key = (TenantId, Arc<str>);

/// The machines by tenant and name.
#[derive(Default)]
pub struct Admissions {
    rates: Mutex<BTreeMap<Key, (RateSpec, RateLimit)>>,
    breakers: Mutex<BTreeMap<Key, Guarded>>,
    /// What each orchestration caused; ids of older ones are smaller.
    origins: Mutex<BTreeMap<(OrchestrationId, TenantId), u64>>,
}

/// A breaker, and the calls it let go.
struct Guarded {
    spec: BreakerSpec,
    breaker: Breaker,
    tickets: BTreeMap<EffectId, u64>,
}

impl Admissions {
    /// Whether one may leave now by this rate.
    pub fn rate(&self, tenant: &TenantId, request: &AdmissionRequest, spec: RateSpec, now_us: i64) -> Admission {
        let mut rates = self.rates.lock().unwrap_or_else(PoisonError::into_inner);
        let fresh = || (spec, RateLimit::new(name(&request.what), spec.permits, spec.per_ms, spec.burst));
        let entry = rates.entry((tenant.clone(), request.what.clone())).or_insert_with(fresh);
        if entry.0 != spec {
            *entry = fresh();
        }
        of(entry.1.ask(now_us), request)
    }

    /// Whether one may leave now to this target.
    pub fn breaker(&self, tenant: &TenantId, request: &AdmissionRequest, spec: BreakerSpec, now_us: i64) -> Admission {
        let mut breakers = self.breakers.lock().unwrap_or_else(PoisonError::into_inner);
        let fresh = || Guarded { spec, breaker: Breaker::new(name(&request.what), spec), tickets: BTreeMap::new() };
        let guarded = breakers.entry((tenant.clone(), request.what.clone())).or_insert_with(fresh);
        if guarded.spec != spec {
            *guarded = fresh();
        }
        let (admission, ticket) = guarded.breaker.ask(now_us);
        if let (Some(ticket), Some(effect)) = (ticket, request.effect) {
            if guarded.tickets.len() >= TICKETS_MAX {
                guarded.tickets.pop_first();
            }
            guarded.tickets.insert(effect, ticket);
        }
        of(admission, request)
    }

    /// Whether one more may begin that `origin` caused, of at most `limit`.
    pub fn origin(&self, tenant: &TenantId, request: &AdmissionRequest, (origin, limit): (Option<OrchestrationId>, u64)) -> Admission {
        let caused = origin.map_or(0, |origin| self.caused(tenant, origin));
        let refused = (caused > limit).then(|| format!("{caused} are caused by one start, of at most {limit}").into());
        let AdmissionRequest { what, effect, attempt, .. } = request.clone();
        Admission { what, effect, attempt, delayed_until_us: None, refused, number: None, behind: None }
    }

    /// One more that `origin` caused, be it found again after a restart; how many that are.
    pub fn caused(&self, tenant: &TenantId, origin: OrchestrationId) -> u64 {
        let mut origins = self.origins.lock().unwrap_or_else(PoisonError::into_inner);
        if origins.len() >= ORIGINS_MAX {
            origins.pop_first();
        }
        let caused = origins.entry((origin, tenant.clone())).or_default();
        *caused = caused.saturating_add(1);
        *caused
    }

    /// A call to `target` ended. A target that answered, if only to refuse, is not broken.
    pub fn ended(&self, tenant: &TenantId, target: &str, effect: &EffectId, result: &Attempted, now_us: i64) {
        let success = match result {
            Attempted::Done { .. } | Attempted::Unreadable { .. } | Attempted::Absent | Attempted::Failed { retry: false, .. } => true,
            Attempted::Failed { retry: true, .. } | Attempted::Unknown { .. } => false,
        };
        let mut breakers = self.breakers.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(guarded) = breakers.get_mut(&(tenant.clone(), format!("breaker:{target}").into())) else { return };
        if let Some(ticket) = guarded.tickets.remove(effect) {
            guarded.breaker.ended(ticket, success, now_us);
        }
    }

    /// How many breakers are not closed, of how many.
    pub fn open_breakers(&self) -> (usize, usize) {
        let breakers = self.breakers.lock().unwrap_or_else(PoisonError::into_inner);
        (breakers.values().filter(|guarded| guarded.breaker.state() != BreakerState::Closed).count(), breakers.len())
    }
}

fn name(what: &str) -> &str {
    what.split_once(':').map_or(what, |(_, name)| name)
}

fn of(admission: Admission, request: &AdmissionRequest) -> Admission {
    Admission { what: request.what.clone(), effect: request.effect, attempt: request.attempt, ..admission }
}

#[cfg(test)]
mod tests {
    use provost_model::record::SharedState;
    use provost_model::{Problem, Slot};

    use super::*;

    fn effect(n: u8) -> EffectId {
        OrchestrationId::mint(0, Slot(1), &[&[n]]).effect("a", "act")
    }

    fn request(n: u8, of: SharedState) -> AdmissionRequest {
        let what = if matches!(of, SharedState::Rate(_)) { "rate:pay@1" } else { "breaker:pay" };
        AdmissionRequest { what: what.into(), effect: Some(effect(n)), attempt: 1, of }
    }

    #[test]
    fn a_breaker_opens_by_failures_only_and_tenants_have_their_own() {
        let (shared, acme, other) =
            (Admissions::default(), TenantId::parse("acme").unwrap_or_else(|_| TenantId::local()), TenantId::local());
        let spec = BreakerSpec { failures_max: 2, open_ms: 10 };
        let ask = |tenant: &TenantId, n, now_us| shared.breaker(tenant, &request(n, SharedState::Breaker(spec)), spec, now_us);
        let fails = |retry| Attempted::Failed { problem: Problem::ours("x", 500, "no"), retry, retry_after_ms: None };
        for n in 0..4 {
            ask(&acme, n, 0);
            shared.ended(&acme, "pay", &effect(n), &fails(n % 2 == 0), 0);
        }
        assert_eq!(ask(&acme, 4, 0).delayed_until_us, None, "a refusal between two failures closes the count");
        for n in 5..7 {
            ask(&acme, n, 0);
            shared.ended(&acme, "pay", &effect(n), &fails(true), 0);
        }
        assert_eq!(ask(&acme, 8, 0).delayed_until_us, Some(10_000));
        assert_eq!(ask(&other, 8, 0).delayed_until_us, None);
        assert_eq!(shared.open_breakers(), (1, 2));
    }

    #[test]
    fn what_one_start_causes_is_counted_for_itself() {
        let (shared, acme) = (Admissions::default(), TenantId::local());
        let origin = |n: u8| Some(OrchestrationId::mint(0, Slot(1), &[&[n]]));
        let asked = AdmissionRequest { what: "origin:x".into(), effect: None, attempt: 0, of: SharedState::Origin { limit: 2 } };
        let refused = |n, limit| shared.origin(&acme, &asked, (origin(n), limit)).refused.is_some();
        assert_eq!([refused(1, 2), refused(1, 2), refused(1, 2)], [false, false, true]);
        assert!(!refused(2, 2), "another start has a count of its own");
        assert!(!refused(1, 4), "each workflow says how many are too many for it");
    }

    #[test]
    fn a_rate_with_another_bundle_is_another_rate() {
        let (shared, acme) = (Admissions::default(), TenantId::local());
        let ask = |permits| {
            let spec = RateSpec { permits, per_ms: 1000, burst: 1 };
            shared.rate(&acme, &request(1, SharedState::Rate(spec)), spec, 0).delayed_until_us
        };
        assert_eq!((ask(1), ask(1), ask(2), ask(2)), (None, Some(1_000_000), None, Some(500_000)));
    }
}
