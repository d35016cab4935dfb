//! The walk over a store in memory, and how starts are followed through an inbox's pages.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

use provost_model::record::{Cause, Place, Start};
use provost_model::{Event, Value, Who};
use provost_store::conformance::{Sample, orchestration, tenant};
use provost_store::{Batch, Lists as _, Memory, Needs};

use super::*;

#[test]
fn names_of_journals_are_read_back() {
    for name in ["control", "inbox-0", "inbox-4095", &orchestration(1).to_string()] {
        assert_eq!(name.parse::<Journal>().unwrap().to_string(), name);
    }
    for wrong in ["", "inbox", "inbox-", "inbox-4096", "inbox--1", "evt_1", "Control"] {
        assert!(wrong.parse::<Journal>().is_err(), "{wrong}");
    }
}

/// A store with the journals 1 to 6 and their list rows; returns them in the walk's order.
fn store() -> (Memory, u64, Vec<Sample>) {
    let mut store = Memory::new();
    let epoch = store.claim().unwrap();
    let mut samples: Vec<Sample> = (1..7).map(|n| Sample::orchestration(0, n)).collect();
    samples.push(Sample::of(0, Stream::Inbox(Slot(7))));
    samples.push(Sample::of(0, Stream::Control));
    let entries = samples.iter_mut().map(|sample| match sample.stream {
        Stream::Orchestration(_) => sample.ended(epoch),
        Stream::Inbox(_) | Stream::Control => sample.entry(epoch, 1, "{}"),
    });
    let entries = entries.collect();
    store.commit(&Batch { epoch, entries }).unwrap();
    store.flush_lists().unwrap();
    samples.reverse();
    (store, epoch, samples)
}

#[test]
fn a_walk_holds_journals_and_what_only_the_list_names_once() {
    let (mut store, _, samples) = store();
    let mut expected: Vec<(Stream, bool)> = samples.iter().map(|sample| (sample.stream.clone(), true)).collect();
    for n in [8, 9] {
        let orphan = Sample::orchestration(0, n).summary(provost_store::Status::Completed).unwrap();
        store.derive(&[provost_store::Derived::Summary(orphan)], 0).unwrap();
        expected.insert(2, (Stream::Orchestration(orchestration(n)), false));
    }
    for limit in [1, 2, 3, 5, 50] {
        let mut found: Vec<(Stream, bool)> = Vec::new();
        loop {
            let before = found.last().map(|(stream, _)| stream.clone());
            let page = listed(&mut store, &tenant(0), before, limit).unwrap();
            found.extend(page.iter().cloned());
            if page.len() < limit {
                break;
            }
        }
        assert_eq!(found, expected, "pages of {limit}");
    }
}

#[test]
fn what_retention_left_is_not_missing_and_what_is_on_its_way_is_open_work() {
    let (mut store, epoch, samples) = store();
    let left = samples.iter().find(|sample| sample.stream == Stream::Orchestration(orchestration(3))).unwrap();
    store.retire(&left.tombstone().unwrap()).unwrap();
    let mut waiting = Sample::orchestration(0, 5);
    waiting.head = samples.iter().find(|sample| sample.stream == waiting.stream).unwrap().head;
    let entries = vec![waiting.running(epoch, Needs::NONE)];
    store.commit(&Batch { epoch, entries }).unwrap();
    let about = Named { event: None, sequence: 1, on_its_way: false };
    let named: Vec<_> = [1, 3, 5, 8].map(|n| (orchestration(n), about)).to_vec();
    let ids = |all: Vec<(OrchestrationId, Named)>| all.into_iter().map(|(id, _)| id).collect::<Vec<_>>();
    assert_eq!(ids(gone(&mut store, &tenant(0), named.clone()).unwrap()), [orchestration(8)]);
    let (open, stuck) = open_first(&mut store, &tenant(0), named.clone()).unwrap();
    assert_eq!((ids(open), ids(stuck)), (vec![orchestration(5)], [1, 3, 8].map(orchestration).to_vec()));
    assert_eq!(ids(gone(&mut store, &tenant(1), named).unwrap()).len(), 4, "another tenant's are not there");
}

/// A row of the inbox behind `head`, with one fact.
fn row(head: Head, fact: &InboxFact) -> Row {
    let (tenant, stream) = (tenant(0), Stream::Inbox(Slot(7)));
    let place = Place { tenant: &tenant, stream: &stream, epoch: 1 };
    Row::seal(place, head, Cause::default(), 1, 1, &inbox::encode(fact).unwrap())
}

fn start_by_hand() -> Start {
    Start {
        workflow: "test/lined".into(),
        version: "1.0.0".into(),
        pin: Digest::of(b"pin"),
        binding: 0,
        input: Value::empty(),
        labels: provost_model::Labels::new(),
        event: None,
        events: Vec::new(),
        parent: None,
        subject: None,
        hops: 0,
        origin: None,
        traceparent: None,
        order: Some("line".into()),
        concurrency: None,
        batch: None,
        by: Who::system(),
    }
}

#[test]
fn what_a_row_handed_on_is_on_its_way_until_a_row_says_that_it_arrived() {
    let (id, event) = (orchestration(1), EventId::mint(1, Slot(7), &[b"e"]));
    let start = Start { event: Some(event), ..start_by_hand() };
    let accepted = InboxFact::Accepted {
        id: event,
        event: Box::new(Event::default()),
        by: Who::system(),
        started: vec![id],
        batches: Vec::new(),
        routed: false,
        unread: Vec::new(),
    };
    let facts = [accepted, InboxFact::HandedOn { orchestration: id, start: Box::new(start) }, InboxFact::Delivered { orchestration: id }];
    for page_rows in [1, 2, 3] {
        let (mut head, mut written) = (Head::EMPTY, Head::EMPTY);
        let (mut looked, mut absent, mut ways) = (Looked::default(), BTreeMap::new(), Vec::new());
        for page in facts.chunks(page_rows) {
            let rows: Vec<Row> = page
                .iter()
                .map(|fact| {
                    let row = row(written, fact);
                    written = row.head();
                    row
                })
                .collect();
            let named = read(&rows, &mut head, &mut looked, &mut absent);
            absent.extend(named);
            ways.push(absent[&id].on_its_way);
        }
        let expected = [vec![false, true, false], vec![true, false], vec![false]];
        assert_eq!(Some(&ways), expected.get(page_rows - 1), "pages of {page_rows}");
        assert_eq!((looked.rows, looked.started, &looked.difference), (3, 1, &None));
        assert_eq!((absent[&id].event, absent[&id].sequence), (Some(event), 1), "the row that names it first");
    }
}

#[test]
fn a_row_that_is_gone_or_was_changed_is_named_once() {
    let facts: Vec<InboxFact> = (1..6).map(|n| InboxFact::Delivered { orchestration: orchestration(n) }).collect();
    let mut rows = Vec::new();
    for fact in &facts {
        rows.push(row(rows.last().map_or(Head::EMPTY, Row::head), fact));
    }
    let looked = |rows: &[Row]| {
        let (mut looked, mut absent) = (Looked::default(), BTreeMap::new());
        read(rows, &mut Head::EMPTY.clone(), &mut looked, &mut absent);
        looked.difference
    };
    assert_eq!(looked(&rows), None);
    let mut without = rows.clone();
    without.remove(1);
    assert_eq!(looked(&without).unwrap(), "at sequence 3: the next row starts at 3, rows between are missing");
    let mut changed = rows.clone();
    changed[2].payload = rows[3].payload.clone();
    assert_eq!(looked(&changed).unwrap(), "at sequence 3: its bytes do not give its chain");
}
