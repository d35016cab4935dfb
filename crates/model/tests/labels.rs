//! The lattice laws of labels, inheritance along a path, and the canonical form.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use proptest::prelude::*;
use provost_model::labels::{LABELLED_PLACES_MAX, Label, LabelError, Labels};
use provost_model::value::{Pointer, canonical, parse};

fn label() -> impl Strategy<Value = Label> {
    let words = ["trusted", "public", "untrusted", "internal", "personal", "secret"];
    let word = prop::sample::select(words.to_vec()).prop_map(|word| Label::of_word(word).unwrap());
    prop::collection::vec(word, 0..3).prop_map(|labels| labels.into_iter().fold(Label::NONE, Label::join))
}

fn pointer() -> impl Strategy<Value = String> {
    prop::collection::vec(prop::sample::select(vec!["a", "b", "ab", "a/b", "~", "0", "\u{ff5e}", "😀"]), 0..4)
        .prop_map(|tokens| tokens.into_iter().fold(Pointer::root(), |at, token| at.child(token)).as_str().to_owned())
}

fn labels() -> impl Strategy<Value = Labels> {
    prop::collection::vec((pointer(), label()), 0..8).prop_map(Labels::of)
}

proptest! {
    #[test]
    fn join_is_the_least_upper_bound(a in label(), b in label(), c in label()) {
        prop_assert_eq!(a.join(a), a);
        prop_assert_eq!(a.join(b), b.join(a));
        prop_assert_eq!(a.join(b).join(c), a.join(b.join(c)));
        prop_assert_eq!(a.join(Label::NONE), a);
        prop_assert!(a.join(b).covers(a) && a.join(b).covers(b));
        prop_assert!(!(c.covers(a) && c.covers(b)) || c.covers(a.join(b)));
        prop_assert!(!(a.covers(b) && b.covers(a)) || a == b);
        prop_assert_eq!(Label::from_value(&a.to_value()).unwrap(), a);
    }

    #[test]
    fn a_place_carries_the_join_along_its_path(places in prop::collection::vec((pointer(), label()), 0..8), at in pointer(), inner in pointer()) {
        let labels = Labels::of(places.clone());
        let along = |place: &str| at == place || at.starts_with(&format!("{place}/"));
        let expected = places.iter().filter(|(place, _)| along(place)).fold(Label::NONE, |sum, (_, label)| sum.join(*label));
        prop_assert_eq!(labels.at(&at), expected);
        // What adds nothing is not kept: one meaning, one form.
        prop_assert_eq!(labels.join(&Labels::of([(at.clone(), expected)])), labels.clone());
        prop_assert_eq!(labels.within(&at).at(&inner), labels.at(&format!("{at}{inner}")));
    }

    #[test]
    fn joining_two_joins_every_place(a in labels(), b in labels(), at in pointer()) {
        prop_assert_eq!(a.join(&b).at(&at), a.at(&at).join(b.at(&at)));
        prop_assert_eq!(a.join(&b), b.join(&a));
        prop_assert_eq!(a.join(&b).all(), a.all().join(b.all()));
    }

    #[test]
    fn the_canonical_form_reads_back(labels in labels()) {
        let text = canonical(&labels.to_value());
        prop_assert_eq!(serde_json::to_string(&labels).unwrap(), text.as_str());
        prop_assert_eq!(Labels::from_value(&parse(text.as_bytes()).unwrap()).unwrap(), labels);
    }
}

#[test]
fn a_label_is_written_with_few_words() {
    let words = |label: Label| label.words().collect::<Vec<_>>().join(" ");
    assert_eq!(words(Label::NONE), "");
    assert_eq!(words(Label::UNTRUSTED.join(Label::PERSONAL).join(Label::INTERNAL)), "untrusted personal");
    let labels = Labels::whole(Label::INTERNAL).join(&Labels::of([("/a~1b".to_owned(), Label::UNTRUSTED)]));
    assert_eq!(canonical(&labels.to_value()), r#"{"":["internal"],"/a~1b":["untrusted","internal"]}"#);
    assert_eq!(labels.first_untrusted(), Some("/a~1b"));
}

#[test]
fn too_many_places_never_lower_a_label() {
    let many = (0..=LABELLED_PLACES_MAX).map(|n| (format!("/{n}"), if n == 7 { Label::SECRET } else { Label::UNTRUSTED }));
    assert_eq!(Labels::of(many), Labels::whole(Label::SECRET.join(Label::UNTRUSTED)));
}

#[test]
fn what_is_no_label_is_refused() {
    let read = |json: &str| Labels::from_value(&parse(json.as_bytes()).unwrap()).unwrap_err();
    assert_eq!(read(r#"{"/a":"private"}"#), LabelError::Word("private".to_owned()));
    assert_eq!(read(r#"{"/a":[1]}"#), LabelError::Kind("number"));
    assert_eq!(read(r#"{"a":"secret"}"#), LabelError::Place("a".to_owned()));
    assert_eq!(read(r#"{"/~2":"secret"}"#), LabelError::Place("/~2".to_owned()));
    assert_eq!(read("[]"), LabelError::Shape("array"));
}
