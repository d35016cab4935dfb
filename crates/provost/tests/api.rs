//! The API over a real server with two tenants: what is said, what is kept, what stays apart. Each test starts the binary on a folder of
//! its own; nothing is played.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]
#![expect(clippy::indexing_slicing, reason = "indexing a JSON value by name gives null where it is absent")]

#[path = "api/batches.rs"]
mod batches;
#[path = "api/bindings.rs"]
mod bindings;
#[path = "api/blobs.rs"]
mod blobs;
#[path = "api/calls.rs"]
mod calls;
#[path = "api/comparison.rs"]
mod comparison;
#[path = "api/family.rs"]
mod family;
#[path = "api/folders.rs"]
mod folders;
#[path = "api/forged.rs"]
mod forged;
#[path = "api/governance.rs"]
mod governance;
#[path = "api/input.rs"]
mod input;
#[path = "api/lifecycle.rs"]
mod lifecycle;
#[path = "api/metrics.rs"]
mod metrics;
#[path = "api/otlp.rs"]
mod otlp;
#[path = "api/reconcile.rs"]
mod reconcile;
#[path = "api/redaction.rs"]
mod redaction;
#[path = "api/schedule.rs"]
mod schedule;
#[path = "api/secrets.rs"]
mod secrets;
#[path = "api/served.rs"]
mod served;
#[path = "api/starts.rs"]
mod starts;
#[path = "api/stream.rs"]
mod stream;
#[path = "api/surface.rs"]
mod surface;
mod target;
#[path = "api/tenants.rs"]
mod tenants;
#[path = "api/unread.rs"]
mod unread;
#[path = "api/versions.rs"]
mod versions;
#[path = "api/workers.rs"]
mod workers;
