//! A journal has at most one snapshot, the last one written.

use super::samples::batch;
use super::{Maker, Outcome, Sample, equal};
use crate::batch::Snapshot;
use crate::port::Store;
use crate::upkeep::{Lists, Upkeep};

pub(super) fn check<M: Maker>(maker: &mut M) -> Outcome {
    let (mut store, epoch) = maker.claimed()?;
    let mut journal = Sample::orchestration(0, 1);
    let (tenant, stream) = (journal.tenant.clone(), journal.stream.clone());
    equal("no snapshot", &store.snapshot(&tenant, &stream)?, &None)?;
    for fold in 1..=3 {
        store.commit(&batch(epoch, vec![journal.entry(epoch, 1, "{}")]))?;
        let state = vec![fold as u8; 100_000];
        let snapshot = Snapshot { tenant: tenant.clone(), stream: stream.clone(), head: journal.head, fold, state };
        store.write_snapshot(&snapshot)?;
        equal("the snapshot", &store.snapshot(&tenant, &stream)?, &Some(snapshot))?;
    }
    equal("a snapshot of another tenant", &store.snapshot(&super::tenant(1), &stream)?, &None)?;
    store.drop_snapshot(&tenant, &stream)?;
    equal("a dropped snapshot", &store.snapshot(&tenant, &stream)?, &None)?;
    store.write_snapshot(&Snapshot { tenant: tenant.clone(), stream: stream.clone(), head: journal.head, fold: 4, state: Vec::new() })?;
    store.wipe_derived()?;
    equal("a wiped snapshot", &store.snapshot(&tenant, &stream)?, &None)
}
