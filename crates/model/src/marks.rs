//! What an author says about places of a value, and what of a labelled value is shown.
//!
//! What must stay true: a mark raises a label or says `public`, which takes sensitivity off and trust nowhere; whoever made a value is as
//! trusted as before. What is not shown is replaced as a whole, so that neither its keys nor its length are seen.
//! Not here: who may ask to see it. Source: ADR 0007.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::labels::{Label, LabelError, Labels, is_pointer};
use crate::value::{Map, Pointer};
use crate::{Labelled, Problem, Value};

/// Most places one author marks in one value.
pub const MARKS_MAX: usize = 64;

/// Labels that an author gives to places of a value, by JSON pointer. No label: the place is public, whatever was read for it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Marks(BTreeMap<String, Label>);

impl Marks {
    /// Marks of an object of pointers to words; what is no such member is left out.
    pub fn from_value(value: &Value) -> Self {
        let members = value.as_object().into_iter().flat_map(Map::iter);
        Self(members.filter_map(|(pointer, word)| Some((pointer.to_string(), mark(word).ok()?))).filter(|(at, _)| is_pointer(at)).collect())
    }

    /// Adds one; a second mark of a place is joined with the first.
    pub fn add(&mut self, pointer: &str, label: Label) {
        let known = self.0.entry(pointer.to_owned()).or_default();
        *known = known.join(label);
    }

    /// Whether nothing is marked.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many places are marked.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// The places and their labels.
    pub fn places(&self) -> impl Iterator<Item = (&str, Label)> {
        self.0.iter().map(|(pointer, label)| (pointer.as_str(), *label))
    }

    /// The join of all of them.
    pub fn all(&self) -> Label {
        self.places().fold(Label::NONE, |sum, (_, label)| sum.join(label))
    }

    /// These and those of `other`; a place of both has the join.
    #[must_use]
    pub fn and(mut self, other: &Self) -> Self {
        other.places().for_each(|(place, label)| self.add(place, label));
        self
    }

    /// The most sensitive of them, for the whole value.
    #[must_use]
    pub fn whole(&self) -> Self {
        let all = self.all();
        if all.is_none() { Self::default() } else { Self(BTreeMap::from([(String::new(), all)])) }
    }

    /// The marks of a value that holds this one at `pointer`.
    #[must_use]
    pub fn placed(&self, pointer: &str) -> Self {
        Self(self.0.iter().map(|(place, label)| (format!("{pointer}{place}"), *label)).collect())
    }

    /// The labels of `value` with these marks: what is public loses its sensitivity, everything else is raised.
    #[must_use]
    pub fn on(&self, value: &Value, labels: Labels) -> Labels {
        if self.is_empty() {
            return labels;
        }
        let public: Vec<&str> = self.places().filter(|(_, label)| *label == Label::NONE).map(|(place, _)| place).collect();
        let lowered = if public.is_empty() || labels.is_empty() { labels } else { labels.public_at(value, &public) };
        lowered.join(&Labels::of(self.places().map(|(place, label)| (place.to_owned(), label))))
    }
}

/// What authors say of the input of a workflow.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct InputMarks {
    /// The places.
    pub marks: Marks,
    /// Whether they are places of each item of a list: of what was read of each event.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub each: bool,
}

impl InputMarks {
    /// Whether nothing is marked.
    pub fn is_empty(&self) -> bool {
        self.marks.is_empty()
    }

    /// The labels of an input of which nothing else is known.
    pub fn of(&self, input: &Value) -> Labels {
        match input.as_array().filter(|_| self.each && !self.is_empty()) {
            None => self.marks.on(input, Labels::new()),
            Some(items) => {
                let labelled = items.iter().map(|item| Labelled::new(item.clone(), self.marks.on(item, Labels::new())));
                Labelled::array(labelled).labels
            }
        }
    }
}

/// The label of a word that an author may write beside a place.
///
/// # Errors
/// [`LabelError`]: an author cannot make a value trusted this way, and `untrusted` says nothing of who may see it.
pub fn mark(word: &Value) -> Result<Label, LabelError> {
    match word {
        Value::Str(word) if matches!(&**word, "public" | "internal" | "personal" | "secret") => Label::of_word(word),
        Value::Str(word) => Err(LabelError::Mark(word.chars().take(64).collect())),
        other => Err(LabelError::Kind(other.kind())),
    }
}

impl Label {
    /// Who may see it, without who made it.
    #[must_use]
    pub const fn sensitive(self) -> Self {
        self.only(Self::SECRET)
    }

    /// Whether it is shown to whoever may look at where it stands.
    pub const fn is_shown(self) -> bool {
        !Sight::Usual.hides(self)
    }

    /// What stands in the place of something that is not shown.
    pub const fn instead(self) -> &'static str {
        if self.covers(Self::SECRET) { "[redacted: secret]" } else { "[redacted: personal]" }
    }
}

impl Labels {
    /// Who may see it, without who made it.
    #[must_use]
    pub fn sensitive(&self) -> Self {
        Self::of(self.places().map(|(place, label)| (place.to_owned(), label.sensitive())))
    }

    /// Whether everything is shown.
    pub fn is_shown(&self) -> bool {
        self.places().all(|(_, label)| label.is_shown())
    }

    /// These labels of `value` without sensitivity at and below `public`. What holds such a place keeps the sensitivity of its other parts.
    #[must_use]
    pub fn public_at(&self, value: &Value, public: &[&str]) -> Self {
        let mut places = Vec::new();
        self.lower(value, &Pointer::root(), public, &mut places);
        Self::of(places)
    }

    fn lower(&self, value: &Value, at: &Pointer, public: &[&str], places: &mut Vec<(String, Label)>) {
        let here = at.as_str();
        let within = |outer: &str, place: &str| place.strip_prefix(outer).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
        let trust = |label: Label| label.only(Label::UNTRUSTED);
        if public.contains(&here) {
            let inner = self.places().filter(|(place, _)| within(here, place)).map(|(place, label)| (place.to_owned(), trust(label)));
            places.extend([(here.to_owned(), trust(self.at(here)))].into_iter().chain(inner));
        } else if public.iter().any(|place| within(here, place)) && matches!(value, Value::Object(_) | Value::Array(_)) {
            places.push((here.to_owned(), trust(self.at(here))));
            match value {
                Value::Object(map) => map.iter().for_each(|(key, member)| self.lower(member, &at.child(key), public, places)),
                Value::Array(items) => {
                    items.iter().enumerate().for_each(|(n, item)| self.lower(item, &at.child(&n.to_string()), public, places));
                }
                Value::Null | Value::Bool(_) | Value::Int(_) | Value::Float(_) | Value::Str(_) => {}
            }
        } else {
            let inner = self.places().filter(|(place, _)| within(here, place)).map(|(place, label)| (place.to_owned(), label));
            places.extend([(here.to_owned(), self.at(here))].into_iter().chain(inner));
        }
    }

    fn masked(&self, value: &Value, at: &Pointer, sight: Sight) -> Value {
        let own = self.at(at.as_str());
        if sight.hides(own) {
            return Value::from(own.instead());
        }
        match value {
            Value::Object(map) => Value::object(map.iter().map(|(key, member)| (key.clone(), self.masked(member, &at.child(key), sight)))),
            Value::Array(items) => Value::array(
                items.iter().enumerate().map(|(n, item)| self.masked(item, &at.child(&n.to_string()), sight)).collect::<Vec<_>>(),
            ),
            Value::Null | Value::Bool(_) | Value::Int(_) | Value::Float(_) | Value::Str(_) => value.clone(),
        }
    }
}

impl Problem {
    /// With the label of what its texts may quote.
    #[must_use]
    pub fn quoting(mut self, label: Label) -> Self {
        self.label = self.label.join(label.sensitive());
        self
    }
}

/// How far somebody sees.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Sight {
    /// Neither what is personal nor what is secret.
    #[default]
    Usual,
    /// What is personal too, because they asked to see it and may.
    Revealed,
}

impl Sight {
    /// Whether something of this label is out of sight.
    pub const fn hides(self, label: Label) -> bool {
        label.covers(match self {
            Self::Usual => Label::PERSONAL,
            Self::Revealed => Label::SECRET,
        })
    }

    /// `value` as it is seen: each place out of sight is replaced as a whole.
    pub fn of(self, value: &Value, labels: &Labels) -> Value {
        let all = labels.places().all(|(_, label)| !self.hides(label));
        if all { value.clone() } else { labels.masked(value, &Pointer::root(), self) }
    }

    /// An error as it is seen: its type, status and place always, its texts only where they quote nothing that is out of sight.
    #[must_use]
    pub fn problem(self, problem: &Problem) -> Problem {
        if !self.hides(problem.label) {
            return problem.clone();
        }
        let instead = problem.label.instead();
        let detail = if problem.detail.is_empty() { String::new() } else { instead.to_owned() };
        // The short name of its type says what kind it is, which is shown anyway.
        Problem { title: format!("{} {instead}", problem.code()), detail, extra: Value::Null, ..problem.clone() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(text: &str) -> Value {
        crate::value::parse(text.as_bytes()).unwrap_or_default()
    }

    fn marks(text: &str) -> Marks {
        Marks::from_value(&value(text))
    }

    #[test]
    fn a_mark_raises_its_place_and_what_lies_in_it() {
        let said = value(r#"{"id":7,"who":{"mail":"a@b","age":3}}"#);
        let labels = marks(r#"{"/who":"personal"}"#).on(&said, Labels::new());
        assert_eq!(Sight::Usual.of(&said, &labels), value(r#"{"id":7,"who":"[redacted: personal]"}"#));
        assert_eq!(labels.at("/who/mail"), Label::PERSONAL);
        assert!(Labels::whole(Label::INTERNAL).is_shown());
    }

    #[test]
    fn what_is_public_shows_and_its_neighbours_do_not() {
        let said = value(r#"{"choice":"pay","why":["a@b",{"x":1}]}"#);
        let all = Labels::whole(Label::SECRET.join(Label::UNTRUSTED));
        let labels = marks(r#"{"/choice":"public","/why/1":"public"}"#).on(&said, all.clone());
        assert_eq!(Sight::Usual.of(&said, &labels), value(r#"{"choice":"pay","why":["[redacted: secret]",{"x":1}]}"#));
        assert!(labels.at("/choice").covers(Label::UNTRUSTED), "a mark makes nothing trusted");
        assert_eq!(marks(r#"{"":"public"}"#).on(&said, all).sensitive().places().count(), 0);
    }

    #[test]
    fn a_public_place_may_hold_a_marked_one() {
        let said = value(r#"{"a":{"b":1,"c":2}}"#);
        let labels = marks(r#"{"/a":"public","/a/b":"secret"}"#).on(&said, Labels::whole(Label::PERSONAL));
        assert_eq!(Sight::Usual.of(&said, &labels), value(r#"{"a":{"b":"[redacted: secret]","c":2}}"#));
    }

    #[test]
    fn only_words_of_sensitivity_are_marks() {
        for word in ["trusted", "untrusted", "odd"] {
            assert_eq!(mark(&Value::from(word)).map_err(|e| e.code()), Err("label-unknown"), "{word}");
        }
        assert_eq!(mark(&Value::from("public")), Ok(Label::NONE));
        assert!(marks(r#"{"no pointer":"secret","/a":"odd"}"#).is_empty());
    }

    #[test]
    fn a_problem_keeps_its_type_and_place_only() {
        let quotes = Problem::ours("odd", 418, "a@b is odd").detail("write to a@b").at("/do/0/a").quoting(Label::PERSONAL);
        let shown = Sight::Usual.problem(&quotes);
        assert_eq!((shown.code(), shown.status, shown.instance.as_deref()), ("odd", 418, Some("/do/0/a")));
        assert!(!format!("{shown:?}").contains("a@b"));
        assert_eq!(Problem::ours("odd", 418, "odd").quoting(Label::UNTRUSTED).label, Label::NONE);
        assert_eq!(Sight::Revealed.problem(&quotes), quotes);
    }
}
