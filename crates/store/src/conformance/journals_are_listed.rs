//! Every journal with rows is listed once, in descending order, whatever the page's size and whatever the derived tables say.

use provost_model::Slot;
use provost_model::record::Stream;

use super::samples::batch;
use super::{Broken, Maker, Outcome, Sample, equal};
use crate::port::Store;
use crate::upkeep::{Lists, Upkeep};

pub(super) fn check<M: Maker>(maker: &mut M) -> Outcome {
    let (mut store, epoch) = maker.claimed()?;
    equal("journals of nobody", &store.journals(&super::tenant(0), None, 10)?, &Vec::new())?;
    let mut journals: Vec<Sample> = (1..8).map(|n| Sample::orchestration(0, n)).collect();
    journals.extend([0, 7, 4095].map(|slot| Sample::of(0, Stream::Inbox(Slot(slot)))));
    journals.push(Sample::of(0, Stream::Control));
    let mut others = [Sample::orchestration(1, 3), Sample::of(1, Stream::Inbox(Slot(7))), Sample::of(2, Stream::Control)];
    for _ in 0..3 {
        let entries = journals.iter_mut().chain(&mut others).map(|journal| journal.entry(epoch, 2, "{}")).collect();
        store.commit(&batch(epoch, entries))?;
    }
    let [first, second, _] = &others;
    equal("another's", &store.journals(&first.tenant, None, 10)?, &vec![second.stream.clone(), first.stream.clone()])?;
    journals.reverse();
    pages_are(&mut store, &journals)?;
    store.wipe_derived()?;
    pages_are(&mut store, &journals)?;
    let mut left = Sample::orchestration(0, 9);
    store.commit(&batch(epoch, vec![left.ended(epoch)]))?;
    equal("the newest", &store.journals(&left.tenant, Some(&Stream::Inbox(Slot(0))), 1)?, &vec![left.stream.clone()])?;
    store.retire(&left.tombstone().ok_or(Broken("a sample without a tombstone".to_owned()))?)?;
    pages_are(&mut store, &journals)
}

/// Page by page they are exactly these, and from below any of them the rest.
fn pages_are<S: Upkeep>(store: &mut S, journals: &[Sample]) -> Outcome {
    let expected: Vec<Stream> = journals.iter().map(|journal| journal.stream.clone()).collect();
    let tenant = super::tenant(0);
    for limit in [1, 3, 50] {
        let mut found: Vec<Stream> = Vec::new();
        loop {
            let page = store.journals(&tenant, found.last(), limit)?;
            if page.is_empty() {
                break;
            }
            found.extend(page);
        }
        equal("the journals", &found, &expected)?;
    }
    equal("no journals asked for", &store.journals(&tenant, None, 0)?, &Vec::new())
}
