//! Events of ours: each lands once beside what sent it, whatever stops in between; loops of them end, and a flood of them comes in pieces.

use std::collections::BTreeMap;

use provost_engine::Phase;
use provost_model::limits::EVENT_HOPS_MAX;
use provost_model::record::{Ending, Fact, Row, Stream};
use provost_model::{Event, OrchestrationId, TenantId, Value};
use provost_runtime::{InboxFact, Told, inbox, rebuild};
use provost_store::{Memory, Store as _, Upkeep as _, verify_all};

use crate::works::{Around, Disks, InMemory, SALT, Works, event, fold, registry, tenants};

/// Echoed `n` times each; with `rest` every hop is a commit of its own.
fn echo(n: i64, rest: bool) -> Event {
    event("first", "sim.echo", Value::object([("n", Value::Int(n)), ("rest", Value::Bool(rest))]))
}

/// What the inboxes hold: events by id with how often they were accepted, and the codes of the rejected.
fn inboxes(stores: &mut [Memory]) -> (BTreeMap<String, (Event, u32)>, Vec<String>) {
    let (mut accepted, mut rejected) = (BTreeMap::new(), Vec::new());
    let rows = stores.iter_mut().flat_map(|store| store.feed(0, usize::MAX).unwrap());
    for (_, row) in rows.filter(|(_, row)| matches!(row.stream, Stream::Inbox(_))) {
        for fact in inbox::decode(&row.json().unwrap()).unwrap() {
            match fact {
                InboxFact::Accepted { event, .. } => accepted.entry(event.id.to_string()).or_insert(((*event).clone(), 0)).1 += 1,
                InboxFact::Rejected { code, .. } => rejected.push(code.to_string()),
                InboxFact::HandedOn { .. }
                | InboxFact::Ticked { .. }
                | InboxFact::Combined { .. }
                | InboxFact::Said { .. }
                | InboxFact::Delivered { .. }
                | InboxFact::KeyClaimed { .. }
                | InboxFact::Routed { .. }
                | InboxFact::Gathered { .. }
                | InboxFact::BatchClosed { .. }
                | InboxFact::Heard { .. }
                | InboxFact::Spread { .. } => {}
            }
        }
    }
    (accepted, rejected)
}

/// All orchestrations that have begun, with their journals.
fn journals(stores: &mut [Memory]) -> BTreeMap<OrchestrationId, Vec<Row>> {
    let mut journals: BTreeMap<OrchestrationId, Vec<Row>> = BTreeMap::new();
    for (_, row) in stores.iter_mut().flat_map(|store| store.feed(0, usize::MAX).unwrap()) {
        if let Stream::Orchestration(id) = row.stream {
            journals.entry(id).or_default().push(row);
        }
    }
    journals
}

fn quiet(seed: u64) -> Around {
    let mut around = Around::new(registry(), seed);
    around.mix = around.mix.healed();
    around
}

#[test]
fn a_loop_of_events_ends_after_its_hops_and_survives_a_stop_after_every_commit() {
    for rest in [false, true] {
        let (disks, tenant) = (InMemory::new(2), tenants().remove(0));
        let mut works = Works::open(disks.open(), quiet(1));
        works.send(&tenant, echo(1, rest));
        for _ in 0..2 * EVENT_HOPS_MAX {
            works.turn(1000);
            // Everything that was only in memory is gone.
            let around = works.around.clone();
            works = Works::open(disks.open(), around);
        }
        works.finish();
        let (accepted, rejected) = inboxes(&mut disks.open());
        assert_eq!(accepted.len(), EVENT_HOPS_MAX as usize + 1, "the first, and one for each hop");
        assert!(accepted.values().all(|(_, times)| *times == 1));
        assert_eq!(rejected, ["event-loop"]);
        let journals = journals(&mut disks.open());
        assert_eq!(journals.len(), accepted.len());
        journals.iter().for_each(|(id, rows)| said_once(&tenant, *id, rows));
    }
}

/// It ended well and emitted one event, whose id is its effect key, and which lands where its sender lives.
fn said_once(tenant: &TenantId, id: OrchestrationId, rows: &[Row]) {
    assert_eq!(fold(tenant, id, rows).phase, Phase::Ended(Ending::Completed));
    let facts = rows.iter().flat_map(|row| row.transition().unwrap().facts);
    let said: Vec<_> =
        facts.filter_map(|fact| if let Fact::Emitted { effect, event, .. } = fact { Some((effect, event)) } else { None }).collect();
    assert_eq!(said.len(), 1, "{id}");
    let (effect, event) = said.first().unwrap();
    assert_eq!((&*event.id, inbox::slot_of(tenant, event)), (&*effect.event_key(), id.slot()));
}

#[test]
fn an_event_of_ours_that_comes_again_from_outside_has_its_first_answer() {
    let (disks, tenant) = (InMemory::new(2), tenants().remove(0));
    let mut works = Works::open(disks.open(), quiet(2));
    works.send(&tenant, echo(1, false));
    works.finish();
    let (accepted, _) = inboxes(&mut disks.open());
    let ours = accepted.values().map(|(event, _)| event).find(|event| event.hops == 1).unwrap().clone();
    let again = works.send(&tenant, Event { hops: 0, ..ours.clone() });
    let other = works.send(&tenant, Event { hops: 0, data: Value::from("other content"), ..ours });
    works.finish();
    assert!(matches!(works.told.get(&again), Some(Told::Accepted(again)) if again.duplicate && again.rejected.is_none()));
    let refused = works.told.get(&other).and_then(|told| if let Told::Accepted(other) = told { other.rejected.clone() } else { None });
    assert_eq!(refused.unwrap().0.as_ref(), inbox::CONFLICT);
}

#[test]
fn an_event_under_its_authors_id_lands_beside_its_effect_and_is_known_by_its_source_and_id() {
    let tenant = tenants().remove(0);
    let id = OrchestrationId::mint(1, provost_model::Slot(77), &[b"author"]);
    let theirs = Event { source: "/shop".into(), ..event("order-7", "sim.echo", Value::Null) };
    let ours = Event { effect: Some(id.effect("tell", "emit")), hops: 1, ..theirs.clone() };
    assert_eq!(inbox::slot_of(&tenant, &ours), id.slot());
    assert_ne!(inbox::slot_of(&tenant, &theirs), id.slot());
    assert_eq!(inbox::seen_key(&tenant, &ours), inbox::seen_key(&tenant, &theirs), "one that comes back is no other event");
}

#[test]
fn a_flood_of_events_comes_in_pieces() {
    let (disks, tenant) = (InMemory::new(1), tenants().remove(0));
    let mut works = Works::open(disks.open(), quiet(3));
    works.send(&tenant, echo(3, false));
    let (mut before, mut waiting) = (0, 1);
    for _ in 0..3 {
        works.turn(1000);
        let begun = journals(&mut disks.open()).len();
        assert!(begun > before, "it goes on after every stop");
        assert!(begun <= before + 2 * waiting, "{begun} orchestrations have begun after {before}, where {waiting} waited to");
        waiting = disks.open().iter_mut().map(|store| store.open_work(None, usize::MAX).unwrap().len()).sum();
        before = begun;
        disks.open().iter_mut().for_each(|store| comes_back(store, works.around.now_us));
        let around = works.around.clone();
        works = Works::open(disks.open(), around);
    }
}

#[test]
fn more_rows_than_one_commit_takes_are_several_commits() {
    let (disks, tenant) = (InMemory::new(1), tenants().remove(0));
    let mut works = Works::open(disks.open(), quiet(4));
    // Each echo is a row of the inbox, and one more where it is handed on.
    let each = 24;
    let tickets: Vec<_> = (0..100).map(|n| works.send(&tenant, Event { id: format!("in-{n}").into(), ..echo(each, false) })).collect();
    works.turn(1000);
    assert!(tickets.iter().all(|ticket| matches!(works.told.get(ticket), Some(Told::Accepted(_)))));
    let (accepted, _) = inboxes(&mut disks.open());
    assert_eq!(accepted.len(), 100 * (1 + usize::try_from(each).unwrap()) + 100 * usize::try_from(each).unwrap());
}

#[test]
fn after_a_stop_events_are_offered_in_the_order_in_which_they_were_heard() {
    let (disks, tenant) = (InMemory::new(1), tenants().remove(0));
    let mut works = Works::open(disks.open(), quiet(5));
    works.send(&tenant, event("asked", "sim.listen", Value::object([("n", Value::Int(0)), ("id", Value::from("own"))])));
    works.turn(1000);
    let word = |n: i64| Value::object([("id", Value::from("own")), ("item", Value::Int(n))]);
    for n in 0..8 {
        works.send(&tenant, event(&format!("word-{n}"), "sim.word", word(n)));
    }
    works.turn(1000);
    let around = works.around.clone();
    Works::open(disks.open(), around).finish();
    let rows = disks.open().iter_mut().flat_map(|store| store.feed(0, usize::MAX).unwrap()).collect::<Vec<_>>();
    let inbox = rows.iter().filter(|(_, row)| matches!(row.stream, Stream::Inbox(_)));
    let heard = inbox.flat_map(|(_, row)| inbox::decode(&row.json().unwrap()).unwrap()).filter_map(|fact| match fact {
        InboxFact::Heard { id, event, .. } if *event.kind == *"sim.word" => Some(id),
        _ => None,
    });
    let facts =
        rows.iter().filter(|(_, row)| matches!(row.stream, Stream::Orchestration(_))).flat_map(|(_, row)| row.transition().unwrap().facts);
    let taken: Vec<_> = facts
        .filter_map(|fact| match fact {
            Fact::EventTaken { at, event, .. } if at.as_str() == "hear/both/words" => Some(event),
            _ => None,
        })
        .collect();
    assert_eq!(taken, heard.take(3).collect::<Vec<_>>());
}

/// What waits to begin is open work that a rebuild gives back.
fn comes_back(store: &mut Memory, now_us: i64) {
    let before = store.open_work(None, usize::MAX).unwrap();
    let chains = verify_all(store).unwrap();
    store.claim().unwrap();
    rebuild::partition(store, &chains, &SALT, now_us, &mut |_| {}).unwrap();
    assert!(before.len() > 1);
    assert_eq!(store.open_work(None, usize::MAX).unwrap(), before);
}
