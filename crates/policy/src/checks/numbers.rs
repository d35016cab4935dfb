//! What may enter policy: integers, text, truth, lists, records. Floats never do (a comparison of money must be exact); null means
//! absent and is dropped; a list becomes a set, so its order and repetitions are lost.

use cedar_policy::RestrictedExpression;
use provost_model::value::Value;

/// The members of a context or of attributes, or an error text that names the JSON pointer.
pub(crate) fn members(context: &Value) -> Result<Vec<(String, RestrictedExpression)>, String> {
    let Some(map) = context.as_object() else {
        let absent = context.is_null();
        return if absent { Ok(Vec::new()) } else { Err(format!("context: expected an object, found a value of kind {}", context.kind())) };
    };
    let mut path = Path::default();
    map.iter()
        .filter(|(_, value)| !value.is_null())
        .map(|(key, value)| Ok((key.to_string(), path.within(key, |path| expression(value, path))?)))
        .collect()
}

fn expression(value: &Value, path: &mut Path) -> Result<RestrictedExpression, String> {
    match value {
        Value::Bool(truth) => Ok(RestrictedExpression::new_bool(*truth)),
        Value::Int(n) => Ok(RestrictedExpression::new_long(*n)),
        Value::Str(text) => Ok(RestrictedExpression::new_string(text.to_string())),
        Value::Float(_) => Err(format!("context: `{path}` is a float; floats never enter policy, write minor units as an integer")),
        Value::Null => Err(format!("context: `{path}` is null in a list; leave it out")),
        Value::Array(items) => {
            let present = items.iter().enumerate().filter(|(_, item)| !item.is_null());
            let set =
                present.map(|(at, item)| path.within(&at.to_string(), |path| expression(item, path))).collect::<Result<Vec<_>, _>>()?;
            Ok(RestrictedExpression::new_set(set))
        }
        Value::Object(map) => {
            let mut fields = Vec::with_capacity(map.len());
            for (key, item) in map.iter().filter(|(_, item)| !item.is_null()) {
                fields.push((key.to_string(), path.within(key, |path| expression(item, path))?));
            }
            RestrictedExpression::new_record(fields).map_err(|e| format!("context: `{path}`: {e}"))
        }
    }
}

/// Where we are, as a JSON pointer.
#[derive(Default)]
struct Path(String);

impl Path {
    fn within<T>(&mut self, token: &str, run: impl FnOnce(&mut Self) -> T) -> T {
        let length = self.0.len();
        self.0.push('/');
        for c in token.chars() {
            match c {
                '~' => self.0.push_str("~0"),
                '/' => self.0.push_str("~1"),
                other => self.0.push(other),
            }
        }
        let out = run(self);
        self.0.truncate(length);
        out
    }
}

impl std::fmt::Display for Path {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a failed parse of a literal is a failed test")]

    use provost_model::value::parse;

    use super::members;

    #[test]
    fn a_float_is_named_by_its_pointer() {
        let context = parse(br#"{"arguments":{"a/b":[1,{"x":1.5}]}}"#).unwrap();
        let error = members(&context).map(|_| ()).unwrap_err();
        assert!(error.contains("`/arguments/a~1b/1/x` is a float"), "{error}");
    }

    #[test]
    fn null_is_absent_and_integers_are_exact() {
        let context = parse(br#"{"a":null,"n":9007199254740993,"l":[null,1]}"#).unwrap();
        let found = members(&context).unwrap();
        assert_eq!(found.iter().map(|(k, _)| k.as_str()).collect::<Vec<_>>(), ["l", "n"]);
        let context = cedar_policy::Context::from_pairs(found).unwrap();
        assert_eq!(context.get("n"), Some(cedar_policy::EvalResult::Long(9_007_199_254_740_993)));
    }

    #[test]
    fn only_objects_are_contexts() {
        assert!(members(&parse(b"[1]").unwrap()).is_err());
        assert!(members(&parse(b"null").unwrap()).unwrap().is_empty());
    }
}
