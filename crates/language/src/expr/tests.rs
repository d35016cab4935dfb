//! What expressions give, what stops them and what is refused. Cases stand in `corpus/expressions/`.
#![expect(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod hostile;
mod labels;
mod properties;
mod refused;
mod results;

use provost_model::Value;
use provost_model::value::parse;

use super::{EvalError, Fuel, Module, Source, Variables};

fn value(json: &str) -> Value {
    parse(json.as_bytes()).unwrap()
}

fn module(expression: &str) -> Module {
    Module::compile(&[Source::new(expression)]).unwrap_or_else(|errors| panic!("`{expression}` is refused: {errors:?}"))
}

fn evaluate(expression: &str, input: &Value) -> Result<Value, EvalError> {
    module(expression).evaluate(0, input, &Variables::new(), Fuel::default())
}

/// Cases of a corpus file: a list of objects.
fn cases(json: &str) -> Vec<Value> {
    value(json).as_array().unwrap().to_vec()
}

fn text<'v>(case: &'v Value, key: &str) -> &'v str {
    case.member(key).and_then(Value::as_str).unwrap_or_else(|| panic!("a case lacks `{key}`: {case}"))
}
