//! Two tenants with the same ids and keys see only their own.

use provost_model::record::Stream;

use super::samples::batch;
use super::{Maker, Outcome, Sample, equal};
use crate::batch::{Needs, Query};
use crate::port::Store;
use crate::upkeep::Lists;

pub(super) fn check<M: Maker>(maker: &mut M) -> Outcome {
    let (mut store, epoch) = maker.claimed()?;
    for owner in 0..3 {
        let mut journal = Sample::orchestration(owner, 1);
        let mut control = Sample::of(owner, Stream::Control);
        let mut entry = journal.running(epoch, Needs::REVIEW);
        entry.seen = Some(crate::Seen { answer: vec![owner], ..Sample::seen(1, 1) });
        store.commit(&batch(epoch, vec![entry, control.entry(epoch, 1, &format!("{{\"owner\":{owner}}}"))]))?;
    }
    store.flush_lists()?;
    for owner in 0..3 {
        let tenant = super::tenant(owner);
        let control = store.rows(&tenant, &Stream::Control, 0, 10)?;
        let owners: Vec<_> = control.iter().map(|row| row.tenant.clone()).collect();
        equal("the control journal's owner", &owners, &vec![tenant.clone()])?;
        let listed: Vec<_> = store.list(&Query { needs: Needs::REVIEW, ..Query::newest(tenant.clone(), 10) })?;
        equal("the list's owners", &listed.into_iter().map(|s| s.tenant).collect::<Vec<_>>(), &vec![tenant.clone()])?;
        equal("the answer", &store.seen(&tenant, &super::digest(1))?.map(|seen| seen.answer), &Some(vec![owner]))?;
    }
    Ok(())
}
