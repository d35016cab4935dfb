//! Why a control command is refused. Nothing was changed then.

use provost_model::Digest;

use crate::limits::{NAME_BYTES_MAX, REASON_BYTES_MAX};

/// A refusal, and what to do about it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ControlRefused {
    /// The tenant has no journal yet.
    #[error("tenant `{0}` does not exist; create it first")]
    TenantUnknown(String),
    /// The tenant began already.
    #[error("tenant `{0}` exists already")]
    TenantExists(String),
    /// No reason, or too long a one.
    #[error("a reason has 1 to {REASON_BYTES_MAX} bytes on one line, this one has {bytes}; say briefly why, e.g. a ticket's number")]
    Reason {
        /// Its length.
        bytes: usize,
    },
    /// A name that breaks the rule.
    #[error(
        "`{name}` is not a name for a {what}; write 1 to {NAME_BYTES_MAX} characters of a-z A-Z 0-9 . _ - @ : starting with a letter or digit"
    )]
    Name {
        /// What it should name.
        what: &'static str,
        /// The text.
        name: String,
    },
    /// More than the limit.
    #[error("{count} {what} are more than {max}")]
    TooMany {
        /// What there are too many of.
        what: &'static str,
        /// How many there would be.
        count: usize,
        /// How many there may be.
        max: usize,
    },
    /// A bundle without workflows.
    #[error("bundle `{0}` has no workflow; a bundle needs at least one")]
    BundleEmpty(Digest),
    /// The same pin with another content.
    #[error("bundle `{0}` is published with other workflows or another manifest; a pin never changes, build the bundle again")]
    BundleDiffers(Digest),
    /// A pin that holds no such workflow.
    #[error(
        "no published bundle `{bundle}` holds workflow `{workflow}`; publish it with `provost apply`, or look at `provost list bundles`"
    )]
    WorkflowUnknown {
        /// The workflow.
        workflow: String,
        /// The pin.
        bundle: Digest,
    },
    /// Somebody else was faster.
    #[error("the {what} stands at revision {current}, not {expected}; read it again and repeat the change on top of it")]
    RevisionMoved {
        /// Binding, Guard or policies.
        what: &'static str,
        /// What the caller saw.
        expected: u64,
        /// What is.
        current: u64,
    },
    /// A destination's address that is none.
    #[error("destination `{destination}` cannot be at that address: {why}; write an address such as https://pay.internal:8443/v1")]
    Address {
        /// The destination.
        destination: String,
        /// Why; never the address itself, which may hold a secret.
        why: &'static str,
    },
    /// A Guard that cannot be read.
    #[error("the Guard cannot be read: {0}")]
    Guard(String),
    /// Policies that cannot be read.
    #[error("the policies cannot be read: {0}; run `provost check` on them")]
    Policies(String),
    /// The name is in use.
    #[error("principal `{0}` exists already; revoke it first, or choose another name")]
    PrincipalExists(String),
    /// No such name.
    #[error("principal `{0}` does not exist or is revoked; look at `provost list principals`")]
    PrincipalUnknown(String),
    /// A name that Provost keeps for itself.
    #[error("principal `{0}` has a name that is kept for Provost itself and for loopback; choose another")]
    PrincipalReserved(String),
    /// A credential that could not be used.
    #[error("the token for principal `{name}` cannot be taken: {why}; make a new one")]
    Credential {
        /// The principal.
        name: String,
        /// Why.
        why: &'static str,
    },
}

impl ControlRefused {
    /// The stable code.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::TenantUnknown(_) => "CONTROL_TENANT_UNKNOWN",
            Self::TenantExists(_) => "CONTROL_TENANT_EXISTS",
            Self::Reason { .. } => "CONTROL_REASON",
            Self::Name { .. } => "CONTROL_NAME",
            Self::TooMany { .. } => "CONTROL_TOO_MANY",
            Self::BundleEmpty(_) => "CONTROL_BUNDLE_EMPTY",
            Self::BundleDiffers(_) => "CONTROL_BUNDLE_DIFFERS",
            Self::WorkflowUnknown { .. } => "CONTROL_WORKFLOW_UNKNOWN",
            Self::RevisionMoved { .. } => "CONTROL_REVISION_MOVED",
            Self::Address { .. } => "CONTROL_ADDRESS",
            Self::Guard(_) => "CONTROL_GUARD",
            Self::Policies(_) => "CONTROL_POLICIES",
            Self::PrincipalExists(_) => "CONTROL_PRINCIPAL_EXISTS",
            Self::PrincipalUnknown(_) => "CONTROL_PRINCIPAL_UNKNOWN",
            Self::PrincipalReserved(_) => "CONTROL_PRINCIPAL_RESERVED",
            Self::Credential { .. } => "CONTROL_CREDENTIAL",
        }
    }

    /// The HTTP status that fits.
    pub const fn status(&self) -> u16 {
        match self {
            Self::TenantUnknown(_) | Self::WorkflowUnknown { .. } | Self::PrincipalUnknown(_) => 404,
            Self::TenantExists(_) | Self::BundleDiffers(_) | Self::PrincipalExists(_) => 409,
            Self::RevisionMoved { .. } => 412,
            Self::Reason { .. }
            | Self::Name { .. }
            | Self::TooMany { .. }
            | Self::BundleEmpty(_)
            | Self::Address { .. }
            | Self::Guard(_)
            | Self::Policies(_)
            | Self::PrincipalReserved(_)
            | Self::Credential { .. } => 422,
        }
    }
}
