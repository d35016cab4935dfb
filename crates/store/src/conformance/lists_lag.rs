//! Lists are projected behind the commits; the watermark says how far, and a crash loses nothing that cannot be derived.

use super::samples::batch;
use super::{Maker, Outcome, Sample, equal};
use crate::batch::{Derived, Needs, Query, Status};
use crate::port::Store;
use crate::upkeep::{Lag, Lists};

pub(super) fn check<M: Maker>(maker: &mut M) -> Outcome {
    let (mut store, epoch) = maker.claimed()?;
    let mut flushed = Sample::orchestration(0, 1);
    let mut lost = Sample::orchestration(0, 2);
    let newest = Query::newest(flushed.tenant.clone(), 10);
    store.commit(&batch(epoch, vec![flushed.running(epoch, Needs::NONE), flushed.ended(epoch)]))?;
    equal("the list before the flush", &store.list(&newest)?, &Vec::new())?;
    equal("the lag before the flush", &store.lag()?.behind(), &2)?;
    equal("the watermark", &store.flush_lists()?, &2)?;
    let shown = flushed.summary(Status::Completed);
    equal("the list", &store.list(&newest)?.first().cloned(), &shown)?;

    // A second handle stands in for a restart after kill -9: what waited in the first is lost.
    store.commit(&batch(epoch, vec![lost.running(epoch, Needs::NONE)]))?;
    let (mut store, epoch) = maker.claimed()?;
    equal("the lag after a crash", &store.lag()?, &Lag { watermark: 2, last: 3, lost_through: 3 })?;
    let mut later = Sample::orchestration(0, 3);
    store.commit(&batch(epoch, vec![later.running(epoch, Needs::NONE)]))?;
    equal("the watermark over a gap", &store.flush_lists()?, &2)?;
    let positions = store.unprojected(0, 10)?.into_iter().map(|(position, _)| position).collect::<Vec<_>>();
    equal("rows to derive", &positions, &vec![3])?;
    let derived: Vec<Derived> = lost.summary(Status::Running).into_iter().map(Derived::Summary).collect();
    store.derive(&derived, 3)?;
    equal("rows to derive afterwards", &store.unprojected(0, 10)?.len(), &0)?;
    equal("the watermark afterwards", &store.flush_lists()?, &4)?;
    equal("the list afterwards", &store.list(&newest)?.len(), &3)?;

    let older = Sample { head: provost_model::record::Head::EMPTY, ..later.clone() }.summary(Status::Parked);
    store.derive(&older.into_iter().map(Derived::Summary).collect::<Vec<_>>(), 4)?;
    equal("a list row older than the stored one", &store.list(&newest)?.first().map(|s| s.status), &Some(Status::Running))
}
