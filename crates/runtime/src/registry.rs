//! What the data plane must know beside the journals: programs by pin, what an event starts, who may what, where destinations are.
//!
//! A snapshot of the control journal's fold, swapped whole; readers never wait.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, RwLock};

use provost_engine::{Code as _, computed, event_value};
use provost_language::Compiled;
use provost_model::program::{Endpoint, ExprIx, StartFilter, StartOn, TaskKind};
use provost_model::verdict::Verdict;
use provost_model::{Digest, Event, Labelled, PolicyRequest, Program, TenantId, Value, Who};
use provost_policy::{CachedJudge, Entities, Guard, Judge, PolicySet, egress};
use serde::{Deserialize, Serialize};

use crate::admissions::Admissions;
use crate::kept::Kept;
use crate::sight::EventMarks;

/// A published bundle as stored: all that running work needs, without sources.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StoredBundle {
    /// The pin.
    pub digest: Digest,
    /// The lock, as text.
    pub lock: String,
    /// The compiled programs.
    pub programs: Vec<Program>,
    /// Cedar policies: file name and text.
    pub policies: Vec<(String, String)>,
    /// Cedar schema: file name and text.
    pub schema: Option<(String, String)>,
}

/// A bundle, loaded.
pub struct Loaded {
    /// As stored.
    pub stored: Arc<StoredBundle>,
    /// Its workflows by name, ready to run.
    pub workflows: BTreeMap<Arc<str>, Arc<Compiled>>,
    /// Its policies; [`provost_policy::starter`] where it brings none.
    pub policies: Arc<PolicySet>,
    /// What its workflows listen for.
    pub listens: Listens,
    /// Who may see which places of events.
    pub marks: EventMarks,
}

/// What the workflows of a bundle listen for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Listens {
    /// Types that the author wrote.
    pub kinds: BTreeSet<Arc<str>>,
    /// Whether a type is computed, or every type taken.
    pub every: bool,
    /// How long what was not taken stays, at most, in milliseconds.
    pub unmatched_ms_max: i64,
}

impl Listens {
    /// What `programs` listen for.
    pub fn of<'p>(programs: impl IntoIterator<Item = &'p Program>) -> Self {
        let mut listens = Self::default();
        for program in programs {
            if let Some(set) = program.starts_on_set.as_ref().filter(|set| set.all) {
                listens.unmatched_ms_max = listens.unmatched_ms_max.max(program.limits.unmatched_ms);
                let kinds = set.filters.iter().map(|filter| filter.on.attributes.iter().find(|(name, _)| **name == *"type"));
                listens.kinds.extend(kinds.filter_map(|kind| kind?.1.as_str().map(Arc::from)));
            }
            let tasks = program.tasks.iter().filter_map(|task| match &task.kind {
                TaskKind::Listen(listen) => Some(listen),
                _ => None,
            });
            for task in tasks {
                listens.unmatched_ms_max = listens.unmatched_ms_max.max(program.limits.unmatched_ms);
                listens.every |= task.takes_every_type() || task.filters().any(|filter| filter.kind().is_none());
                listens.kinds.extend(task.filters().filter_map(|filter| filter.kind().cloned()));
            }
        }
        listens
    }
}

impl TenantWorld {
    /// Whether a program of any bundle, active or not, listens for events of type `kind`: one of its orchestrations may exist.
    pub fn listens_for(&self, kind: &str) -> bool {
        self.bundles.values().any(|bundle| bundle.listens.every || bundle.listens.kinds.contains(kind))
    }

    /// How long an event that was not taken stays for any of them, in microseconds.
    pub fn unmatched_us_max(&self) -> i64 {
        let longest = self.bundles.values().map(|bundle| bundle.listens.unmatched_ms_max).max();
        longest.unwrap_or(0).saturating_mul(1000)
    }
}

/// One tenant's share of the registry.
#[derive(Clone, Default)]
pub struct TenantWorld {
    /// Bundles by pin.
    pub bundles: BTreeMap<Digest, Arc<Loaded>>,
    /// The active pin of each workflow.
    pub active: BTreeMap<Arc<str>, Digest>,
    /// The tenant's policies; the default set where it brings none.
    pub policies: Option<Arc<PolicySet>>,
    /// The Guard.
    pub guard: Arc<Guard>,
    /// Destination -> address, and the revision.
    pub binding: Arc<Binding>,
    /// What policy said about this very world.
    pub kept: Kept,
}

/// Where destinations are, in this place.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Binding {
    /// Counts up with every change; 0 is nothing bound.
    pub revision: u64,
    /// Name -> base URL.
    pub destinations: BTreeMap<String, String>,
}

impl Binding {
    /// The host of a destination, in lower case: of a name, or of the origin of a call that a workflow writes out.
    pub fn host(&self, destination: &str) -> Option<String> {
        let url = match Endpoint::parse(destination) {
            Some(endpoint) => egress::address(&self.destinations, &endpoint)?,
            None => self.destinations.get(destination)?,
        };
        let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
        let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
        let host = authority.rsplit('@').next().unwrap_or_default();
        let host = if host.starts_with('[') { host.split(']').next().map(|h| &h[1.min(h.len())..]) } else { host.split(':').next() };
        host.map(str::to_ascii_lowercase)
    }
}

/// Everything, by tenant.
#[derive(Clone, Default)]
pub struct World {
    /// Tenants by name.
    pub tenants: BTreeMap<TenantId, Arc<TenantWorld>>,
}

/// The registry: a shared [`World`].
#[derive(Clone, Default)]
pub struct Registry {
    world: Arc<RwLock<Arc<World>>>,
    admissions: Arc<Admissions>,
}

/// An orchestration about to be started.
#[derive(Clone)]
pub struct Launch {
    /// The workflow's program.
    pub code: Arc<Compiled>,
    /// The pin.
    pub pin: Digest,
    /// The binding in force.
    pub binding: u64,
}

impl Registry {
    /// The world as it is now.
    pub fn world(&self) -> Arc<World> {
        self.world.read().map(|world| world.clone()).unwrap_or_default()
    }

    /// Breakers and rate limits.
    pub fn admissions(&self) -> &Admissions {
        &self.admissions
    }

    /// Replaces the world.
    pub fn replace(&self, world: World) {
        if let Ok(mut shared) = self.world.write() {
            *shared = Arc::new(world);
        }
    }

    /// One tenant's share.
    pub fn tenant(&self, tenant: &TenantId) -> Arc<TenantWorld> {
        self.world().tenants.get(tenant).cloned().unwrap_or_default()
    }

    /// The program of a pinned workflow.
    pub fn program(&self, tenant: &TenantId, pin: &Digest, workflow: &str) -> Option<Arc<Compiled>> {
        self.tenant(tenant).bundles.get(pin)?.workflows.get(workflow).cloned()
    }

    /// What starting `workflow` now means: its active pin.
    pub fn launch(&self, tenant: &TenantId, workflow: &str) -> Option<Launch> {
        let world = self.tenant(tenant);
        let pin = *world.active.get(workflow)?;
        let code = world.bundles.get(&pin)?.workflows.get(workflow)?.clone();
        Some(Launch { code, pin, binding: world.binding.revision })
    }

    /// The workflows that an event starts, in order of name.
    pub fn started_by(&self, tenant: &TenantId, event: &Event) -> Vec<Launch> {
        let world = self.tenant(tenant);
        let launches = world.active.keys().filter_map(|workflow| self.launch(tenant, workflow));
        launches.filter(|launch| started_by(&launch.code, event).is_some()).collect()
    }

    /// The workflows that start on several events together, of which `event` may be one, in order of name.
    pub fn combining(&self, tenant: &TenantId, event: &Event) -> Vec<Launch> {
        let world = self.tenant(tenant);
        let launches = world.active.keys().filter_map(|workflow| self.launch(tenant, workflow));
        let may = |launch: &Launch| {
            let set = launch.code.program.starts_on_set.as_ref().filter(|set| set.all);
            set.is_some_and(|set| set.filters.iter().any(|filter| of_attributes(&filter.on, event)))
        };
        launches.filter(may).collect()
    }

    /// Judges a question about an effect or agent of the pinned workflow.
    pub fn judge(&self, judge: &mut CachedJudge, tenant: &TenantId, pin: &Digest, request: &PolicyRequest) -> Verdict {
        let world = self.tenant(tenant);
        let bundle = world.bundles.get(pin).map(|bundle| bundle.policies.clone());
        let nothing = PolicySet::empty();
        let layers = Judge {
            bundle: bundle.as_deref().unwrap_or(&nothing),
            tenant: world.policies.as_deref().unwrap_or(provost_policy::tenant_default()),
            guard: &world.guard,
        };
        judged(&world.binding, request, |request| judge.judge(&layers, request, Entities::none()))
    }

    /// Judges what a person or program wants of the platform itself.
    pub fn judge_who(&self, tenant: &TenantId, who: &Who, request: &PolicyRequest) -> Verdict {
        let world = self.tenant(tenant);
        world.kept.or_judge(who, request, || judged_in(&world, world.policies.as_deref(), who, request))
    }

    /// The same under other policies of the tenant's own; `None`: the built-in ones.
    pub fn judge_under(&self, tenant: &TenantId, policies: Option<&PolicySet>, who: &Who, request: &PolicyRequest) -> Verdict {
        judged_in(&self.tenant(tenant), policies, who, request)
    }
}

/// What the platform's layers say: no bundle is concerned.
fn judged_in(world: &TenantWorld, policies: Option<&PolicySet>, who: &Who, request: &PolicyRequest) -> Verdict {
    let tenant = policies.unwrap_or(provost_policy::tenant_default());
    let layers = Judge { bundle: &PolicySet::empty(), tenant, guard: &world.guard };
    match Entities::of_who(who) {
        Ok(entities) => layers.judge(request, &entities),
        Err(_) => layers.judge(request, Entities::none()),
    }
}

/// The verdict on `request`, asked with the host of its destination where it names one.
pub(crate) fn judged(binding: &Binding, request: &PolicyRequest, judge: impl FnOnce(&PolicyRequest) -> Verdict) -> Verdict {
    let enriched = enriched(binding, request);
    let revision = if enriched.is_some() { binding.revision } else { 0 };
    let verdict = judge(enriched.as_ref().unwrap_or(request));
    Verdict { request: request.digest(), binding: revision, ..verdict }
}

/// The request with the host of its destination, where it names one.
pub fn enriched(binding: &Binding, request: &PolicyRequest) -> Option<PolicyRequest> {
    let destination = request.context.member("destination")?.as_str().filter(|name| !name.is_empty())?;
    let host = binding.host(destination).unwrap_or_default();
    let mut context = request.context.as_object()?.clone();
    context.insert(provost_policy::vocabulary::DESTINATION_HOST.into(), host.into());
    Some(PolicyRequest { context: Value::Object(Arc::new(context)), ..request.clone() })
}

/// What `event` starts the workflow by: its one event, or the first that it fits of those of which any starts it.
pub fn started_by<'c>(code: &'c Compiled, event: &Event) -> Option<&'c StartOn> {
    let one = code.program.starts_on.as_ref().filter(|on| fits(code, on, event));
    let set = || code.program.starts_on_set.as_ref().filter(|set| !set.all);
    let any = || set()?.filters.iter().find(|filter| fits(code, &filter.on, event) && correlated(code, filter, event).is_some());
    one.or_else(|| any().map(|filter| &filter.on))
}

/// What the event has in common with others of its set; `None` where it does not fit the filter.
pub(crate) fn agreed(code: &Compiled, filter: &StartFilter, event: &Event) -> Option<Value> {
    let obeys = |contract| code.validate(contract, &event.data).is_ok();
    let takes = fits(code, &filter.on, event) && filter.on.contract.is_none_or(obeys);
    takes.then(|| correlated(code, filter, event)).flatten()
}

/// The values of the filter's correlations; `None` where the event lacks one, or has another than is expected.
fn correlated(code: &Compiled, filter: &StartFilter, event: &Event) -> Option<Value> {
    let whole = if filter.correlate.is_empty() { Labelled::default() } else { Labelled::authored(event_value(event)) };
    let mut common = Vec::new();
    for one in &filter.correlate {
        let found = code.evaluate(one.from, &whole, &mut |_| Labelled::default()).ok()?.value;
        if found.is_null() || one.expect.as_ref().is_some_and(|expect| *expect != found) {
            return None;
        }
        common.push(found);
    }
    Some(Value::array(common))
}

fn of_attributes(on: &StartOn, event: &Event) -> bool {
    on.attributes.iter().all(|(name, wanted)| event.attribute(name).as_ref() == Some(wanted))
}

/// Whether `event` is the one: all attributes as written or computed, and the condition on its data.
fn fits(code: &Compiled, on: &StartOn, event: &Event) -> bool {
    let is_computed = |(name, expression): &(Arc<str>, ExprIx)| {
        let found = event.attribute(name);
        found.is_some() && found == computed(code, *expression)
    };
    of_attributes(on, event)
        && on.computed.iter().all(is_computed)
        && on.data.is_none_or(|condition| {
            let data = Labelled::authored(event.data.clone());
            let holds = code.evaluate(condition, &data, &mut |_| Labelled::default());
            holds.is_ok_and(|value| !matches!(value.value, Value::Null | Value::Bool(false)))
        })
}
