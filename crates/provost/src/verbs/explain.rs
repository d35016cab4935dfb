//! `provost explain`.

use std::process::ExitCode;

use provost_runtime::engine::explain::{Explanation, render};

use crate::client::Target;
use crate::say::{Failure, data};
use crate::verbs::look::{meant, revealing};
use crate::verbs::{Output, document};

/// Explain an orchestration: what happened, why it stands, which versions decided, what can be done.
#[derive(Debug, clap::Args)]
pub struct Explain {
    /// Its id, an event's id, a subject, or `last`.
    id: String,
    /// Show what is personal too; policy is asked whether you may (`value.reveal`).
    #[arg(long)]
    reveal: bool,
}

impl Explain {
    /// Prints the explanation.
    pub async fn run(&self, target: &Target, output: Output) -> Result<ExitCode, Failure> {
        let client = target.ask().await?;
        let path = format!("/v1/orchestrations/{}/explanation", meant(&client, target, &self.id).await?);
        let answer = client.get(&revealing(path, self.reveal)).await?;
        if output == Output::Table {
            let explanation: Explanation = serde_json::from_value(answer).map_err(|e| Failure::new("answer", e.to_string()))?;
            data(&render(&explanation));
        } else {
            data(&document(output, &answer));
        }
        client.close().await;
        Ok(ExitCode::SUCCESS)
    }
}
