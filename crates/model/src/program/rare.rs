//! What most tasks do not have: a part that costs a task one word where it says nothing.
//!
//! What must stay true: a part that is as if nothing was written holds nothing, so that two equal parts are equal here; it is written and
//! read as the part itself.

use std::ops::Deref;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{Input, Output};

/// What can be left out of a task.
pub trait Absent: PartialEq + 'static {
    /// The part of a task for which nothing was written.
    const ABSENT: &'static Self;
}

impl Absent for Input {
    const ABSENT: &'static Self = &Self { schema: None, from: None };
}

impl Absent for Output {
    const ABSENT: &'static Self = &Self { to: None, schema: None };
}

/// A part of a task that is mostly absent. Reading is the part's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rare<T>(Option<Box<T>>);

impl<T> Default for Rare<T> {
    fn default() -> Self {
        Self(None)
    }
}

impl<T: Absent> From<T> for Rare<T> {
    fn from(part: T) -> Self {
        Self((part != *T::ABSENT).then(|| Box::new(part)))
    }
}

impl<T: Absent> Deref for Rare<T> {
    type Target = T;

    fn deref(&self) -> &T {
        self.0.as_deref().unwrap_or(T::ABSENT)
    }
}

impl<T: Absent + Serialize> Serialize for Rare<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        (**self).serialize(serializer)
    }
}

impl<'de, T: Absent + Deserialize<'de>> Deserialize<'de> for Rare<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        T::deserialize(deserializer).map(Self::from)
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

    use super::*;
    use crate::program::{ExprIx, SchemaIx, Template};

    #[test]
    fn a_part_is_written_and_read_as_itself_and_an_absent_one_holds_nothing() {
        let inputs = [
            Input::default(),
            Input { schema: Some(SchemaIx(3)), from: None },
            Input { schema: None, from: Some(Template::Expression(ExprIx(2))) },
        ];
        for input in inputs {
            let rare = Rare::from(input.clone());
            let text = serde_json::to_string(&rare).unwrap();
            assert_eq!(text, serde_json::to_string(&input).unwrap());
            assert_eq!(serde_json::from_str::<Rare<Input>>(&text).unwrap(), rare);
            assert_eq!((&*rare, rare.0.is_none()), (&input, input == Input::default()));
        }
    }
}
