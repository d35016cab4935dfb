//! `raise`: an error of the author's own.

use provost_model::program::RaiseTask;
use provost_model::{Label, Problem, Value};

use crate::flow::Entering;
use crate::turn::Turn;

/// The error that the task raises.
///
/// # Errors
/// An `expression` problem when it cannot be made.
pub(super) fn problem(turn: &Turn<'_>, entering: &Entering<'_>, task: &RaiseTask) -> Result<Problem, Problem> {
    let error = turn.render(&task.error, &entering.input, &entering.scope())?;
    let text = |key: &str| error.member(key).and_then(Value::as_str).map(str::to_owned);
    let kind = text("type").ok_or_else(|| {
        Problem::standard("configuration", 400, "the raised error has no `type`").detail("write `raise.error.type` as a URI")
    })?;
    let status = error.member("status").and_then(Value::as_int).and_then(|status| u16::try_from(status).ok()).unwrap_or(500);
    Ok(Problem {
        title: text("title").unwrap_or_else(|| kind.rsplit('/').next().unwrap_or_default().to_owned()),
        kind,
        status,
        detail: text("detail").unwrap_or_default(),
        instance: text("instance"),
        extra: Value::Null,
        label: Label::NONE,
    }
    .quoting(error.labels.all()))
}
