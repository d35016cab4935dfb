//! What contradicts itself or is too large is refused before anything is written.

use provost_model::record::{Head, Stream};

use super::samples::batch;
use super::{Maker, Outcome, Sample, digest, equal, refused};
use crate::batch::{BATCH_ROWS_MAX, Entry, Needs, OpenChange, PAYLOAD_BYTES_MAX};
use crate::port::Store;

pub(super) fn check<M: Maker>(maker: &mut M) -> Outcome {
    let (mut store, epoch) = maker.claimed()?;
    let mut journal = Sample::orchestration(0, 1);
    // Hexadecimal digits of digests pack to half their size at best.
    let noise: String = (0..).map(|n| digest(n).hex()).take(PAYLOAD_BYTES_MAX / 64 * 3).collect();
    let large = journal.clone().entry(epoch, 1, &noise);
    refused("a large payload", "STORE_TOO_LARGE", store.commit(&batch(epoch, vec![large])))?;
    let many = (0..=BATCH_ROWS_MAX).map(|_| journal.clone().entry(epoch, 1, "{}")).collect();
    refused("a long batch", "STORE_TOO_LARGE", store.commit(&batch(epoch, many)))?;

    for broken in contradictions(&journal, epoch) {
        refused("a contradiction", "STORE_MALFORMED", store.commit(&batch(epoch, vec![broken])))?;
    }
    equal("rows", &store.feed(0, 10)?.len(), &0)?;
    let longest = journal.entry(epoch, 1, &"x".repeat(PAYLOAD_BYTES_MAX - 2));
    equal("the longest payload", &store.commit(&batch(epoch, vec![longest.clone()]))?, &1)?;
    equal("its row", &store.rows(&journal.tenant, &journal.stream, 0, 1)?, &vec![longest.row])
}

fn contradictions(journal: &Sample, epoch: u64) -> Vec<Entry> {
    let good = journal.clone().running(epoch, Needs::NONE);
    let with = |change: &dyn Fn(&mut Entry)| {
        let mut entry = good.clone();
        change(&mut entry);
        entry
    };
    vec![
        with(&|entry| entry.row.epoch += 1),
        with(&|entry| entry.row.fact_count = 0),
        with(&|entry| entry.row.format += 1),
        with(&|entry| entry.row.first_sequence = 2),
        with(&|entry| entry.expected = Head { sequence: u64::MAX, chain: digest(0) }),
        with(&|entry| entry.row.stream = Stream::Control),
        with(&|entry| entry.row.payload.push(b' ')),
        with(&|entry| entry.row.recorded_at_us += 1),
        with(&|entry| entry.open = Sample::orchestration(0, 2).open_work(Needs::NONE).map_or(OpenChange::Keep, OpenChange::Set)),
        with(&|entry| entry.summary = Sample::orchestration(1, 1).summary(crate::Status::Running)),
    ]
}
