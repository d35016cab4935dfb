//! The control plane: pure decisions over a tenant's control journal. A command and a state go in, facts come out.
//!
//! What must stay true: [`Control`] is a fold of facts, so a journal of facts alone gives it back; facts are for ever (additive fields,
//! golden files in `corpus/control/`); whoever changes something gives a reason; no fact, command or state holds a usable token. What
//! is absent: appending, IO, clocks and randomness (`now_us` and random bytes are handed in), and asking policy who may do this: the
//! caller does that first.

mod command;
mod decide;
mod fact;
mod identity;
mod limits;
mod principals;
mod refused;
mod row;
mod rules;
mod state;

pub use command::ControlCommand;
pub use decide::decide;
pub use fact::ControlFact;
pub use identity::{ServerKey, TokenError, TokenHash, TokenSecret, loopback};
pub use limits::*;
pub use principals::Principals;
pub use refused::ControlRefused;
pub use row::{ControlRowError, ControlTransition};
pub use state::{Active, Binding, Bundle, Control, Policies, Principal};
