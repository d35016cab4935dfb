//! `provost emit`.

use std::process::ExitCode;

use crate::client::Target;
use crate::say::{Failure, data};
use crate::verbs::{Output, document, json_argument};

/// Send a CloudEvent (structured JSON): @file, - for standard input, or JSON as written. An array is sent as a batch; exit 1 where one of
/// it is refused.
#[derive(Debug, clap::Args)]
pub struct Emit {
    /// The event.
    event: String,
}

impl Emit {
    /// Sends and prints the answer.
    pub async fn run(&self, target: &Target, output: Output) -> Result<ExitCode, Failure> {
        let bytes = json_argument(&self.event)?;
        let batch = bytes.iter().find(|b| !b.is_ascii_whitespace()) == Some(&b'[');
        let kind = if batch { "application/cloudevents-batch+json" } else { "application/cloudevents+json" };
        let client = target.connect().await?;
        let answer = client.post_as("/v1/events", kind, bytes).await?;
        data(&document(output, &answer));
        client.close().await;
        let refused = answer.as_array().into_iter().flatten().any(|one| one.get("problem").is_some());
        Ok(if refused { ExitCode::FAILURE } else { ExitCode::SUCCESS })
    }
}
