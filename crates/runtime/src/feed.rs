//! The feed of events: what came in, what was kept as rejected, in the order of each partition's commits.

use provost_model::TenantId;
use provost_model::record::Stream;
use provost_store::{Sqlite, Store as _, StoreError};

use crate::gate::Refused;
use crate::inbox::{self, InboxFact};
use crate::partition::Partition;
use crate::plane::Plane;

/// Rows of all kinds that one page reads in one partition at most; a page may so be shorter than asked for, or empty, and still go on.
const ROWS_MAX: usize = 20_000;
/// Rows read at once.
const ROWS_READ: usize = 1_000;

/// One event of the feed.
#[derive(Clone, Debug)]
pub struct FeedEntry {
    /// When it was taken or refused, in microseconds UTC.
    pub recorded_at_us: i64,
    /// What happened to it.
    pub fact: InboxFact,
}

/// A page of the feed.
#[derive(Clone, Debug, Default)]
pub struct FeedPage {
    /// Its entries.
    pub entries: Vec<FeedEntry>,
    /// Where the next page begins: a position for each partition.
    pub next: Vec<u64>,
    /// Whether there was more to read.
    pub more: bool,
}

/// What one partition has behind a position.
struct Read {
    /// Where it was read from.
    from: u64,
    /// The wanted events of each row that has some, with the row's position.
    rows: Vec<(u64, Vec<FeedEntry>)>,
    /// How far it was read.
    through: u64,
    /// Whether it goes on there.
    more: bool,
}

impl Plane {
    /// Up to `limit` events behind `after`, those that `wanted` says, oldest first; more only where one row alone brings more.
    ///
    /// # Errors
    /// [`Refused`].
    pub async fn events(
        &self,
        tenant: &TenantId,
        after: &[u64],
        limit: usize,
        wanted: fn(&InboxFact) -> bool,
    ) -> Result<FeedPage, Refused> {
        let mut all = Vec::new();
        for index in 0..self.partitions() {
            let (tenant, from) = (tenant.clone(), after.get(index as usize).copied().unwrap_or(0));
            all.push(self.read_at(index, move |partition| read(partition, &tenant, from, limit, wanted)).await??);
        }
        Ok(merged(all, limit))
    }
}

/// The oldest rows of all partitions that make up a page. Each partition's next page begins behind what was taken of it.
fn merged(all: Vec<Read>, limit: usize) -> FeedPage {
    let mut page = FeedPage { more: all.iter().any(|read| read.more), ..FeedPage::default() };
    let mut left: Vec<_> = all.into_iter().map(|read| (read.from, read.rows.into_iter().peekable(), read.through)).collect();
    loop {
        let recorded_at_us = |row: &(u64, Vec<FeedEntry>)| row.1.first().map_or(i64::MIN, |entry| entry.recorded_at_us);
        let oldest =
            left.iter_mut().filter_map(|(at, rows, _)| rows.peek().map(recorded_at_us).map(|us| (us, at, rows))).min_by_key(|o| o.0);
        let Some((_, at, rows)) = oldest else { break };
        let fits = |row: &(u64, Vec<FeedEntry>)| page.entries.is_empty() || page.entries.len() + row.1.len() <= limit;
        let Some((position, entries)) = rows.next_if(fits) else { break };
        *at = position;
        page.entries.extend(entries);
    }
    for (at, mut rows, through) in left {
        let all_taken = rows.peek().is_none();
        page.more |= !all_taken;
        page.next.push(if all_taken { through } else { at });
    }
    page
}

fn read(
    partition: &mut Partition<Sqlite>,
    tenant: &TenantId,
    from: u64,
    limit: usize,
    wanted: fn(&InboxFact) -> bool,
) -> Result<Read, Refused> {
    let (mut found, mut through, mut scanned, mut count) = (Vec::new(), from, 0, 0);
    loop {
        let rows = partition.store().feed(through, ROWS_READ)?;
        let last = rows.len() < ROWS_READ;
        for (position, row) in rows {
            through = position;
            scanned += 1;
            if row.tenant != *tenant || !matches!(row.stream, Stream::Inbox(_)) {
                continue;
            }
            let facts = row.json().and_then(|json| inbox::decode(&json)).map_err(|e| StoreError::unreadable(&row, &e))?;
            let recorded_at_us = row.recorded_at_us;
            let entries: Vec<_> = facts.into_iter().filter(wanted).map(|fact| FeedEntry { recorded_at_us, fact }).collect();
            count += entries.len();
            if !entries.is_empty() {
                found.push((position, entries));
            }
            if count >= limit {
                return Ok(Read { from, rows: found, through, more: true });
            }
        }
        if last || scanned >= ROWS_MAX {
            return Ok(Read { from, rows: found, through, more: !last });
        }
    }
}

#[cfg(test)]
mod tests {
    use provost_model::{Event, EventId, Slot, Who};

    use super::*;

    fn entry(n: i64) -> FeedEntry {
        let id = EventId::mint(n, Slot(0), &[]);
        let (event, by) = (Event::default(), Who::system());
        FeedEntry {
            recorded_at_us: n,
            fact: InboxFact::Rejected { id, event: Box::new(event), by, code: "odd".into(), reason: String::new() },
        }
    }

    fn of(rows: &[(u64, &[i64])], through: u64) -> Read {
        let rows = rows.iter().map(|(position, entries)| (*position, entries.iter().map(|n| entry(*n)).collect())).collect();
        Read { from: 0, rows, through, more: false }
    }

    fn times(page: &FeedPage) -> Vec<i64> {
        page.entries.iter().map(|entry| entry.recorded_at_us).collect()
    }

    #[test]
    fn a_page_has_the_oldest_of_all_partitions_and_no_more_than_asked_for() {
        let page = merged(vec![of(&[(3, &[10]), (5, &[40])], 9), of(&[(1, &[20]), (2, &[30])], 2)], 3);
        assert_eq!((times(&page), page.next, page.more), (vec![10, 20, 30], vec![3, 2], true));
        let page = merged(vec![of(&[(3, &[10])], 9), of(&[], 2)], 3);
        assert_eq!((times(&page), page.next, page.more), (vec![10], vec![9, 2], false));
    }

    #[test]
    fn a_row_stays_whole() {
        let page = merged(vec![of(&[(3, &[10, 10])], 9), of(&[(1, &[5])], 2)], 2);
        assert_eq!((times(&page), page.next, page.more), (vec![5], vec![0, 2], true));
        let page = merged(vec![of(&[(3, &[10, 10])], 9)], 1);
        assert_eq!((times(&page), page.next, page.more), (vec![10, 10], vec![9], false));
    }
}
