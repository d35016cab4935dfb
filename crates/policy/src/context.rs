//! A question's context, built as the values that Cedar's evaluator reads.
//!
//! Cedar's own way takes expressions and evaluates them first, which cost more than judging a small slice. What must stay true: equal to
//! what that way makes of the same members, and whatever cannot be built this way goes that way and is refused in its words.

use std::collections::BTreeMap;
use std::sync::Arc;

use cedar_policy::Context;
use cedar_policy_core::ast::{Context as Members, Value as Shown};
use provost_model::value::Value;

use crate::checks::numbers;

/// The context of a question, or an error text that names the JSON pointer.
pub(crate) fn context(value: &Value) -> Result<Context, String> {
    match built(value) {
        Some(context) => Ok(context),
        None => Context::from_pairs(numbers::members(value)?).map_err(|e| format!("context: {e}")),
    }
}

fn built(value: &Value) -> Option<Context> {
    let present = value.as_object()?.iter().filter(|(_, value)| !value.is_null());
    let members: Option<BTreeMap<_, _>> = present.map(|(key, value)| Some(((&**key).into(), shown(value)?))).collect();
    Some(Members::Value(Arc::new(members?)).into())
}

/// `None` for what may not enter policy.
fn shown(value: &Value) -> Option<Shown> {
    match value {
        Value::Bool(truth) => Some(Shown::from(*truth)),
        Value::Int(number) => Some(Shown::from(*number)),
        Value::Str(text) => Some(Shown::from(&**text)),
        Value::Float(_) | Value::Null => None,
        Value::Array(items) => {
            let items: Option<Vec<_>> = items.iter().filter(|item| !item.is_null()).map(shown).collect();
            Some(Shown::set(items?, None))
        }
        Value::Object(map) => {
            let present = map.iter().filter(|(_, value)| !value.is_null());
            let members: Option<Vec<_>> = present.map(|(key, value)| Some((&**key, shown(value)?))).collect();
            Some(Shown::record(members?, None))
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a failed parse of a literal is a failed test")]

    use cedar_policy::Context;
    use provost_model::value::parse;

    use super::{built, context};
    use crate::checks::numbers;

    #[test]
    fn both_ways_give_the_same_context() {
        for text in [
            "{}",
            r#"{"n":9007199254740993,"t":true,"s":"é","absent":null}"#,
            r#"{"arguments":{"lines":[{"sku":"a","n":1},{"sku":"b","n":2},null],"none":null,"nested":[[1,2],[2,1,1],[]]},"same":[3,1,3]}"#,
        ] {
            let value = parse(text.as_bytes()).unwrap();
            assert_eq!(built(&value), Some(Context::from_pairs(numbers::members(&value).unwrap()).unwrap()), "{text}");
        }
    }

    #[test]
    fn what_may_not_enter_is_refused_in_the_same_words() {
        for text in ["[1]", r#"{"a":[1.5]}"#, r#"{"a":{"b":0.5}}"#] {
            let value = parse(text.as_bytes()).unwrap();
            assert_eq!(context(&value).map(drop), Err(numbers::members(&value).map(drop).unwrap_err()), "{text}");
        }
        assert_eq!(context(&parse(b"null").unwrap()), Ok(Context::empty()));
    }
}
