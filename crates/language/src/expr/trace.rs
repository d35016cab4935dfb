//! Which labels one evaluation read.
//!
//! What must stay true: the label of a result is never lower than that of a place whose change could change the result. It may be higher:
//! what an evaluation looked at is joined into one sum, not followed through every operation. A value carries the [`Spot`] of the labelled
//! places it came from. A member or item has the label of the container itself too; an object or list made of values, and the union of
//! two objects, keep the spots of their parts (that a value could be entered at all tells of it only where failures are forgiven); anything else done with a value joins all labels in it. So conditions, orders and
//! lengths count. Without labels nothing is kept and nothing is asked but whether a number is zero. Source: ADR 0004.

use std::cell::RefCell;
use std::collections::BTreeMap;

use provost_model::labels::{LABELLED_PLACES_MAX, Label, Labels};
use provost_model::value::{Pointer, unescaped};

/// A place among the labelled ones of this evaluation; zero: none at or below this value.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Spot(u16);

impl Spot {
    /// Nothing at or below is labelled.
    pub(super) const NONE: Self = Self(0);

    /// The value was looked at as a whole.
    pub(super) fn read(self) {
        if self != Self::NONE {
            with(|trace| trace.sum = trace.sum.join(trace.place(self).map_or(HIGHEST, |place| place.all)));
        }
    }

    /// It was asked what kind of value this is, which no place inside it can change.
    pub(super) fn read_kind(self) {
        if self != Self::NONE {
            with(|trace| trace.sum = trace.sum.join(trace.place(self).map_or(HIGHEST, |place| place.own)));
        }
    }

    /// The spot of an object or list made of values with these spots. Unlabelled parts need not be named.
    pub(super) fn holding<'k>(parts: impl Iterator<Item = (&'k str, Spot)>) -> Self {
        let mut parts = parts.peekable();
        if parts.peek().is_none() { Self::NONE } else { with(|trace| trace.hold(Label::NONE, parts)) }
    }

    /// The spot of the object `a` with the members of `b`, whose keys are `keys`.
    pub(super) fn united<'k>(a: Self, b: Self, keys: impl Iterator<Item = &'k str>) -> Self {
        if a == Self::NONE && b == Self::NONE { Self::NONE } else { with(|trace| trace.unite(a, b, keys)) }
    }

    /// The spot of the member `key`: its own labels, and those of the container itself.
    pub(super) fn member(self, key: &str) -> Self {
        if self == Self::NONE { Self::NONE } else { with(|trace| trace.member(self, key)) }
    }
}

/// Most places one evaluation tells apart, input and variables together. What has no room counts for the place it lies in.
const PLACES_MAX: usize = 60_000;
/// Deepest place told apart, in levels: as deep as a value of the edge.
const LEVELS_MAX: usize = 64;

/// What is assumed of a place that is not known.
const HIGHEST: Label = Label::SECRET.join(Label::UNTRUSTED);

/// One labelled place, or one that holds such.
#[derive(Debug, Default)]
struct Place {
    own: Label,
    all: Label,
    members: BTreeMap<String, Spot>,
}

#[derive(Debug, Default)]
struct Trace {
    places: Vec<Place>,
    /// Members of containers that this evaluation made.
    held: usize,
    plain: Vec<(Label, Spot)>,
    /// Whether the expression can go on after a failure inside, so that going on tells something.
    forgives: bool,
    sum: Label,
}

thread_local! {
    static TRACE: RefCell<Trace> = const { RefCell::new(Trace { places: Vec::new(), held: 0, plain: Vec::new(), forgives: false, sum: Label::NONE }) };
}

fn with<T>(work: impl FnOnce(&mut Trace) -> T) -> T {
    TRACE.with(|trace| work(&mut trace.borrow_mut()))
}

impl Trace {
    fn place(&self, spot: Spot) -> Option<&Place> {
        self.places.get(usize::from(spot.0).checked_sub(1)?)
    }

    fn place_mut(&mut self, spot: Spot) -> Option<&mut Place> {
        self.places.get_mut(usize::from(spot.0).checked_sub(1)?)
    }

    /// A new place; one that is not kept reads as the highest label.
    fn push(&mut self, own: Label) -> Spot {
        let number = u16::try_from(self.places.len() + 1).ok().filter(|number| *number < u16::MAX);
        let Some(number) = number else { return Spot(u16::MAX) };
        self.places.push(Place { own, all: own, members: BTreeMap::new() });
        Spot(number)
    }

    /// Adds the places of one value. They come outer ones first, so that inner ones start with the label around them.
    fn add(&mut self, labels: &Labels) -> Spot {
        let root = self.push(Label::NONE);
        for (pointer, label) in labels.places() {
            let mut at = root;
            self.note(at, label);
            for token in pointer.split('/').skip(1).take(LEVELS_MAX) {
                match self.enter(at, token) {
                    Some(inner) => at = inner,
                    None => break,
                }
                self.note(at, label);
            }
            if let Some(place) = self.place_mut(at) {
                place.own = place.own.join(label);
            }
        }
        root
    }

    fn note(&mut self, at: Spot, label: Label) {
        if let Some(place) = self.place_mut(at) {
            place.all = place.all.join(label);
        }
    }

    fn enter(&mut self, at: Spot, token: &str) -> Option<Spot> {
        let key = unescaped(token);
        let place = self.place(at)?;
        if let Some(known) = place.members.get(&*key) {
            return Some(*known);
        }
        let own = place.own;
        let inner = (self.places.len() < PLACES_MAX).then(|| self.push(own))?;
        self.place_mut(at)?.members.insert(key.into_owned(), inner);
        Some(inner)
    }

    /// A new container of `parts`; where there is no room left for it, all in it is read.
    fn hold<'k>(&mut self, own: Label, parts: impl Iterator<Item = (&'k str, Spot)>) -> Spot {
        let (mut all, mut members) = (own, BTreeMap::new());
        for (key, spot) in parts.filter(|(_, spot)| *spot != Spot::NONE) {
            all = all.join(self.place(spot).map_or(HIGHEST, |place| place.all));
            members.insert(key.to_owned(), spot);
        }
        if self.places.len() >= PLACES_MAX || self.held.saturating_add(members.len()) > PLACES_MAX {
            self.sum = self.sum.join(all);
            return Spot::NONE;
        }
        self.held += members.len();
        let made = self.push(own);
        if let Some(place) = self.place_mut(made) {
            place.all = all;
            place.members = members;
        }
        made
    }

    fn unite<'k>(&mut self, a: Spot, b: Spot, keys: impl Iterator<Item = &'k str>) -> Spot {
        let own = |spot: Spot| self.place(spot).map_or(if spot == Spot::NONE { Label::NONE } else { HIGHEST }, |place| place.own);
        let own = own(a).join(own(b));
        let parts = |spot: Spot| self.place(spot).map(|place| place.members.clone()).unwrap_or_default();
        let (mut members, right) = (parts(a), parts(b));
        for key in keys {
            members.remove(key);
        }
        for (key, spot) in right {
            // Labelled on the right and not there: the left one shows, because the right one is not there.
            let shown = members.get(&key).map_or(spot, |left| self.either(*left, spot));
            members.insert(key, shown);
        }
        self.hold(own, members.iter().map(|(key, spot)| (key.as_str(), *spot)))
    }

    /// A place of which it is not known which of the two it is.
    fn either(&mut self, a: Spot, b: Spot) -> Spot {
        let all = |spot: Spot| self.place(spot).map_or(HIGHEST, |place| place.all);
        let label = all(a).join(all(b));
        self.plain(label)
    }

    fn member(&mut self, spot: Spot, key: &str) -> Spot {
        let Some(place) = self.place(spot) else { return spot };
        let (own, inner) = (place.own, place.members.get(key).copied());
        if self.forgives {
            self.sum = self.sum.join(own);
        }
        let Some(inner) = inner else { return self.plain(own) };
        let Some(found) = self.place(inner) else { return inner };
        if found.own.covers(own) {
            return inner;
        }
        let members: Vec<(String, Spot)> = found.members.iter().map(|(key, spot)| (key.clone(), *spot)).collect();
        let own = found.own.join(own);
        self.hold(own, members.iter().map(|(key, spot)| (key.as_str(), *spot)))
    }

    /// The place of a value labelled alike throughout; one for each label.
    fn plain(&mut self, label: Label) -> Spot {
        if label == Label::NONE {
            return Spot::NONE;
        }
        if let Some((_, spot)) = self.plain.iter().find(|(known, _)| *known == label) {
            return *spot;
        }
        let spot = self.push(label);
        self.plain.push((label, spot));
        spot
    }

    /// Writes down the labels of what lies at `spot`; `false` when there are too many to tell apart.
    fn labels_at(&self, spot: Spot, pointer: &Pointer, into: &mut Vec<(String, Label)>) -> bool {
        if spot == Spot::NONE {
            return true;
        }
        let Some(place) = self.place(spot) else { return false };
        into.push((pointer.as_str().to_owned(), place.own));
        into.len() <= LABELLED_PLACES_MAX && place.members.iter().all(|(key, inner)| self.labels_at(*inner, &pointer.child(key), into))
    }
}

/// Holds the trace of one evaluation; the one before comes back when it ends, however it ends.
pub(super) struct Traced {
    before: Trace,
}

impl Traced {
    pub(super) fn start(forgives: bool) -> Self {
        Self { before: TRACE.with(|trace| trace.replace(Trace { forgives, ..Trace::default() })) }
    }

    /// The spot of a value handed in with `labels`.
    pub(super) fn input(&self, labels: &Labels) -> Spot {
        if labels.is_empty() { Spot::NONE } else { with(|trace| trace.add(labels)) }
    }

    /// The labels of a result at `spot`: of its places, and of all that was read on the way.
    pub(super) fn result(&self, spot: Spot) -> Labels {
        with(|trace| {
            let mut places = vec![(String::new(), trace.sum)];
            if trace.labels_at(spot, &Pointer::root(), &mut places) {
                return Labels::of(places);
            }
            Labels::whole(trace.sum.join(trace.place(spot).map_or(HIGHEST, |place| place.all)))
        })
    }
}

impl Drop for Traced {
    fn drop(&mut self) {
        TRACE.with(|trace| trace.replace(std::mem::take(&mut self.before)));
    }
}
