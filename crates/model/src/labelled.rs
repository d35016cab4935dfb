//! A value together with the labels of its places.
//!
//! What must stay true: a value leaves its labels behind only in plain sight (through `value`, or by reading it as a [`Value`]); a value
//! that gets none was written by an author or by Provost itself. Not here: what labels mean, see [`crate::labels`].

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::Value;
use crate::labels::Labels;
use crate::value::Pointer;

/// A value and its labels. Stored as the bare value where nothing is labelled.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Labelled {
    /// The value.
    pub value: Value,
    /// The labels of its places.
    pub labels: Labels,
}

/// Marks the stored form of a value with labels: the only member of an object.
const MARK: &str = "$labelled";

impl Labelled {
    /// `value` with `labels`.
    pub fn new(value: Value, labels: Labels) -> Self {
        Self { value, labels }
    }

    /// What an author wrote, or Provost itself made.
    pub fn authored(value: impl Into<Value>) -> Self {
        Self { value: value.into(), labels: Labels::new() }
    }

    /// The labels of the member `key`.
    #[must_use]
    pub fn labels_of(&self, key: &str) -> Labels {
        if self.labels.is_empty() { Labels::new() } else { self.labels.within(Pointer::root().child(key).as_str()) }
    }

    /// The member `key`, or null, with the labels of its places.
    #[must_use]
    pub fn part(&self, key: &str) -> Self {
        let value = self.value.member(key).cloned().unwrap_or_default();
        Self { value, labels: self.labels_of(key) }
    }

    /// The item `index`, or null, with the labels of its places.
    #[must_use]
    pub fn item(&self, index: usize) -> Self {
        let value = self.value.as_array().and_then(|items| items.get(index)).cloned().unwrap_or_default();
        Self { value, labels: self.labels.within(&format!("/{index}")) }
    }

    /// A list of these.
    pub fn array(items: impl IntoIterator<Item = Self>) -> Self {
        let mut labels = Labels::new();
        let values = items.into_iter().enumerate().map(|(index, item)| {
            labels = labels.join(&item.labels.placed(&Pointer::root().child(&index.to_string())));
            item.value
        });
        let value = Value::array(values.collect::<Vec<_>>());
        Self { value, labels }
    }

    /// An object of these.
    pub fn object<K: AsRef<str> + Into<std::sync::Arc<str>>>(members: impl IntoIterator<Item = (K, Self)>) -> Self {
        let mut labels = Labels::new();
        let values = members.into_iter().map(|(key, member)| {
            labels = labels.join(&member.labels.placed(&Pointer::root().child(key.as_ref())));
            (key, member.value)
        });
        let value = Value::object(values.collect::<Vec<_>>());
        Self { value, labels }
    }
}

/// Reading: what is taken out this way has no labels, so it must not be handed on.
impl std::ops::Deref for Labelled {
    type Target = Value;

    fn deref(&self) -> &Value {
        &self.value
    }
}

impl Serialize for Labelled {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.labels.is_empty() && self.value.member(MARK).is_none() {
            return self.value.serialize(serializer);
        }
        Value::object([(MARK, Value::array([self.value.clone(), self.labels.to_value()]))]).serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Labelled {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let stored = Value::deserialize(deserializer)?;
        match stored.member(MARK).map(Value::as_array) {
            None => Ok(Self::authored(stored)),
            Some(Some([value, labels])) => {
                let labels = Labels::from_value(labels).map_err(serde::de::Error::custom)?;
                Ok(Self::new(value.clone(), labels))
            }
            Some(_) => Err(serde::de::Error::custom(format!("`{MARK}` holds a value and its labels"))),
        }
    }
}
