//! What the core needs of a compiled program: its tasks, its expressions, its contracts.
//!
//! A port, so that the core is tested apart from the language; `provost_language::Compiled` is the implementation that runs.

use provost_language::expr::{Fuel, Variables};
use provost_model::program::{ExprIx, SchemaIx};
use provost_model::{Program, Value};

/// Most violations one message names.
const VIOLATIONS_SHOWN_MAX: usize = 5;

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

impl Code for provost_language::Compiled {
    fn program(&self) -> &Program {
        &self.program
    }

    fn evaluate(&self, expression: ExprIx, input: &Value, variable: &mut dyn FnMut(&str) -> Value) -> Result<Value, String> {
        let mut variables = Variables::new();
        for name in self.expressions.variables_used(expression.0) {
            variables.set(name, variable(name));
        }
        let limits = &self.program.limits;
        let fuel = Fuel { units_max: limits.expression_fuel, bytes_max: limits.expression_bytes };
        self.expressions.evaluate(expression.0, input, &variables, fuel).map_err(|error| format!("{}: {}", error.code(), error.detail))
    }

    fn validate(&self, schema: SchemaIx, value: &Value) -> Result<(), String> {
        let violations = self.contracts.validate(schema, value);
        if violations.is_empty() {
            return Ok(());
        }
        let shown = violations.iter().take(VIOLATIONS_SHOWN_MAX).map(|violation| format!("`{}` {}", violation.pointer, violation.message));
        Err(shown.collect::<Vec<_>>().join("; "))
    }
}
