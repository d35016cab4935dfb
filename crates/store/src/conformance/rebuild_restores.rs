//! Every table but journals and tombstones can be deleted and derived again from the feed alone.

use std::collections::BTreeMap;

use provost_model::record::{Row, Stream};

use super::samples::batch;
use super::{Broken, Maker, Outcome, Sample, digest, equal};
use crate::batch::{Derived, Entry, Needs, OpenChange, Query};
use crate::port::Store;
use crate::upkeep::{Lists, Upkeep};

type State = (Vec<crate::OpenWork>, Vec<Option<crate::Seen>>, Vec<crate::Summary>, Vec<(u64, Row)>);

pub(super) fn check<M: Maker>(maker: &mut M) -> Outcome {
    let (mut store, epoch) = maker.claimed()?;
    let mut journals: Vec<Sample> = (0..12).map(|n| Sample::orchestration(0, n)).collect();
    let mut entries: Vec<Entry> = journals.iter_mut().map(|journal| journal.running(epoch, Needs::PARKED)).collect();
    for (entry, n) in entries.iter_mut().zip(0..) {
        entry.seen = (n % 2 == 0).then(|| Sample::seen(n, 5));
    }
    entries.extend(journals.iter_mut().take(4).map(|journal| journal.ended(epoch)));
    store.commit(&batch(epoch, entries.clone()))?;
    store.flush_lists()?;
    let before = state(&mut store)?;

    store.wipe_derived()?;
    let wiped = state(&mut store)?;
    equal("open work, keys and list after the wipe", &(wiped.0.len(), wiped.1.iter().flatten().count(), wiped.2.len()), &(0, 0, 0))?;
    equal("journals after the wipe", &wiped.3, &before.3)?;
    let unprojected = store.unprojected(0, 100)?;
    equal("rows to derive", &unprojected, &before.3)?;
    for page in unprojected.chunks(5) {
        let through = page.last().map_or(0, |(position, _)| *position);
        store.derive(&derive_from(page, &entries), through)?;
    }
    equal("everything after the rebuild", &state(&mut store)?, &before)?;
    equal("rows to derive after the rebuild", &store.unprojected(0, 100)?.len(), &0)?;
    drop(store);
    equal("everything after opening again", &state(&mut maker.open()?)?, &before)
}

/// What a runtime derives from rows; here looked up in what was committed, by chain.
fn derive_from(page: &[(u64, Row)], entries: &[Entry]) -> Vec<Derived> {
    let ended: Vec<&Stream> = entries.iter().filter(|entry| entry.open == OpenChange::Close).map(|entry| &entry.row.stream).collect();
    let by_chain: BTreeMap<_, _> = entries.iter().map(|entry| (entry.row.chain, entry)).collect();
    let found = page.iter().filter_map(|(_, row)| by_chain.get(&row.chain));
    found
        .flat_map(|entry| {
            let open = match &entry.open {
                OpenChange::Set(work) if !ended.contains(&&entry.row.stream) => Some(Derived::Open(work.clone())),
                OpenChange::Set(_) | OpenChange::Keep | OpenChange::Close | OpenChange::Forward(_) | OpenChange::Delivered(_) => None,
            };
            let seen = entry.seen.clone().map(|seen| Derived::Seen(entry.row.tenant.clone(), seen));
            [open, seen, entry.summary.clone().map(Derived::Summary)].into_iter().flatten()
        })
        .collect()
}

fn state<S: Upkeep>(store: &mut S) -> Result<State, Broken> {
    let seen = (0..12).map(|n| store.seen(&super::tenant(0), &digest(n))).collect::<Result<_, _>>()?;
    Ok((store.open_work(None, 100)?, seen, store.list(&Query::newest(super::tenant(0), 100))?, store.feed(0, 100)?))
}
