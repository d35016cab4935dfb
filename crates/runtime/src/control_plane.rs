//! The control plane's shell: one tenant's control journal at a time, decided by `control`, appended through the one path, and shown to
//! the data plane as a new world.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};

use provost_control::{Control, ControlCommand, ControlFact, ControlTransition, Principals, ServerKey, decide};
use provost_language::{Bundle, Compiled};
use provost_model::record::{Head, Row, Stream};
use provost_model::{Digest, TenantId, Who};
use provost_policy::PolicySet;
use provost_store::{Blobs, Sqlite, StoreError};

use crate::gate::Refused;
use crate::partition::Partition;
use crate::plane::Plane;
use crate::registry::{Binding, Listens, Loaded, Registry, StoredBundle, TenantWorld};
use crate::shell::now_us;
use crate::sight::EventMarks;

const BUNDLE_MEDIA_TYPE: &str = "application/vnd.provost.bundle+json";

/// One tenant's control journal, folded.
struct Tenant {
    control: Control,
    head: Head,
}

/// The control plane of a data folder.
pub struct ControlPlane {
    blobs: Blobs,
    key: ServerKey,
    registry: Registry,
    tenants: tokio::sync::Mutex<BTreeMap<TenantId, Tenant>>,
    principals: RwLock<Principals>,
}

impl ControlPlane {
    /// Folds the control journals of `tenants` from the first partition and fills the registry.
    ///
    /// # Errors
    /// [`Refused`] when a journal or bundle cannot be read.
    pub fn load(
        first: &mut Partition<Sqlite>,
        tenants: &[TenantId],
        blobs: Blobs,
        key: ServerKey,
        registry: Registry,
    ) -> Result<Self, Refused> {
        let mut folded = BTreeMap::new();
        let mut principals = Principals::new();
        for tenant in tenants {
            let rows = first.journal(tenant, &Stream::Control, 0)?;
            let control = fold(tenant, &rows)?;
            let head = rows.last().map_or(Head::EMPTY, Row::head);
            principals.refresh(&control);
            show(&registry, &blobs, &control)?;
            folded.insert(tenant.clone(), Tenant { control, head });
        }
        Ok(Self { blobs, key, registry, tenants: tokio::sync::Mutex::new(folded), principals: RwLock::new(principals) })
    }

    /// Who a bearer token is, and whose.
    pub fn authenticate(&self, token: &str) -> Option<(TenantId, Who)> {
        self.principals.read().unwrap_or_else(PoisonError::into_inner).authenticate(token, &self.key, now_us())
    }

    /// Whether any named token exists: without one, nothing but loopback may be listened on.
    pub fn has_principals(&self) -> bool {
        !self.principals.read().unwrap_or_else(PoisonError::into_inner).is_empty()
    }

    /// The server's key for token hashes.
    pub fn key(&self) -> &ServerKey {
        &self.key
    }

    /// Decides a command for a tenant, appends what follows, and shows it to the data plane. No facts: nothing changed.
    ///
    /// # Errors
    /// [`Refused`].
    pub async fn command(&self, plane: &Plane, tenant: &TenantId, command: ControlCommand) -> Result<Vec<ControlFact>, Refused> {
        let mut tenants = self.tenants.lock().await;
        let held = tenants.entry(tenant.clone()).or_insert_with(|| Tenant { control: Control::new(tenant.clone()), head: Head::EMPTY });
        let facts = decide(&held.control, &command, now_us())?;
        if facts.is_empty() {
            return Ok(facts);
        }
        let who = command.by().name.clone();
        let transition = ControlTransition { command: Some(command), facts: facts.clone() };
        let json = transition.encode().map_err(|e| Refused::Internal(e.to_string()))?;
        let count = u32::try_from(facts.len()).unwrap_or(u32::MAX);
        held.head = plane.append_control(tenant, held.head, json, count, who).await?;
        facts.iter().for_each(|fact| held.control.evolve(fact));
        self.principals.write().unwrap_or_else(PoisonError::into_inner).refresh(&held.control);
        show(&self.registry, &self.blobs, &held.control)?;
        Ok(facts)
    }

    /// Publishes a bundle and activates its workflows. The blob is durable before the journal names it.
    ///
    /// # Errors
    /// [`Refused`].
    pub async fn publish(
        &self,
        plane: &Plane,
        tenant: &TenantId,
        bundle: &Bundle,
        by: Who,
        reason: Arc<str>,
    ) -> Result<Vec<ControlFact>, Refused> {
        let stored = stored(bundle);
        load(stored.clone())?;
        let bytes = serde_json::to_vec(&stored).map_err(|e| Refused::Internal(e.to_string()))?;
        let blob = self.blobs.put(tenant, &bytes, BUNDLE_MEDIA_TYPE)?;
        let workflows = bundle.workflows.iter().map(|program| (program.name.clone(), program.version.clone())).collect();
        let command = ControlCommand::PublishBundle { bundle: bundle.digest, manifest: blob.digest, workflows, activate: true, by, reason };
        self.command(plane, tenant, command).await
    }

    /// Whether a blob of a tenant is the manifest of one of its bundles.
    pub async fn is_manifest(&self, tenant: &TenantId, blob: Digest) -> bool {
        let tenants = self.tenants.lock().await;
        tenants.get(tenant).is_some_and(|held| held.control.bundles.values().any(|bundle| bundle.manifest == blob))
    }

    /// The control state of a tenant.
    pub async fn control(&self, tenant: &TenantId) -> Option<Control> {
        self.tenants.lock().await.get(tenant).map(|held| held.control.clone())
    }
}

fn fold(tenant: &TenantId, rows: &[Row]) -> Result<Control, Refused> {
    let mut control = Control::new(tenant.clone());
    for row in rows {
        let json = row.json().map_err(|e| StoreError::unreadable(row, &e))?;
        let transition = ControlTransition::decode(&json).map_err(|e| StoreError::damaged_row(row, e.to_string()))?;
        transition.facts.iter().for_each(|fact| control.evolve(fact));
    }
    Ok(control)
}

/// A bundle as stored.
pub fn stored(bundle: &Bundle) -> StoredBundle {
    let text = |(path, text): &(Arc<str>, Arc<str>)| (path.to_string(), text.to_string());
    StoredBundle {
        digest: bundle.digest,
        lock: bundle.lock.to_text(),
        programs: bundle.workflows.clone(),
        policies: bundle.policies.iter().map(text).collect(),
        schema: bundle.policy_schemas.first().map(text),
    }
}

/// Compiles a stored bundle.
///
/// # Errors
/// [`Refused::Bundle`] with every finding, when a program or policy does not compile.
pub fn load(stored: StoredBundle) -> Result<Loaded, Refused> {
    let mut workflows = BTreeMap::new();
    for program in &stored.programs {
        let compiled = Compiled::new(program.clone()).map_err(|e| Refused::Bundle(e.to_string()))?;
        workflows.insert(program.name.clone(), Arc::new(compiled));
    }
    let files: Vec<(&str, &str)> = stored.policies.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
    let schema = stored.schema.as_ref().map(|(name, text)| (name.as_str(), text.as_str()));
    let policies = if files.is_empty() {
        provost_policy::starter().clone()
    } else {
        let findings =
            |found: Vec<provost_policy::Finding>| Refused::Bundle(found.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"));
        PolicySet::parse(&files, schema).map_err(findings)?
    };
    let (listens, marks) = (Listens::of(&stored.programs), EventMarks::of(&stored.programs));
    Ok(Loaded { stored: Arc::new(stored), workflows, policies: Arc::new(policies), listens, marks })
}

/// Shows a tenant's control state to the data plane.
fn show(registry: &Registry, blobs: &Blobs, control: &Control) -> Result<(), Refused> {
    let before = registry.tenant(&control.tenant);
    let mut bundles = before.bundles.clone();
    for (pin, bundle) in &control.bundles {
        if !bundles.contains_key(pin) {
            bundles.insert(*pin, Arc::new(load(read(blobs, &control.tenant, *pin, bundle.manifest)?)?));
        }
    }
    let world = TenantWorld {
        bundles,
        active: control.active.iter().map(|(workflow, active)| (workflow.clone(), active.bundle)).collect(),
        policies: control.policy_set()?.map(Arc::new),
        guard: Arc::new(control.guard()?),
        binding: Arc::new(binding(control)),
        kept: crate::kept::Kept::default(),
    };
    let mut all = (*registry.world()).clone();
    all.tenants.insert(control.tenant.clone(), Arc::new(world));
    registry.replace(all);
    Ok(())
}

/// Where a tenant's destinations are, as the data plane reads it.
pub(crate) fn binding(control: &Control) -> Binding {
    let destinations = control.binding.destinations.iter().map(|(name, url)| (name.to_string(), url.to_string())).collect();
    Binding { revision: control.binding.revision, destinations }
}

fn read(blobs: &Blobs, tenant: &TenantId, pin: Digest, manifest: Digest) -> Result<StoredBundle, Refused> {
    let bytes = blobs.named(tenant, &manifest)?.ok_or(Refused::UnknownBundle(pin))?;
    serde_json::from_slice(&bytes).map_err(|e| Refused::Bundle(e.to_string()))
}
