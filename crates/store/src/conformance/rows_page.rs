//! Rows of a journal come in order from behind any sequence, whatever the page's size.

use super::samples::batch;
use super::{Maker, Outcome, Sample, equal};
use crate::port::Store;

pub(super) fn check<M: Maker>(maker: &mut M) -> Outcome {
    let (mut store, epoch) = maker.claimed()?;
    let mut journal = Sample::orchestration(0, 1);
    let mut other = Sample::orchestration(0, 2);
    let mut rows = Vec::new();
    for n in 0..20_u32 {
        let entry = journal.entry(epoch, n % 4 + 1, &format!("{{\"n\":{n}}}"));
        rows.push(entry.row.clone());
        store.commit(&batch(epoch, vec![other.entry(epoch, 1, "{}"), entry]))?;
    }
    for after in 0..=journal.head.sequence {
        for page_rows in [1, 7, 50] {
            let expected: Vec<_> = rows.iter().filter(|row| row.first_sequence > after).take(page_rows).cloned().collect();
            equal("rows", &store.rows(&journal.tenant, &journal.stream, after, page_rows)?, &expected)?;
        }
    }
    equal("rows of nobody", &store.rows(&super::tenant(2), &journal.stream, 0, 5)?, &Vec::new())?;
    equal("no rows asked for", &store.rows(&journal.tenant, &journal.stream, 0, 0)?, &Vec::new())
}
