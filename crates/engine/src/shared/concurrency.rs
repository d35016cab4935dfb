//! A concurrency key: at most so many holders at once; others wait in order of asking.
//!
//! | operation | a place is free and nobody waits before | otherwise |
//! |---|---|---|
//! | ask | holds: admitted | waits at the end: delayed without a time; refused where the queue is full |
//! | ask again by a holder | admitted | - |
//! | ask again by who waits | holds when it is first and a place is free | keeps its place |
//! | release | the place is free; the first who waits is handed out | who waits leaves the queue |
//!
//! What must stay true: never more holders than the limit; nobody overtakes; the same name holds or waits once.

use std::collections::VecDeque;
use std::sync::Arc;

use provost_model::record::Admission;

use super::{admitted, delayed, refused};

/// Holders of one key and who waits for it.
#[derive(Clone, Debug)]
pub struct Concurrency {
    what: Arc<str>,
    holders_max: usize,
    waiting_max: usize,
    holders: Vec<Arc<str>>,
    waiting: VecDeque<Arc<str>>,
}

impl Concurrency {
    /// A key with at most `holders_max` holders (at least 1) and `waiting_max` waiting.
    pub fn new(key: &str, holders_max: usize, waiting_max: usize) -> Self {
        let what = format!("concurrency:{key}").into();
        Self { what, holders_max: holders_max.max(1), waiting_max, holders: Vec::new(), waiting: VecDeque::new() }
    }

    /// Whether `who` may go. One that must wait is told by [`Self::release`]; no time is known, so the delay is the end of time.
    pub fn ask(&mut self, who: &str) -> Admission {
        if self.holders.iter().any(|holder| **holder == *who) {
            return admitted(&self.what);
        }
        let place = self.waiting.iter().position(|waits| **waits == *who);
        let first = place.map_or(self.waiting.is_empty(), |place| place == 0);
        if first && self.holders.len() < self.holders_max {
            self.waiting.pop_front();
            self.holders.push(who.into());
            return admitted(&self.what);
        }
        if place.is_none() {
            if self.waiting.len() >= self.waiting_max {
                return refused(&self.what, "too many wait for the key");
            }
            self.waiting.push_back(who.into());
        }
        delayed(&self.what, i64::MAX)
    }

    /// `who` holds or waits no more; the one who now holds the freed place.
    pub fn release(&mut self, who: &str) -> Option<Arc<str>> {
        self.waiting.retain(|waits| **waits != *who);
        self.holders.retain(|holder| **holder != *who);
        if self.holders.len() >= self.holders_max {
            return None;
        }
        let next = self.waiting.pop_front()?;
        self.holders.push(next.clone());
        Some(next)
    }

    /// Who holds the key.
    pub fn holders(&self) -> &[Arc<str>] {
        &self.holders
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn goes(admission: &Admission) -> bool {
        admission.delayed_until_us.is_none() && admission.refused.is_none()
    }

    #[test]
    fn who_waits_goes_in_order() {
        let mut key = Concurrency::new("customer/c-1", 1, 2);
        assert!(goes(&key.ask("a")) && goes(&key.ask("a")));
        assert!(!goes(&key.ask("b")) && !goes(&key.ask("c")));
        assert!(key.ask("d").refused.is_some(), "the queue is full");
        assert_eq!(key.release("a").as_deref(), Some("b"));
        assert!(goes(&key.ask("b")) && !goes(&key.ask("c")));
    }

    #[test]
    fn who_gives_up_waiting_frees_nothing() {
        let mut key = Concurrency::new("k", 1, 9);
        key.ask("a");
        key.ask("b");
        key.ask("c");
        assert_eq!(key.release("b"), None);
        assert_eq!(key.release("a").as_deref(), Some("c"));
    }

    proptest! {
        #[test]
        fn never_more_holders_than_places_and_nobody_overtakes(
            places in 1_usize..4, moves in prop::collection::vec((0_u8..8, any::<bool>()), 1..300),
        ) {
            let mut key = Concurrency::new("k", places, 100);
            let mut asked: Vec<String> = Vec::new();
            for (who, ask) in moves {
                let who = who.to_string();
                if ask {
                    if !asked.contains(&who) {
                        asked.push(who.clone());
                    }
                    key.ask(&who);
                } else {
                    asked.retain(|other| *other != who);
                    key.release(&who);
                }
                let mut holds: Vec<&str> = key.holders().iter().map(|who| &**who).collect();
                prop_assert!(holds.len() <= places);
                let mut first: Vec<&str> = asked.iter().take(places).map(String::as_str).collect();
                holds.sort_unstable();
                first.sort_unstable();
                prop_assert_eq!(holds, first, "the earliest to ask hold the key");
            }
        }
    }
}
