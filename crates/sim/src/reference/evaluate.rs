//! Expressions, templates, contracts and durations.

use std::sync::Arc;

use provost_language::expr::{Fuel, Variables};
use provost_model::program::{Duration, ExprIx, SchemaIx, Task, Template};
use provost_model::value::canonical_len;
use provost_model::{Position, Problem, Value};

use super::flow::Interpreter;
use super::places::Scope;

/// What an expression sees.
#[derive(Clone)]
pub(super) struct Seen<'s> {
    /// Where its task stands.
    pub scope: &'s Scope,
    /// Its task's place.
    pub at: &'s Position,
    /// Its task.
    pub task: Option<&'s Task>,
    /// Since when the task runs, in microseconds UTC.
    pub since_us: i64,
    /// `$context`.
    pub context: &'s Value,
    /// `$input`.
    pub input: Value,
    /// `$output`.
    pub output: Value,
    /// Variables of this expression alone.
    pub names: Vec<(Arc<str>, Value)>,
}

impl Interpreter<'_> {
    /// The first output of an expression.
    pub(super) fn evaluate(&self, expression: ExprIx, input: &Value, seen: &Seen<'_>) -> Result<Value, Problem> {
        let mut variables = Variables::new();
        for name in self.code.expressions.variables_used(expression.0) {
            variables.set(name, self.variable(name, seen));
        }
        let limits = &self.code.program.limits;
        let fuel = Fuel { units_max: limits.expression_fuel, bytes_max: limits.expression_bytes };
        let value = self.code.expressions.evaluate(expression.0, input, &variables, fuel);
        let value = value.map_err(|error| Problem::standard("expression", 400, error.detail))?;
        let composed = matches!(value, Value::Str(_) | Value::Array(_) | Value::Object(_));
        if composed && canonical_len(&value) as u64 > limits.value_bytes {
            return Err(Problem::ours("value-too-large", 413, "a value is too large"));
        }
        Ok(value)
    }

    /// Whether a condition holds: everything but `false` and `null` does.
    pub(super) fn holds(&self, condition: ExprIx, input: &Value, seen: &Seen<'_>) -> Result<bool, Problem> {
        Ok(!matches!(self.evaluate(condition, input, seen)?, Value::Null | Value::Bool(false)))
    }

    /// A value that nests no deeper than values may.
    pub(super) fn checked_depth(&self, value: Value) -> Result<Value, Problem> {
        let deep = || Problem::ours("value-too-deep", 413, "a value nests too deeply");
        if value.is_deeper_than(provost_model::limits::VALUE.depth_max) { Err(deep()) } else { Ok(value) }
    }

    /// A template with every expression in it replaced by its result.
    pub(super) fn render(&self, template: &Template, input: &Value, seen: &Seen<'_>) -> Result<Value, Problem> {
        let value = self.compose(template, input, seen)?;
        if matches!(template, Template::Literal(_)) { Ok(value) } else { self.checked_depth(value) }
    }

    fn compose(&self, template: &Template, input: &Value, seen: &Seen<'_>) -> Result<Value, Problem> {
        match template {
            Template::Literal(value) => Ok(value.clone()),
            Template::Expression(expression) => self.evaluate(*expression, input, seen),
            Template::Array(items) => {
                let items: Result<Vec<Value>, Problem> = items.iter().map(|item| self.compose(item, input, seen)).collect();
                Ok(Value::array(items?))
            }
            Template::Object(members) => {
                let members: Result<Vec<(Arc<str>, Value)>, Problem> =
                    members.iter().map(|(key, member)| Ok((key.clone(), self.compose(member, input, seen)?))).collect();
                Ok(Value::object(members?))
            }
        }
    }

    /// Holds a value against a contract.
    pub(super) fn validate(&self, schema: Option<SchemaIx>, value: &Value) -> Result<(), Problem> {
        match schema.map(|schema| self.code.contracts.validate(schema, value)) {
            Some(violations) if !violations.is_empty() => Err(Problem::standard("validation", 400, "a contract is broken")),
            Some(_) | None => Ok(()),
        }
    }

    /// A duration, in milliseconds: known, or an object of units.
    pub(super) fn duration_ms(&self, duration: &Duration, input: &Value, seen: &Seen<'_>) -> Result<i64, Problem> {
        let value = match duration {
            Duration::Millis(ms) => return Ok(*ms),
            Duration::Template(template) => self.render(template, input, seen)?,
        };
        units_ms(&value).ok_or_else(|| Problem::standard("expression", 400, "the value is no duration"))
    }

    fn variable(&self, name: &str, seen: &Seen<'_>) -> Value {
        match name {
            "context" => seen.context.clone(),
            "input" => seen.input.clone(),
            "output" => seen.output.clone(),
            "task" if !seen.scope.lookup("task").is_null() => seen.scope.lookup("task"),
            "task" => Value::object([
                ("name", Value::from(seen.task.map_or("", |task| &*task.name))),
                ("reference", Value::from(seen.at.as_str())),
                ("input", seen.input.clone()),
                ("output", seen.output.clone()),
                ("startedAt", instant(seen.since_us)),
            ]),
            "workflow" => self.workflow(),
            "runtime" => Value::object([("name", Value::from("provost")), ("version", Value::from("1"))]),
            other => match seen.names.iter().find(|(known, _)| **known == *other) {
                Some((_, value)) => value.clone(),
                None => seen.scope.lookup(other),
            },
        }
    }

    fn workflow(&self) -> Value {
        let program = &self.code.program;
        let definition = [("namespace", &program.namespace), ("name", &program.name), ("version", &program.version)];
        Value::object([
            ("id", Value::from(self.id.to_string())),
            ("definition", Value::object(definition.map(|(key, text)| (key, Value::from(&**text))))),
            ("input", self.raw.clone()),
            ("startedAt", instant(self.began_us)),
        ])
    }
}

fn units_ms(value: &Value) -> Option<i64> {
    let units = [("days", 86_400_000), ("hours", 3_600_000), ("minutes", 60_000), ("seconds", 1000), ("milliseconds", 1)];
    let map = value.as_object().filter(|map| !map.is_empty())?;
    let mut sum = 0_i64;
    for (key, amount) in map.iter() {
        let (_, ms) = units.iter().find(|(unit, _)| *unit == &**key)?;
        let amount = amount.as_int().filter(|amount| *amount >= 0)?;
        sum = sum.checked_add(amount.checked_mul(*ms)?)?;
    }
    Some(sum)
}

pub(super) fn instant(at_us: i64) -> Value {
    let epoch = Value::object([("seconds", Value::Int(at_us / 1_000_000)), ("milliseconds", Value::Int(at_us / 1000))]);
    Value::object([("iso8601", Value::from(iso8601(at_us))), ("epoch", epoch)])
}

/// RFC 3339 in UTC: whole years and months are counted off one by one.
pub(super) fn iso8601(at_us: i64) -> String {
    let (ms, mut days, mut year) = (at_us / 1000 % 86_400_000, at_us / 86_400_000_000, 1970);
    let leap = |year: i64| year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    while days >= if leap(year) { 366 } else { 365 } {
        days -= if leap(year) { 366 } else { 365 };
        year += 1;
    }
    let mut month = 1;
    for length in [31, if leap(year) { 29 } else { 28 }, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31] {
        if days < length {
            break;
        }
        days -= length;
        month += 1;
    }
    let (hour, minute, second, milli) = (ms / 3_600_000, ms / 60_000 % 60, ms / 1000 % 60, ms % 1000);
    format!("{year:04}-{month:02}-{:02}T{hour:02}:{minute:02}:{second:02}.{milli:03}Z", days + 1)
}
