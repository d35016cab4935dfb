//! A batch with one entry that does not fit leaves nothing of any entry, and the store goes on.

use super::samples::batch;
use super::{Maker, Outcome, Sample, ensure, equal, refused};
use crate::batch::Needs;
use crate::port::Store;
use crate::upkeep::Lists;

pub(super) fn check<M: Maker>(maker: &mut M) -> Outcome {
    let (mut store, epoch) = maker.claimed()?;
    let mut kept = Sample::orchestration(0, 1);
    store.commit(&batch(epoch, vec![kept.running(epoch, Needs::NONE)]))?;

    let mut good = Sample::orchestration(0, 2);
    let mut first = good.running(epoch, Needs::REVIEW);
    first.seen = Some(Sample::seen(9, 1));
    let stale = Sample::orchestration(0, 1).running(epoch, Needs::NONE);
    refused("a batch with one wrong head", "STORE_CONFLICT", store.commit(&batch(epoch, vec![first.clone(), stale])))?;

    equal("the journal of the good entry", &store.head(&good.tenant, &good.stream)?, &None)?;
    equal("the feed", &store.feed(0, 10)?.len(), &1)?;
    equal("open work", &store.open_work(None, 10)?.len(), &1)?;
    ensure(store.seen(&good.tenant, &Sample::seen(9, 1).key)?.is_none(), "a key of the refused batch was kept")?;
    store.flush_lists()?;
    equal("the list", &store.list(&crate::Query::newest(good.tenant.clone(), 10))?.len(), &1)?;
    equal("the next position", &store.commit(&batch(epoch, vec![first]))?, &2)?;
    equal("an empty batch", &store.commit(&batch(epoch, Vec::new()))?, &2)
}
