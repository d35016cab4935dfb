//! Every limit of the control journal, named with its unit. It checks nothing itself.

/// Longest reason, in bytes.
pub const REASON_BYTES_MAX: usize = 500;
/// Longest name of a workflow, destination, principal, role or policy file, in bytes.
pub const NAME_BYTES_MAX: usize = 128;
/// Longest version of a workflow, in bytes.
pub const VERSION_BYTES_MAX: usize = 64;
/// Longest address of a destination, in bytes.
pub const ADDRESS_BYTES_MAX: usize = 2_048;
/// Most workflows of one bundle.
pub const WORKFLOWS_MAX: usize = 1_000;
/// Most published bundles of a tenant.
pub const BUNDLES_MAX: usize = 10_000;
/// Most destinations of a binding.
pub const DESTINATIONS_MAX: usize = 1_000;
/// Most principals of a tenant, revoked ones included.
pub const PRINCIPALS_MAX: usize = 10_000;
/// Most roles of one principal.
pub const ROLES_MAX: usize = 32;
/// Largest Guard, in bytes of canonical JSON.
pub const GUARD_BYTES_MAX: usize = 256 << 10;
/// Largest set of tenant policies, in bytes of text.
pub const POLICIES_BYTES_MAX: usize = 1 << 20;
