//! The canonical form: RFC 8785 (JCS), except that integers are written exactly, and that a float without a fraction is never written
//! like an integer: it has its exponent, so that no integer and float share a text and each text is read back as what was written.

use super::Value;

/// The canonical JSON text of `value`.
pub fn canonical(value: &Value) -> String {
    let mut out = String::with_capacity(64);
    canonical_into(value, &mut out);
    out
}

/// Appends the canonical JSON text of `value` to `out`.
pub fn canonical_into(value: &Value, out: &mut String) {
    match value {
        Value::Null => out.push_str("null"),
        Value::Bool(true) => out.push_str("true"),
        Value::Bool(false) => out.push_str("false"),
        Value::Int(n) => out.push_str(serde_json::Number::from(*n).to_string().as_str()),
        Value::Float(n) => write_float(n.value(), out),
        Value::Str(text) => write_str(text, out),
        Value::Array(items) => {
            out.push('[');
            for (i, item) in items.iter().enumerate() {
                if i > 0 {
                    out.push(',');
                }
                canonical_into(item, out);
            }
            out.push(']');
        }
        Value::Object(map) => {
            out.push('{');
            for (i, (key, member)) in map.iter().enumerate() {
                if i > 0 {
                    out.push(',');
                }
                write_str(key, out);
                out.push(':');
                canonical_into(member, out);
            }
            out.push('}');
        }
    }
}

/// Length in bytes of the canonical form.
pub fn canonical_len(value: &Value) -> usize {
    match value {
        Value::Null | Value::Bool(true) => 4,
        Value::Bool(false) => 5,
        Value::Int(n) => int_len(*n),
        Value::Float(n) => {
            let mut text = String::new();
            write_float(n.value(), &mut text);
            text.len()
        }
        Value::Str(text) => str_len(text),
        Value::Array(items) => 2 + items.len().saturating_sub(1) + items.iter().map(canonical_len).sum::<usize>(),
        Value::Object(map) => {
            let members: usize = map.iter().map(|(key, member)| str_len(key) + 1 + canonical_len(member)).sum();
            2 + map.len().saturating_sub(1) + members
        }
    }
}

/// About how many bytes a value takes, for limits that are counted at every fold: as canonical JSON, but what is no text counts as eight and
/// an escape as one. It looks at each value and at none of its bytes; text that is all escapes is up to six times as long.
pub fn rough_len(value: &Value) -> usize {
    match value {
        Value::Null | Value::Bool(_) | Value::Int(_) | Value::Float(_) => 8,
        Value::Str(text) => 2 + text.len(),
        Value::Array(items) => 2 + items.iter().map(|item| 1 + rough_len(item)).sum::<usize>(),
        Value::Object(map) => 2 + map.iter().map(|(key, member)| 4 + key.len() + rough_len(member)).sum::<usize>(),
    }
}

fn int_len(n: i64) -> usize {
    let digits = n.unsigned_abs().checked_ilog10().unwrap_or(0) as usize + 1;
    digits + usize::from(n < 0)
}

/// A string's length with its quotes and escapes.
fn str_len(text: &str) -> usize {
    let escaped = text.bytes().filter(|b| *b < 0x20 || *b == b'"' || *b == b'\\');
    let more: usize = escaped.map(|b| if matches!(b, b'"' | b'\\' | 8 | 9 | 10 | 12 | 13) { 1 } else { 5 }).sum();
    2 + text.len() + more
}

/// ECMAScript's `Number::toString`: shortest digits, of two that are as close the even ones, exponent form from 1e21 and below 1e-6. Unlike
/// there, every float without a fraction has exponent form: it is told apart from a whole number.
fn write_float(number: f64, out: &mut String) {
    let mut buffer = ryu_js::Buffer::new();
    let text = buffer.format(number);
    if text.contains(['.', 'e']) {
        out.push_str(text);
        return;
    }
    let digits = match text.strip_prefix('-') {
        Some(digits) => {
            out.push('-');
            digits
        }
        None => text,
    };
    let (first, rest) = digits.split_at(digits.len().min(1));
    out.push_str(first);
    let fraction = rest.trim_end_matches('0');
    if !fraction.is_empty() {
        out.push('.');
        out.push_str(fraction);
    }
    out.push_str(&format!("e+{}", rest.len()));
}

fn write_str(text: &str, out: &mut String) {
    out.push('"');
    let mut rest = text;
    while let Some(at) = rest.bytes().position(|b| b < 0x20 || b == b'"' || b == b'\\') {
        let (plain, tail) = rest.split_at(at);
        out.push_str(plain);
        let mut chars = tail.chars();
        if let Some(c) = chars.next() {
            escape(c, out);
        }
        rest = chars.as_str();
    }
    out.push_str(rest);
    out.push('"');
}

fn escape(c: char, out: &mut String) {
    match c {
        '"' => out.push_str("\\\""),
        '\\' => out.push_str("\\\\"),
        '\u{8}' => out.push_str("\\b"),
        '\t' => out.push_str("\\t"),
        '\n' => out.push_str("\\n"),
        '\u{c}' => out.push_str("\\f"),
        '\r' => out.push_str("\\r"),
        other => out.push_str(&format!("\\u{:04x}", u32::from(other))),
    }
}
