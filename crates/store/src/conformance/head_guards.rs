//! A journal grows only at the head its writer saw: sequence and chain; entries of one batch follow each other.

use provost_model::record::Head;

use super::samples::batch;
use super::{Maker, Outcome, Sample, digest, equal, refused};
use crate::port::Store;

pub(super) fn check<M: Maker>(maker: &mut M) -> Outcome {
    let (mut store, epoch) = maker.claimed()?;
    let mut journal = Sample::orchestration(0, 1);
    let three = vec![journal.entry(epoch, 2, "{}"), journal.entry(epoch, 1, "{}"), journal.entry(epoch, 5, "{}")];
    store.commit(&batch(epoch, three))?;
    equal("the head", &store.head(&journal.tenant, &journal.stream)?, &Some(journal.head))?;
    equal("its sequence", &journal.head.sequence, &8)?;

    let wrong = [
        Head::EMPTY,
        Head { sequence: 7, ..journal.head },
        Head { sequence: 9, ..journal.head },
        Head { chain: digest(1), ..journal.head },
    ];
    for head in wrong {
        let entry = Sample { head, ..journal.clone() }.entry(epoch, 1, "{}");
        refused("a wrong head", "STORE_CONFLICT", store.commit(&batch(epoch, vec![entry])))?;
    }
    let twice = vec![journal.clone().entry(epoch, 1, "{\"a\":1}"), journal.clone().entry(epoch, 1, "{\"b\":1}")];
    refused("one head twice", "STORE_CONFLICT", store.commit(&batch(epoch, twice)))?;
    let ahead = Sample { head: Head { sequence: 3, chain: digest(1) }, ..Sample::orchestration(0, 2) }.entry(epoch, 1, "{}");
    refused("a journal that begins in the middle", "STORE_CONFLICT", store.commit(&batch(epoch, vec![ahead])))?;

    drop(store);
    let (mut store, epoch) = maker.claimed()?;
    store.commit(&batch(epoch, vec![journal.entry(epoch, 1, "{}")]))?;
    equal("the head after opening again", &store.head(&journal.tenant, &journal.stream)?, &Some(journal.head))
}
