//! Agents: today the scripted ones, which play the examples of their file.

use std::time::Duration;

use provost_model::Problem;
use provost_model::program::{AgentSpec, Example, Model};
use provost_model::record::Attempted;

/// The answer of a scripted agent that takes no time; `None` when it takes some, or asks a model.
pub fn at_once(spec: &AgentSpec, example: Option<u32>) -> Option<Attempted> {
    let example = chosen(spec, example)?;
    (example.takes_ms <= 0).then(|| answer(example))
}

/// One run, cut after `within_ms` milliseconds where that is positive.
pub async fn run(spec: &AgentSpec, example: Option<u32>, within_ms: i64) -> Attempted {
    let Some(example) = chosen(spec, example) else {
        let title = format!("no provider serves the model of agent `{}`", spec.name);
        let problem = Problem::ours("model-not-served", 501, title).detail("write `model: scripted`, or let a worker serve its queue");
        return Attempted::Failed { problem, retry: false, retry_after_ms: None };
    };
    played(example, within_ms, || format!("agent `{}` took longer than its budget", spec.name)).await
}

/// What an example says once its time has passed.
pub(crate) async fn played(example: &Example, within_ms: i64, late: impl FnOnce() -> String) -> Attempted {
    let takes = Duration::from_millis(u64::try_from(example.takes_ms).unwrap_or(0));
    let within = Duration::from_millis(u64::try_from(within_ms).unwrap_or(0));
    if !within.is_zero() && within < takes {
        tokio::time::sleep(within).await;
        let problem = Problem::standard("timeout", 408, late());
        return Attempted::Failed { problem, retry: false, retry_after_ms: None };
    }
    tokio::time::sleep(takes).await;
    answer(example)
}

fn chosen(spec: &AgentSpec, example: Option<u32>) -> Option<&Example> {
    match spec.model {
        Model::Scripted => spec.examples.get(example? as usize),
        Model::Named(_) => None,
    }
}

/// What an example says.
pub(crate) fn answer(example: &Example) -> Attempted {
    match &example.fails {
        Some(why) => {
            let problem = Problem::standard("runtime", 500, why.to_string());
            Attempted::Failed { problem, retry: false, retry_after_ms: None }
        }
        None => Attempted::Done { value: example.answer.clone(), reference: None, usage: None, dropped_bytes: None },
    }
}
