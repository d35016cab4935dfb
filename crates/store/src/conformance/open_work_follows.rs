//! Open work follows the journal in the same commit: set, replaced, gone at the end; paged in the order of tenant and id.

use super::samples::batch;
use super::{Broken, Maker, Outcome, Sample, equal};
use crate::batch::{Needs, OpenWork};
use crate::port::Store;

pub(super) fn check<M: Maker>(maker: &mut M) -> Outcome {
    let (mut store, epoch) = maker.claimed()?;
    let mut journals: Vec<Sample> = (0..30).rev().map(|n| Sample::orchestration((n % 3) as u8, n)).collect();
    let first = journals.iter_mut().map(|journal| journal.running(epoch, Needs::REVIEW)).collect();
    store.commit(&batch(epoch, first))?;
    let second = journals.iter_mut().map(|journal| journal.running(epoch, Needs::CONFLICT)).collect();
    store.commit(&batch(epoch, second))?;
    let ended = journals.iter_mut().take(10).map(|journal| journal.ended(epoch)).collect();
    store.commit(&batch(epoch, ended))?;

    let mut expected: Vec<OpenWork> = journals.iter().skip(10).filter_map(|journal| journal.open_work(Needs::CONFLICT)).collect();
    expected.sort_by_key(|work| (work.tenant.clone(), work.orchestration));
    for page_rows in [1, 3, 20, 50] {
        equal("open work", &all(&mut store, page_rows)?, &expected)?;
    }
    drop(store);
    equal("open work after opening again", &all(&mut maker.open()?, 7)?, &expected)
}

fn all<S: Store>(store: &mut S, page_rows: usize) -> Result<Vec<OpenWork>, Broken> {
    let mut read: Vec<OpenWork> = Vec::new();
    loop {
        let after = read.last().map(|work| (work.tenant.clone(), work.orchestration));
        let page = store.open_work(after, page_rows)?;
        if page.is_empty() {
            return Ok(read);
        }
        read.extend(page);
    }
}
