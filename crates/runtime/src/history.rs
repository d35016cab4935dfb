//! What held when: the policies, Guards and bindings that a tenant ever had, from its control journal, so that a recorded verdict can be
//! asked for again.
//!
//! What must stay true: a verdict is asked again of exactly what it names; what the tenant never had, and a bundle that is not here,
//! is a difference and never passed over. What is absent: questions of people to the platform; they are in no orchestration's record.

use std::collections::BTreeMap;
use std::sync::Arc;

use provost_control::{Control, ControlTransition};
use provost_model::record::{Row, Stream};
use provost_model::verdict::Rule;
use provost_model::{Answer, Digest, PolicyRequest, TenantId, Verdict};
use provost_policy::{Entities, Guard, Judge, PolicySet};
use provost_store::StoreError;

use crate::control_plane::binding;
use crate::gate::Refused;
use crate::plane::Plane;
use crate::registry::{Binding, TenantWorld, judged};

/// Everything a tenant's verdicts may name.
pub struct History {
    world: Arc<TenantWorld>,
    policies: BTreeMap<Digest, Arc<PolicySet>>,
    guards: BTreeMap<u64, Guard>,
    bindings: BTreeMap<u64, Binding>,
}

impl History {
    /// Reads a tenant's control journal.
    ///
    /// # Errors
    /// [`Refused`] where it cannot be read.
    pub async fn read(plane: &Plane, tenant: &TenantId) -> Result<Self, Refused> {
        let named = tenant.clone();
        let rows = plane.read_at(0, move |first| first.journal(&named, &Stream::Control, 0)).await??;
        let world = plane.registry().tenant(tenant);
        let mut history = Self { world, policies: BTreeMap::new(), guards: BTreeMap::new(), bindings: BTreeMap::new() };
        let mut control = Control::new(tenant.clone());
        history.take(&control)?;
        for row in &rows {
            history.follow(&mut control, row)?;
        }
        Ok(history)
    }

    fn follow(&mut self, control: &mut Control, row: &Row) -> Result<(), Refused> {
        let json = row.json().map_err(|e| StoreError::unreadable(row, &e))?;
        let transition = ControlTransition::decode(&json).map_err(|e| StoreError::damaged_row(row, e.to_string()))?;
        for fact in &transition.facts {
            control.evolve(fact);
            self.take(control)?;
        }
        Ok(())
    }

    fn take(&mut self, control: &Control) -> Result<(), Refused> {
        self.guards.entry(control.guard_revision).or_insert(control.guard()?);
        self.bindings.entry(control.binding.revision).or_insert_with(|| binding(control));
        let policies = control.policy_set()?.unwrap_or_else(|| provost_policy::tenant_default().clone());
        self.policies.entry(policies.digest()).or_insert_with(|| Arc::new(policies));
        Ok(())
    }

    /// What is wrong with a recorded verdict on `request` of the bundle `pin`; nothing, where asking again says the same.
    pub fn differs(&self, pin: &Digest, request: &PolicyRequest, recorded: &Verdict) -> Option<String> {
        let Some(bundle) = self.world.bundles.get(pin) else { return Some(format!("its bundle `{pin}` is not here")) };
        let Some(tenant) = self.policies.get(&recorded.tenant) else {
            return Some(format!("the tenant never had the policies `{}`", recorded.tenant));
        };
        let Some(guard) = self.guards.get(&recorded.guard) else { return Some(format!("there never was a Guard #{}", recorded.guard)) };
        let Some(binding) = self.bindings.get(&recorded.binding) else {
            return Some(format!("there never was a binding #{}", recorded.binding));
        };
        let layers = Judge { bundle: &bundle.policies, tenant, guard };
        let again = judged(binding, request, |request| layers.judge(request, Entities::none()));
        (again != *recorded).then(|| format!("policy, asked again, says {}, and the record says {}", shown(&again), shown(recorded)))
    }
}

fn shown(verdict: &Verdict) -> String {
    let said = |answer: Answer, rules: &[Rule]| {
        let rules: Vec<String> = rules.iter().map(|rule| format!("`{}`", rule.id)).collect();
        format!("{answer:?} by {}", if rules.is_empty() { "no rule".to_owned() } else { rules.join(", ") }).to_lowercase()
    };
    let would = verdict.would.as_ref().map(|would| format!(" (on trial: {})", said(would.answer, &would.rules)));
    said(verdict.answer, &verdict.rules) + &would.unwrap_or_default()
}
