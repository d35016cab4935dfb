//! Labels: what is known of where a value came from and who may see it.
//!
//! What must stay true: labels of one value form a lattice whose join is exact (associative, commutative, idempotent, never lower than
//! either side); the words are a closed set of format 1; a place inside a labelled place is never labelled lower than it. Two [`Labels`]
//! that give every place the same label are equal and have one canonical form; no labels is the empty one.
//! Not here: where labels come from, and what is decided on them. Source: DESIGN §5a.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::Value;
use crate::value::Pointer;

/// Most places of one value that are labelled apart. What goes beyond is joined into the label of the whole value.
pub const LABELLED_PLACES_MAX: usize = 1024;

/// How far a value is to be trusted and who may see it: one of 8 points.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Label(u8);

/// The words that are written, with their bits. A more sensitive word holds the bits of the less sensitive, so that join is `or`.
const WORDS: [(&str, Label); 4] =
    [("untrusted", Label::UNTRUSTED), ("internal", Label::INTERNAL), ("personal", Label::PERSONAL), ("secret", Label::SECRET)];

/// The words that say the lowest of each; they are read and never written.
const LOWEST: [&str; 2] = ["trusted", "public"];

impl Label {
    /// Trusted and public: what has no label.
    pub const NONE: Self = Self(0);
    /// Somebody outside wrote it.
    pub const UNTRUSTED: Self = Self(0b0001);
    /// Not for the public.
    pub const INTERNAL: Self = Self(0b0010);
    /// About a person.
    pub const PERSONAL: Self = Self(0b0110);
    /// For nobody to see.
    pub const SECRET: Self = Self(0b1110);

    /// The least label that is not lower than either.
    #[must_use]
    pub const fn join(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// What this and `of` have in common.
    #[must_use]
    pub const fn only(self, of: Self) -> Self {
        Self(self.0 & of.0)
    }

    /// Whether nothing is labelled.
    pub const fn is_none(&self) -> bool {
        self.0 == 0
    }

    /// Whether this is at least as high as `other` in both respects.
    pub const fn covers(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// Whether nobody outside wrote any of it.
    pub const fn is_trusted(self) -> bool {
        !self.covers(Self::UNTRUSTED)
    }

    /// The words of this label: `untrusted` if it is, then how sensitive it is unless public.
    pub fn words(self) -> impl Iterator<Item = &'static str> {
        let trust = WORDS.into_iter().filter(move |(_, label)| *label == Self::UNTRUSTED && self.covers(*label));
        let sensitivity = WORDS.into_iter().rev().find(|(_, label)| *label != Self::UNTRUSTED && self.covers(*label));
        trust.chain(sensitivity).map(|(word, _)| word)
    }

    /// The label of one word, as authored.
    ///
    /// # Errors
    /// [`LabelError::Word`].
    pub fn of_word(word: &str) -> Result<Self, LabelError> {
        let known = WORDS.into_iter().find(|(known, _)| *known == word).map(|(_, label)| label);
        let lowest = || LOWEST.contains(&word).then_some(Self::NONE);
        known.or_else(lowest).ok_or_else(|| LabelError::Word(word.chars().take(64).collect()))
    }

    /// The list of [`Label::words`].
    pub fn to_value(self) -> Value {
        Value::array(self.words().map(Value::from))
    }

    /// Reads a word or a list of words.
    ///
    /// # Errors
    /// [`LabelError`] when there is another word or something else.
    pub fn from_value(value: &Value) -> Result<Self, LabelError> {
        match value {
            Value::Str(word) => Self::of_word(word),
            Value::Array(words) => words.iter().try_fold(Self::NONE, |sum, word| match word {
                Value::Str(word) => Ok(sum.join(Self::of_word(word)?)),
                other => Err(LabelError::Kind(other.kind())),
            }),
            other => Err(LabelError::Kind(other.kind())),
        }
    }
}

/// Why labels cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LabelError {
    /// A word that is none of the closed set.
    #[error("`{0}` is no label; use `trusted`, `untrusted`, `public`, `internal`, `personal` or `secret`")]
    Word(String),
    /// A word that says nothing of who may see a place, where an author marks it.
    #[error("`{0}` marks no place; write `public`, `internal`, `personal` or `secret`")]
    Mark(String),
    /// Something that is no word.
    #[error("a label is a word or a list of words, not {0}")]
    Kind(&'static str),
    /// Not an object of places.
    #[error("labels are an object of JSON pointers to labels, not {0}")]
    Shape(&'static str),
    /// A place that is no pointer.
    #[error("`{0}` is no place of a value; write a JSON pointer such as `/order/note`, or an empty text for the whole value")]
    Place(String),
    /// Too many places.
    #[error("{0} places are labelled; at most {LABELLED_PLACES_MAX} can be: label the object or the list that holds them")]
    Places(usize),
}

impl LabelError {
    /// The stable name of this error.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Word(_) | Self::Mark(_) | Self::Kind(_) | Self::Shape(_) => "label-unknown",
            Self::Place(_) => "label-place",
            Self::Places(_) => "label-places",
        }
    }
}

/// The labels of the places of one value: JSON pointer to label.
///
/// Kept in normal form: a place stands here only if its label is higher than that of every place it lies in, and with its full label.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Labels(Option<Arc<BTreeMap<String, Label>>>);

impl Labels {
    /// No place labelled.
    pub const fn new() -> Self {
        Self(None)
    }

    /// The whole value labelled alike.
    pub fn whole(label: Label) -> Self {
        Self::of([(String::new(), label)])
    }

    /// The join of what is said of each place. Beyond [`LABELLED_PLACES_MAX`] the rest is joined into the label of the whole.
    pub fn of(places: impl IntoIterator<Item = (String, Label)>) -> Self {
        let mut all = BTreeMap::new();
        for (pointer, label) in places {
            let known: &mut Label = all.entry(pointer).or_default();
            *known = known.join(label);
        }
        let labels = Self::normal(all);
        if labels.places().count() <= LABELLED_PLACES_MAX {
            return labels;
        }
        let whole = labels.all();
        Self::whole(whole)
    }

    /// A pointer sorts after every place it lies in, so one pass is enough.
    fn normal(all: BTreeMap<String, Label>) -> Self {
        let mut kept = BTreeMap::new();
        for (pointer, label) in all {
            let outer = along(&kept, &pointer);
            if !outer.covers(label) {
                kept.insert(pointer, outer.join(label));
            }
        }
        Self((!kept.is_empty()).then(|| Arc::new(kept)))
    }

    /// Whether nothing is labelled.
    pub fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    /// The places that are labelled apart, with their full labels.
    pub fn places(&self) -> impl Iterator<Item = (&str, Label)> {
        self.0.iter().flat_map(|places| places.iter()).map(|(pointer, label)| (pointer.as_str(), *label))
    }

    /// The label of a place: the join along its path.
    pub fn at(&self, pointer: &str) -> Label {
        self.0.as_ref().map_or(Label::NONE, |places| along(places, pointer))
    }

    /// The join over the whole value.
    pub fn all(&self) -> Label {
        self.places().fold(Label::NONE, |sum, (_, label)| sum.join(label))
    }

    /// The first place that is not trusted.
    pub fn first_untrusted(&self) -> Option<&str> {
        self.places().find(|(_, label)| !label.is_trusted()).map(|(pointer, _)| pointer)
    }

    /// The labels of both.
    #[must_use]
    pub fn join(&self, other: &Self) -> Self {
        match (&self.0, &other.0) {
            (_, None) => self.clone(),
            (None, _) => other.clone(),
            (Some(_), Some(_)) => Self::of(self.places().chain(other.places()).map(|(pointer, label)| (pointer.to_owned(), label))),
        }
    }

    /// The labels of the part at `pointer`, seen from there.
    #[must_use]
    pub fn within(&self, pointer: &str) -> Self {
        if self.is_empty() {
            return Self::new();
        }
        let inner = self.places().filter_map(|(place, label)| {
            let rest = place.strip_prefix(pointer)?;
            rest.starts_with('/').then(|| (rest.to_owned(), label))
        });
        Self::of([(String::new(), self.at(pointer))].into_iter().chain(inner))
    }

    /// The labels of an object without its members `keys`.
    #[must_use]
    pub fn without<'k>(&self, keys: impl Iterator<Item = &'k str>) -> Self {
        if self.is_empty() {
            return Self::new();
        }
        let gone: Vec<Pointer> = keys.map(|key| Pointer::root().child(key)).collect();
        let inside =
            |place: &str, outer: &Pointer| place.strip_prefix(outer.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
        Self::of(
            self.places()
                .filter(|(place, _)| !gone.iter().any(|outer| inside(place, outer)))
                .map(|(place, label)| (place.to_owned(), label)),
        )
    }

    /// The labels of a value that holds this one at `pointer`.
    #[must_use]
    pub fn placed(&self, pointer: &Pointer) -> Self {
        Self::normal(self.places().map(|(place, label)| (format!("{pointer}{place}"), label)).collect())
    }

    /// The labels of what came from outside: untrusted but for the places `trusted`, and what holds those only as a container does.
    #[must_use]
    pub fn from_outside(value: &Value, trusted: &[&str]) -> Self {
        let mut places = Vec::new();
        outside(value, &Pointer::root(), trusted, &mut places);
        Self::of(places)
    }

    /// Canonical form: an object of pointers to lists of words.
    pub fn to_value(&self) -> Value {
        Value::object(self.places().map(|(pointer, label)| (pointer, label.to_value())))
    }

    /// Reads what [`Labels::to_value`] wrote, or what an author did.
    ///
    /// # Errors
    /// [`LabelError`] when it is no object of pointers to labels, or has too many places.
    pub fn from_value(value: &Value) -> Result<Self, LabelError> {
        let map = value.as_object().ok_or(LabelError::Shape(value.kind()))?;
        if map.len() > LABELLED_PLACES_MAX {
            return Err(LabelError::Places(map.len()));
        }
        let mut places = BTreeMap::new();
        for (pointer, label) in map.iter() {
            if !is_pointer(pointer) {
                return Err(LabelError::Place(pointer.chars().take(64).collect()));
            }
            places.insert(pointer.to_string(), Label::from_value(label)?);
        }
        Ok(Self::normal(places))
    }
}

/// The join along the path of `pointer`.
fn along(places: &BTreeMap<String, Label>, pointer: &str) -> Label {
    let ends = pointer.match_indices('/').map(|(at, _)| at).chain([pointer.len()]);
    let outer = ends.filter_map(|end| places.get(pointer.get(..end)?));
    outer.fold(Label::NONE, |sum, label| sum.join(*label))
}

fn outside(value: &Value, at: &Pointer, trusted: &[&str], places: &mut Vec<(String, Label)>) {
    let here = at.as_str();
    if trusted.contains(&here) {
        return;
    }
    let leads_on = trusted.iter().any(|place| place.strip_prefix(here).is_some_and(|rest| rest.starts_with('/')));
    match value {
        Value::Object(map) if leads_on => map.iter().for_each(|(key, member)| outside(member, &at.child(key), trusted, places)),
        Value::Array(items) if leads_on => {
            items.iter().enumerate().for_each(|(index, item)| outside(item, &at.child(&index.to_string()), trusted, places));
        }
        _ => places.push((here.to_owned(), Label::UNTRUSTED)),
    }
}

impl<'de> Deserialize<'de> for Label {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::from_value(&Value::deserialize(deserializer)?).map_err(serde::de::Error::custom)
    }
}

impl Serialize for Label {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.words())
    }
}

impl Serialize for Labels {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        // Places stand here in the order of bytes, which is that of the canonical form only as long as all are ASCII.
        if self.places().all(|(pointer, _)| pointer.is_ascii()) {
            return serializer.collect_map(self.places());
        }
        self.to_value().serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Labels {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = Value::deserialize(deserializer)?;
        Self::from_value(&value).map_err(serde::de::Error::custom)
    }
}

/// Whether `text` is a JSON pointer: empty or begun by `/`, with `~` before `0` or `1` only.
pub fn is_pointer(text: &str) -> bool {
    let escapes = text.split('~').skip(1).all(|rest| rest.starts_with(['0', '1']));
    (text.is_empty() || text.starts_with('/')) && escapes
}
