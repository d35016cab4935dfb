//! Commands: wishes about what a tenant allows. Each names who wants it and why.
//!
//! What must stay true: externally tagged, additive for ever; a principal's command carries the keyed hash of its token, never the token.

use std::collections::BTreeMap;
use std::sync::Arc;

use provost_model::{Digest, Value, Who};
use serde::{Deserialize, Serialize};

use crate::identity::TokenHash;

/// A wish; it may be refused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ControlCommand {
    /// Begin a tenant: the first command of every control journal.
    CreateTenant {
        /// Who.
        by: Who,
        /// Why.
        reason: Arc<str>,
    },
    /// Make a bundle known, and its workflows startable by pin.
    PublishBundle {
        /// The pin.
        bundle: Digest,
        /// Digest of the bundle's manifest.
        manifest: Digest,
        /// Its workflows: name and version.
        workflows: BTreeMap<Arc<str>, Arc<str>>,
        /// Whether its workflows are what new starts by name take from now on.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        activate: bool,
        /// Who.
        by: Who,
        /// Why.
        reason: Arc<str>,
    },
    /// New starts of this workflow by name take this pin. Also the way back to an earlier one.
    ActivateWorkflow {
        /// The workflow.
        workflow: Arc<str>,
        /// The pin.
        bundle: Digest,
        /// Who.
        by: Who,
        /// Why.
        reason: Arc<str>,
    },
    /// Replace where destinations are.
    SetBinding {
        /// Destination and address.
        destinations: BTreeMap<Arc<str>, Arc<str>>,
        /// Refuse unless this is the current revision.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        if_revision: Option<u64>,
        /// Who.
        by: Who,
        /// Why.
        reason: Arc<str>,
    },
    /// Replace what is stopped now.
    SetGuard {
        /// The Guard; a `revision` inside is ignored.
        guard: Value,
        /// Refuse unless this is the current revision.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        if_revision: Option<u64>,
        /// Who.
        by: Who,
        /// Why.
        reason: Arc<str>,
    },
    /// Replace the tenant's own policies; no files: back to the built-in ones.
    SetPolicies {
        /// File name and Cedar text.
        files: BTreeMap<Arc<str>, Arc<str>>,
        /// Refuse unless this is the current revision.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        if_revision: Option<u64>,
        /// Who.
        by: Who,
        /// Why.
        reason: Arc<str>,
    },
    /// Let a person or program in, by a token that only they hold.
    CreatePrincipal {
        /// The name that every record of theirs will carry.
        name: Arc<str>,
        /// Its roles.
        roles: Vec<Arc<str>>,
        /// Keyed hash of the token.
        token_hash: TokenHash,
        /// The token's first characters, to recognise it by.
        prefix: Arc<str>,
        /// When the token ends, in microseconds UTC.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        expires_at_us: Option<i64>,
        /// Who.
        by: Who,
        /// Why.
        reason: Arc<str>,
    },
    /// Shut a person or program out.
    RevokePrincipal {
        /// The name.
        name: Arc<str>,
        /// Who.
        by: Who,
        /// Why.
        reason: Arc<str>,
    },
}

impl ControlCommand {
    /// Who wants it.
    pub fn by(&self) -> &Who {
        self.stamp().0
    }

    /// Why.
    pub fn reason(&self) -> &Arc<str> {
        self.stamp().1
    }

    fn stamp(&self) -> (&Who, &Arc<str>) {
        match self {
            Self::CreateTenant { by, reason }
            | Self::PublishBundle { by, reason, .. }
            | Self::ActivateWorkflow { by, reason, .. }
            | Self::SetBinding { by, reason, .. }
            | Self::SetGuard { by, reason, .. }
            | Self::SetPolicies { by, reason, .. }
            | Self::CreatePrincipal { by, reason, .. }
            | Self::RevokePrincipal { by, reason, .. } => (by, reason),
        }
    }
}
