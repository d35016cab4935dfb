//! Filling the author's path: `{/pointer}` from the arguments, `{key}` with the key; whatever they hold stays inside its segment.

use provost_model::Value;
use provost_model::value::lookup;

/// The path with everything filled in.
///
/// # Errors
/// The placeholder that has no text or integer.
pub(super) fn fill(template: &str, arguments: &Value, key: &str) -> Result<String, String> {
    let mut out = String::with_capacity(template.len() + 32);
    let mut rest = template;
    while let Some((plain, tail)) = rest.split_once('{') {
        let (name, after) = tail.split_once('}').ok_or_else(|| tail.to_owned())?;
        out.push_str(plain);
        encode(&argument(name, arguments, key).ok_or_else(|| name.to_owned())?, &mut out);
        rest = after;
    }
    out.push_str(rest);
    Ok(out)
}

fn argument(name: &str, arguments: &Value, key: &str) -> Option<String> {
    if name == "key" {
        return (!matches!(key, "" | "." | "..")).then(|| key.to_owned());
    }
    match lookup(arguments, name)? {
        // `.` and `..` are whole segments that no encoding protects.
        Value::Str(text) if !text.is_empty() && !matches!(&**text, "." | "..") => Some(text.to_string()),
        Value::Int(n) => Some(n.to_string()),
        Value::Null | Value::Bool(_) | Value::Float(_) | Value::Str(_) | Value::Array(_) | Value::Object(_) => None,
    }
}

/// Percent-encodes all but RFC 3986's unreserved characters.
pub(crate) fn encode(text: &str, out: &mut String) {
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hostile_arguments_stay_in_their_segment() {
        for hostile in ["../x", "//evil", "a@b", "a?b", "a#b", "a\r\nHost: x", "%2e%2e", "a/b"] {
            let arguments = Value::object([("id", Value::from(hostile))]);
            let path = fill("/cases/{/id}/close", &arguments, "k").unwrap_or_default();
            assert_eq!(path.matches('/').count(), 3, "{path}");
            assert!(!path.contains(['?', '#', '@', '\r', '\n']), "{path}");
        }
    }

    #[test]
    fn dots_and_missing_arguments_are_refused() {
        for wrong in [Value::from(".."), Value::from("."), Value::from(""), Value::Null, Value::Bool(true)] {
            assert!(fill("/cases/{/id}", &Value::object([("id", wrong)]), "k").is_err());
        }
        for wrong in ["", ".", ".."] {
            assert!(fill("/r/{key}", &Value::Null, wrong).is_err(), "a key is a segment like any other");
        }
        assert_eq!(fill("/r/{key}", &Value::Null, "refund/R 1").ok().as_deref(), Some("/r/refund%2FR%201"));
    }
}
