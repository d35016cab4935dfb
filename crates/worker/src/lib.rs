//! The data plane's hands: one attempt each, then report.
//!
//! What must stay true: an attempt goes only to approved destinations; what may have been done is never called failed; no payload stands
//! in an error. What is absent: retries (the engine's), stores, database credentials.

pub mod actions;
pub mod agents;
pub mod client;
mod protocol;
pub mod reads;
pub mod secrets;

use std::collections::BTreeMap;

pub use provost_api::exchange::{Work, WorkKind};
use provost_model::program::{ActionSpec, AgentSpec, FeatureSpec, SourceSpec};
use provost_model::record::{Attempted, SecretSpan};
use provost_model::{Problem, Value};
use secrets::Secrets;

/// One attempt for the binary's own hands.
#[derive(Clone, Debug)]
pub struct Call {
    /// What is carried out.
    pub what: What,
    /// What is sent.
    pub input: Value,
    /// Where secrets belong in it.
    pub secrets: Vec<SecretSpan>,
    /// The key the target sees.
    pub key: String,
    /// W3C trace context for the target.
    pub traceparent: String,
    /// Until when, from now, in milliseconds; 0 means the specification's own timeout only.
    pub within_ms: i64,
    /// Approved destinations: name -> base URL.
    pub destinations: BTreeMap<String, String>,
}

/// What is carried out.
#[derive(Clone, Debug)]
pub enum What {
    /// A run of an agent; the example that answers, where it is scripted.
    Agent(Box<AgentSpec>, Option<u32>),
    /// An action or the undo of one.
    Action(Box<ActionSpec>),
    /// A question whether an action was done.
    LookUp(Box<ActionSpec>),
    /// A read of passages; the example that answers, where it is scripted.
    Retrieval(Box<SourceSpec>, Option<u32>),
    /// A read of features.
    Features(Vec<FeatureSpec>),
}

/// The binary's own worker. Cheap to clone.
#[derive(Clone, Debug)]
pub struct BuiltIn {
    http: actions::Http,
    secrets: Secrets,
}

impl BuiltIn {
    /// A worker with one pool of connections.
    ///
    /// # Errors
    /// What the HTTP client says when it cannot be made.
    pub fn new() -> Result<Self, reqwest::Error> {
        Ok(Self { http: actions::Http::new()?, secrets: Secrets::default() })
    }

    /// The same with the secrets of a folder.
    #[must_use]
    pub fn with_secrets(self, secrets: Secrets) -> Self {
        Self { secrets, ..self }
    }

    /// Carries out one attempt.
    pub async fn carry_out(&self, mut call: Call) -> Attempted {
        let shown = match &call.what {
            What::Action(spec) | What::LookUp(spec) if spec.call.is_some() => Secrets::masked(&call.input, &call.secrets),
            What::Action(_) | What::Agent(..) | What::LookUp(_) | What::Retrieval(..) | What::Features(_) => Value::Null,
        };
        let mut filled = match self.secrets.fill(&mut call.input, &call.secrets) {
            Ok(filled) => filled,
            Err(error) => {
                let problem = Problem::ours(error.code(), 422, error.to_string()).detail("nothing was sent");
                return Attempted::Failed { problem, retry: false, retry_after_ms: None };
            }
        };
        let outcome = match &call.what {
            What::Agent(spec, example) => agents::run(spec, *example, call.within_ms).await,
            What::Action(spec) => match &spec.call {
                Some(written) => protocol::call(&self.http, spec, written, &call, &shown, &mut filled).await,
                None => actions::act(&self.http, spec, &call).await,
            },
            What::LookUp(spec) => match &spec.call {
                Some(written) => protocol::look_up(&self.http, spec, written, &call, &shown, &mut filled).await,
                None => actions::look_up(&self.http, spec, &call).await,
            },
            What::Retrieval(spec, example) => reads::passages(spec, *example, call.within_ms).await,
            What::Features(specs) => reads::features(specs, &call.input),
        };
        filled.hidden(outcome)
    }
}
