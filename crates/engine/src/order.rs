//! The ordering key of a start, from `metadata.provost.order` on the workflow's input.

use std::sync::Arc;

use provost_model::record::{Ambient, Start};
use provost_model::{Labelled, OrchestrationId, Problem, Slot, TenantId, Value};

use crate::code::Code;
use crate::state::Orchestration;
use crate::turn::{Scope, Turn};

/// Longest ordering key, in characters.
pub const ORDER_CHARS_MAX: usize = 255;

/// What orders the orchestration that `start` would begin; `None` where its workflow, or a null key, says that nothing does.
///
/// # Errors
/// An `expression` problem, or `validation` for a key that is neither text nor an integer.
pub fn order_of(code: &dyn Code, start: &Start) -> Result<Option<Arc<str>>, Problem> {
    let Some(order) = code.program().order else { return Ok(None) };
    let nobody = Orchestration::new(TenantId::local(), OrchestrationId::mint(0, Slot(0), &[]));
    let ambient = Ambient::default();
    let turn = Turn::new(code, &nobody, &ambient);
    let given = Labelled::authored(start.input.clone());
    let scope = Scope { input: given.clone(), ..Scope::default() };
    let input = match &code.program().input.from {
        Some(from) => turn.render(from, &given, &scope)?,
        None => given,
    };
    match turn.evaluate(order, &input, &Scope { input: input.clone(), ..Scope::default() })?.value {
        Value::Null => Ok(None),
        Value::Int(number) => Ok(Some(number.to_string().into())),
        Value::Str(text) if !text.is_empty() && text.chars().count() <= ORDER_CHARS_MAX && !text.contains(char::is_control) => {
            Ok(Some(text))
        }
        Value::Bool(_) | Value::Float(_) | Value::Str(_) | Value::Array(_) | Value::Object(_) => {
            Err(Problem::standard("validation", 400, "the ordering key is no usable text")
                .detail(format!("`metadata.provost.order` must give an integer, or 1 to {ORDER_CHARS_MAX} characters")))
        }
    }
}
