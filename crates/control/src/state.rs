//! The state of one tenant's control journal: a fold of its facts.
//!
//! What must stay true: `evolve` is total and evaluates nothing; the same facts give the same state. It decides nothing.

use std::collections::BTreeMap;
use std::sync::Arc;

use provost_model::{Digest, TenantId, Value};
use provost_policy::{Guard, PolicySet};
use serde::Serialize;

use crate::fact::ControlFact;
use crate::identity::TokenHash;
use crate::refused::ControlRefused;
use crate::rules;

/// What a tenant allows now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Control {
    /// Whose it is.
    pub tenant: TenantId,
    /// Whether the tenant began.
    pub created: bool,
    /// Published bundles by pin.
    pub bundles: BTreeMap<Digest, Bundle>,
    /// What new starts by name take.
    pub active: BTreeMap<Arc<str>, Active>,
    /// Where destinations are.
    pub binding: Arc<Binding>,
    /// Revision of the Guard; 0 until it is set.
    pub guard_revision: u64,
    /// The Guard as recorded, without its revision; see [`Control::guard`].
    pub guard: Value,
    /// The tenant's own policies.
    pub policies: Arc<Policies>,
    /// People and programs by name, revoked ones included.
    pub principals: BTreeMap<Arc<str>, Principal>,
}

/// A published bundle.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Bundle {
    /// Digest of its manifest.
    pub manifest: Digest,
    /// Its workflows: name and version.
    pub workflows: BTreeMap<Arc<str>, Arc<str>>,
}

/// What new starts of a workflow by name take.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Active {
    /// The pin.
    pub bundle: Digest,
    /// The workflow's version in it.
    pub version: Arc<str>,
}

/// Where destinations are.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Binding {
    /// Counts up; 0 until it is set.
    pub revision: u64,
    /// Destination and address; what is not here is nowhere.
    pub destinations: BTreeMap<Arc<str>, Arc<str>>,
}

/// A tenant's own policies.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Policies {
    /// Counts up; 0 until they are set.
    pub revision: u64,
    /// File name and Cedar text; empty: the built-in ones hold.
    pub files: BTreeMap<Arc<str>, Arc<str>>,
}

/// A person or program with a token.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Principal {
    /// Its roles, sorted.
    pub roles: Vec<Arc<str>>,
    /// Keyed hash of its token.
    pub token_hash: TokenHash,
    /// The token's first characters.
    pub prefix: Arc<str>,
    /// When the token ends, in microseconds UTC.
    pub expires_at_us: Option<i64>,
    /// Whether it was shut out.
    pub revoked: bool,
}

impl Control {
    /// The state of an empty journal.
    pub fn new(tenant: TenantId) -> Self {
        Self {
            tenant,
            created: false,
            bundles: BTreeMap::new(),
            active: BTreeMap::new(),
            binding: Arc::default(),
            guard_revision: 0,
            guard: Value::empty(),
            policies: Arc::default(),
            principals: BTreeMap::new(),
        }
    }

    /// The Guard with its revision.
    ///
    /// # Errors
    /// [`ControlRefused::Guard`] when a newer Provost wrote it; then nothing may go on.
    pub fn guard(&self) -> Result<Guard, ControlRefused> {
        rules::read_guard(&self.guard, self.guard_revision)
    }

    /// The tenant's own policies, or `None` where the built-in ones hold.
    ///
    /// # Errors
    /// [`ControlRefused::Policies`] when a newer Provost wrote them; then nothing may go on.
    pub fn policy_set(&self) -> Result<Option<PolicySet>, ControlRefused> {
        let files = &self.policies.files;
        if files.is_empty() { Ok(None) } else { rules::read_policies(files).map(Some) }
    }

    /// The address of a destination.
    pub fn address(&self, destination: &str) -> Option<&Arc<str>> {
        self.binding.destinations.get(destination)
    }

    /// Takes a fact in.
    pub fn evolve(&mut self, fact: &ControlFact) {
        match fact {
            ControlFact::TenantCreated { .. } => self.created = true,
            ControlFact::BundlePublished { bundle, manifest, workflows, .. } => {
                self.bundles.insert(*bundle, Bundle { manifest: *manifest, workflows: workflows.clone() });
            }
            ControlFact::WorkflowActivated { workflow, bundle, .. } => self.activate(workflow, bundle),
            ControlFact::BindingSet { revision, destinations, .. } => {
                self.binding = Arc::new(Binding { revision: *revision, destinations: destinations.clone() });
            }
            ControlFact::GuardSet { revision, guard, .. } => {
                self.guard_revision = *revision;
                self.guard = guard.clone();
            }
            ControlFact::PoliciesSet { revision, files, .. } => {
                self.policies = Arc::new(Policies { revision: *revision, files: files.clone().unwrap_or_default() });
            }
            ControlFact::PrincipalCreated { name, roles, token_hash, prefix, expires_at_us, .. } => {
                let (roles, prefix) = (roles.clone(), Arc::clone(prefix));
                let principal = Principal { roles, token_hash: *token_hash, prefix, expires_at_us: *expires_at_us, revoked: false };
                self.principals.insert(Arc::clone(name), principal);
            }
            ControlFact::PrincipalRevoked { name, .. } => {
                if let Some(principal) = self.principals.get_mut(name) {
                    principal.revoked = true;
                }
            }
        }
    }

    fn activate(&mut self, workflow: &Arc<str>, bundle: &Digest) {
        if let Some(version) = self.bundles.get(bundle).and_then(|bundle| bundle.workflows.get(workflow)) {
            self.active.insert(Arc::clone(workflow), Active { bundle: *bundle, version: Arc::clone(version) });
        }
    }
}
