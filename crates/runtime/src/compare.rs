//! A bundle that is not published, held against what is: what it changes in meaning, and what it would have decided otherwise about work
//! that is under way.
//!
//! What must stay true: nothing is published, appended or sent; running work keeps its pin whatever is said here. Policy is asked twice,
//! under both bundles and the tenant's layer and binding as they are now, so that only what the bundles differ in can make a difference.

use std::collections::BTreeMap;
use std::sync::Arc;

use provost_engine::{Compared, decided_under};
use provost_language::difference::{Change, Side, difference};
use provost_language::{Bundle, Compiled};
use provost_model::record::{Row, Start};
use provost_model::{Digest, OrchestrationId, PolicyRequest, Program, TenantId, Verdict};
use provost_policy::{Entities, Judge, PolicySet};
use provost_store::{Query, Status, Summary};

use crate::control_plane::{load, stored};
use crate::gate::Refused;
use crate::plane::Plane;
use crate::registry::{Loaded, TenantWorld, judged};

/// The statuses of work under way.
const UNDER_WAY: [Status; 3] = [Status::Running, Status::Waiting, Status::Parked];

/// Most orchestrations looked at for one page: those of other bundles are passed over.
const LOOKED_MAX: usize = 1000;

/// A bundle under comparison.
pub struct Candidate {
    loaded: Loaded,
    /// Its workflows under the pins of running work.
    compiled: BTreeMap<(Digest, Arc<str>), Compiled>,
}

/// Work under way, and what the candidate would have decided.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnderWay {
    /// As lists show it.
    pub summary: Summary,
    /// Its pin.
    pub pin: Digest,
    /// What deciding again found; `None` where the candidate has no such workflow.
    pub compared: Option<Compared>,
}

impl Candidate {
    /// Loads a bundle that is not published.
    ///
    /// # Errors
    /// [`Refused::Bundle`] when a program or policy does not compile.
    pub fn new(bundle: &Bundle) -> Result<Self, Refused> {
        Ok(Self { loaded: load(stored(bundle))?, compiled: BTreeMap::new() })
    }

    /// What it changes against the bundle `pin`; none: against what is active of its workflows.
    ///
    /// # Errors
    /// [`Refused::UnknownBundle`].
    pub fn changes(&self, world: &TenantWorld, pin: Option<Digest>) -> Result<Vec<Change>, Refused> {
        let new = &self.loaded.stored;
        let pins = self.pins(world, pin);
        let (mut programs, mut policies): (Vec<Program>, Vec<(String, String)>) = (Vec::new(), Vec::new());
        for one in pins {
            let bundle = world.bundles.get(&one).ok_or(Refused::UnknownBundle(one))?;
            let meant = |program: &&Program| pin.is_some() || new.programs.iter().any(|new| new.name == program.name);
            let fresh = |program: &&Program| !programs.iter().any(|known| known.name == program.name);
            let active = |program: &&Program| pin.is_some() || world.active.get(&program.name) == Some(&one);
            let taken: Vec<Program> = bundle.stored.programs.iter().filter(meant).filter(fresh).filter(active).cloned().collect();
            programs.extend(taken);
            let added: Vec<_> = bundle.stored.policies.iter().filter(|policy| !policies.contains(policy)).cloned().collect();
            policies.extend(added);
        }
        let before = Side { programs: &programs, policies: &policies };
        Ok(difference(before, Side { programs: &new.programs, policies: &new.policies }))
    }

    /// The bundles that it is held against.
    fn pins(&self, world: &TenantWorld, pin: Option<Digest>) -> Vec<Digest> {
        let active = || self.loaded.stored.programs.iter().filter_map(|program| world.active.get(&program.name).copied()).collect();
        pin.map_or_else(active, |pin| vec![pin])
    }

    /// Unfinished orchestrations of its workflows and of the bundles that it is held against, `pin` as in [`Self::changes`], by status and
    /// newest first, and where the next page begins.
    ///
    /// # Errors
    /// [`Refused`] when a journal cannot be read.
    pub async fn under_way(
        &mut self,
        plane: &Plane,
        tenant: &TenantId,
        (pin, mut place): (Option<Digest>, UnderWayPlace),
        limit: usize,
    ) -> Result<(Vec<UnderWay>, Option<UnderWayPlace>), Refused> {
        let world = plane.registry().tenant(tenant);
        let pins = self.pins(&world, pin);
        let (mut found, mut looked) = (Vec::new(), 0);
        while let Some(status) = UNDER_WAY.get(place.status).copied() {
            let query = Query { status: Some(status), before: place.before, ..Query::newest(tenant.clone(), limit - found.len()) };
            let page = plane.list(&query).await?;
            let more = page.len() == query.limit;
            looked += page.len();
            for summary in page {
                let id = summary.orchestration;
                place.before = Some(id);
                // The list lags: what it shows may have begun just now, or be gone.
                let start = match plane.view(tenant, id, u64::MAX).await {
                    Ok(view) => view.state.start,
                    Err(Refused::Retired(_) | Refused::UnknownOrchestration(_)) => None,
                    Err(refused) => return Err(refused),
                };
                let meant = |start: &Start| self.loaded.workflows.contains_key(&start.workflow) || pins.contains(&start.pin);
                let Some(start) = start.filter(|start| meant(start)) else { continue };
                let rows = plane.journal(tenant, id, 0).await?;
                let compared = self.compared(&world, tenant, (id, &start.workflow, start.pin), &rows)?;
                found.push(UnderWay { summary, pin: start.pin, compared });
            }
            if found.len() >= limit {
                return Ok((found, Some(place)));
            }
            if !more {
                place = UnderWayPlace { status: place.status + 1, before: None };
            }
            if looked >= LOOKED_MAX {
                return Ok((found, Some(place)));
            }
        }
        Ok((found, None))
    }

    fn compared(
        &mut self,
        world: &TenantWorld,
        tenant: &TenantId,
        (id, workflow, pin): (OrchestrationId, &Arc<str>, Digest),
        rows: &[Row],
    ) -> Result<Option<Compared>, Refused> {
        let before = world.bundles.get(&pin).ok_or(Refused::UnknownBundle(pin))?;
        let Some(was) = before.workflows.get(workflow) else { return Err(Refused::UnknownBundle(pin)) };
        let policies = self.loaded.policies.clone();
        let Some(code) = self.under_pin(workflow, pin)? else { return Ok(None) };
        let mut judging = |request: &PolicyRequest, then: Option<&Verdict>| verdict(world, (&before.policies, &policies), request, then);
        Ok(Some(decided_under(&was.program, code, (tenant.clone(), id), rows, &mut judging)))
    }

    /// Its workflow as if it had been pinned as `pin`: approvals and starts name the pin, and that alone is no difference.
    fn under_pin(&mut self, workflow: &Arc<str>, pin: Digest) -> Result<Option<&Compiled>, Refused> {
        let Some(own) = self.loaded.workflows.get(workflow) else { return Ok(None) };
        let key = (pin, workflow.clone());
        if !self.compiled.contains_key(&key) {
            let program = Program { pin, ..(*own.program).clone() };
            let compiled = Compiled::new(program).map_err(|e| Refused::Bundle(e.to_string()))?;
            self.compiled.insert(key.clone(), compiled);
        }
        Ok(self.compiled.get(&key))
    }
}

/// Where a walk over work under way stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct UnderWayPlace {
    /// Which status, by its place.
    pub status: usize,
    /// Only what is older.
    pub before: Option<OrchestrationId>,
}

/// The recorded verdict where both bundles say the same today; what the candidate says where they differ, or nothing was recorded.
fn verdict(world: &TenantWorld, (was, is): (&PolicySet, &PolicySet), request: &PolicyRequest, then: Option<&Verdict>) -> Verdict {
    let tenant = world.policies.as_deref().unwrap_or(provost_policy::tenant_default());
    let ask = |bundle: &PolicySet| {
        let layers = Judge { bundle, tenant, guard: &world.guard };
        judged(&world.binding, request, |request| layers.judge(request, Entities::none()))
    };
    let (was, is) = (ask(was), ask(is));
    match then {
        Some(then) if was.answer == is.answer => then.clone(),
        Some(_) | None => is,
    }
}
