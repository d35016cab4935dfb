//! The data plane: ingest -> orchestrate -> dispatch, over one append path.
//!
//! Partition, timers, dispatcher and ingest are synchronous machines; the shells around them own threads, clocks and channels. What is
//! absent: HTTP handlers, calls to providers or tools, and every decision about what happens next (the engine's) or is allowed (policy's).

pub mod admissions;
mod check;
pub mod compare;
pub mod control_plane;
pub mod dispatch;
mod door;
pub mod feed;
mod followers;
pub mod gate;
pub mod hands;
pub mod history;
pub mod inbox;
pub mod journals;
pub mod kept;
pub mod node;
pub mod observer;
pub mod outbox;
pub mod partition;
pub mod plane;
pub mod rebuild;
pub mod registry;
pub mod results;
pub mod retention;
pub mod reuse;
mod seat;
mod shell;
mod sight;
pub mod start;
pub mod sweep;
pub mod tally;
pub mod ticks;
mod timers;
pub mod traced;
mod waiting;

pub use check::check;
pub use control_plane::ControlPlane;
pub use dispatch::{Claimant, Dispatcher, Leased, Offer, OfferKind};
pub use followers::Follower;
pub use gate::Refused;
pub use hands::{BUILTIN, Done, Hands};
pub use history::History;
pub use inbox::{Accepted, InboxFact};
pub use node::{Node, NodeConfig, PARTITIONS};
pub use observer::Observer;
pub use outbox::Outbox;
pub use partition::{
    Claim, Delivery, Holder, Outputs, Partition, Release, Reply, Ticket, Told, View, lost, partition_of, subject_mark, summary_of,
};
pub use plane::Plane;
pub use provost_engine as engine;
pub use provost_language as language;
pub use provost_language::Compiled;
pub use registry::{Binding, Launch, Loaded, Registry, StoredBundle, TenantWorld, World};
pub use retention::{Retention, RetentionConfig};
pub use reuse::{Reused, reused};
pub use shell::now_us;
pub use start::StartRequest;
pub use ticks::Ticks;
pub use timers::Timers;
pub use waiting::Asking;
