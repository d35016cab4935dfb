//! Who follows an orchestration: told when its journal has grown, so that nobody looks in vain.
//!
//! What must stay true: rows that are committed after [`Plane::follow`] returned are told of, however many commits ago they were looked
//! for; where nobody follows, a commit pays one look at a number. It reads no journal and knows no caller: who may read what is asked at
//! the edge.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use provost_model::record::{Head, Stream};
use provost_model::{OrchestrationId, TenantId};
use tokio::sync::watch;

use crate::plane::Plane;

/// Everybody who follows something.
#[derive(Default)]
pub(crate) struct Followers {
    /// How many orchestrations are followed.
    followed: AtomicUsize,
    grown: Mutex<BTreeMap<OrchestrationId, Followed>>,
}

/// An orchestration, and how many follow it.
struct Followed {
    followers: usize,
    told: watch::Sender<()>,
}

impl Followers {
    /// These journals have grown, and it is on disk.
    pub fn tell(&self, heads: &BTreeMap<(TenantId, Stream), Head>) {
        if self.followed.load(Ordering::Acquire) == 0 {
            return;
        }
        let grown = self.locked();
        for (_, stream) in heads.keys() {
            if let Stream::Orchestration(id) = stream
                && let Some(followed) = grown.get(id)
            {
                followed.told.send_replace(());
            }
        }
    }

    fn join(&self, id: OrchestrationId) -> watch::Receiver<()> {
        let mut grown = self.locked();
        let followed = grown.entry(id).or_insert_with(|| Followed { followers: 0, told: watch::Sender::new(()) });
        followed.followers += 1;
        let told = followed.told.subscribe();
        self.followed.store(grown.len(), Ordering::Release);
        told
    }

    fn leave(&self, id: OrchestrationId) {
        let mut grown = self.locked();
        if let Entry::Occupied(mut followed) = grown.entry(id) {
            followed.get_mut().followers -= 1;
            if followed.get().followers == 0 {
                followed.remove();
            }
        }
        self.followed.store(grown.len(), Ordering::Release);
    }

    fn locked(&self) -> MutexGuard<'_, BTreeMap<OrchestrationId, Followed>> {
        self.grown.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One who follows an orchestration, until it is dropped.
pub struct Follower {
    id: OrchestrationId,
    told: watch::Receiver<()>,
    followers: Arc<Followers>,
}

impl Follower {
    fn new(followers: Arc<Followers>, id: OrchestrationId) -> Self {
        let mut told = followers.join(id);
        // What is there already has never been looked for.
        told.mark_changed();
        Self { id, told, followers }
    }

    /// Waits until there may be rows that were not there when this last returned; the first time it returns at once.
    pub async fn grown(&mut self) {
        if self.told.changed().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

impl Drop for Follower {
    fn drop(&mut self) {
        self.followers.leave(self.id);
    }
}

impl Plane {
    /// Follows an orchestration of whatever tenant: it says that a journal has grown and nothing of what is in it.
    pub fn follow(&self, id: OrchestrationId) -> Follower {
        Follower::new(self.followers(), id)
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

    use std::pin::pin;
    use std::task::{Context, Waker};

    use provost_model::Slot;

    use super::*;

    fn id(name: &[u8]) -> OrchestrationId {
        OrchestrationId::mint(1_700_000_000_000_000, Slot(7), &[name])
    }

    fn heads(streams: &[Stream]) -> BTreeMap<(TenantId, Stream), Head> {
        streams.iter().map(|stream| ((TenantId::parse("acme").unwrap(), stream.clone()), Head::EMPTY)).collect()
    }

    fn is_told(follower: &mut Follower) -> bool {
        pin!(follower.grown()).poll(&mut Context::from_waker(Waker::noop())).is_ready()
    }

    #[test]
    fn a_follower_looks_once_and_then_after_each_growth_of_its_own_journal() {
        let followers = Arc::new(Followers::default());
        let (mut one, mut other) = (Follower::new(followers.clone(), id(b"one")), Follower::new(followers.clone(), id(b"other")));
        assert!(is_told(&mut one) && is_told(&mut other), "what is there already");
        assert!(!is_told(&mut one));
        followers.tell(&heads(&[Stream::Orchestration(id(b"other")), Stream::Inbox(Slot(7)), Stream::Control]));
        assert!(!is_told(&mut one), "others' growth is none of its own");
        for _ in 0..3 {
            followers.tell(&heads(&[Stream::Orchestration(id(b"one"))]));
        }
        assert!(is_told(&mut one), "growth while nobody waited is not forgotten");
        assert!(!is_told(&mut one), "three commits are one look");
        assert!(is_told(&mut other));
    }

    #[test]
    fn the_last_who_leaves_costs_nothing_any_more() {
        let followers = Arc::new(Followers::default());
        let (first, mut second) = (Follower::new(followers.clone(), id(b"one")), Follower::new(followers.clone(), id(b"one")));
        assert_eq!(followers.followed.load(Ordering::Acquire), 1);
        drop(first);
        assert!(is_told(&mut second));
        followers.tell(&heads(&[Stream::Orchestration(id(b"one"))]));
        assert!(is_told(&mut second), "one who left takes nobody along");
        drop(second);
        assert_eq!(followers.followed.load(Ordering::Acquire), 0);
        assert!(followers.locked().is_empty());
    }
}
