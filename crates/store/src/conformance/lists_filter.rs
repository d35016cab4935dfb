//! A list is newest first, pages without gaps, and every filter takes exactly what it says, alone and with others.

use provost_model::{EventId, Slot};

use super::samples::batch;
use super::{Broken, Maker, Outcome, Sample, equal};
use crate::batch::{Entry, Needs, Query, Status, Summary};
use crate::port::Store;
use crate::upkeep::Lists;

const COUNT: u64 = 60;

pub(super) fn check<M: Maker>(maker: &mut M) -> Outcome {
    let (mut store, epoch) = maker.claimed()?;
    let entries: Vec<Entry> = (0..COUNT).map(|n| varied(n, epoch)).collect();
    let summaries: Vec<(Summary, Needs)> =
        entries.iter().zip(0..).filter_map(|(entry, n)| Some((entry.summary.clone()?, needs(n)))).collect();
    store.commit(&batch(epoch, entries))?;
    store.flush_lists()?;
    for query in queries() {
        let mut expected: Vec<Summary> =
            summaries.iter().filter(|(summary, needs)| query.takes(summary, *needs)).map(|(summary, _)| summary.clone()).collect();
        expected.reverse();
        equal(&format!("{query:?}"), &paged(&mut store, &query)?, &expected)?;
    }
    Ok(())
}

fn paged<S: Store>(store: &mut S, query: &Query) -> Result<Vec<Summary>, Broken> {
    let mut read: Vec<Summary> = Vec::new();
    loop {
        let before = read.last().map(|summary| summary.orchestration).or(query.before);
        let page = store.list(&Query { before, ..query.clone() })?;
        if page.is_empty() {
            return Ok(read);
        }
        read.extend(page);
    }
}

fn needs(n: u64) -> Needs {
    match n % 5 {
        0 => Needs::REVIEW,
        1 => Needs::PARKED.with(Needs::IN_DOUBT),
        _ => Needs::NONE,
    }
}

fn event(n: u64) -> EventId {
    EventId::mint(0, Slot(0), &[&n.to_be_bytes()])
}

fn varied(n: u64, epoch: u64) -> Entry {
    let mut journal = Sample::orchestration(u8::from(n.is_multiple_of(4)), n);
    let mut entry = journal.running(epoch, needs(n));
    if let Some(summary) = &mut entry.summary {
        summary.workflow = if n.is_multiple_of(3) { "claims".into() } else { "refund".into() };
        summary.status = if n.is_multiple_of(7) { Status::Faulted } else { summary.status };
        summary.subject = n.is_multiple_of(2).then_some([(n % 6) as u8; 32]);
        summary.event = (n % 3 != 1).then(|| event(n / 6));
    }
    entry
}

fn queries() -> Vec<Query> {
    let mut all = Vec::new();
    for bits in 0..32_u8 {
        let on = |bit: u8| bits & 1 << bit != 0;
        all.push(Query {
            workflow: on(0).then(|| "claims".into()),
            status: on(1).then_some(Status::Faulted),
            subject: on(2).then_some([0; 32]),
            event: on(3).then(|| event(7)),
            needs: if on(4) { Needs::REVIEW.with(Needs::IN_DOUBT) } else { Needs::NONE },
            ..Query::newest(super::tenant(0), 4)
        });
    }
    all.push(Query::newest(super::tenant(1), 100));
    all.push(Query { before: Some(super::orchestration(30)), ..Query::newest(super::tenant(0), 3) });
    all.push(Query::newest(super::tenant(2), 3));
    all
}
