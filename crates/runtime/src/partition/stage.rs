//! What a batch has come to so far, before the commit.

use std::collections::BTreeMap;

use provost_model::record::{Cause, Head, Place, Row, Stream};
use provost_model::{Digest, OrchestrationId, TenantId};
use provost_store::{Entry, OpenChange, Seen};

use super::{Release, Reply};

/// Entries, replies and releases of a batch under construction.
#[derive(Default)]
pub(super) struct Stage {
    pub entries: Vec<Entry>,
    pub replies: Vec<Reply>,
    pub releases: Vec<Release>,
    pub seen: BTreeMap<(TenantId, Digest), Seen>,
    pub heads: BTreeMap<(TenantId, Stream), Head>,
    /// Orchestrations that ended in this batch.
    pub ended: Vec<(TenantId, OrchestrationId)>,
    /// Orchestrations whose journal passed a snapshot's distance.
    pub grown: Vec<(TenantId, OrchestrationId)>,
}

/// Where and when a row is written.
pub(super) struct At<'p> {
    pub tenant: &'p TenantId,
    pub stream: &'p Stream,
    pub epoch: u64,
    pub now_us: i64,
    pub clock_us: Option<i64>,
}

impl Stage {
    /// Seals a row of `facts.0` facts behind `expected` and stages it. Returns the new head.
    pub fn append(&mut self, at: At<'_>, expected: Head, cause: Cause, facts: (u32, &[u8])) -> Head {
        let cause = Cause { clock_us: at.clock_us, ..cause };
        let place = Place { tenant: at.tenant, stream: at.stream, epoch: at.epoch };
        let row = Row::seal(place, expected, cause, at.now_us, facts.0, facts.1);
        let head = row.head();
        self.heads.insert((at.tenant.clone(), at.stream.clone()), head);
        self.entries.push(Entry { row, expected, open: OpenChange::Keep, seen: None, summary: None });
        head
    }

    /// Remembers an answer with the entry at `at`.
    pub fn remember(&mut self, at: usize, tenant: &TenantId, seen: Seen) {
        self.seen.insert((tenant.clone(), seen.key), seen.clone());
        if let Some(entry) = self.entries.get_mut(at) {
            entry.seen = Some(seen);
        }
    }
}
