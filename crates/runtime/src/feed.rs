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

impl Plane {
    /// Up to `limit` events of each partition behind `after`, those that `wanted` says.
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
        let mut page = FeedPage::default();
        for index in 0..self.partitions() {
            let (tenant, from) = (tenant.clone(), after.get(index as usize).copied().unwrap_or(0));
            let read = self.read_at(index, move |partition| read(partition, &tenant, from, limit, wanted)).await??;
            page.entries.extend(read.entries);
            page.next.extend(read.next);
            page.more |= read.more;
        }
        page.entries.sort_by_key(|entry| entry.recorded_at_us);
        Ok(page)
    }
}

fn read(
    partition: &mut Partition<Sqlite>,
    tenant: &TenantId,
    from: u64,
    limit: usize,
    wanted: fn(&InboxFact) -> bool,
) -> Result<FeedPage, Refused> {
    let (mut entries, mut after, mut scanned) = (Vec::new(), from, 0);
    loop {
        let rows = partition.store().feed(after, ROWS_READ)?;
        let last = rows.len() < ROWS_READ;
        for (position, row) in rows {
            after = position;
            scanned += 1;
            if row.tenant != *tenant || !matches!(row.stream, Stream::Inbox(_)) {
                continue;
            }
            let facts = row.json().and_then(|json| inbox::decode(&json)).map_err(|e| StoreError::unreadable(&row, &e))?;
            let recorded_at_us = row.recorded_at_us;
            entries.extend(facts.into_iter().filter(wanted).map(|fact| FeedEntry { recorded_at_us, fact }));
            if entries.len() >= limit {
                return Ok(FeedPage { entries, next: vec![after], more: true });
            }
        }
        if last || scanned >= ROWS_MAX {
            return Ok(FeedPage { entries, next: vec![after], more: !last });
        }
    }
}
