//! `wait`: lets time pass; its output is its input.

use provost_model::program::Duration;
use provost_model::record::Shape;
use provost_model::{Problem, Value};

use crate::flow::{Entering, Entry};
use crate::turn::Turn;

pub(super) fn enter(turn: &mut Turn<'_>, entering: &Entering<'_>, duration: &Duration) -> Result<Entry, Problem> {
    let ms = turn.duration_ms(duration, &entering.input, &entering.scope())?;
    entering.open(turn, Shape::Plain)?;
    let due_us = turn.ambient.now_us.saturating_add(ms.saturating_mul(1000));
    turn.set_timer(format!("wait:{}", entering.at), entering.at, due_us);
    Ok(Entry::Open)
}

/// The milliseconds of a duration value: an object of units, or ISO 8601 (`PT1H30M`; days have 24 hours).
///
/// # Errors
/// An `expression` problem that says what a duration is.
pub(crate) fn duration_ms(value: &Value) -> Result<i64, Problem> {
    let ms = match value {
        Value::Object(_) => from_units(value),
        Value::Str(text) => from_iso8601(text),
        Value::Null | Value::Bool(_) | Value::Int(_) | Value::Float(_) | Value::Array(_) => None,
    };
    ms.ok_or_else(|| {
        Problem::standard("expression", 400, "the value is no duration")
            .detail("write an object such as `{ seconds: 20 }` or ISO 8601 text such as `PT20S`, without years and months")
    })
}

const UNITS: [(&str, i64); 5] = [("days", 86_400_000), ("hours", 3_600_000), ("minutes", 60_000), ("seconds", 1000), ("milliseconds", 1)];

fn from_units(value: &Value) -> Option<i64> {
    let map = value.as_object()?;
    if map.is_empty() || !map.iter().all(|(key, _)| UNITS.iter().any(|(unit, _)| *unit == &**key)) {
        return None;
    }
    UNITS.iter().try_fold(0_i64, |sum, (unit, ms)| {
        let Some(amount) = map.lookup(unit) else { return Some(sum) };
        let amount = amount.as_int().filter(|amount| *amount >= 0)?;
        sum.checked_add(amount.checked_mul(*ms)?)
    })
}

fn from_iso8601(text: &str) -> Option<i64> {
    let rest = text.strip_prefix('P')?;
    let (date, time) = rest.split_once('T').map_or((rest, None), |(date, time)| (date, Some(time)));
    if date.is_empty() && time.is_none_or(str::is_empty) {
        return None;
    }
    let days = sum_parts(date, &[('W', 604_800_000), ('D', 86_400_000)])?;
    days.checked_add(sum_parts(time.unwrap_or_default(), &[('H', 3_600_000), ('M', 60_000), ('S', 1000)])?)
}

fn sum_parts(text: &str, units: &[(char, i64)]) -> Option<i64> {
    let (mut rest, mut sum) = (text, 0_i64);
    for (unit, ms) in units {
        if let Some((amount, tail)) = rest.split_once(*unit) {
            sum = sum.checked_add(parse_amount(amount, *ms)?)?;
            rest = tail;
        }
    }
    rest.is_empty().then_some(sum)
}

/// A whole or decimal amount of a unit, exact to the millisecond.
fn parse_amount(text: &str, ms: i64) -> Option<i64> {
    let (whole, fraction) = text.split_once(['.', ',']).unwrap_or((text, ""));
    if whole.is_empty() || fraction.len() > 6 || !whole.bytes().chain(fraction.bytes()).all(|b| b.is_ascii_digit()) {
        return None;
    }
    let part = if fraction.is_empty() { 0 } else { fraction.parse::<i64>().ok()?.checked_mul(ms)? / 10_i64.pow(fraction.len() as u32) };
    whole.parse::<i64>().ok()?.checked_mul(ms)?.checked_add(part)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(value: Value, expected: Option<i64>) {
        assert_eq!(duration_ms(&value).ok(), expected, "{value}");
    }

    #[test]
    fn durations_in_both_forms() {
        check(Value::object([("seconds", Value::Int(20))]), Some(20_000));
        check(Value::object([("days", Value::Int(1)), ("milliseconds", Value::Int(5))]), Some(86_400_005));
        check(Value::from("PT1H30M"), Some(5_400_000));
        check(Value::from("P1DT0.5S"), Some(86_400_500));
        check(Value::from("P2W"), Some(1_209_600_000));
    }

    #[test]
    fn what_is_no_duration_is_refused() {
        for text in ["", "P", "PT", "1H", "P1Y", "PT1X", "PT-1S", "PT1M1H"] {
            check(Value::from(text), None);
        }
        check(Value::empty(), None);
        check(Value::object([("weeks", Value::Int(1))]), None);
        check(Value::object([("seconds", Value::Int(-1))]), None);
        check(Value::object([("days", Value::Int(i64::MAX))]), None);
    }
}
