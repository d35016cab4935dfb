//! The feed gives every row once, in commit order, whatever the page's size.

use super::samples::batch;
use super::{Maker, Outcome, Sample, ensure, equal};
use crate::port::Store;

pub(super) fn check<M: Maker>(maker: &mut M) -> Outcome {
    let (mut store, epoch) = maker.claimed()?;
    let mut journals: Vec<Sample> = (0..7).map(|n| Sample::orchestration((n % 3) as u8, n)).collect();
    let mut committed = Vec::new();
    for size in 1..=7 {
        let entries: Vec<_> = journals.iter_mut().take(size).map(|journal| journal.entry(epoch, 1, "{}")).collect();
        committed.extend(entries.iter().map(|entry| entry.row.clone()));
        equal("the position", &store.commit(&batch(epoch, entries))?, &(committed.len() as u64))?;
    }
    for page_rows in [1, 2, 5, 28, 100] {
        let mut read = Vec::new();
        let mut after = 0;
        loop {
            let page = store.feed(after, page_rows)?;
            ensure(page.len() <= page_rows, "a page is longer than its limit")?;
            ensure(page.iter().is_sorted_by(|a, b| a.0 < b.0), "positions do not grow")?;
            let Some((last, _)) = page.last() else { break };
            ensure(*last > after, "the feed went back")?;
            after = *last;
            read.extend(page.into_iter().map(|(_, row)| row));
        }
        equal("the rows", &read, &committed)?;
    }
    Ok(())
}
