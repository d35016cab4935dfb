//! What is known of a value before anything runs: which fields it may have.
//!
//! What must stay true: it is an upper bound. A field that is not in it is certainly absent; one that is in it may still be. Where the
//! bound would grow without end it gives up and allows anything.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::sync::Arc;

use provost_model::Value;

/// Most fields of one object that are followed.
const FIELDS_MAX: usize = 64;
/// Deepest nesting that is followed.
const DEPTH_MAX: u8 = 12;
/// Most values that are joined in one workflow.
const JOINS_MAX: u32 = 200_000;

/// What one value may be; several at once where ways meet.
#[derive(Clone, Debug, Default)]
pub(super) struct Known {
    /// Anything at all.
    pub(super) any: bool,
    /// The agent or action whose answer it is, where that has no contract.
    pub(super) from: Option<Arc<str>>,
    pub(super) object: Option<Object>,
    pub(super) array: Option<Array>,
    pub(super) depth: u8,
}

/// An object with these fields.
#[derive(Clone, Debug, Default)]
pub(super) struct Object {
    pub(super) fields: BTreeMap<Arc<str>, Arc<Known>>,
    /// Whether it may have others.
    pub(super) open: bool,
}

/// A list.
#[derive(Clone, Debug)]
pub(super) struct Array {
    /// Its items one by one, where they are known so.
    pub(super) places: Option<Vec<Arc<Known>>>,
    /// Any of its items.
    pub(super) item: Arc<Known>,
    /// Whether its length has a bound.
    pub(super) bounded: bool,
}

/// Makes and joins what is known, within limits.
#[derive(Debug)]
pub(super) struct Makes {
    left: Cell<u32>,
    anything: Arc<Known>,
    flat: Arc<Known>,
}

impl Makes {
    pub(super) fn new() -> Self {
        let anything = Arc::new(Known { any: true, ..Known::default() });
        Self { left: Cell::new(JOINS_MAX), anything, flat: Arc::new(Known::default()) }
    }

    /// Anything.
    pub(super) fn anything(&self) -> Arc<Known> {
        self.anything.clone()
    }

    /// Null, a boolean, a number or a text; or no value at all.
    pub(super) fn flat(&self) -> Arc<Known> {
        self.flat.clone()
    }

    /// What `of` answers without a contract.
    pub(super) fn answer(&self, of: &Arc<str>) -> Arc<Known> {
        Arc::new(Known { any: true, from: Some(of.clone()), ..Known::default() })
    }

    pub(super) fn object(&self, fields: BTreeMap<Arc<str>, Arc<Known>>, open: bool) -> Arc<Known> {
        let depth = fields.values().map(|field| field.depth).max().unwrap_or(0) + 1;
        if depth > DEPTH_MAX || fields.len() > FIELDS_MAX {
            return self.anything();
        }
        Arc::new(Known { object: Some(Object { fields, open }), depth, ..Known::default() })
    }

    /// A list of these items, in this order.
    pub(super) fn places(&self, places: Vec<Arc<Known>>) -> Arc<Known> {
        let item = places.iter().fold(self.flat(), |joined, place| self.join(&joined, place));
        let places = (places.len() <= FIELDS_MAX).then_some(places);
        self.array(Array { places, item, bounded: true })
    }

    /// A list of any such items.
    pub(super) fn items(&self, item: Arc<Known>, bounded: bool) -> Arc<Known> {
        self.array(Array { places: None, item, bounded })
    }

    fn array(&self, array: Array) -> Arc<Known> {
        let within = array.places.iter().flatten().map(|place| place.depth).max().unwrap_or(0);
        let depth = array.item.depth.max(within) + 1;
        if depth > DEPTH_MAX {
            return self.anything();
        }
        Arc::new(Known { array: Some(array), depth, ..Known::default() })
    }

    /// A value that is the one or the other.
    pub(super) fn join(&self, a: &Arc<Known>, b: &Arc<Known>) -> Arc<Known> {
        if Arc::ptr_eq(a, b) {
            return a.clone();
        }
        let left = self.left.get();
        if left == 0 {
            return self.anything();
        }
        self.left.set(left - 1);
        if a.any && a.from.is_none() || b.any && b.from.is_none() {
            return self.anything();
        }
        let object = match (&a.object, &b.object) {
            (Some(a), Some(b)) => Some(self.join_objects(a, b)),
            (one, other) => one.clone().or_else(|| other.clone()),
        };
        let array = match (&a.array, &b.array) {
            (Some(a), Some(b)) => Some(self.join_arrays(a, b)),
            (one, other) => one.clone().or_else(|| other.clone()),
        };
        if object.as_ref().is_some_and(|object| object.fields.len() > FIELDS_MAX) {
            return self.anything();
        }
        let from = a.from.clone().or_else(|| b.from.clone());
        Arc::new(Known { any: a.any || b.any, from, object, array, depth: a.depth.max(b.depth) })
    }

    fn join_objects(&self, a: &Object, b: &Object) -> Object {
        let mut fields = a.fields.clone();
        for (key, field) in &b.fields {
            let joined = fields.get(key).map_or_else(|| field.clone(), |known| self.join(known, field));
            fields.insert(key.clone(), joined);
        }
        Object { fields, open: a.open || b.open }
    }

    fn join_arrays(&self, a: &Array, b: &Array) -> Array {
        let places = match (&a.places, &b.places) {
            (Some(a), Some(b)) if a.len() == b.len() => Some(a.iter().zip(b).map(|(a, b)| self.join(a, b)).collect()),
            (_, _) => None,
        };
        Array { places, item: self.join(&a.item, &b.item), bounded: a.bounded && b.bounded }
    }

    /// A value as written.
    pub(super) fn value(&self, value: &Value) -> Arc<Known> {
        match value {
            Value::Null | Value::Bool(_) | Value::Int(_) | Value::Float(_) | Value::Str(_) => self.flat(),
            Value::Array(items) => self.places(items.iter().map(|item| self.value(item)).collect()),
            Value::Object(map) => self.object(map.iter().map(|(key, member)| (key.clone(), self.value(member))).collect(), false),
        }
    }

    /// Any child of a value.
    pub(super) fn children(&self, of: &Known) -> Arc<Known> {
        if of.any {
            return self.anything();
        }
        let item = of.array.as_ref().map_or_else(|| self.flat(), |array| array.item.clone());
        match &of.object {
            Some(object) if object.open => self.anything(),
            Some(object) => object.fields.values().fold(item, |joined, field| self.join(&joined, field)),
            None => item,
        }
    }
}

/// What reading a field comes to.
pub(super) enum Field {
    Known(Arc<Known>),
    /// Nothing provides it; these are the fields there are.
    Absent(Vec<Arc<str>>),
    /// It may be anything, or null.
    Unknown,
}

impl Known {
    /// The field `name`.
    pub(super) fn field(&self, name: &str) -> Field {
        if self.any {
            return Field::Unknown;
        }
        match &self.object {
            Some(object) => match object.fields.get(name) {
                Some(field) => Field::Known(field.clone()),
                None if object.open => Field::Unknown,
                None => Field::Absent(object.fields.keys().cloned().collect()),
            },
            None => Field::Unknown,
        }
    }

    /// Whether it is a list whose length has a bound, or no list.
    pub(super) fn is_bounded(&self) -> bool {
        !self.any && self.array.as_ref().is_none_or(|array| array.bounded)
    }
}
