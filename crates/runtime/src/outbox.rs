//! What was sent to another partition and is not answered yet: sent again from time to time, until the answer comes.
//!
//! In memory, beside the open work that says the same: a restart reads it back from there. What must stay true: whatever may be lost on
//! the way is sent again; answering twice does nothing. What is absent: knowing where a slot lives.

use std::collections::{BTreeMap, BTreeSet};

use provost_model::record::Command;
use provost_model::{EffectId, EventId, OrchestrationId, Slot, TenantId};

use crate::partition::Delivery;

/// How long an answer may take before the delivery is sent again, in microseconds.
const AGAIN_US: i64 = 5_000_000;

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Key {
    Claim(TenantId, EffectId),
    Start(TenantId, OrchestrationId),
    Tell(TenantId, OrchestrationId),
    Hear(TenantId, EventId, Slot),
}

/// Deliveries that wait for their answer.
#[derive(Default)]
pub struct Outbox {
    waiting: BTreeMap<Key, (i64, Slot, Delivery)>,
    due: BTreeSet<(i64, Key)>,
}

impl Outbox {
    /// A delivery is about to be sent to the partition of `slot`. Kept if it will be answered.
    pub fn sent(&mut self, slot: Slot, delivery: &Delivery, now_us: i64) {
        let key = match delivery {
            // What changes hands is answered to who asked, not to who passes it on.
            Delivery::Claim { tenant, claim } if claim.over.is_none() => Key::Claim(tenant.clone(), claim.by.effect),
            Delivery::Start { tenant, id, from: Some(_), .. } => Key::Start(tenant.clone(), *id),
            Delivery::Tell { tenant, message } => Key::Tell(tenant.clone(), message.id),
            Delivery::Hear { tenant, arrived } => Key::Hear(tenant.clone(), arrived.id, slot),
            Delivery::Heard { .. }
            | Delivery::Spread { .. }
            | Delivery::Look { .. }
            | Delivery::Claim { .. }
            | Delivery::Start { .. }
            | Delivery::Accept { .. }
            | Delivery::Tick { .. }
            | Delivery::Command { .. }
            | Delivery::Control { .. }
            | Delivery::Delivered { .. }
            | Delivery::Follow { .. }
            | Delivery::Inquire { .. } => return,
        };
        self.forget(&key);
        let due_us = now_us.saturating_add(AGAIN_US);
        self.due.insert((due_us, key.clone()));
        self.waiting.insert(key, (due_us, slot, delivery.clone()));
    }

    /// A delivery arrived: if it is an answer, what it answers is not sent again.
    pub fn heard(&mut self, delivery: &Delivery) {
        match delivery {
            Delivery::Command { tenant, command, .. } => {
                if let Command::Claimed(claimed) = &**command {
                    self.forget(&Key::Claim(tenant.clone(), claimed.effect));
                }
            }
            Delivery::Delivered { tenant, orchestration, .. } => {
                self.forget(&Key::Start(tenant.clone(), *orchestration));
                self.forget(&Key::Tell(tenant.clone(), *orchestration));
            }
            Delivery::Heard { tenant, id, by } => self.forget(&Key::Hear(tenant.clone(), *id, *by)),
            Delivery::Accept { .. }
            | Delivery::Tick { .. }
            | Delivery::Tell { .. }
            | Delivery::Hear { .. }
            | Delivery::Spread { .. }
            | Delivery::Look { .. }
            | Delivery::Start { .. }
            | Delivery::Claim { .. }
            | Delivery::Inquire { .. }
            | Delivery::Follow { .. }
            | Delivery::Control { .. } => {}
        }
    }

    /// Takes up to `limit` deliveries that were not answered in time; whoever takes them sends them again.
    pub fn due(&mut self, now_us: i64, limit: usize) -> Vec<(Slot, Delivery)> {
        let late: Vec<Key> = self.due.iter().take_while(|(due_us, _)| *due_us <= now_us).take(limit).map(|(_, key)| key.clone()).collect();
        let taken = late.iter().filter_map(|key| {
            let (due_us, slot, delivery) = self.waiting.remove(key)?;
            self.due.remove(&(due_us, key.clone()));
            Some((slot, delivery))
        });
        taken.collect()
    }

    /// When the next one is due, in microseconds UTC.
    pub fn next_us(&self) -> Option<i64> {
        self.due.first().map(|(due_us, _)| *due_us)
    }

    /// How many wait.
    pub fn len(&self) -> usize {
        self.waiting.len()
    }

    /// Whether none waits.
    pub fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    fn forget(&mut self, key: &Key) {
        if let Some((due_us, _, _)) = self.waiting.remove(key) {
            self.due.remove(&(due_us, key.clone()));
        }
    }
}

#[cfg(test)]
mod tests {
    use provost_model::Digest;
    use provost_model::record::{Cause, ClaimAnswer, Claimed};

    use super::*;
    use crate::partition::{Claim, Holder};

    fn claim(over: Option<Holder>) -> (Delivery, Delivery) {
        let orchestration = OrchestrationId::mint(0, Slot(1), &[b"a"]);
        let by = Holder { orchestration, effect: orchestration.effect("a", "act"), round: 0 };
        let claim = Claim { action: "pay".into(), key: "k".into(), fingerprint: Digest::of(b""), horizon_ms: 1, by, over };
        let answered = Command::Claimed(Claimed { effect: by.effect, answer: ClaimAnswer::Granted });
        let tenant = TenantId::local();
        let answer = Delivery::Command { tenant: tenant.clone(), orchestration, command: Box::new(answered), cause: Cause::default() };
        (Delivery::Claim { tenant, claim: Box::new(claim) }, answer)
    }

    #[test]
    fn what_is_not_answered_is_due_again_and_what_is_answered_is_not() {
        let (sent, answer) = claim(None);
        let mut outbox = Outbox::default();
        outbox.sent(Slot(3), &sent, 0);
        assert!(outbox.due(AGAIN_US - 1, 10).is_empty());
        assert_eq!(outbox.due(AGAIN_US, 10).len(), 1);
        outbox.sent(Slot(3), &sent, AGAIN_US);
        outbox.sent(Slot(3), &sent, AGAIN_US + 1);
        assert_eq!((outbox.len(), outbox.next_us()), (1, Some(2 * AGAIN_US + 1)), "the same question waits once");
        outbox.heard(&answer);
        assert!(outbox.is_empty() && outbox.next_us().is_none());
    }

    #[test]
    fn what_is_passed_on_is_not_kept() {
        let (sent, _) = claim(None);
        let Delivery::Claim { claim: first, .. } = &sent else { return };
        let mut outbox = Outbox::default();
        outbox.sent(Slot(3), &claim(Some(first.by)).0, 0);
        assert!(outbox.is_empty());
    }
}
