//! The store that fails on purpose does exactly what its plan says.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use provost_store::conformance::Sample;
use provost_store::{Batch, Fault, FaultyStore, Memory, Needs, Op, Store, Upkeep};

/// One commit under a fault: its error's code, rows there afterwards, and whether the next call is heard.
fn commit_under(fault: Fault) -> (Option<&'static str>, usize, bool) {
    let mut plain = Memory::new();
    let epoch = plain.claim().unwrap();
    let plan = move |op: &Op<'_>| match op {
        Op::Commit(batch) if !batch.entries.is_empty() => fault,
        Op::Commit(_) | Op::Read(_) | Op::Write(_) => Fault::None,
    };
    let mut store = FaultyStore::new(plain, plan);
    let entry = Sample::orchestration(0, 1).running(epoch, Needs::NONE);
    let answer = store.commit(&Batch { epoch, entries: vec![entry] });
    let heard = store.commit(&Batch { epoch, entries: Vec::new() }).is_ok();
    assert_eq!(heard, !store.is_dead());
    let rows = store.into_inner().reopen().feed(0, 10).unwrap().len();
    (answer.err().map(|error| error.code()), rows, heard)
}

#[test]
fn each_fault_does_what_it_says() {
    assert_eq!(commit_under(Fault::None), (None, 1, true));
    assert_eq!(commit_under(Fault::FailBefore), (Some("STORE_IO"), 0, true));
    assert_eq!(commit_under(Fault::FailAfter), (Some("STORE_IO"), 1, true));
    assert_eq!(commit_under(Fault::DiskFull), (Some("STORE_FULL"), 0, true));
    assert_eq!(commit_under(Fault::CrashBefore), (Some("STORE_IO"), 0, false));
    assert_eq!(commit_under(Fault::Crash), (Some("STORE_IO"), 1, false));
}
