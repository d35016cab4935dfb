//! A key keeps its answer from the commit on; a later commit may replace it; a pass forgets exactly what is over.

use super::samples::batch;
use super::{Maker, Outcome, Sample, equal};
use crate::port::Store;
use crate::upkeep::Upkeep;

pub(super) fn check<M: Maker>(maker: &mut M) -> Outcome {
    let (mut store, epoch) = maker.claimed()?;
    let mut journal = Sample::orchestration(0, 1);
    for n in 0..20 {
        let mut entry = journal.entry(epoch, 1, "{}");
        entry.seen = Some(Sample::seen(n, i64::try_from(n % 4).unwrap_or(0)));
        store.commit(&batch(epoch, vec![entry]))?;
    }
    let owner = journal.tenant.clone();
    equal("an answer", &store.seen(&owner, &super::digest(5))?, &Some(Sample::seen(5, 1)))?;
    equal("a key of another tenant", &store.seen(&super::tenant(1), &super::digest(5))?, &None)?;
    let replaced = crate::Seen { answer: b"another".to_vec(), ..Sample::seen(5, 100) };
    let mut entry = journal.entry(epoch, 1, "{}");
    entry.seen = Some(replaced.clone());
    store.commit(&batch(epoch, vec![entry]))?;
    equal("a replaced answer", &store.seen(&owner, &super::digest(5))?, &Some(replaced))?;

    let (mut deleted, mut after, mut passes) = (0, None, 0);
    loop {
        let pass = store.forget_seen(1, after, 3)?;
        deleted += pass.deleted;
        passes += 1;
        after = pass.next;
        if after.is_none() {
            break;
        }
    }
    equal("keys forgotten", &(deleted, passes), &(9, 7))?;
    for n in 0..20 {
        let kept = n % 4 > 1 || n == 5;
        equal("whether a key is kept", &store.seen(&owner, &super::digest(n))?.is_some(), &kept)?;
    }
    Ok(())
}
