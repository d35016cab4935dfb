//! The payload of a control journal's row: JSON of the command, where there was one, and its facts.
//!
//! What must stay true: decoding gives back exactly what was encoded; what the command says in bulk is not written twice.

use serde::{Deserialize, Serialize};

use crate::command::ControlCommand;
use crate::fact::ControlFact;

/// One transition of a control journal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ControlTransition {
    /// The wish; absent where Provost itself wrote the facts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub command: Option<ControlCommand>,
    /// What happened.
    pub facts: Vec<ControlFact>,
}

/// A payload that cannot be read or written.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the control row cannot be read: {0}; use a newer binary, or restore the partition's file from a backup")]
pub struct ControlRowError(String);

impl ControlRowError {
    /// The stable code.
    pub const fn code(&self) -> &'static str {
        "CONTROL_ROW"
    }
}

impl ControlTransition {
    /// The payload's JSON, for `Row::seal` with `facts.len()` facts.
    ///
    /// # Errors
    /// [`ControlRowError`] when it cannot be written, which the types rule out.
    pub fn encode(&self) -> Result<Vec<u8>, ControlRowError> {
        let mut stored = self.clone();
        let command = self.command.as_ref();
        stored.facts.iter_mut().for_each(|fact| elide(fact, command));
        serde_json::to_vec(&stored).map_err(|e| ControlRowError(e.to_string()))
    }

    /// Reads a payload's JSON, as `Row::json` gives it.
    ///
    /// # Errors
    /// [`ControlRowError`] when the bytes are no control transition.
    pub fn decode(json: &[u8]) -> Result<Self, ControlRowError> {
        let mut read: Self = serde_json::from_slice(json).map_err(|e| ControlRowError(e.to_string()))?;
        let command = read.command.as_ref();
        read.facts.iter_mut().for_each(|fact| restore(fact, command));
        Ok(read)
    }
}

fn elide(fact: &mut ControlFact, command: Option<&ControlCommand>) {
    if let (ControlFact::PoliciesSet { files, .. }, Some(ControlCommand::SetPolicies { files: wished, .. })) = (fact, command)
        && files.as_ref() == Some(wished)
    {
        *files = None;
    }
}

fn restore(fact: &mut ControlFact, command: Option<&ControlCommand>) {
    if let (ControlFact::PoliciesSet { files: files @ None, .. }, Some(ControlCommand::SetPolicies { files: wished, .. })) = (fact, command)
    {
        *files = Some(wished.clone());
    }
}
