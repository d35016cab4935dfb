//! A rebuild that was broken off can be begun again: until its end the watermark says that nothing is there, whatever is flushed.

use provost_model::record::Row;

use super::samples::batch;
use super::{Broken, Maker, Outcome, Sample, equal, refused};
use crate::batch::{Derived, Needs, OpenWork, Query, Seen, Status, Summary};
use crate::port::Store;
use crate::upkeep::{Lag, Lists, Upkeep};

type Derivable = (Vec<OpenWork>, Vec<Option<Seen>>, Vec<Summary>);

pub(super) fn check<M: Maker>(maker: &mut M) -> Outcome {
    let (mut store, epoch) = maker.claimed()?;
    let mut journals: Vec<Sample> = (0..6).map(|n| Sample::orchestration(0, n)).collect();
    let mut entries: Vec<_> = journals.iter_mut().map(|journal| journal.running(epoch, Needs::REVIEW)).collect();
    for (entry, n) in entries.iter_mut().zip(0..) {
        entry.seen = Some(Sample::seen(n, 9));
    }
    store.commit(&batch(epoch, entries))?;
    store.flush_lists()?;
    let before = derivable(&mut store)?;
    let rows = store.feed(0, 100)?;

    store.wipe_derived()?;
    store.derive(&derived(&journals, 0..3), 0)?;
    equal("the lag in the middle", &store.lag()?, &Lag { watermark: 0, last: 6, lost_through: 6 })?;
    equal("the watermark a flush in the middle leaves", &store.flush_lists()?, &0)?;
    // A second writer stands in for the start after a kill.
    let stale = store;
    let (mut store, epoch) = maker.claimed()?;
    let mut stale = stale;
    refused("the rebuild that was taken over", "STORE_STALE", stale.derive(&derived(&journals, 3..6), 6))?;
    refused("its wipe", "STORE_STALE", stale.wipe_derived())?;
    equal("rows still to derive", &store.unprojected(0, 100)?.len(), &rows.len())?;
    equal("the watermark after the start", &store.flush_lists()?, &0)?;

    store.wipe_derived()?;
    equal("what the broken one had derived", &derivable(&mut store)?.0.len(), &0)?;
    for part in [0..2, 2..4, 4..6] {
        store.derive(&derived(&journals, part), 0)?;
    }
    store.derive(&[], 6)?;
    equal("everything after the second rebuild", &derivable(&mut store)?, &before)?;
    equal("the journals", &store.feed(0, 100)?, &rows)?;
    equal("the lag at the end", &store.lag()?, &Lag { watermark: 6, last: 6, lost_through: 6 })?;
    goes_on(&mut store, epoch, journals.first_mut().ok_or(Broken("no sample".to_owned()))?)
}

fn goes_on<S: Upkeep>(store: &mut S, epoch: u64, journal: &mut Sample) -> Outcome {
    store.commit(&batch(epoch, vec![journal.ended(epoch)]))?;
    equal("the watermark goes on", &store.flush_lists()?, &7)?;
    equal("open work after an end", &store.open_work(None, 100)?.len(), &5)?;
    let last: Option<Row> = store.feed(6, 10)?.pop().map(|(_, row)| row);
    equal("the row behind the rebuild", &last.map(|row| row.head()), &Some(journal.head))
}

fn derived(journals: &[Sample], part: std::ops::Range<usize>) -> Vec<Derived> {
    let mut all = Vec::new();
    for (journal, n) in journals.iter().zip(0_u64..).skip(part.start).take(part.len()) {
        all.extend(journal.open_work(Needs::REVIEW).map(Derived::Open));
        all.push(Derived::Seen(journal.tenant.clone(), Sample::seen(n, 9)));
        all.extend(journal.summary(Status::Waiting).map(Derived::Summary));
    }
    all
}

fn derivable<S: Upkeep>(store: &mut S) -> Result<Derivable, Broken> {
    let seen = (0..6).map(|n| store.seen(&super::tenant(0), &super::digest(n))).collect::<Result<_, _>>()?;
    Ok((store.open_work(None, 100)?, seen, store.list(&Query::newest(super::tenant(0), 100))?))
}
