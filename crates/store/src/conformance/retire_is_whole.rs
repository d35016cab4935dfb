//! A crash around a retirement leaves the orchestration whole or its tombstone whole; nothing else changes with it.

use super::samples::batch;
use super::{Broken, Maker, Outcome, Sample, ensure, equal, refused};
use crate::batch::{Needs, Query, Tombstone};
use crate::faulty::{Fault, FaultyStore, Op};
use crate::port::Store;
use crate::upkeep::{Lists, Upkeep};
use crate::verify::{verify_all, verify_chain};

pub(super) fn check<M: Maker>(maker: &mut M) -> Outcome {
    let (mut store, epoch) = maker.claimed()?;
    let mut kept = Sample::orchestration(0, 1);
    let mut samples: Vec<Sample> = (2..6).map(|n| Sample::orchestration(0, n)).collect();
    let mut entries = vec![kept.running(epoch, Needs::NONE)];
    for (sample, n) in samples.iter_mut().zip(0..) {
        entries.push(sample.running(epoch, Needs::NONE));
        let mut last = sample.ended(epoch);
        last.seen = Some(Sample::seen(n, 9));
        entries.push(last);
    }
    store.commit(&batch(epoch, entries))?;
    drop(store);

    let faults = [(Fault::CrashBefore, false), (Fault::Crash, true), (Fault::FailBefore, false), (Fault::FailAfter, true)];
    for ((fault, gone), sample) in faults.into_iter().zip(&samples) {
        let tombstone = sample.tombstone().ok_or(Broken("a sample without a tombstone".to_owned()))?;
        let (store, _) = maker.claimed()?;
        let plan = move |op: &Op<'_>| if *op == Op::Write("retire") { fault } else { Fault::None };
        let mut faulty = FaultyStore::new(store, plan);
        refused("a retirement under a fault", "STORE_IO", faulty.retire(&tombstone))?;
        drop(faulty);
        stands(&mut maker.open()?, sample, &tombstone, gone)?;
        let (mut store, _) = maker.claimed()?;
        let rows = store.retire(&tombstone)?;
        equal("rows deleted by the next try", &rows, &if gone { 0 } else { 2 })?;
        stands(&mut store, sample, &tombstone, true)?;
    }
    let mut store = maker.open()?;
    equal("the head of another", &verify_chain(&mut store, &kept.tenant, &kept.stream)?, &kept.head)?;
    ensure(verify_all(&mut store)?.is_sound(), "what is left is no damage")?;
    equal("open work of others", &store.open_work(None, 10)?.len(), &1)?;
    for n in 0..4 {
        equal("an answer", &store.seen(&kept.tenant, &super::digest(n))?, &Some(Sample::seen(n, 9)))?;
    }
    let unclaimed = samples.first().and_then(Sample::tombstone).ok_or(Broken("a sample without a tombstone".to_owned()))?;
    refused("a retirement without a claim", "STORE_STALE", store.retire(&unclaimed))?;
    never_listed(maker)
}

/// Whole: rows and no tombstone, or the tombstone and nothing else.
fn stands<S: Upkeep>(store: &mut S, sample: &Sample, tombstone: &Tombstone, gone: bool) -> Outcome {
    let rows = store.rows(&sample.tenant, &sample.stream, 0, 10)?;
    let kept = store.tombstone(&tombstone.tenant, &tombstone.orchestration)?;
    equal("rows and tombstone", &(rows.len(), kept), &if gone { (0, Some(tombstone.clone())) } else { (2, None) })
}

/// A list row that waited when its orchestration was retired is not projected afterwards.
fn never_listed<M: Maker>(maker: &mut M) -> Outcome {
    let (mut store, epoch) = maker.claimed()?;
    let mut sample = Sample::orchestration(1, 9);
    store.commit(&batch(epoch, vec![sample.running(epoch, Needs::NONE), sample.ended(epoch)]))?;
    let tombstone = sample.tombstone().ok_or(Broken("a sample without a tombstone".to_owned()))?;
    equal("rows deleted", &store.retire(&tombstone)?, &2)?;
    store.flush_lists()?;
    equal("the list", &store.list(&Query::newest(sample.tenant.clone(), 10))?, &Vec::new())?;
    store.wipe_derived()?;
    equal("rows to derive", &store.unprojected(0, 100)?.iter().filter(|(_, row)| row.stream == sample.stream).count(), &0)
}
