//! What the core needs of a compiled program: its tasks, its expressions, its contracts.
//!
//! A port, so that the core is tested apart from the language; `provost_language::Compiled` is the implementation that runs.

use provost_language::expr::{Fuel, Variables};
use provost_model::program::{ExprIx, SchemaIx};
use provost_model::{Label, Labelled, Program, Value};

/// Most violations one message names.
const VIOLATIONS_SHOWN_MAX: usize = 5;

/// Why an expression has no value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failed {
    /// What went wrong and what to do.
    pub detail: String,
    /// The label of what it read, which the detail may quote.
    pub label: Label,
}

/// A compiled program, ready to be evaluated. Pure: the same question has the same answer for ever.
pub trait Code {
    /// The tasks.
    fn program(&self) -> &Program;

    /// Whether anything in the program is decided on labels; if not, none are kept.
    fn keeps_labels(&self) -> bool;

    /// Whether an expression puts secrets into its result, as markers.
    fn uses_secrets(&self, expression: ExprIx) -> bool;

    /// The first output of an expression on `input`; `variable` is asked for each variable it reads, by name without `$`.
    ///
    /// # Errors
    /// What went wrong and what to do, for an `expression` error.
    fn evaluate(&self, expression: ExprIx, input: &Labelled, variable: &mut dyn FnMut(&str) -> Labelled) -> Result<Labelled, Failed>;

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

    fn keeps_labels(&self) -> bool {
        self.keeps_labels
    }

    fn uses_secrets(&self, expression: ExprIx) -> bool {
        !self.expressions.uses_secrets(expression.0).is_empty()
    }

    fn evaluate(&self, expression: ExprIx, input: &Labelled, variable: &mut dyn FnMut(&str) -> Labelled) -> Result<Labelled, Failed> {
        let mut variables = Variables::new();
        for name in self.expressions.variables_used(expression.0) {
            let Labelled { value, labels } = variable(name);
            variables.set(name, value);
            variables.label(name, labels);
        }
        let limits = &self.program.limits;
        let fuel = Fuel { units_max: limits.expression_fuel, bytes_max: limits.expression_bytes };
        let evaluated = self.expressions.evaluate_labelled(expression.0, (&input.value, &input.labels), &variables, fuel);
        match evaluated.result {
            Ok(value) => Ok(Labelled::new(value, evaluated.labels)),
            Err(error) => Err(Failed { detail: format!("{}: {}", error.code(), error.detail), label: evaluated.labels.all() }),
        }
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
