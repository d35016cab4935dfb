//! A state machine: random calls on SQLite and on the oracle must give the same answers, over restarts, takeovers and rebuilds.
#![expect(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod makers;

use std::fmt::Debug;

use makers::Files;
use proptest::prelude::*;
use provost_model::Slot;
use provost_model::record::{Head, Stream};
use provost_store::conformance::{Maker, Sample, digest, orchestration, tenant};
use provost_store::{
    Batch, Derived, Entry, Lists, Memory, Needs, OpenChange, Query, Snapshot, Sqlite, Status, Store, StoreError, Upkeep, verify_all,
    verify_chain,
};

/// Journals of the small world: 3 tenants with 4 orchestrations, one inbox and one control journal each.
const JOURNALS: u8 = 18;

#[derive(Clone, Debug)]
enum Call {
    /// Entries of a batch; the third number says what is wrong with it, mostly nothing.
    Commit(Vec<(u8, u8, u8)>),
    Reopen,
    Claim,
    /// The writer before the last claim tries again.
    Stale(u8),
    Flush,
    Derive(u8, u8),
    Wipe,
    Retire(u8),
    Forget(u8, u8),
    Snapshot(u8, u8),
    DropSnapshot(u8),
    Page(u8, u8),
    List(u8, u8),
}

fn call() -> impl Strategy<Value = Call> {
    prop_oneof![
        12 => prop::collection::vec((0..JOURNALS, any::<u8>(), 0..40_u8), 0..6).prop_map(Call::Commit),
        1 => Just(Call::Reopen),
        1 => Just(Call::Claim),
        1 => (0..JOURNALS).prop_map(Call::Stale),
        2 => Just(Call::Flush),
        2 => (0..JOURNALS, any::<u8>()).prop_map(|(journal, through)| Call::Derive(journal, through)),
        1 => Just(Call::Wipe),
        2 => (0..JOURNALS).prop_map(Call::Retire),
        1 => (any::<u8>(), 1..5_u8).prop_map(|(now, limit)| Call::Forget(now, limit)),
        1 => (0..JOURNALS, any::<u8>()).prop_map(|(journal, fold)| Call::Snapshot(journal, fold)),
        1 => (0..JOURNALS).prop_map(Call::DropSnapshot),
        3 => (0..JOURNALS, any::<u8>()).prop_map(|(journal, at)| Call::Page(journal, at)),
        3 => (any::<u8>(), any::<u8>()).prop_map(|(filter, at)| Call::List(filter, at)),
    ]
}

/// Both stores and where their journals stand.
struct World {
    files: Files,
    sqlite: Sqlite,
    memory: Memory,
    epoch: u64,
    journals: Vec<Sample>,
}

fn same<T: Debug + PartialEq>(what: &str, sqlite: Result<T, StoreError>, memory: Result<T, StoreError>) -> Option<T> {
    match (sqlite, memory) {
        (Ok(a), Ok(b)) => {
            assert_eq!(a, b, "{what}");
            Some(a)
        }
        (Err(a), Err(b)) => {
            assert_eq!(a, b, "{what}");
            None
        }
        (a, b) => panic!("{what}: sqlite {a:?}, memory {b:?}"),
    }
}

impl World {
    fn new() -> Self {
        let mut files = Files::fresh();
        let (mut sqlite, mut memory) = (files.open().unwrap(), Memory::new());
        let epoch = same("claim", sqlite.claim(), memory.claim()).unwrap();
        let journals = (0..JOURNALS)
            .map(|n| match n / 3 {
                0..4 => Sample::orchestration(n % 3, u64::from(n / 3)),
                4 => Sample::of(n % 3, Stream::Inbox(Slot(u16::from(n)))),
                _ => Sample::of(n % 3, Stream::Control),
            })
            .collect();
        Self { files, sqlite, memory, epoch, journals }
    }

    fn journal(&self, n: u8) -> Sample {
        self.journals[usize::from(n)].clone()
    }

    fn call(&mut self, call: &Call) {
        match call {
            Call::Commit(entries) => self.commit(entries),
            Call::Reopen => self.reopen(),
            Call::Claim => self.epoch = same("claim", self.sqlite.claim(), self.memory.claim()).unwrap(),
            Call::Stale(journal) => self.stale(*journal),
            Call::Flush => drop(same("flush", self.sqlite.flush_lists(), self.memory.flush_lists())),
            Call::Derive(journal, through) => self.derive(*journal, u64::from(*through)),
            Call::Wipe => drop(same("wipe", self.sqlite.wipe_derived(), self.memory.wipe_derived())),
            Call::Retire(journal) => self.retire(*journal),
            Call::Forget(now, limit) => self.forget(i64::from(*now), usize::from(*limit)),
            Call::Snapshot(journal, fold) => self.snapshot(*journal, u16::from(*fold)),
            Call::DropSnapshot(journal) => {
                let Sample { tenant, stream, .. } = self.journal(*journal);
                same("drop", self.sqlite.drop_snapshot(&tenant, &stream), self.memory.drop_snapshot(&tenant, &stream));
            }
            Call::Page(journal, at) => {
                self.page(*journal, u64::from(*at));
                let Sample { tenant, stream, .. } = self.journals[usize::from(*journal)].clone();
                for before in [None, Some(&stream)] {
                    let limit = usize::from(*at % 8);
                    same("journals", self.sqlite.journals(&tenant, before, limit), self.memory.journals(&tenant, before, limit));
                }
            }
            Call::List(filter, at) => self.list(*filter, *at),
        }
    }

    fn commit(&mut self, wanted: &[(u8, u8, u8)]) {
        let mut journals = self.journals.clone();
        let entries: Vec<Entry> = wanted.iter().map(|spec| entry(&mut journals, self.epoch, *spec)).collect();
        let batch = Batch { epoch: self.epoch, entries };
        if same("commit", self.sqlite.commit(&batch), self.memory.commit(&batch)).is_some() {
            self.journals = journals;
        }
    }

    /// Drops both handles. SQLite flushes its lists when it closes in order, so the oracle is flushed too.
    fn reopen(&mut self) {
        let _stale_or_flushed = self.memory.flush_lists();
        self.memory = self.memory.reopen();
        let next = self.files.open().unwrap();
        drop(std::mem::replace(&mut self.sqlite, next));
        self.sqlite = self.files.open().unwrap();
        self.epoch = same("claim", self.sqlite.claim(), self.memory.claim()).unwrap();
    }

    fn stale(&mut self, journal: u8) {
        let entry = self.journal(journal).entry(self.epoch - 1, 1, "{}");
        let batch = Batch { epoch: self.epoch - 1, entries: vec![entry] };
        assert!(same("stale", self.sqlite.commit(&batch), self.memory.commit(&batch)).is_none());
    }

    fn derive(&mut self, n: u8, through: u64) {
        let journal = self.journal(n);
        let summary = journal.summary(Status::Faulted).map(Derived::Summary);
        let open = if through.is_multiple_of(2) { journal.open_work(Needs::PARKED).map(Derived::Open) } else { None };
        let seen = Derived::Seen(journal.tenant.clone(), Sample::seen(through, 9));
        let derived: Vec<Derived> = [summary, open, Some(seen)].into_iter().flatten().collect();
        same("derive", self.sqlite.derive(&derived, through), self.memory.derive(&derived, through));
    }

    fn retire(&mut self, n: u8) {
        if let Some(tombstone) = self.journal(n).tombstone() {
            same("retire", self.sqlite.retire(&tombstone), self.memory.retire(&tombstone));
        }
    }

    fn forget(&mut self, now_us: i64, limit: usize) {
        let (owner, horizon_us) = (tenant(limit as u8), 1_800_000_000_000_000 - 3 + now_us % 6);
        same("forget keys", self.sqlite.forget_keys(&owner, horizon_us), self.memory.forget_keys(&owner, horizon_us));
        let mut after = None;
        loop {
            let pass = same("forget", self.sqlite.forget_seen(now_us, after.clone(), limit), self.memory.forget_seen(now_us, after, limit));
            after = pass.unwrap().next;
            if after.is_none() {
                break;
            }
        }
    }

    fn snapshot(&mut self, n: u8, fold: u16) {
        let Sample { tenant, stream, head } = self.journal(n);
        let snapshot = Snapshot { tenant, stream, head, fold, state: vec![fold as u8; usize::from(fold) * 100] };
        same("snapshot", self.sqlite.write_snapshot(&snapshot), self.memory.write_snapshot(&snapshot));
    }

    fn page(&mut self, n: u8, at: u64) {
        let limit = (at % 7) as usize;
        let Sample { tenant, stream, .. } = self.journal(n);
        let id = orchestration(at % 5);
        same("rows", self.sqlite.rows(&tenant, &stream, at % 20, limit), self.memory.rows(&tenant, &stream, at % 20, limit));
        same("feed", self.sqlite.feed(at, limit), self.memory.feed(at, limit));
        let after = Some((tenant.clone(), id));
        same("open work", self.sqlite.open_work(after.clone(), limit), self.memory.open_work(after, limit));
        same("seen", self.sqlite.seen(&tenant, &digest(at % 8)), self.memory.seen(&tenant, &digest(at % 8)));
        same("unprojected", self.sqlite.unprojected(at, limit), self.memory.unprojected(at, limit));
        same("tombstone", self.sqlite.tombstone(&tenant, &id), self.memory.tombstone(&tenant, &id));
    }

    fn list(&mut self, filter: u8, at: u8) {
        let on = |bit: u8| filter & 1 << bit != 0;
        let query = Query {
            workflow: on(0).then(|| "refund".into()),
            status: on(1).then_some(Status::ALL[usize::from(at) % 7]),
            subject: (on(2) && on(3)).then_some([at % 3; 32]),
            needs: if on(4) { Needs(at % 16) } else { Needs::NONE },
            before: on(5).then(|| orchestration(u64::from(at % 5))),
            ..Query::newest(tenant(at), usize::from(at % 6))
        };
        same("list", self.sqlite.list(&query), self.memory.list(&query));
    }

    /// Everything there is, compared.
    fn compare(&mut self) {
        same("feed", self.sqlite.feed(0, 10_000), self.memory.feed(0, 10_000));
        same("open work", self.sqlite.open_work(None, 100), self.memory.open_work(None, 100));
        same("lag", self.sqlite.lag(), self.memory.lag());
        for n in 0..JOURNALS {
            let Sample { tenant, stream, .. } = self.journal(n);
            same("head", self.sqlite.head(&tenant, &stream), self.memory.head(&tenant, &stream));
            same("snapshot", self.sqlite.snapshot(&tenant, &stream), self.memory.snapshot(&tenant, &stream));
            let head = self.memory.head(&tenant, &stream).unwrap().unwrap_or(Head::EMPTY);
            assert_eq!(verify_chain(&mut self.sqlite, &tenant, &stream).unwrap(), head);
        }
        for n in 0..3 {
            let query = Query::newest(tenant(n), 100);
            same("list", self.sqlite.list(&query), self.memory.list(&query));
        }
        for n in 0..12 {
            let (owner, id) = (tenant(n % 3), orchestration(u64::from(n / 3)));
            same("tombstone", self.sqlite.tombstone(&owner, &id), self.memory.tombstone(&owner, &id));
        }
        same("chains", verify_all(&mut self.sqlite), verify_all(&mut self.memory));
    }
}

fn entry(journals: &mut [Sample], epoch: u64, (n, shape, wrong): (u8, u8, u8)) -> Entry {
    let journal = &mut journals[usize::from(n)];
    if wrong == 0 {
        journal.head = Head { sequence: u64::from(shape % 4), chain: digest(u64::from(shape)) };
    }
    let needs = Needs(shape % 16);
    let mut entry = match shape % 3 {
        0 if n < 12 => journal.ended(epoch),
        1 => journal.running(epoch, needs),
        _ => journal.entry(epoch, u32::from(shape % 5) + 1, &format!("{{\"shape\":{shape}}}")),
    };
    if let Some(summary) = &mut entry.summary {
        summary.subject = (shape & 32 != 0).then_some([shape % 3; 32]);
    }
    entry.seen = (shape & 64 != 0).then(|| Sample::seen(u64::from(shape % 8), i64::from(shape)));
    if wrong == 1 {
        entry.open = OpenChange::Close;
        entry.row.fact_count = 0;
    }
    entry
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn both_stores_answer_the_same(calls in prop::collection::vec(call(), 1..50)) {
        let mut world = World::new();
        for call in &calls {
            world.call(call);
        }
        world.compare();
        world.reopen();
        world.compare();
    }
}
