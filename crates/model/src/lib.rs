//! The nouns of Provost: values, ids, programs, commands, facts, intents and the record they stand in.
//!
//! What must stay true: a type here means the same for ever once it was written into a journal (additive fields only).
//! What is absent: async, clocks, randomness, IO, and every decision about what happens next.

pub mod digest;
pub mod event;
pub mod id;
pub mod instant;
pub mod labelled;
pub mod labels;
pub mod limits;
pub mod marks;
mod parsed;
pub mod planted;
pub mod position;
pub mod problem;
pub mod program;
pub mod record;
pub mod value;
pub mod verdict;
pub mod who;

pub use digest::Digest;
pub use event::Event;
pub use id::{DecisionId, EffectId, EventId, OrchestrationId, ReviewId, Slot};
pub use labelled::Labelled;
pub use labels::{Label, Labels};
pub use marks::Marks;
pub use position::Position;
pub use problem::Problem;
pub use program::Program;
pub use value::Value;
pub use verdict::{Answer, PolicyRequest, Verdict, Would};
pub use who::{TenantId, Who};
