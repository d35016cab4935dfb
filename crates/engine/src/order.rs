//! The ordering key and the concurrency key of a start, from `metadata.provost` on the workflow's input.

use std::sync::Arc;

use provost_model::marks::InputMarks;
use provost_model::program::{ExprIx, Template};
use provost_model::record::{Ambient, Batched, Start};
use provost_model::{Digest, EventId, Labelled, Labels, OrchestrationId, Problem, Slot, TenantId, Value};

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

/// What the keys of a workflow are read with.
pub(crate) struct KeysOf<'k> {
    /// The input, made of what it is given.
    pub from: Option<&'k Template>,
    /// The ordering key.
    pub order: Option<ExprIx>,
    /// The concurrency key.
    pub concurrency: Option<ExprIx>,
    /// What is said of what it is given: a key follows from its workflow and that alone, whoever starts it.
    pub marks: InputMarks,
}

/// Values of keys.
#[derive(Default)]
pub(crate) struct Keys {
    /// Of the ordering key.
    pub order: Option<Arc<str>>,
    /// Of the concurrency key.
    pub concurrency: Option<Arc<str>>,
}

/// `start` with the keys that its workflow names; a null key stays away.
///
/// # Errors
/// [`Unusable`], with an `expression` problem, or `validation` for a key that is neither text nor an integer.
pub fn keyed(code: &dyn Code, start: Start) -> Result<Start, Unusable> {
    let program = code.program();
    let concurrency = program.concurrency.map(|concurrency| concurrency.key);
    let of = KeysOf { from: program.input.from.as_ref(), order: program.order, concurrency, marks: program.input_marks() };
    let Keys { order, concurrency } = values(code, &of, &start.input)?;
    Ok(Start { order, concurrency, ..start })
}

/// The values of keys for what `given` starts; the expressions are those of `code`.
///
/// # Errors
/// As [`keyed`].
pub(crate) fn values(code: &dyn Code, of: &KeysOf<'_>, given: &Value) -> Result<Keys, Unusable> {
    let given = Labelled::new(given.clone(), of.marks.of(given));
    let valued = |key: Option<ExprIx>, name: &'static str| {
        let Some(expression) = key else { return Ok(None) };
        let found = on_input(code, of.from, given.clone(), expression).and_then(|value| text_of(value, name));
        found.map_err(|problem| Unusable { key: name, problem })
    };
    Ok(Keys { order: valued(of.order, "order")?, concurrency: valued(of.concurrency, "concurrency")? })
}

/// The slot where the key of a start lives: H(tenant, kind, workflow, value); `None` where it has no key. A batch lives where the other
/// key of its events does, because one id names it from its first event on.
pub fn home_slot(tenant: &TenantId, start: &Start) -> Option<Slot> {
    let other = home(tenant, &start.workflow, start.order.as_deref(), start.concurrency.as_deref());
    other.or_else(|| start.batch.as_ref().map(|batch| slot_of(tenant, "batch", &start.workflow, &batch.key)))
}

/// The slot where an ordering or concurrency key of a workflow lives.
pub(crate) fn home(tenant: &TenantId, workflow: &str, order: Option<&str>, concurrency: Option<&str>) -> Option<Slot> {
    let order = order.map(|value| slot_of(tenant, "order", workflow, value));
    order.or_else(|| concurrency.map(|value| slot_of(tenant, "concurrency", workflow, value)))
}

fn slot_of(tenant: &TenantId, kind: &str, workflow: &str, value: &str) -> Slot {
    Slot::of(&[tenant.as_str(), kind, workflow, value])
}

/// The batch into which the event `id` is gathered, of which `data` was read; `None` where its workflow gathers none.
///
/// # Errors
/// As [`keyed`].
pub fn batched(code: &dyn Code, data: &Value, id: EventId) -> Result<Option<Box<Batched>>, Unusable> {
    let Some(batch) = code.program().batch else { return Ok(None) };
    let read = || Labelled::new(data.clone(), code.program().input_marks().marks.on(data, Labels::new()));
    let key = batch.key.map(|expression| evaluated(code, &read(), expression).and_then(|value| text_of(value, "batch")));
    let key = key.transpose().map_err(|problem| Unusable { key: "batch", problem })?;
    Ok(Some(Box::new(Batched { key: key.flatten().unwrap_or_default(), events: vec![id], closed: None })))
}

/// A key, evaluated on the workflow's input.
fn on_input(code: &dyn Code, from: Option<&Template>, given: Labelled, expression: ExprIx) -> Result<Labelled, Problem> {
    let nobody = Orchestration::new(TenantId::local(), OrchestrationId::mint(0, Slot(0), &[]));
    let ambient = Ambient::default();
    let turn = Turn::new(code, &nobody, &ambient);
    let scope = Scope { input: given.clone(), ..Scope::default() };
    let input = match from {
        Some(from) => turn.render(from, &given, &scope)?,
        None => given,
    };
    evaluated(code, &input, expression)
}

/// The value of an expression on nothing, where nobody has started yet: what an attribute of an event that starts something must be.
/// `None` where it has none.
pub fn computed(code: &dyn Code, expression: ExprIx) -> Option<Value> {
    Some(evaluated(code, &Labelled::default(), expression).ok()?.value)
}

/// The value of an expression of nobody yet.
fn evaluated(code: &dyn Code, input: &Labelled, expression: ExprIx) -> Result<Labelled, Problem> {
    let nobody = Orchestration::new(TenantId::local(), OrchestrationId::mint(0, Slot(0), &[]));
    let ambient = Ambient::default();
    let turn = Turn::new(code, &nobody, &ambient);
    turn.evaluate(expression, input, &Scope { input: input.clone(), ..Scope::default() })
}

/// A key as text. One that not everybody may see is known by its digest, since keys stand in lists and in shared state.
fn text_of(key: Labelled, name: &str) -> Result<Option<Arc<str>>, Problem> {
    let (shown, label) = (key.labels.is_shown(), key.labels.all());
    let text = plain_text(&key.value, name).map_err(|problem| problem.quoting(label))?;
    Ok(text.map(|text| if shown { text } else { format!("redacted:{}", Digest::of(text.as_bytes())).into() }))
}

fn plain_text(value: &Value, name: &str) -> Result<Option<Arc<str>>, Problem> {
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
