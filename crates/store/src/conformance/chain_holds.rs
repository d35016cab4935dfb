//! What was sealed comes back byte for byte: every chain holds and ends at the head.

use provost_model::Slot;
use provost_model::record::Stream;

use super::samples::batch;
use super::{Maker, Outcome, Sample, ensure, equal};
use crate::port::Store;
use crate::verify::{verify_all, verify_chain};

pub(super) fn check<M: Maker>(maker: &mut M) -> Outcome {
    let (mut store, epoch) = maker.claimed()?;
    let mut journals = [
        Sample::orchestration(0, 1),
        Sample::orchestration(1, 1),
        Sample::of(0, Stream::Inbox(Slot(4095))),
        Sample::of(0, Stream::Control),
    ];
    for round in 0..300_u32 {
        let entries = journals.iter_mut().map(|journal| journal.entry(epoch, round % 3 + 1, "{\"text\":\"\u{0}\u{fffd}\"}")).collect();
        store.commit(&batch(epoch, entries))?;
    }
    for journal in &journals {
        let head = verify_chain(&mut store, &journal.tenant, &journal.stream)?;
        equal("the verified head", &head, &journal.head)?;
        equal("the head", &store.head(&journal.tenant, &journal.stream)?, &Some(journal.head))?;
    }
    let chains = verify_all(&mut store)?;
    ensure(chains.damages.is_empty(), "sound journals were called damaged")?;
    equal("the number of journals", &chains.heads.len(), &journals.len())
}
