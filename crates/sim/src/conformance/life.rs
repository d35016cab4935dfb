//! What the lifecycle events of an orchestration say.

use provost_engine::lifecycle::LifecycleEvent;
use provost_model::value::lookup;
use provost_model::{OrchestrationId, Position};

use super::Failure;
use super::holds::holds;
use super::run::Run;
use super::steps::{quoted, value};
use super::vocabulary::Words;

/// Checks a step about lifecycle events; `false` when the step asks something else.
///
/// # Errors
/// It does not hold, or cannot be read.
pub fn check(run: &mut Run<'_>, id: OrchestrationId, words: &Words, document: Option<&str>) -> Result<bool, Failure> {
    if let Some(asked) = words.text.strip_prefix("the lifecycle of ") {
        return told(run, id, words, asked, |what, _| (what != "status-changed").then(|| what.to_owned()));
    }
    if let Some(asked) = words.text.strip_prefix("the phases of ") {
        return told(run, id, words, asked, |what, event| {
            let status = event.event.data.member("status").and_then(|status| status.as_str()).map(str::to_owned);
            status.filter(|_| what == "status-changed")
        });
    }
    if words.form != "the '' lifecycle event should have a '' property with value:" {
        return Ok(false);
    }
    let (kind, path) = (words.quote(0)?, words.quote(1)?);
    let last = run.lifecycle(id)?.into_iter().rfind(|event| event.is_of(kind));
    let last = last.ok_or_else(|| Failure::Broken(format!("there is no event of type `{kind}`")))?.to_value();
    let found = lookup(&last, &format!("/{}", path.replace('.', "/"))).cloned();
    let wanted = value(quoted(document)?)?;
    holds(found.as_ref() == Some(&wanted), || format!("the event is {last}")).map(|()| true)
}

/// What a task did, by its name or position: `created`, `started`, `retried`, `completed` and so on, as often as it did.
pub fn of_task(run: &mut Run<'_>, id: OrchestrationId, task: &str) -> Result<Vec<String>, Failure> {
    let mut found = Vec::new();
    for event in run.lifecycle(id)? {
        let is_meant = position(&event).is_some_and(|at| at == task || Position::from_text(at).name() == task);
        found.extend(what(&event).filter(|what| is_meant && *what != "status-changed").map(str::to_owned));
    }
    Ok(found)
}

/// The position that an event of a task names.
fn position(event: &LifecycleEvent) -> Option<&str> {
    event.event.extensions.member("position").and_then(|at| at.as_str())
}

/// What happened, without the words around it.
fn what(event: &LifecycleEvent) -> Option<&str> {
    let kind = event.event.kind.strip_prefix(provost_engine::lifecycle::TYPE_PREFIX)?;
    kind.trim_end_matches(".v1").split_once('.').map(|(_, what)| what)
}

/// `WHAT should be: a, b`: of the workflow, or of a task by its name or position.
fn told(
    run: &mut Run<'_>,
    id: OrchestrationId,
    words: &Words,
    asked: &str,
    shown: impl Fn(&str, &LifecycleEvent) -> Option<String>,
) -> Result<bool, Failure> {
    let (of, list) = asked.split_once(" should be: ").ok_or_else(|| Failure::Step(words.text.to_owned()))?;
    let mut found = Vec::new();
    for event in run.lifecycle(id)? {
        let is_meant = match position(&event) {
            None => of == "the workflow",
            Some(at) => at == of.trim_matches('\'') || Position::from_text(at).name() == of.trim_matches('\''),
        };
        if let Some(what) = what(&event).filter(|_| is_meant) {
            found.extend(shown(what, &event));
        }
    }
    let wanted = if list == "nothing" { "" } else { list };
    holds(found.join(", ") == wanted, || format!("it is {}", found.join(", "))).map(|()| true)
}
