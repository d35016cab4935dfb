//! Everything but the journals can be deleted and comes back, row by row; and work goes on as if nothing had happened.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use provost_engine::Orchestration;
use provost_model::Slot;
use provost_model::record::{Cause, EffectState, Head, Place, Row, Stream};
use provost_runtime::{InboxFact, Told, inbox, rebuild};
use provost_store::{Batch, Entry, Folder, Lists as _, Memory, OpenChange, Query, Sqlite, Status, Store, Upkeep, verify_all};
use rusqlite::types::Value as Cell;

use crate::works::{Around, BEGIN_US, SALT, Works, folded, registry, tenants};

const PARTITIONS: u32 = 2;
const INPUTS: i64 = 42;
const TABLES: [&str; 3] = ["open_work", "seen", "summaries"];

/// A folder's derived tables: every row of every table of every partition; `meta` without the epoch, which each writer counts up.
type Dump = BTreeMap<(u32, &'static str), Vec<Vec<Cell>>>;

fn raw(folder: &Path, index: u32) -> rusqlite::Connection {
    rusqlite::Connection::open(folder.join(format!("partition-{index:03}.db"))).unwrap()
}

fn select(connection: &rusqlite::Connection, sql: &str) -> Vec<Vec<Cell>> {
    let mut statement = connection.prepare(sql).unwrap();
    let columns = statement.column_count();
    let rows = statement.query_map([], |row| (0..columns).map(|at| row.get(at)).collect()).unwrap();
    rows.collect::<Result<_, _>>().unwrap()
}

fn dump(folder: &Path) -> Dump {
    let mut dump = Dump::new();
    for index in 0..PARTITIONS {
        let connection = raw(folder, index);
        for table in TABLES {
            dump.insert((index, table), select(&connection, &format!("SELECT * FROM {table} ORDER BY 1, 2")));
        }
        dump.insert((index, "meta"), select(&connection, "SELECT last_position, watermark FROM meta"));
        dump.insert((index, "journal"), select(&connection, "SELECT * FROM journal ORDER BY position"));
        dump.insert((index, "tombstones"), select(&connection, "SELECT * FROM tombstones ORDER BY 1, 2"));
    }
    dump
}

fn stores(folder: &Folder) -> Vec<Sqlite> {
    (0..PARTITIONS).map(|index| folder.partition(index).unwrap()).collect()
}

/// A folder whose marks are keyed with [`SALT`]: the server's key is made by the node, so the tests of the store's tables use none.
fn open(path: &Path) -> Folder {
    Folder::open(path, PARTITIONS, BEGIN_US).unwrap()
}

/// Derives every partition again, as `provost rebuild` does below its folder.
fn rebuilt(folder: &Folder, now_us: i64) -> rebuild::Rebuilt {
    let mut total = rebuild::Rebuilt::default();
    for mut store in stores(folder) {
        let chains = verify_all(&mut store).unwrap();
        assert!(chains.is_sound());
        store.claim().unwrap();
        let done = rebuild::partition(&mut store, &chains, &SALT, now_us, &mut |_| {}).unwrap();
        total.open_work += done.open_work;
        total.seen += done.seen;
        total.summaries += done.summaries;
        total.snapshots += done.snapshots;
    }
    total
}

/// Works until there is some of everything, and stops in the middle of it.
fn half_done(folder: &Folder, seed: u64) -> (Around, BTreeSet<&'static str>) {
    let mut works = Works::open(stores(folder), Around::new(registry(), seed));
    works.send_all(INPUTS);
    let mut seen = BTreeSet::new();
    for turn in 0..600 {
        works.turn(400);
        if turn == 560 {
            // All of it again, and as much that is new: some stands at every place now.
            works.send_all(2 * INPUTS);
        }
        if turn % 20 == 0 {
            // The list rows of each moment must be those of the transition that changed the status, also after a crash lost some.
            works.project();
        }
    }
    let asks = |state: &Orchestration| state.effects.values().any(|effect| effect.state == EffectState::Claiming);
    for _ in 0..300 {
        if works.unfinished().iter().any(asks) {
            break;
        }
        works.turn(400);
    }
    works.send_keyed(5);
    for _ in 0..30 {
        works.turn(400);
    }
    // More begins, and stops before anything of it reached another partition.
    works.send_all(3 * INPUTS);
    works.turn(0);
    for partition in works.partitions() {
        let open = partition.store().open_work(None, usize::MAX).unwrap();
        seen.extend(open.iter().any(|row| row.work.starts_with(br#"{"handed_on""#)).then_some("a start on its way"));
        for (_, row) in partition.store().feed(0, usize::MAX).unwrap() {
            let Stream::Inbox(_) = row.stream else { continue };
            let facts = inbox::decode(&row.json().unwrap()).unwrap();
            seen.extend(facts.iter().any(|fact| matches!(fact, InboxFact::KeyClaimed { .. })).then_some("a business key"));
            let keyed = row.cause.request.is_some() && facts.iter().any(|fact| matches!(fact, InboxFact::HandedOn { .. }));
            seen.extend(keyed.then_some("a start under a key, handed on"));
        }
    }
    for state in works.unfinished() {
        seen.extend(state.queued.is_some().then_some("in line"));
        seen.extend((!state.timers.is_empty()).then_some("a timer"));
        seen.extend(state.reviews.values().any(|review| review.answer.is_none()).then_some("a review"));
        seen.extend(state.parked.is_some().then_some("parked"));
        for effect in state.effects.values() {
            seen.extend((effect.state == EffectState::InDoubt).then_some("in doubt"));
            seen.extend((effect.state == EffectState::Intended).then_some("intended"));
            seen.extend((effect.state == EffectState::Claiming).then_some("asking for its key"));
            seen.extend((effect.state == EffectState::Waiting).then_some("waiting to try again"));
        }
    }
    seen.extend(works.told.values().map(kind));
    works.project();
    (works.around.clone(), seen)
}

fn kind(told: &Told) -> &'static str {
    match told {
        Told::Accepted(accepted) if accepted.rejected.is_some() => "rejected",
        Told::Accepted(_) => "taken",
        Told::Started { .. } => "started",
        Told::Committed(_) => "committed",
        Told::Refused(_) => "refused",
    }
}

#[test]
fn every_derived_row_comes_back_as_it_was() {
    let (mut snapshots, mut kinds) = (0, BTreeSet::new());
    for seed in 1..=4 {
        let temporary = tempfile::tempdir().unwrap();
        let folder = open(temporary.path());
        let (around, found) = half_done(&folder, seed);
        kinds.extend(found);
        let before = dump(folder.path());
        let done = rebuilt(&folder, around.now_us);
        let after = dump(folder.path());
        for (table, rows) in &before {
            assert!(!rows.is_empty() || table.1 == "tombstones", "{table:?} is empty");
            assert_eq!(after.get(table), Some(rows), "seed {seed}: {table:?}");
        }
        assert!(done.open_work > 5 && done.seen > 50 && done.summaries > 50, "{done:?}");
        snapshots += done.snapshots;
        snapshots_hold(&mut stores(&folder));
    }
    assert!(snapshots > 0);
    let all = [
        "a business key",
        "a review",
        "a start on its way",
        "a start under a key, handed on",
        "a timer",
        "asking for its key",
        "in doubt",
        "in line",
        "intended",
        "parked",
        "rejected",
        "started",
        "taken",
        "waiting to try again",
    ];
    assert_eq!(kinds, BTreeSet::from(all), "the work is not varied enough");
}

/// A partition at work can lose list rows too: a commit that failed and yet stands on disk has rows that its memory never had.
#[test]
fn lists_lost_in_the_middle_of_work_come_back() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = open(temporary.path());
    let mut works = Works::open(stores(&folder), Around::new(registry(), 5));
    works.send_all(INPUTS);
    (0..200).for_each(|_| works.turn(400));
    works.project();
    let lists = |folder: &Folder| dump(folder.path()).into_iter().filter(|((_, table), _)| ["summaries", "meta"].contains(table)).collect();
    let before: Dump = lists(&folder);
    for partition in works.partitions() {
        partition.store().wipe_derived().unwrap();
    }
    assert!(before.values().all(|rows| !rows.is_empty()), "nothing was listed");
    assert_ne!(lists(&folder), before, "nothing was lost");
    works.project();
    assert_eq!(lists(&folder), before);
}

/// Snapshots are the exception: where one stands depends on the batches of the time. What it holds must be what the journal says.
fn snapshots_hold(stores: &mut [Sqlite]) {
    for store in stores {
        for open in store.open_work(None, usize::MAX).unwrap() {
            let stream = Stream::Orchestration(open.orchestration);
            let Some(snapshot) = store.snapshot(&open.tenant, &stream).unwrap() else { continue };
            assert_eq!(snapshot.head, open.head);
            let state: provost_engine::Orchestration = serde_json::from_slice(&snapshot.state).unwrap();
            assert_eq!(state, folded(store, &open.tenant, open.orchestration));
        }
    }
}

#[test]
fn list_rows_that_a_crash_lost_come_back_as_the_commits_made_them() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = open(temporary.path());
    let mut works = Works::open(stores(&folder), Around::new(registry(), 5));
    works.send_all(INPUTS);
    for turn in 0..200 {
        works.turn(400);
        if turn == 60 {
            works.project();
        }
    }
    let around = works.around.clone();
    // As after a kill: nothing is closed, what waited in memory is gone.
    std::mem::forget(works);
    let mut works = Works::open(stores(&folder), around.clone());
    works.project();
    drop(works);
    let before = dump(folder.path());
    rebuilt(&folder, around.now_us);
    assert_eq!(dump(folder.path()), before);
}

#[test]
fn work_goes_on_as_if_nothing_had_happened() {
    let temporary = tempfile::tempdir().unwrap();
    let (wiped_path, twin_path) = (temporary.path().join("wiped"), temporary.path().join("twin"));
    let mut ends = Vec::new();
    for path in [&wiped_path, &twin_path] {
        let folder = open(path);
        let (around, _) = half_done(&folder, 11);
        if path == &wiped_path {
            for index in 0..PARTITIONS {
                raw(path, index)
                    .execute_batch("DELETE FROM open_work; DELETE FROM seen; DELETE FROM snapshots; DELETE FROM summaries")
                    .unwrap();
            }
            rebuilt(&folder, around.now_us);
        } else {
            // A rebuild counts the epoch up, and the epoch stands in every row.
            for mut store in stores(&folder) {
                store.claim().unwrap();
            }
        }
        let mut works = Works::open(stores(&folder), around);
        let tickets = works.send_all(3 * INPUTS);
        works.turn(0);
        let mut conflicts = 0;
        for ticket in tickets {
            match works.told.get(&ticket) {
                Some(Told::Accepted(accepted)) if accepted.rejected.as_ref().is_some_and(|(code, _)| &**code == inbox::CONFLICT) => {
                    conflicts += 1
                }
                Some(Told::Accepted(accepted)) => assert!(accepted.duplicate, "{accepted:?} was not known"),
                Some(Told::Started { id, duplicate }) => assert!(*duplicate, "{id} was not known"),
                other => assert!(other.is_none(), "{other:?}"),
            }
        }
        assert_eq!(conflicts, tenants().len());
        works.finish();
        works.project();
        drop(works);
        ends.push(dump(path));
    }
    let (wiped, twin) = (ends.remove(0), ends.remove(0));
    assert!(wiped.iter().filter(|((_, table), _)| *table == "open_work").all(|(_, rows)| rows.is_empty()));
    for (table, rows) in &twin {
        assert_eq!(wiped.get(table), Some(rows), "{table:?}");
    }
}

#[test]
fn the_oracle_is_rebuilt_like_the_file() {
    let disks: Vec<Memory> = (0..PARTITIONS).map(|_| Memory::new()).collect();
    let mut works = Works::open(disks.iter().map(Memory::reopen).collect(), Around::new(registry(), 3));
    works.send_all(INPUTS);
    (0..300).for_each(|_| works.turn(300));
    works.project();
    let now_us = works.around.now_us;
    drop(works);
    let before: Vec<_> = disks.iter().map(shown).collect();
    for disk in &disks {
        let mut store = disk.reopen();
        let chains = verify_all(&mut store).unwrap();
        store.claim().unwrap();
        // Broken off after a few journals: the open work is incomplete, and the next rebuild starts at the beginning.
        let mut few = provost_store::FaultyStore::new(disk.reopen(), fail_at_third_derive());
        few.claim().unwrap();
        rebuild::partition(&mut few, &chains, &SALT, now_us, &mut |_| {}).unwrap_err();
        assert_eq!(few.inner().lag().unwrap().watermark, 0, "the watermark passed what was not derived");
        let mut store = disk.reopen();
        store.claim().unwrap();
        rebuild::partition(&mut store, &chains, &SALT, now_us, &mut |_| {}).unwrap();
    }
    assert_eq!(disks.iter().map(shown).collect::<Vec<_>>(), before);
}

fn fail_at_third_derive() -> impl FnMut(&provost_store::Op<'_>) -> provost_store::Fault + Send {
    let mut derives = 0;
    move |op| {
        derives += u32::from(*op == provost_store::Op::Write("derive"));
        if derives >= 2 { provost_store::Fault::CrashBefore } else { provost_store::Fault::None }
    }
}

/// What the port shows of a partition.
fn shown(disk: &Memory) -> String {
    let mut store = disk.reopen();
    let lists: Vec<_> = tenants().into_iter().flat_map(|tenant| store.list(&Query::newest(tenant, usize::MAX)).unwrap()).collect();
    assert!(lists.iter().any(|summary| summary.status == Status::Completed));
    let mut keys = Vec::new();
    for (_, row) in store.feed(0, usize::MAX).unwrap() {
        keys.extend(row.cause.request.as_ref().map(|request| (row.tenant.clone(), request.key)));
        if let Stream::Inbox(_) = row.stream {
            for fact in provost_runtime::inbox::decode(&row.json().unwrap()).unwrap() {
                let seen = fact.remembered(&row.tenant, row.recorded_at_us).unwrap();
                keys.extend(seen.map(|seen| (row.tenant.clone(), seen.key)));
            }
        }
    }
    let seen: Vec<_> = keys.into_iter().map(|(tenant, key)| store.seen(&tenant, &key).unwrap().unwrap()).collect();
    format!("{lists:?} {seen:?} {:?}", store.open_work(None, usize::MAX).unwrap())
}

#[test]
fn a_row_that_cannot_be_read_is_named_before_anything_is_deleted() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = open(temporary.path());
    let (around, _) = half_done(&folder, 2);
    let error = folder_rebuilt(folder, around.now_us).unwrap_err();
    assert!(error.to_string().contains("server.key` is missing or damaged: it is not there"), "{error}");
    std::fs::write(temporary.path().join("server.key"), [7; 32]).unwrap();

    // Sound in its chain, written by something newer: its facts are of a kind that this binary does not know.
    let folder = open(temporary.path());
    let mut store = stores(&folder).remove(1);
    let epoch = store.claim().unwrap();
    let (tenant, stream) = (tenants().remove(0), Stream::Inbox(Slot(4000)));
    let place = Place { tenant: &tenant, stream: &stream, epoch };
    let row = Row::seal(place, Head::EMPTY, Cause::default(), around.now_us, 1, br#"{"facts":[{"held":{}}]}"#);
    let entry = Entry { row, expected: Head::EMPTY, open: OpenChange::Keep, seen: None, summary: None };
    store.commit(&Batch { epoch, entries: vec![entry] }).unwrap();
    drop(store);
    let before = dump(folder.path());
    let error = folder_rebuilt(folder, around.now_us).unwrap_err();
    assert_eq!(error.code(), "CHAIN_DAMAGED");
    let named = "partition-001.db: the journal of inbox slot 4000 in tenant `acme` is damaged at sequence 1: ";
    assert!(error.to_string().contains(named) && error.to_string().contains("`held`"), "{error}");
    assert_eq!(dump(temporary.path()), before);
    drop(open(temporary.path()));
}

fn folder_rebuilt(folder: Folder, now_us: i64) -> Result<rebuild::Report, rebuild::Error> {
    let path = folder.path().to_owned();
    drop(folder);
    rebuild::folder(&path, now_us, &mut |_| {})
}
