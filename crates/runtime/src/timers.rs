//! The timer wheel of a partition: what is due, in order. In memory; a restart reads it back from the open work.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::Arc;

use provost_model::{OrchestrationId, TenantId};

/// A timer: when, whose, which orchestration, which timer.
pub type Set = (i64, TenantId, OrchestrationId, Arc<str>);

/// Timers in order of their due time. A timer whose place is gone still fires; the engine refuses it.
#[derive(Clone, Debug, Default)]
pub struct Timers {
    set: BinaryHeap<Reverse<Set>>,
}

impl Timers {
    /// Sets a timer.
    pub fn set(&mut self, due_us: i64, tenant: TenantId, orchestration: OrchestrationId, id: Arc<str>) {
        self.set.push(Reverse((due_us, tenant, orchestration, id)));
    }

    /// Takes up to `limit` timers that are due at `now_us`.
    pub fn due(&mut self, now_us: i64, limit: usize) -> Vec<Set> {
        let mut due = Vec::new();
        while due.len() < limit && self.set.peek().is_some_and(|Reverse((at, ..))| *at <= now_us) {
            due.extend(self.set.pop().map(|Reverse(set)| set));
        }
        due
    }

    /// When the next one is due, in microseconds UTC.
    pub fn next_us(&self) -> Option<i64> {
        self.set.peek().map(|Reverse((at, ..))| *at)
    }

    /// How many are set.
    pub fn len(&self) -> usize {
        self.set.len()
    }

    /// Whether none is set.
    pub fn is_empty(&self) -> bool {
        self.set.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use provost_model::Slot;

    use super::*;

    #[test]
    fn a_hundred_thousand_timers_take_less_than_200_bytes_each() {
        let (mut timers, count) = (Timers::default(), 100_000_usize);
        for n in 0..count {
            let id = OrchestrationId::mint(1, Slot(0), &[&n.to_be_bytes()]);
            timers.set(1, TenantId::local(), id, "wait:approval/pause[17]".into());
        }
        // The counters of each `Arc<str>` and its text, as an allocator rounds them.
        let names: usize = timers.set.iter().map(|Reverse((.., id))| (2 * size_of::<usize>() + id.len()).next_multiple_of(16)).sum();
        let bytes = (timers.set.capacity() * size_of::<Set>() + names) / count;
        assert!(timers.len() == count && bytes < 200, "{bytes} bytes each");
    }
}
