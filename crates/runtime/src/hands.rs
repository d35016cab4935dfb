//! Who carries out the work of the queue `builtin`: a port, so that the data plane knows no provider, tool or HTTP client.

use std::sync::Arc;

use provost_language::Compiled;
use provost_model::record::Attempted;

use crate::dispatch::Offer;
use crate::registry::Binding;

/// The queue that the binary itself serves.
pub const BUILTIN: &str = "builtin";

/// Called once with the outcome of an attempt and how long it took, in milliseconds.
pub type Done = Box<dyn FnOnce(Attempted, i64) + Send>;

/// Hands that carry out attempts.
pub trait Hands: Send + Sync {
    /// Whether they rest: the plane answers questions and takes what it is given, but resumes nothing, and no time passes in it.
    fn rest(&self) -> bool {
        false
    }

    /// The outcome, where it is known without leaving the process or waiting: a scripted answer.
    fn at_once(&self, offer: &Offer, code: &Compiled) -> Option<Attempted>;

    /// Carries out one attempt in the background; `done` is called exactly once.
    fn carry_out(&self, offer: Offer, code: Arc<Compiled>, binding: Arc<Binding>, done: Done);
}
