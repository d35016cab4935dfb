//! Heads of journals in memory, so that the expected head needs no look at the disk.
//!
//! What must stay true: valid only while this value's epoch is the partition's, which every commit checks first; a head in `young` is
//! never older than the same journal's in `old`. What is asleep is not kept for ever: its head is on the disk.

use std::collections::HashMap;

use provost_model::TenantId;
use provost_model::record::{Head, Stream};

/// Heads after which the older ones go: more than a partition has orchestrations in memory.
const YOUNG_MAX: usize = 8_192;

type ByTenant = HashMap<TenantId, HashMap<Stream, Head>>;

/// Where journals stand, as far as known: those that moved lately, and those that moved before them.
#[derive(Debug, Default)]
pub(super) struct Heads {
    young: ByTenant,
    old: ByTenant,
    /// How many are young.
    count: usize,
}

impl Heads {
    pub(super) fn find(&self, tenant: &TenantId, stream: &Stream) -> Option<Head> {
        [&self.young, &self.old].into_iter().find_map(|heads| heads.get(tenant)?.get(stream).copied())
    }

    pub(super) fn keep(&mut self, tenant: &TenantId, stream: &Stream, head: Head) {
        if let Some(streams) = self.young.get_mut(tenant) {
            if let Some(known) = streams.get_mut(stream) {
                *known = head;
                return;
            }
            streams.insert(stream.clone(), head);
        } else {
            self.young.insert(tenant.clone(), HashMap::from([(stream.clone(), head)]));
        }
        self.count += 1;
        if self.count >= YOUNG_MAX {
            (self.old, self.count) = (std::mem::take(&mut self.young), 0);
        }
    }

    pub(super) fn drop(&mut self, tenant: &TenantId, stream: &Stream) {
        if self.young.get_mut(tenant).is_some_and(|streams| streams.remove(stream).is_some()) {
            self.count -= 1;
        }
        if let Some(streams) = self.old.get_mut(tenant) {
            streams.remove(stream);
        }
    }

    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }
}

#[cfg(test)]
mod tests {
    use provost_model::{Digest, OrchestrationId, Slot};

    use super::*;

    fn stream(n: usize) -> Stream {
        Stream::Orchestration(OrchestrationId::mint(1, Slot(0), &[&n.to_be_bytes()]))
    }

    fn head(sequence: u64) -> Head {
        Head { sequence, chain: Digest::of_parts(&[&sequence.to_be_bytes()]) }
    }

    #[test]
    fn what_moved_lately_is_known_and_memory_is_bounded() {
        let (mut heads, tenant) = (Heads::default(), TenantId::local());
        for n in 0..3 * YOUNG_MAX {
            heads.keep(&tenant, &stream(n), head(1));
            if n % 1024 == 0 {
                heads.keep(&tenant, &stream(0), head(n as u64));
                let found = [n, n.saturating_sub(YOUNG_MAX / 2)].map(|n| heads.find(&tenant, &stream(n)).is_some());
                assert_eq!((found, heads.find(&tenant, &stream(0))), ([true; 2], Some(head(n as u64))));
            }
        }
        let kept = |heads: &ByTenant| heads.values().map(HashMap::len).sum::<usize>();
        assert!(kept(&heads.young) + kept(&heads.old) <= 2 * YOUNG_MAX && heads.count == kept(&heads.young));
        assert_eq!(heads.find(&tenant, &stream(1)), None);
    }

    #[test]
    fn what_is_dropped_is_not_found_in_its_older_state() {
        let (mut heads, tenant) = (Heads::default(), TenantId::local());
        (0..YOUNG_MAX).for_each(|n| heads.keep(&tenant, &stream(n), head(1)));
        heads.keep(&tenant, &stream(7), head(2));
        assert_eq!(heads.find(&tenant, &stream(7)), Some(head(2)));
        heads.drop(&tenant, &stream(7));
        assert_eq!((heads.find(&tenant, &stream(7)), heads.count), (None, 0));
    }
}
