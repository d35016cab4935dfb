//! A concurrency key: at most so many holders at once; what becomes of one that finds no place, its workflow says.
//!
//! | operation | a place is free and nobody waits | otherwise |
//! |---|---|---|
//! | ask | holds: admitted | `queue`, `replace`: has the next number and waits; `refuse`, or too many wait: refused |
//! | ask again | as before | as before |
//! | leave | the place is free: the lowest numbers hold it now and are handed out | who waited: nothing moves |
//!
//! What must stay true: nobody becomes a holder while as many hold the key as its own workflow allows; nobody overtakes; after a restart
//! it is the same key, from recorded numbers.

use std::collections::{BTreeMap, BTreeSet};

use provost_model::OrchestrationId;
use provost_model::program::{KeySpec, WhenHeld};
use provost_model::record::{Admission, Behind};

use super::{admitted, delayed, refused};

/// Holders named to one that waits.
pub const HOLDERS_NAMED: usize = 8;

/// Most orchestrations that one start replaces; what is beyond them runs first.
pub const REPLACED_MAX: usize = 64;

/// Who holds one value of a key, and who waits for it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Concurrency {
    /// Their ids are in the order of their time.
    holders: BTreeSet<OrchestrationId>,
    waiting: BTreeMap<u64, Waits>,
    last: u64,
}

/// One that waits, and how many may hold the key beside it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Waits {
    who: OrchestrationId,
    limit: u32,
}

impl Concurrency {
    /// Whether `who` may begin.
    pub fn ask(&mut self, what: &str, who: OrchestrationId, spec: KeySpec) -> Admission {
        if self.waiting.is_empty() && self.holders.len() < places(spec.limit) {
            self.holders.insert(who);
        }
        if self.holders.contains(&who) {
            return admitted(what);
        }
        if let Some(number) = self.number_of(who) {
            return self.waits(what, spec, (number, self.ahead_of(number)), Vec::new());
        }
        if spec.policy == WhenHeld::Refuse {
            return refused(what, &self.held());
        }
        let replaces = if spec.policy == WhenHeld::Replace { self.older_than_the_last(places(spec.limit)) } else { Vec::new() };
        if self.waiting.len() >= spec.waiting_max as usize && replaces.is_empty() {
            return refused(what, &format!("{} wait for it already", self.waiting.len()));
        }
        let ahead = self.waiting.len();
        self.last += 1;
        self.waiting.insert(self.last, Waits { who, limit: spec.limit });
        self.waits(what, spec, (self.last, ahead), replaces)
    }

    /// Puts back who held the key before a restart, or waited for it under `number` beside so many holders.
    pub fn restore(&mut self, who: OrchestrationId, waits: Option<(u64, u32)>) {
        match waits {
            None => drop(self.holders.insert(who)),
            Some((number, limit)) => {
                self.waiting.insert(number, Waits { who, limit });
                self.last = self.last.max(number);
            }
        }
    }

    /// The turn of `who` came: it holds the key, if it did not yet. One that was put back while its turn was on its way still waits here.
    pub fn came(&mut self, who: OrchestrationId) {
        self.waiting.retain(|_, waits| waits.who != who);
        self.holders.insert(who);
    }

    /// `who` is over; who holds the key now in its place.
    pub fn leave(&mut self, who: OrchestrationId) -> Vec<OrchestrationId> {
        self.waiting.retain(|_, waits| waits.who != who);
        self.holders.remove(&who);
        self.advance()
    }

    /// Gives free places to the lowest numbers.
    pub fn advance(&mut self) -> Vec<OrchestrationId> {
        let mut handed = Vec::new();
        while let Some(first) = self.waiting.first_entry()
            && self.holders.len() < places(first.get().limit)
        {
            let next = first.remove().who;
            self.holders.insert(next);
            handed.push(next);
        }
        handed
    }

    /// How `who`, that waits, stands now: how many wait before it, and who holds the key.
    pub fn standing(&self, who: OrchestrationId) -> Option<(usize, Vec<OrchestrationId>)> {
        let number = self.number_of(who)?;
        Some((self.ahead_of(number), self.named()))
    }

    /// Who holds it alone, so that `who` goes on only once that one is over; `None` too where `who` does not wait, or others may leave.
    pub fn sole_holder(&self, who: OrchestrationId) -> Option<OrchestrationId> {
        let limit = self.waiting.values().find(|waits| waits.who == who)?.limit;
        let mut holders = self.holders.iter().copied();
        holders.next().filter(|_| places(limit) == 1 && holders.next().is_none())
    }

    /// Whether nobody holds it or waits for it.
    pub fn is_empty(&self) -> bool {
        self.holders.is_empty() && self.waiting.is_empty()
    }

    fn waits(&self, what: &str, spec: KeySpec, (number, ahead): (u64, usize), replaces: Vec<OrchestrationId>) -> Admission {
        let ahead = u32::try_from(ahead).unwrap_or(u32::MAX);
        let behind = Behind { limit: spec.limit, ahead, holders: self.named(), replaces };
        Admission { number: Some(number), behind: Some(Box::new(behind)), ..delayed(what, i64::MAX) }
    }

    /// Everybody but the newest `places - 1`, oldest first: whoever holds the key is older than whoever waits.
    fn older_than_the_last(&self, places: usize) -> Vec<OrchestrationId> {
        let all = self.holders.iter().copied().chain(self.waiting.values().map(|waits| waits.who));
        let older = (self.holders.len() + self.waiting.len()).saturating_sub(places.saturating_sub(1));
        all.take(older.min(REPLACED_MAX)).collect()
    }

    fn number_of(&self, who: OrchestrationId) -> Option<u64> {
        self.waiting.iter().find(|(_, waits)| waits.who == who).map(|(number, _)| *number)
    }

    fn ahead_of(&self, number: u64) -> usize {
        self.waiting.range(..number).count()
    }

    fn named(&self) -> Vec<OrchestrationId> {
        self.holders.iter().take(HOLDERS_NAMED).copied().collect()
    }

    fn held(&self) -> String {
        let named: Vec<String> = self.named().iter().map(ToString::to_string).collect();
        format!("held by {}", named.join(", "))
    }
}

fn places(limit: u32) -> usize {
    limit.max(1) as usize
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use provost_model::Slot;

    use super::*;

    fn who(n: u8) -> OrchestrationId {
        OrchestrationId::mint(i64::from(n) * 1000, Slot(1), &[&[n]])
    }

    fn spec(policy: WhenHeld, limit: u32) -> KeySpec {
        KeySpec { limit, policy, waiting_max: 2 }
    }

    fn goes(admission: &Admission) -> bool {
        admission.number.is_none() && admission.refused.is_none()
    }

    #[test]
    fn later_ones_wait_in_order_and_are_told_for_whom() {
        let (mut key, spec) = (Concurrency::default(), spec(WhenHeld::Queue, 1));
        assert!(goes(&key.ask("key:a", who(1), spec)) && goes(&key.ask("key:a", who(1), spec)));
        let second = key.ask("key:a", who(2), spec);
        let third = key.ask("key:a", who(3), spec).behind.map(|behind| (behind.ahead, behind.holders));
        assert_eq!((second.number, third), (Some(1), Some((1, vec![who(1)]))));
        assert!(key.ask("key:a", who(4), spec).refused.is_some_and(|why| why.contains("2 wait")));
        assert_eq!(key.standing(who(3)), Some((1, vec![who(1)])));
        assert_eq!(key.leave(who(1)), [who(2)]);
        assert_eq!(key.standing(who(3)), Some((0, vec![who(2)])));
        assert_eq!((key.leave(who(3)), key.leave(who(2))), (vec![], vec![]));
        assert!(key.is_empty());
    }

    #[test]
    fn the_newest_replaces_the_oldest_also_of_those_that_wait() {
        let (mut key, spec) = (Concurrency::default(), spec(WhenHeld::Replace, 2));
        assert!(goes(&key.ask("k", who(1), spec)) && goes(&key.ask("k", who(2), spec)));
        assert_eq!(key.ask("k", who(3), spec).behind.map(|behind| behind.replaces), Some(vec![who(1)]));
        assert_eq!(key.ask("k", who(4), spec).behind.map(|behind| behind.replaces), Some(vec![who(1), who(2)]));
        assert_eq!(key.leave(who(1)), [who(3)]);
        assert_eq!(key.leave(who(2)), [who(4)]);
    }

    #[test]
    fn who_may_not_wait_is_refused_and_told_by_whom() {
        let (mut key, spec) = (Concurrency::default(), spec(WhenHeld::Refuse, 1));
        assert!(goes(&key.ask("k", who(1), spec)));
        assert!(key.ask("k", who(2), spec).refused.is_some_and(|why| why.contains(&who(1).to_string())));
        key.leave(who(1));
        assert!(goes(&key.ask("k", who(2), spec)));
    }

    #[test]
    fn one_whose_turn_was_on_its_way_holds_the_key_when_it_comes() {
        let mut key = Concurrency::default();
        key.restore(who(1), Some((1, 1)));
        key.restore(who(2), Some((2, 1)));
        key.came(who(1));
        assert_eq!(key.sole_holder(who(2)), Some(who(1)));
        assert_eq!(key.leave(who(1)), [who(2)]);
    }

    #[test]
    fn a_version_with_fewer_places_waits_for_its_own_limit() {
        let mut key = Concurrency::default();
        for n in 1..4 {
            assert!(goes(&key.ask("k", who(n), spec(WhenHeld::Queue, 3))));
        }
        assert!(!goes(&key.ask("k", who(4), spec(WhenHeld::Queue, 1))));
        assert_eq!((key.leave(who(1)), key.leave(who(2)), key.leave(who(3))), (vec![], vec![], vec![who(4)]));
    }

    proptest! {
        #[test]
        fn the_earliest_hold_the_key_also_after_a_restart(
            limit in 1_u32..4, moves in prop::collection::vec((0_u8..8, any::<bool>(), any::<bool>()), 1..300),
        ) {
            let spec = KeySpec { limit, policy: WhenHeld::Queue, waiting_max: 100 };
            let mut key = Concurrency::default();
            let mut asked: Vec<u8> = Vec::new();
            for (n, asks, restarts) in moves {
                if asks {
                    if !asked.contains(&n) {
                        asked.push(n);
                    }
                    key.ask("k", who(n), spec);
                } else {
                    asked.retain(|other| *other != n);
                    key.leave(who(n));
                }
                let first: BTreeSet<_> = asked.iter().take(places(limit)).map(|n| who(*n)).collect();
                prop_assert_eq!(&key.holders, &first);
                if restarts {
                    let mut again = Concurrency::default();
                    key.waiting.iter().rev().for_each(|(number, waits)| again.restore(waits.who, Some((*number, waits.limit))));
                    key.holders.iter().for_each(|who| again.restore(*who, None));
                    prop_assert_eq!((&again.holders, &again.waiting), (&key.holders, &key.waiting));
                    key = again;
                }
            }
        }
    }
}
