//! Facts of the control journal: past tense, never changed, enough to rebuild the state without their commands.
//!
//! What must stay true: additive for ever; a golden scenario in `corpus/control/` holds each kind. Sequence and time stand in the row.

use std::collections::BTreeMap;
use std::sync::Arc;

use provost_model::{Digest, Value, Who};
use serde::{Deserialize, Serialize};

use crate::identity::TokenHash;

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ControlFact {
    /// The tenant began.
    TenantCreated {
        /// Who.
        by: Who,
        /// Why.
        reason: Arc<str>,
    },
    /// A bundle is known.
    BundlePublished {
        /// The pin.
        bundle: Digest,
        /// Digest of its manifest.
        manifest: Digest,
        /// Its workflows: name and version.
        workflows: BTreeMap<Arc<str>, Arc<str>>,
        /// Who.
        by: Who,
        /// Why.
        reason: Arc<str>,
    },
    /// New starts of the workflow by name take this pin.
    WorkflowActivated {
        /// The workflow.
        workflow: Arc<str>,
        /// The pin.
        bundle: Digest,
        /// Who.
        by: Who,
        /// Why.
        reason: Arc<str>,
    },
    /// Destinations are where this says, and nowhere else.
    BindingSet {
        /// Counts up from 1.
        revision: u64,
        /// Destination and address.
        destinations: BTreeMap<Arc<str>, Arc<str>>,
        /// Who.
        by: Who,
        /// Why.
        reason: Arc<str>,
    },
    /// This is stopped now.
    GuardSet {
        /// Counts up from 1.
        revision: u64,
        /// The Guard without its revision.
        guard: Value,
        /// Who.
        by: Who,
        /// Why.
        reason: Arc<str>,
    },
    /// These are the tenant's policies.
    PoliciesSet {
        /// Counts up from 1.
        revision: u64,
        /// File name and Cedar text; absent in a stored row whose command has the same.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        files: Option<BTreeMap<Arc<str>, Arc<str>>>,
        /// Who.
        by: Who,
        /// Why.
        reason: Arc<str>,
    },
    /// A person or program may come in.
    PrincipalCreated {
        /// The name.
        name: Arc<str>,
        /// Its roles, sorted.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        roles: Vec<Arc<str>>,
        /// Keyed hash of the token.
        token_hash: TokenHash,
        /// The token's first characters.
        prefix: Arc<str>,
        /// When the token ends, in microseconds UTC.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        expires_at_us: Option<i64>,
        /// Who.
        by: Who,
        /// Why.
        reason: Arc<str>,
    },
    /// A person or program may no longer come in.
    PrincipalRevoked {
        /// The name.
        name: Arc<str>,
        /// Who.
        by: Who,
        /// Why.
        reason: Arc<str>,
    },
}
