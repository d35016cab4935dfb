//! The record, format 1: one row is one transition (DESIGN §5a).
//!
//! What must stay true: facts carry results, so a fold never evaluates anything; a row's bytes are a function of its content; a value
//! that stands in the row's command is not written again in its facts. Golden files under `corpus/record/` hold every kind of fact.

mod ambient;
mod arrived;
mod cell;
mod child;
mod command;
mod effect;
mod fact;
mod intent;
mod look;
mod plan;
mod row;
mod secret;

pub use ambient::{Admission, AdmissionRequest, Ambient, Behind, SharedState};
pub use arrived::{Arrived, Wanted};
pub use child::{ChildFate, ChildNews, Held, Parent};
pub use command::{
    Attempted, Batched, Cancel, ClaimAnswer, Claimed, Closed, Command, Outcome, Redrive, Resolve, ReviewAnswer, Start, Stored, Usage,
};
pub use effect::{EffectKind, EffectState};
pub use fact::{Ending, Exported, Fact, Shape};
pub use intent::Intent;
pub use look::Look;
pub use plan::PlannedTask;
pub use row::{Cause, ENGINE, FORMAT, Given, Head, Place, RequestKey, Row, RowError, Stream, Transition, chain};
pub use secret::{SecretSpan, is_secret_name};
