//! The deterministic core: two total, synchronous functions over a compiled program.
//!
//! [`decide`] says what happens next; [`evolve`] folds what happened into state. What must stay true: same state, command and ambient
//! give the same facts and intents, byte for byte; `evolve` copies and never evaluates. What is absent: async, clocks, randomness, IO,
//! hash-ordered maps, logging.

mod asked;
mod code;
mod compare;
mod decide;
mod descriptors;
mod evolve;
pub mod explain;
mod flow;
mod ledger;
pub mod lifecycle;
mod order;
mod origin;
mod reconcile;
pub mod redact;
mod rejected;
mod resume;
pub mod shared;
mod state;
mod tasks;
mod time;
mod turn;
mod verify;

pub use asked::asked;
pub use code::Code;
pub use compare::{Compared, Diverged, Judging, decided_under};
pub use decide::{Decided, Questions, Step, decide, no_place};
pub use evolve::evolve;
pub use order::{ORDER_CHARS_MAX, Unusable, batched, computed, home_slot, keyed};
pub use rejected::Rejected;
pub use resume::{Listening, OpenWork, Pending, listening, open_work, open_work_listed};
pub use state::{
    Child, ChildState, Effect, Effects, Listener, Open, OpenKind, Orchestration, Parked, Phase, Review, ReviewAnswered, Timer, Tree,
};
pub use tasks::emit::as_value as event_value;
pub use tasks::listen::{read_as, read_labels};
pub use tasks::run::held_by;
pub use time::iso8601;
pub use verify::{Difference, Verified, verify};
