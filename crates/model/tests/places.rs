//! Ids, positions and the chain: what stays inside them, and that nothing changes unseen.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use proptest::prelude::*;
use provost_model::id::Bits;
use provost_model::record::{Cause, Head, Place, Row, Stream, chain};
use provost_model::{DecisionId, Digest, EffectId, EventId, OrchestrationId, Position, ReviewId, Slot, TenantId};

proptest! {
    #[test]
    fn ids_are_read_back_and_hold_time_and_slot(at_ms in 0_i64..1 << 47, slot in 0_u16..4096, unique in any::<[u8; 8]>()) {
        let id = OrchestrationId::mint(at_ms * 1000 + 999, Slot(slot), &[&unique]);
        let text = id.to_string();
        prop_assert_eq!((text.len(), text.parse::<OrchestrationId>().unwrap()), (30, id));
        prop_assert_eq!(text.to_lowercase().parse::<OrchestrationId>().unwrap(), id);
        prop_assert_eq!((id.slot(), id.bits().at_us()), (Slot(slot), at_ms * 1000));
        prop_assert!(Bits::from_bytes(id.bits().to_bytes()) == id.bits());
        prop_assert_eq!(serde_json::from_str::<OrchestrationId>(&serde_json::to_string(&id).unwrap()).unwrap(), id);
        let effect = id.effect("a/b", "act");
        prop_assert_eq!((effect.slot(), effect.bits().at_us()), (id.slot(), id.bits().at_us()));
        prop_assert_eq!(effect.to_string().parse::<EffectId>().unwrap(), effect);
        prop_assert!(text.parse::<EffectId>().is_err(), "another kind of id");
        prop_assert!(effect.event_key().starts_with("efk1_"));
        prop_assert_eq!(EffectId::from_event_key(&effect.event_key()), Some(effect));
        prop_assert_eq!(EffectId::from_event_key(&effect.to_string()), None);
    }

    #[test]
    fn children_of_other_places_have_other_ids(a in "[a-z/]{0,6}", b in "[a-z/]{0,6}") {
        let id = OrchestrationId::mint(1_000_000, Slot(1), &[b"x"]);
        prop_assert_eq!(a == b, id.effect(&a, "act") == id.effect(&b, "act"));
        prop_assert!(id.effect(&a, "act").bits() != id.review(&a, "act").bits());
        prop_assert!(b.is_empty() || id.effect(&a, &b) != id.effect(&[a.as_str(), b.as_str()].concat(), ""));
    }

    #[test]
    fn ids_sort_by_time(a in 0_i64..1 << 40, b in 0_i64..1 << 40) {
        prop_assume!(a != b);
        let mint = |at_ms: i64| EventId::mint(at_ms * 1000, Slot(9), &[b"x"]);
        prop_assert_eq!(mint(a).cmp(&mint(b)), a.cmp(&b));
        prop_assert_eq!(mint(a).to_string().cmp(&mint(b).to_string()), a.cmp(&b));
    }

    #[test]
    fn positions_come_apart_as_they_were_put_together(
        names in prop::collection::vec("[a-z~/#\\[\\]01 .é]{1,6}", 1..5), visit in 1_u32..4, index in 0_u64..1000,
    ) {
        let mut place = Position::root();
        for name in &names {
            let task = place.task(name, visit);
            prop_assert_eq!(task.parent().unwrap(), place.clone());
            prop_assert_eq!(&task.name(), name);
            prop_assert!(task.is_within(&place) && task.is_within(&task) && !place.is_within(&task));
            let other = place.task(name, visit + 1);
            prop_assert!(!other.is_within(&task) && !task.is_within(&other));
            let longer = place.task(&[name, "x"].concat(), visit);
            prop_assert!(!longer.is_within(&task));
            let iteration = task.iteration(index);
            prop_assert_eq!(iteration.parent().unwrap(), task.clone());
            prop_assert_eq!(&iteration.name(), name);
            let planned = task.planned(visit, usize::try_from(index).unwrap());
            prop_assert_eq!(planned.parent().unwrap(), task.clone());
            prop_assert_eq!(&planned.name(), name);
            prop_assert!(planned.is_within(&task) && planned != task.planned(visit + 1, usize::try_from(index).unwrap()));
            prop_assert!(iteration.is_within(&task) && !iteration.is_within(&task.iteration(index + 1)));
            prop_assert!(!task.iteration(index * 10 + 1).is_within(&iteration) || index * 10 + 1 == index);
            let catch = task.catch();
            prop_assert!(catch.parent().unwrap() == task && catch.is_within(&task) && catch != task.task("~catch", 1));
            prop_assert_eq!(Position::from_text(task.as_str()), task.clone());
            place = if index % 2 == 0 { iteration } else { task };
        }
    }

    #[test]
    fn different_names_are_different_places(a in "[a-z~/#\\[\\]01]{1,5}", b in "[a-z~/#\\[\\]01]{1,5}", n in 1_u32..4, m in 1_u32..4) {
        let root = Position::root();
        prop_assert_eq!((&a, n) == (&b, m), root.task(&a, n) == root.task(&b, m));
    }
}

#[test]
fn what_is_no_id_is_refused() {
    let good = OrchestrationId::mint(0, Slot(0), &[b"x"]).to_string();
    for wrong in ["", "orc_", "evt_00000000000000000000000000", &good[..29], &format!("{good}0"), &good.replace("orc_", "orc-")] {
        assert!(wrong.parse::<OrchestrationId>().is_err(), "{wrong}");
    }
    for letter in ["I", "L", "O", "U", "é"] {
        assert!(format!("orc_{letter}{}", "0".repeat(26 - letter.len())).parse::<OrchestrationId>().is_err());
    }
    assert!(format!("orc_{}", "Z".repeat(26)).parse::<OrchestrationId>().is_err(), "more than 128 bits");
    let id = OrchestrationId::mint(5_000_000, Slot(3), &[b"x"]);
    let kinds = [id.to_string(), id.review("a", "0").to_string(), id.decision("a", "0").to_string(), id.effect("a", "0").to_string()];
    assert!(kinds[1].parse::<ReviewId>().is_ok() && kinds[2].parse::<DecisionId>().is_ok() && kinds[3].parse::<EffectId>().is_ok());
    assert_eq!(id.effect("a", "0").as_run().get(..4), Some("run_"));
}

#[test]
fn digests_are_read_back() {
    let digest = Digest::of(b"x");
    assert_eq!(digest.to_string().parse::<Digest>().unwrap(), digest);
    assert_eq!(Digest::from_stored(&digest.stored()), Some(digest));
    assert_eq!(serde_json::from_str::<Digest>(&serde_json::to_string(&digest).unwrap()).unwrap(), digest);
    let hex = digest.hex();
    let wrong = [hex.clone(), format!("sha1:{hex}"), format!("sha256:{}", &hex[1..]), format!("sha256:+{}", &hex[1..])];
    for text in wrong {
        assert!(text.parse::<Digest>().is_err(), "{text}");
    }
    assert_ne!(Digest::of_parts(&[b"ab", b"c"]), Digest::of_parts(&[b"a", b"bc"]));
}

fn row() -> Row {
    let stream = Stream::Orchestration(OrchestrationId::mint(1_000_000, Slot(1), &[b"x"]));
    let place = Place { tenant: &TenantId::local(), stream: &stream, epoch: 3 };
    let cause = Cause { who: Some("maria".into()), ..Cause::default() };
    Row::seal(place, Head { sequence: 4, chain: Digest::of(b"before") }, cause, 1_000_000, 2, b"{\"facts\":[]}")
}

#[test]
fn the_chain_changes_with_every_field() {
    let (sealed, before) = (row(), Digest::of(b"before"));
    assert_eq!(chain(&before, &sealed), sealed.chain);
    assert_eq!((sealed.head().sequence, sealed.first_sequence), (6, 5));
    assert_ne!(chain(&Digest::of(b"other"), &sealed), sealed.chain);
    let changes: [fn(&mut Row); 10] = [
        |row| row.tenant = TenantId::parse("acme").unwrap(),
        |row| row.stream = Stream::Inbox(Slot(1)),
        |row| row.first_sequence += 1,
        |row| row.fact_count += 1,
        |row| row.format += 1,
        |row| row.engine += 1,
        |row| row.recorded_at_us += 1,
        |row| row.epoch += 1,
        |row| row.cause.who = Some("mario".into()),
        |row| row.cause.clock_us = Some(0),
    ];
    for (at, change) in changes.iter().enumerate() {
        let mut changed = row();
        change(&mut changed);
        assert_ne!(chain(&before, &changed), sealed.chain, "change {at}");
    }
    for at in 0..sealed.payload.len() * 8 {
        let mut changed = row();
        if let Some(byte) = changed.payload.get_mut(at / 8) {
            *byte ^= 1 << (at % 8);
        }
        assert_ne!(chain(&before, &changed), sealed.chain, "bit {at} of the payload");
    }
}

#[test]
fn streams_are_stored_and_read_back() {
    let id = OrchestrationId::mint(1_000_000, Slot(1), &[b"x"]);
    for stream in [Stream::Orchestration(id), Stream::Inbox(Slot(4095)), Stream::Control] {
        assert_eq!(Stream::from_stored(&stream.stored()), Some(stream));
    }
    for wrong in [&[][..], &[9], &[1, 2], &[2, 1], &[3, 0]] {
        assert_eq!(Stream::from_stored(wrong), None);
    }
}
