//! What the reconciliation schedule comes to when it looks at what waits for a person.

use serde::{Deserialize, Serialize};

/// What a look of the reconciliation schedule came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Look {
    /// The target is asked whether the effect was done.
    Asked,
    /// Nobody can be asked about the effect: nothing is guessed, and the schedule does not look at it again.
    Unanswerable,
    /// The parked work is tried again.
    Redriven,
    /// Policy does not let the schedule; it looks again when its time comes.
    Denied,
}
