//! Natives over text, and the `@` formats.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use provost_model::Value;

use super::error::EvalErrorKind::{Parse, Secret, Type};
use super::list::items;
use super::secret::RESERVED;
use super::val::{R, V, fault, wrong_kind};
use super::{meter, ops};

/// The text of a value.
pub(super) fn str_of(v: &V) -> R<&str> {
    v.value.as_str().ok_or_else(|| wrong_kind(&v.value, "string"))
}

/// Text as `tostring` gives it.
fn shown(value: &Value) -> String {
    match value {
        Value::Str(text) => {
            meter::charge_bytes(text.len());
            text.to_string()
        }
        other => ops::json_text(other),
    }
}

fn map_text(v: &V, f: impl FnOnce(&str) -> String) -> R {
    let text = str_of(v)?;
    meter::charge_scan(text.len());
    Ok(V::text(f(text)))
}

/// `value`, unless it holds the characters that mark secrets.
pub(super) fn unreserved(value: Value) -> R<Value> {
    if super::secret::holds_reserved(&value) {
        return Err(fault(Secret, "text holds a character that is reserved for secrets (U+FDD0)"));
    }
    Ok(value)
}

pub(super) fn utf8_length(v: V) -> R {
    Ok(V::from(str_of(&v)?.len() as isize))
}

pub(super) fn downcase(v: V) -> R {
    map_text(&v, str::to_ascii_lowercase)
}

pub(super) fn upcase(v: V) -> R {
    map_text(&v, str::to_ascii_uppercase)
}

pub(super) fn trim(v: V) -> R {
    map_text(&v, |text| text.trim().to_owned())
}

pub(super) fn trim_start(v: V) -> R {
    map_text(&v, |text| text.trim_start().to_owned())
}

pub(super) fn trim_end(v: V) -> R {
    map_text(&v, |text| text.trim_end().to_owned())
}

pub(super) fn starts_with(v: V, part: V) -> R {
    let (text, part) = (str_of(&v)?, str_of(&part)?);
    meter::charge_scan(part.len());
    Ok(V::from(text.starts_with(part)))
}

pub(super) fn ends_with(v: V, part: V) -> R {
    let (text, part) = (str_of(&v)?, str_of(&part)?);
    meter::charge_scan(part.len());
    Ok(V::from(text.ends_with(part)))
}

pub(super) fn strip_start(v: V, part: V) -> R {
    let cut = v.value.as_str().zip(part.value.as_str()).and_then(|(text, part)| text.strip_prefix(part)).map(str::to_owned);
    Ok(cut.map_or(v, V::text))
}

pub(super) fn strip_end(v: V, part: V) -> R {
    let cut = v.value.as_str().zip(part.value.as_str()).and_then(|(text, part)| text.strip_suffix(part)).map(str::to_owned);
    Ok(cut.map_or(v, V::text))
}

pub(super) fn explode(v: V) -> R {
    let text = str_of(&v)?;
    meter::charge_items(text.len());
    Ok(V::list(text.chars().map(|c| Value::Int(i64::from(u32::from(c)))).collect(), 0))
}

pub(super) fn implode(v: V) -> R {
    let list = items(&v)?;
    meter::charge_bytes(list.len().saturating_mul(4));
    let code = |value: &Value| value.as_int().and_then(|n| u32::try_from(n).ok()).and_then(char::from_u32);
    let text: Option<String> = list.iter().map(code).collect();
    let text = text.ok_or_else(|| fault(Type, "implode needs an array of Unicode code points"))?;
    unreserved(Value::from(text)).map(V::flat)
}

pub(super) fn split(v: V, by: V) -> R {
    Ok(split_text(str_of(&v)?, str_of(&by)?))
}

/// The parts of `text` between `by`; its characters if `by` is empty.
pub(super) fn split_text(text: &str, by: &str) -> V {
    meter::charge_scan(text.len());
    if text.is_empty() {
        return V::list(Vec::new(), 0);
    }
    let part = |part: &str| {
        meter::charge_items(1);
        meter::charge_bytes(part.len());
        Value::from(part)
    };
    let parts =
        if by.is_empty() { text.chars().map(|c| part(c.encode_utf8(&mut [0; 4]))).collect() } else { text.split(by).map(part).collect() };
    V::list(parts, 0)
}

/// Where `part` begins in `text`, overlaps included, in code points.
pub(super) fn positions(text: &str, part: &str) -> Vec<Value> {
    meter::charge_scan(text.len());
    let mut found = Vec::new();
    if part.is_empty() {
        return found;
    }
    for (at, (offset, _)) in text.char_indices().enumerate() {
        meter::charge_copy();
        if text.get(offset..).is_some_and(|rest| rest.starts_with(part)) {
            meter::charge_scan(part.len());
            found.push(Value::Int(at as i64));
        }
    }
    found
}

pub(super) fn join(v: V, by: V) -> R {
    let (list, by) = (items(&v)?, str_of(&by)?);
    let mut out = String::new();
    for (at, item) in list.iter().enumerate() {
        if at > 0 {
            meter::charge_bytes(by.len());
            out.push_str(by);
        }
        match item {
            Value::Null => {}
            Value::Array(_) | Value::Object(_) => {
                return Err(fault(Type, format!("cannot join {}; use strings, numbers and booleans", item.kind())));
            }
            Value::Bool(_) | Value::Int(_) | Value::Float(_) | Value::Str(_) => out.push_str(&shown(item)),
        }
    }
    Ok(V::flat(Value::from(out)))
}

pub(super) fn format_text(v: V) -> R {
    Ok(V::flat(Value::from(shown(&v.value))))
}

/// Writes each character through `f`.
fn escaped(v: &V, f: impl Fn(char, &mut String)) -> V {
    let text = shown(&v.value);
    let mut out = String::with_capacity(text.len());
    text.chars().for_each(|c| f(c, &mut out));
    V::text(out)
}

pub(super) fn format_uri(v: V) -> R {
    Ok(escaped(&v, |c, out| {
        if c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '~') {
            out.push(c);
        } else {
            c.encode_utf8(&mut [0; 4]).bytes().for_each(|b| out.push_str(&format!("%{b:02X}")));
        }
    }))
}

pub(super) fn format_html(v: V) -> R {
    Ok(escaped(&v, |c, out| match c {
        '<' => out.push_str("&lt;"),
        '>' => out.push_str("&gt;"),
        '&' => out.push_str("&amp;"),
        '\'' => out.push_str("&#39;"),
        '"' => out.push_str("&quot;"),
        other => out.push(other),
    }))
}

pub(super) fn format_base64(v: V) -> R {
    let text = shown(&v.value);
    Ok(V::text(STANDARD.encode(text)))
}

pub(super) fn format_base64d(v: V) -> R {
    let text = shown(&v.value);
    let bytes = STANDARD.decode(text).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    let decoded = bytes.ok_or_else(|| fault(Parse, "text is not base64 of UTF-8 text"))?;
    meter::charge_bytes(decoded.len());
    unreserved(Value::from(decoded)).map(V::flat)
}

/// One row of scalars, texts written by `cell`, null as `null`, between `by`.
fn row(list: &[Value], by: &str, null: &str, cell: impl Fn(&str) -> String) -> R {
    let mut out = Vec::new();
    for item in list {
        out.push(match item {
            Value::Null => null.to_owned(),
            Value::Str(text) => {
                meter::charge_bytes(text.len().saturating_mul(2));
                cell(text)
            }
            Value::Bool(_) | Value::Int(_) | Value::Float(_) => ops::json_text(item),
            Value::Array(_) | Value::Object(_) => return Err(fault(Type, format!("cannot write {} into a row", item.kind()))),
        });
    }
    Ok(V::text(out.join(by)))
}

pub(super) fn format_csv(v: V) -> R {
    row(items(&v)?, ",", "", |text| format!("\"{}\"", text.replace('"', "\"\"")))
}

pub(super) fn format_tsv(v: V) -> R {
    row(items(&v)?, "\t", "", |text| text.replace('\\', "\\\\").replace('\t', "\\t").replace('\n', "\\n").replace('\r', "\\r"))
}

pub(super) fn format_sh(v: V) -> R {
    let single = [v.value.clone()];
    row(v.value.as_array().unwrap_or(&single), " ", "null", |text| format!("'{}'", text.replace('\'', "'\\''")))
}

/// Whether text holds a character that marks secrets.
pub(super) fn is_reserved(text: &str) -> bool {
    meter::charge_scan(text.len());
    text.contains(RESERVED)
}
