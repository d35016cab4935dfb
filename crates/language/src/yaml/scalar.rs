//! The core schema of YAML 1.2 (§10.3.2): what a plain scalar means.

use provost_model::Value;
use provost_model::value::{NumberError, normalise_f64};

/// The value of a plain (unquoted) scalar.
pub(super) fn resolve(text: &str) -> Result<Value, NumberError> {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Ok(Value::Null),
        "true" | "True" | "TRUE" => return Ok(Value::Bool(true)),
        "false" | "False" | "FALSE" => return Ok(Value::Bool(false)),
        ".nan" | ".NaN" | ".NAN" => return Err(NumberError::NotFinite),
        _ => {}
    }
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    if matches!(unsigned, ".inf" | ".Inf" | ".INF") {
        return Err(NumberError::NotFinite);
    }
    if let Some(digits) = text.strip_prefix("0o").filter(|d| all(d, |b| matches!(b, b'0'..=b'7'))) {
        return i64::from_str_radix(digits, 8).map(Value::Int).map_err(|_| NumberError::NotExact);
    }
    if let Some(digits) = text.strip_prefix("0x").filter(|d| all(d, |b| b.is_ascii_hexdigit())) {
        return i64::from_str_radix(digits, 16).map(Value::Int).map_err(|_| NumberError::NotExact);
    }
    if all(unsigned, |b| b.is_ascii_digit()) {
        return text.parse().map(Value::Int).map_err(|_| NumberError::NotExact);
    }
    if is_float(unsigned) {
        return text.parse::<f64>().map_err(|_| NumberError::NotExact).and_then(normalise_f64);
    }
    Ok(Value::str(text))
}

fn all(text: &str, test: impl Fn(u8) -> bool) -> bool {
    !text.is_empty() && text.bytes().all(test)
}

/// `( "." digits | digits [ "." digits* ] ) [ e [sign] digits ]`.
fn is_float(unsigned: &str) -> bool {
    let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent.strip_prefix(['+', '-']).unwrap_or(exponent))),
        None => (unsigned, None),
    };
    let digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    let whole = match mantissa.split_once('.') {
        Some((head, tail)) => digits(head) && digits(tail) && !(head.is_empty() && tail.is_empty()),
        None => !mantissa.is_empty() && digits(mantissa),
    };
    whole && exponent.is_none_or(|e| !e.is_empty() && digits(e))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn core_schema() {
        for (text, value) in [
            ("on", Value::from("on")),
            ("yes", Value::from("yes")),
            ("1.0.3", Value::from("1.0.3")),
            ("0x1F", Value::Int(31)),
            ("0o17", Value::Int(15)),
            ("017", Value::Int(17)),
            ("-4", Value::Int(-4)),
            ("1e3", Value::Int(1000)),
            ("2.", Value::Int(2)),
            ("1_000", Value::from("1_000")),
            ("12:30", Value::from("12:30")),
            ("~", Value::Null),
            ("TRUE", Value::Bool(true)),
            (".", Value::from(".")),
            ("e5", Value::from("e5")),
        ] {
            assert_eq!(resolve(text), Ok(value), "{text}");
        }
        assert_eq!(resolve("9223372036854775808"), Err(NumberError::NotExact));
        assert_eq!(resolve("-.inf"), Err(NumberError::NotFinite));
        assert_eq!(resolve("1e999"), Err(NumberError::NotFinite));
    }
}
