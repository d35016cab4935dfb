//! What a batch has come to so far, before the commit.

use std::collections::BTreeMap;

use provost_model::record::{Cause, Head, Place, Row, Stream};
use provost_model::{Digest, EventId, OrchestrationId, TenantId};
use provost_store::{Entry, OpenChange, Seen};

use super::gather::Undo;
use super::{Loaded, Outputs, Release, Reply};
use crate::tally::{Lasted, Tally};
use crate::traced::Traced;

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
    /// How many orchestrations events of ours began within the delivery at hand.
    pub begun_by_ours: usize,
    /// Orchestrations that began to listen within the delivery at hand.
    pub listening: Vec<(TenantId, OrchestrationId)>,
    /// What was done to the batches, oldest first.
    pub gathered: Vec<Undo>,
    /// Events that every partition has.
    pub routed: Vec<(EventId, TenantId)>,
    pub tally: Tally,
    pub lasted: Vec<Lasted>,
    pub traced: Vec<Traced>,
    /// What memory held before each change, oldest first; `None` where it held nothing.
    before: Vec<(Key, Option<Box<Loaded>>)>,
}

type Key = (TenantId, OrchestrationId);

/// How far a stage had come.
#[derive(Clone, Copy)]
pub(super) struct Mark {
    entries: usize,
    replies: usize,
    releases: usize,
    ended: usize,
    routed: usize,
    gathered: usize,
    listening: usize,
    grown: usize,
    before: usize,
    traced: usize,
    lasted: usize,
    tally: Tally,
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

    /// Keeps what memory held for `key` before a change that is not on disk yet.
    pub fn keep(&mut self, key: Key, before: Option<Box<Loaded>>) {
        self.before.push((key, before));
    }

    /// How far it has come.
    pub fn mark(&self) -> Mark {
        Mark {
            entries: self.entries.len(),
            replies: self.replies.len(),
            releases: self.releases.len(),
            ended: self.ended.len(),
            routed: self.routed.len(),
            gathered: self.gathered.len(),
            listening: self.listening.len(),
            grown: self.grown.len(),
            before: self.before.len(),
            traced: self.traced.len(),
            lasted: self.lasted.len(),
            tally: self.tally,
        }
    }

    /// What was done to the batches behind `mark`, oldest first.
    pub fn gathered_since(&mut self, mark: Mark) -> Vec<Undo> {
        self.gathered.split_off(mark.gathered.min(self.gathered.len()))
    }

    /// Takes back everything behind `mark`. Returns what memory must hold again, newest change first.
    pub fn rewind(&mut self, mark: Mark) -> impl Iterator<Item = (Key, Option<Box<Loaded>>)> {
        if self.entries.len() > mark.entries {
            self.entries.truncate(mark.entries);
            let (mut heads, mut seen) = (BTreeMap::new(), BTreeMap::new());
            for Entry { row, seen: remembered, .. } in &self.entries {
                heads.insert((row.tenant.clone(), row.stream.clone()), row.head());
                if let Some(remembered) = remembered {
                    seen.insert((row.tenant.clone(), remembered.key), remembered.clone());
                }
            }
            (self.heads, self.seen) = (heads, seen);
        }
        self.replies.truncate(mark.replies);
        self.releases.truncate(mark.releases);
        self.ended.truncate(mark.ended);
        self.routed.truncate(mark.routed);
        self.listening.truncate(mark.listening);
        self.grown.truncate(mark.grown);
        self.traced.truncate(mark.traced);
        self.lasted.truncate(mark.lasted);
        self.tally = mark.tally;
        self.before.split_off(mark.before).into_iter().rev()
    }

    /// What leaves, now that `committed` rows are on disk.
    pub fn done(self, committed: usize) -> Outputs {
        let committed = u32::try_from(committed).unwrap_or(u32::MAX);
        Outputs {
            replies: self.replies,
            releases: self.releases,
            failed: None,
            committed,
            commit_took: std::time::Duration::ZERO,
            tally: self.tally,
            lasted: self.lasted,
            traced: self.traced,
            heads: self.heads,
        }
    }
}
