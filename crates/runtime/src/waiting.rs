//! External workers that wait for work: woken one at a time, the latest first.
//!
//! Who came last is who reported a moment ago: its connection and its thread are still warm, and where it is still reporting it takes what
//! its report brings without anybody being woken. What must stay true: work that arrives wakes somebody who serves its queue, unless
//! somebody is already on the way to it; whoever was woken and leaves, with or without work, wakes the next while work is left. It knows
//! no leases: the dispatcher hands out the work.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use provost_model::TenantId;
use tokio::sync::Notify;

/// Everybody who waits.
#[derive(Debug, Default)]
pub(crate) struct Waiting(Mutex<Rows>);

#[derive(Debug, Default)]
struct Rows {
    next: u64,
    waiters: BTreeMap<u64, Waiter>,
}

#[derive(Debug)]
struct Waiter {
    tenant: TenantId,
    queues: Arc<[Arc<str>]>,
    /// It was woken, and has not looked for work since.
    awake: bool,
    bell: Arc<Notify>,
}

/// A worker's place among those who wait; it leaves by being dropped.
#[derive(Debug)]
pub(crate) struct Place {
    waiting: Arc<Waiting>,
    number: u64,
    bell: Arc<Notify>,
}

/// What an external worker asks for.
#[derive(Debug)]
pub struct Asking {
    pub(crate) queues: Arc<[Arc<str>]>,
    pub(crate) capacity: usize,
    /// None, where it wants no work.
    pub(crate) place: Option<Place>,
}

impl Waiter {
    fn serves(&self, tenant: &TenantId, queue: &str) -> bool {
        self.tenant == *tenant && self.queues.iter().any(|served| &**served == queue)
    }
}

impl Waiting {
    /// Takes a place for whoever serves `queues` of `tenant`.
    pub fn enter(self: &Arc<Self>, tenant: &TenantId, queues: Arc<[Arc<str>]>) -> Place {
        let bell = Arc::new(Notify::new());
        let waiter = Waiter { tenant: tenant.clone(), queues, awake: false, bell: bell.clone() };
        let mut rows = self.locked();
        rows.next += 1;
        let number = rows.next;
        rows.waiters.insert(number, waiter);
        drop(rows);
        Place { waiting: self.clone(), number, bell }
    }

    /// Work of `tenant` is there on `queue`.
    pub fn arrived(&self, tenant: &TenantId, queue: &str) {
        let mut rows = self.locked();
        let serving = || rows.waiters.iter().rev().filter(|(_, waiter)| waiter.serves(tenant, queue));
        if serving().any(|(_, waiter)| waiter.awake) {
            return;
        }
        let latest = serving().next().map(|(number, _)| *number);
        if let Some(waiter) = latest.and_then(|number| rows.waiters.get_mut(&number)) {
            waiter.awake = true;
            waiter.bell.notify_one();
        }
    }

    /// Wakes everybody.
    pub fn wake_all(&self) {
        for waiter in self.locked().waiters.values_mut() {
            waiter.awake = true;
            waiter.bell.notify_one();
        }
    }

    fn locked(&self) -> MutexGuard<'_, Rows> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Place {
    /// It looks for work now: what arrives from here on wakes it again.
    pub fn looks(&self) {
        if let Some(waiter) = self.waiting.locked().waiters.get_mut(&self.number) {
            waiter.awake = false;
        }
    }

    /// Returns once it was woken, at once where it was since it last returned.
    pub async fn woken(&self) {
        self.bell.notified().await;
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let Some(gone) = self.waiting.locked().waiters.remove(&self.number) else { return };
        // Whether it took the work is not known here. Somebody who finds nothing lies down again.
        for queue in gone.queues.iter().filter(|_| gone.awake) {
            self.waiting.arrived(&gone.tenant, queue);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use provost_model::TenantId;

    use super::{Place, Waiting};

    fn enter(waiting: &Arc<Waiting>, queue: &str) -> Place {
        waiting.enter(&TenantId::local(), [queue.into()].into())
    }

    fn awake(places: [&Place; 2]) -> [bool; 2] {
        places.map(|place| place.waiting.locked().waiters.get(&place.number).is_some_and(|waiter| waiter.awake))
    }

    #[test]
    fn the_latest_who_serves_the_queue_is_woken_and_nobody_else() {
        let waiting = Arc::<Waiting>::default();
        let (first, second, other) = (enter(&waiting, "a"), enter(&waiting, "a"), enter(&waiting, "b"));
        for _ in 0..3 {
            waiting.arrived(&TenantId::local(), "a");
        }
        assert_eq!(awake([&first, &second]), [false, true]);
        second.looks();
        waiting.arrived(&TenantId::local(), "b");
        assert_eq!((awake([&first, &second]), awake([&other, &other])), ([false, false], [true, true]));
    }

    #[test]
    fn whoever_was_woken_and_leaves_wakes_the_next() {
        let waiting = Arc::<Waiting>::default();
        let (first, second) = (enter(&waiting, "a"), enter(&waiting, "a"));
        waiting.arrived(&TenantId::local(), "a");
        drop(second);
        assert_eq!(awake([&first, &first]), [true, true]);
        let third = enter(&waiting, "a");
        first.looks();
        drop(first);
        assert_eq!(awake([&third, &third]), [false, false]);
    }
}
