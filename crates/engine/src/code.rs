//! What the core needs of a compiled program: its tasks, its expressions, its contracts.
//!
//! A port, so that the core is tested apart from the language; `provost_language::Compiled` is the implementation that runs.

use provost_model::program::{ExprIx, SchemaIx};
use provost_model::{Program, Value};

/// A compiled program, ready to be evaluated. Pure: the same question has the same answer for ever.
pub trait Code {
    /// The tasks.
    fn program(&self) -> &Program;

    /// The first output of an expression on `input`; `variable` is asked for each variable it reads, by name without `$`.
    ///
    /// # Errors
    /// What went wrong and what to do, for an `expression` error.
    fn evaluate(&self, expression: ExprIx, input: &Value, variable: &mut dyn FnMut(&str) -> Value) -> Result<Value, String>;

    /// Whether `value` obeys a contract.
    ///
    /// # Errors
    /// Each violation with its JSON pointer, for a `validation` error.
    fn validate(&self, schema: SchemaIx, value: &Value) -> Result<(), String>;
}
