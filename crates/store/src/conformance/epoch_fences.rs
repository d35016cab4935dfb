//! A writer that was taken over cannot write any more, whatever it calls; one that never claimed cannot either.

use super::samples::batch;
use super::{Maker, Outcome, Sample, equal, refused};
use crate::batch::{Derived, Needs};
use crate::port::Store;
use crate::upkeep::{Lists, Upkeep};

pub(super) fn check<M: Maker>(maker: &mut M) -> Outcome {
    let mut nobody = maker.open()?;
    refused("a writer without a claim", "STORE_STALE", nobody.commit(&batch(0, Vec::new())))?;
    let (mut old, first) = maker.claimed()?;
    let mut journal = Sample::orchestration(0, 1);
    old.commit(&batch(first, vec![journal.running(first, Needs::NONE)]))?;
    let (mut new, second) = maker.claimed()?;
    equal("the second epoch", &second, &(first + 1))?;

    let late = journal.clone().running(first, Needs::NONE);
    refused("a stale commit", "STORE_STALE", old.commit(&batch(first, vec![late])))?;
    refused("an empty stale commit", "STORE_STALE", old.commit(&batch(first, Vec::new())))?;
    let borrowed = journal.clone().running(second, Needs::NONE);
    refused("a borrowed epoch", "STORE_STALE", old.commit(&batch(second, vec![borrowed])))?;
    refused("a stale flush", "STORE_STALE", old.flush_lists())?;
    refused("a stale wipe", "STORE_STALE", old.wipe_derived())?;
    refused("a stale derivation", "STORE_STALE", old.derive(&[Derived::Seen(journal.tenant.clone(), Sample::seen(1, 1))], 1))?;
    refused("a stale pass", "STORE_STALE", old.forget_seen(i64::MAX, None, 10))?;
    if let Some(tombstone) = journal.tombstone() {
        refused("a stale retirement", "STORE_STALE", old.retire(&tombstone))?;
    }
    equal("rows", &new.feed(0, 10)?.len(), &1)?;
    equal("the new writer's position", &new.commit(&batch(second, vec![journal.running(second, Needs::NONE)]))?, &2)?;
    equal("rows as the old one reads them", &old.feed(0, 10)?.len(), &2)
}
