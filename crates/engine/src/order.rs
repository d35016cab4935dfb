//! The ordering key and the concurrency key of a start, from `metadata.provost` on the workflow's input.

use std::sync::Arc;

use provost_model::program::ExprIx;
use provost_model::record::{Ambient, Batched, Start};
use provost_model::{EventId, Labelled, OrchestrationId, Problem, Slot, TenantId, Value};

use crate::code::Code;
use crate::state::Orchestration;
use crate::turn::{Scope, Turn};

/// Longest ordering or concurrency key, in characters.
pub const ORDER_CHARS_MAX: usize = 255;

/// A key that has no usable value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unusable {
    /// Which: `order`, `concurrency` or `batch`.
    pub key: &'static str,
    /// Why.
    pub problem: Problem,
}

/// `start` with the keys that its workflow names; a null key stays away.
///
/// # Errors
/// [`Unusable`], with an `expression` problem, or `validation` for a key that is neither text nor an integer.
pub fn keyed(code: &dyn Code, start: Start) -> Result<Start, Unusable> {
    let concurrency = code.program().concurrency.map(|concurrency| concurrency.key);
    Ok(Start {
        order: valued(code, &start, code.program().order, "order")?,
        concurrency: valued(code, &start, concurrency, "concurrency")?,
        ..start
    })
}

/// The batch into which the event `id` is gathered, of which `data` was read; `None` where its workflow gathers none.
///
/// # Errors
/// As [`keyed`].
pub fn batched(code: &dyn Code, data: &Value, id: EventId) -> Result<Option<Box<Batched>>, Unusable> {
    let Some(batch) = code.program().batch else { return Ok(None) };
    let key = batch
        .key
        .map(|expression| evaluated(code, &Labelled::authored(data.clone()), expression).and_then(|value| text_of(&value, "batch")));
    let key = key.transpose().map_err(|problem| Unusable { key: "batch", problem })?;
    Ok(Some(Box::new(Batched { key: key.flatten().unwrap_or_default(), events: vec![id], closed: None })))
}

/// The value of a key, evaluated on the workflow's input.
fn valued(code: &dyn Code, start: &Start, key: Option<ExprIx>, name: &'static str) -> Result<Option<Arc<str>>, Unusable> {
    let Some(expression) = key else { return Ok(None) };
    let given = Labelled::authored(start.input.clone());
    let found = on_input(code, given, expression).and_then(|value| text_of(&value, name));
    found.map_err(|problem| Unusable { key: name, problem })
}

fn on_input(code: &dyn Code, given: Labelled, expression: ExprIx) -> Result<Value, Problem> {
    let nobody = Orchestration::new(TenantId::local(), OrchestrationId::mint(0, Slot(0), &[]));
    let ambient = Ambient::default();
    let turn = Turn::new(code, &nobody, &ambient);
    let scope = Scope { input: given.clone(), ..Scope::default() };
    let input = match &code.program().input.from {
        Some(from) => turn.render(from, &given, &scope)?,
        None => given,
    };
    evaluated(code, &input, expression)
}

/// The value of an expression on nothing, where nobody has started yet: what an attribute of an event that starts something must be.
/// `None` where it has none.
pub fn computed(code: &dyn Code, expression: ExprIx) -> Option<Value> {
    evaluated(code, &Labelled::default(), expression).ok()
}

/// The value of an expression of nobody yet.
fn evaluated(code: &dyn Code, input: &Labelled, expression: ExprIx) -> Result<Value, Problem> {
    let nobody = Orchestration::new(TenantId::local(), OrchestrationId::mint(0, Slot(0), &[]));
    let ambient = Ambient::default();
    let turn = Turn::new(code, &nobody, &ambient);
    Ok(turn.evaluate(expression, input, &Scope { input: input.clone(), ..Scope::default() })?.value)
}

fn text_of(value: &Value, name: &str) -> Result<Option<Arc<str>>, Problem> {
    match value {
        Value::Null => Ok(None),
        Value::Int(number) => Ok(Some(number.to_string().into())),
        Value::Str(text) if !text.is_empty() && text.chars().count() <= ORDER_CHARS_MAX && !text.contains(char::is_control) => {
            Ok(Some(text.clone()))
        }
        Value::Bool(_) | Value::Float(_) | Value::Str(_) | Value::Array(_) | Value::Object(_) => {
            Err(Problem::standard("validation", 400, format!("the key of `metadata.provost.{name}` is no usable text"))
                .detail(format!("`metadata.provost.{name}` must give an integer, or 1 to {ORDER_CHARS_MAX} characters")))
        }
    }
}
