//! Heads of journals in memory, so that the expected head needs no look at the disk.
//!
//! What must stay true: valid only while this value's epoch is the partition's, which every commit checks first.

use std::collections::HashMap;

use provost_model::TenantId;
use provost_model::record::{Head, Stream};

/// Most heads kept; beyond it all are dropped and read again when asked for.
const HEADS_MAX: usize = 200_000;

/// Where journals stand, as far as known.
#[derive(Debug, Default)]
pub(super) struct Heads {
    by_tenant: HashMap<TenantId, HashMap<Stream, Head>>,
    count: usize,
}

impl Heads {
    pub(super) fn find(&self, tenant: &TenantId, stream: &Stream) -> Option<Head> {
        self.by_tenant.get(tenant)?.get(stream).copied()
    }

    pub(super) fn keep(&mut self, tenant: &TenantId, stream: &Stream, head: Head) {
        if self.count >= HEADS_MAX {
            self.clear();
        }
        if let Some(streams) = self.by_tenant.get_mut(tenant) {
            if let Some(known) = streams.get_mut(stream) {
                *known = head;
                return;
            }
            streams.insert(stream.clone(), head);
        } else {
            self.by_tenant.insert(tenant.clone(), HashMap::from([(stream.clone(), head)]));
        }
        self.count += 1;
    }

    pub(super) fn drop(&mut self, tenant: &TenantId, stream: &Stream) {
        if self.by_tenant.get_mut(tenant).is_some_and(|streams| streams.remove(stream).is_some()) {
            self.count -= 1;
        }
    }

    pub(super) fn clear(&mut self) {
        self.by_tenant.clear();
        self.count = 0;
    }
}
