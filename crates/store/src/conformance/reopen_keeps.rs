//! What was acknowledged is there for the next one that opens the partition, and positions go on.

use super::samples::batch;
use super::{Maker, Outcome, Sample, equal};
use crate::batch::Needs;
use crate::port::Store;
use crate::upkeep::Upkeep;

pub(super) fn check<M: Maker>(maker: &mut M) -> Outcome {
    let mut journal = Sample::orchestration(0, 1);
    let mut rows = Vec::new();
    for round in 1..=5_u64 {
        let (mut store, epoch) = maker.claimed()?;
        equal("the epoch", &epoch, &round)?;
        let entry = journal.running(epoch, Needs::NONE);
        rows.push((round, entry.row.clone()));
        equal("the position", &store.commit(&batch(epoch, vec![entry]))?, &round)?;
        equal("the last position", &store.sizes()?.last_position, &round)?;
        drop(store);
        let mut reader = maker.open()?;
        equal("the feed", &reader.feed(0, 10)?, &rows)?;
        equal("the head", &reader.head(&journal.tenant, &journal.stream)?, &Some(journal.head))?;
        equal("open work", &reader.open_work(None, 2)?.first().cloned(), &journal.open_work(Needs::NONE))?;
        equal("findings of a scan", &reader.scan(crate::Depth::Full)?, &Vec::new())?;
    }
    Ok(())
}
