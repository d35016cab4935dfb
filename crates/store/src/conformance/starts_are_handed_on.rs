//! A start that an inbox hands on is open work of the orchestration it will be, until it is delivered; nothing else may do that.

use provost_model::Slot;
use provost_model::record::Stream;

use super::samples::batch;
use super::{Maker, Outcome, Sample, equal};
use crate::batch::{Needs, OpenChange};
use crate::port::Store;

pub(super) fn check<M: Maker>(maker: &mut M) -> Outcome {
    let (mut store, epoch) = maker.claimed()?;
    let mut inbox = Sample::of(0, Stream::Inbox(Slot(1)));
    let mut waiting = Vec::new();
    for n in 0..3 {
        let mut entry = inbox.entry(epoch, 1, "{}");
        let work = Sample::orchestration(0, n).open_work(Needs::NONE).map(|work| crate::OpenWork { head: entry.row.head(), ..work });
        waiting.extend(work.clone());
        entry.open = work.map_or(OpenChange::Keep, OpenChange::Forward);
        store.commit(&batch(epoch, vec![entry]))?;
    }
    waiting.sort_by_key(|work| work.orchestration);
    equal("what waits to be delivered", &store.open_work(None, 10)?, &waiting)?;

    let mut entry = inbox.entry(epoch, 1, "{}");
    let delivered = waiting.remove(1).orchestration;
    entry.open = OpenChange::Delivered(delivered);
    store.commit(&batch(epoch, vec![entry]))?;
    equal("what waits after one was delivered", &store.open_work(None, 10)?, &waiting)?;

    let mut journal = Sample::orchestration(0, 9);
    let mut entry = journal.entry(epoch, 1, "{}");
    entry.open = OpenChange::Delivered(delivered);
    equal("an orchestration that delivers", &store.commit(&batch(epoch, vec![entry])).is_err(), &true)?;
    drop(store);
    equal("what waits after opening again", &maker.open()?.open_work(None, 10)?, &waiting)
}
