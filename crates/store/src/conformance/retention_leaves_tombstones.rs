//! Retention takes a whole ended orchestration and leaves its tombstone; its id takes no more rows and positions are never given twice.

use super::samples::batch;
use super::{Broken, Maker, Outcome, Sample, equal, refused};
use crate::batch::{Needs, Query, Snapshot};
use crate::port::Store;
use crate::upkeep::{Lists, Upkeep};

pub(super) fn check<M: Maker>(maker: &mut M) -> Outcome {
    let (mut store, epoch) = maker.claimed()?;
    let mut kept = Sample::orchestration(0, 1);
    let mut ended = Sample::orchestration(0, 2);
    store.commit(&batch(epoch, vec![kept.running(epoch, Needs::NONE), ended.running(epoch, Needs::NONE)]))?;
    let early = ended.tombstone().ok_or(Broken("a sample without a tombstone".to_owned()))?;
    refused("retiring unfinished work", "STORE_UNFINISHED", store.retire(&early))?;
    store.commit(&batch(epoch, vec![ended.ended(epoch)]))?;
    refused("retiring at another head", "STORE_CONFLICT", store.retire(&early))?;
    store.flush_lists()?;
    let stream = ended.stream.clone();
    store.write_snapshot(&Snapshot { tenant: ended.tenant.clone(), stream, head: ended.head, fold: 1, state: vec![1] })?;

    let tombstone = ended.tombstone().ok_or(Broken("a sample without a tombstone".to_owned()))?;
    equal("rows deleted", &store.retire(&tombstone)?, &2)?;
    equal("rows deleted again", &store.retire(&tombstone)?, &0)?;
    for reopened in [false, true] {
        if reopened {
            drop(store);
            store = maker.open()?;
        }
        equal("the tombstone", &store.tombstone(&tombstone.tenant, &tombstone.orchestration)?, &Some(tombstone.clone()))?;
        equal("its journal", &store.rows(&ended.tenant, &ended.stream, 0, 10)?, &Vec::new())?;
        equal("its head", &store.head(&ended.tenant, &ended.stream)?, &None)?;
        equal("its snapshot", &store.snapshot(&ended.tenant, &ended.stream)?, &None)?;
        equal("the list", &store.list(&Query::newest(ended.tenant.clone(), 10))?.len(), &1)?;
        equal("the feed", &store.feed(0, 10)?.len(), &1)?;
    }
    let epoch = store.claim()?;
    let again = Sample::orchestration(0, 2).entry(epoch, 1, "{}");
    refused("a row of a retired orchestration", "STORE_RETIRED", store.commit(&batch(epoch, vec![again])))?;
    equal("the next position", &store.commit(&batch(epoch, vec![kept.running(epoch, Needs::NONE)]))?, &4)?;
    store.wipe_derived()?;
    equal("the tombstone after a wipe", &store.tombstone(&tombstone.tenant, &tombstone.orchestration)?, &Some(tombstone.clone()))?;

    let (owner, until_us) = (tombstone.tenant.clone(), tombstone.keys_until_us);
    equal("keys forgotten early", &store.forget_keys(&owner, until_us - 1)?, &0)?;
    equal("keys of another tenant", &store.forget_keys(&super::tenant(1), until_us)?, &0)?;
    equal("keys forgotten", &store.forget_keys(&owner, until_us)?, &1)?;
    equal("keys forgotten again", &store.forget_keys(&owner, until_us)?, &0)?;
    let bare = crate::Tombstone { effect_keys: Vec::new(), ..tombstone.clone() };
    equal("the tombstone without keys", &store.tombstone(&owner, &tombstone.orchestration)?, &Some(bare))
}
