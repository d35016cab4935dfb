//! The line of an ordering key: one orchestration after the other, in the order in which they began.
//!
//! | operation | nobody is in front | otherwise |
//! |---|---|---|
//! | ask | is in front: admitted | has the next number and waits |
//! | ask again | as before | as before |
//! | leave | - | who was in front: the lowest number is in front now and is handed out; who waited: nothing moves |
//!
//! What must stay true: one is in front; nobody overtakes; after a restart it is the same line, from recorded numbers.

use std::collections::BTreeMap;

use provost_model::OrchestrationId;
use provost_model::record::Admission;

use super::{admitted, delayed, refused};

/// Most orchestrations waiting in one line.
pub const LINE_MAX: usize = 100_000;

/// Who is in front, and who waits.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Line {
    front: Option<OrchestrationId>,
    waiting: BTreeMap<u64, OrchestrationId>,
    last: u64,
}

impl Line {
    /// Whether `who` may begin.
    pub fn ask(&mut self, what: &str, who: OrchestrationId) -> Admission {
        if self.front.is_none() && self.waiting.is_empty() {
            self.front = Some(who);
        }
        if self.front == Some(who) {
            return admitted(what);
        }
        let place = self.waiting.iter().find(|(_, waits)| **waits == who).map(|(number, _)| *number);
        let number = match place {
            Some(number) => number,
            None if self.waiting.len() >= LINE_MAX => return refused(what, "too many wait in the line"),
            None => {
                self.last += 1;
                self.waiting.insert(self.last, who);
                self.last
            }
        };
        Admission { number: Some(number), ..delayed(what, i64::MAX) }
    }

    /// Puts back who was in the line before a restart: in front, or waiting under `number`.
    pub fn restore(&mut self, who: OrchestrationId, number: Option<u64>) {
        match number {
            None => self.front = Some(who),
            Some(number) => {
                self.waiting.insert(number, who);
                self.last = self.last.max(number);
            }
        }
    }

    /// The turn of `who` came: it is in front, if it was not yet. One that was put back while its turn was on its way still waits here.
    pub fn came(&mut self, who: OrchestrationId) {
        self.waiting.retain(|_, waits| *waits != who);
        self.front = Some(who);
    }

    /// `who` is over; who is in front now, if that changed.
    pub fn leave(&mut self, who: OrchestrationId) -> Option<OrchestrationId> {
        self.waiting.retain(|_, waits| *waits != who);
        if self.front == Some(who) {
            self.front = None;
        }
        self.advance()
    }

    /// Brings the lowest number to the front when nobody is there.
    pub fn advance(&mut self) -> Option<OrchestrationId> {
        if self.front.is_some() {
            return None;
        }
        self.front = self.waiting.pop_first().map(|(_, who)| who);
        self.front
    }

    /// Who is in front of `who`; `None` where `who` does not wait.
    pub fn in_front_of(&self, who: OrchestrationId) -> Option<OrchestrationId> {
        self.front.filter(|_| self.waiting.values().any(|waits| *waits == who))
    }

    /// Whether nobody is in it.
    pub fn is_empty(&self) -> bool {
        self.front.is_none() && self.waiting.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use provost_model::Slot;

    use super::*;

    fn who(n: u8) -> OrchestrationId {
        OrchestrationId::mint(0, Slot(1), &[&[n]])
    }

    #[test]
    fn one_whose_turn_was_on_its_way_is_in_front_when_it_comes() {
        let mut line = Line::default();
        line.restore(who(1), Some(1));
        line.restore(who(2), Some(2));
        line.came(who(1));
        assert_eq!(line.in_front_of(who(2)), Some(who(1)));
        assert_eq!(line.leave(who(1)), Some(who(2)));
    }

    #[test]
    fn they_go_one_after_the_other_and_keep_their_place() {
        let mut line = Line::default();
        assert_eq!(line.ask("order:a", who(1)).number, None);
        assert_eq!((line.ask("order:a", who(2)).number, line.ask("order:a", who(3)).number), (Some(1), Some(2)));
        assert_eq!((line.ask("order:a", who(1)).number, line.ask("order:a", who(2)).number), (None, Some(1)));
        assert_eq!(line.leave(who(3)), None);
        assert_eq!(line.leave(who(1)), Some(who(2)));
        assert_eq!(line.leave(who(2)), None);
        assert!(line.is_empty());
    }

    proptest! {
        #[test]
        fn whoever_asked_first_is_in_front_also_after_a_restart(moves in prop::collection::vec((0_u8..6, any::<bool>()), 1..200)) {
            let mut line = Line::default();
            let mut order: Vec<u8> = Vec::new();
            for (n, asks) in moves {
                if asks {
                    if !order.contains(&n) {
                        order.push(n);
                    }
                    let number = line.ask("order:a", who(n)).number;
                    prop_assert_eq!(number.is_none(), order.first() == Some(&n));
                } else {
                    let was = order.first().copied();
                    order.retain(|other| *other != n);
                    let now = order.first().copied();
                    let handed = line.leave(who(n));
                    prop_assert_eq!(handed, now.filter(|_| now != was).map(who));
                }
                let mut again = Line::default();
                again.restore_from(&line);
                prop_assert_eq!(again.front, line.front);
                prop_assert_eq!(&again.waiting, &line.waiting);
            }
        }
    }

    impl Line {
        fn restore_from(&mut self, other: &Self) {
            other.waiting.iter().rev().for_each(|(number, who)| self.restore(*who, Some(*number)));
            other.front.into_iter().for_each(|who| self.restore(who, None));
        }
    }
}
