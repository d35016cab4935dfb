//! A quota: so many units in each window of time, reserved before they are used and settled after.
//!
//! | operation | within the limit | over it |
//! |---|---|---|
//! | reserve n | admitted; held + n | delayed until the window ends; refused where n alone is more than the limit |
//! | settle (reserved, used) | held - reserved, used + used | as within: what was used is used |
//! | the window ends | used = 0; what is held stays held | - |
//!
//! What must stay true: used and held together never pass the limit by a reservation; a settlement may, because the truth may.

use std::sync::Arc;

use provost_model::record::Admission;

use super::{admitted, delayed, refused};

/// Units in windows of time.
#[derive(Clone, Debug)]
pub struct Quota {
    what: Arc<str>,
    limit: u64,
    window_us: i64,
    window_start_us: i64,
    used: u64,
    held: u64,
    now_us: i64,
}

impl Quota {
    /// `limit` units in each window of `window_ms` milliseconds; windows begin at multiples of their length since 1970.
    pub fn new(name: &str, limit: u64, window_ms: i64) -> Self {
        let window_us = window_ms.max(1).saturating_mul(1000);
        let what = format!("quota:{name}").into();
        Self { what, limit, window_us, window_start_us: i64::MIN, used: 0, held: 0, now_us: i64::MIN }
    }

    /// Reserves `units` at `now_us`, if they fit. Admitted units must be settled.
    pub fn reserve(&mut self, units: u64, now_us: i64) -> Admission {
        self.roll(now_us);
        if units > self.limit {
            return refused(&self.what, "more than the whole quota is wanted at once");
        }
        if self.taken().saturating_add(units) > self.limit {
            return delayed(&self.what, self.window_start_us.saturating_add(self.window_us));
        }
        self.held = self.held.saturating_add(units);
        admitted(&self.what)
    }

    /// What was `reserved` is over; `used` units of it were used.
    pub fn settle(&mut self, reserved: u64, used: u64, now_us: i64) {
        self.roll(now_us);
        self.held = self.held.saturating_sub(reserved);
        self.used = self.used.saturating_add(used);
    }

    /// Units used and held in the current window.
    pub fn taken(&self) -> u64 {
        self.used.saturating_add(self.held)
    }

    fn roll(&mut self, now_us: i64) {
        self.now_us = self.now_us.max(now_us);
        let start_us = self.now_us.div_euclid(self.window_us).saturating_mul(self.window_us);
        if start_us > self.window_start_us {
            self.window_start_us = start_us;
            self.used = 0;
        }
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
    fn a_full_window_delays_to_its_end() {
        let mut quota = Quota::new("acme/tokens", 100, 1000);
        assert!(goes(&quota.reserve(60, 5_000)));
        assert_eq!(quota.reserve(50, 6_000).delayed_until_us, Some(1_000_000));
        quota.settle(60, 10, 7_000);
        assert!(goes(&quota.reserve(50, 8_000)), "what was not used is free again");
    }

    #[test]
    fn a_new_window_forgets_what_was_used_and_keeps_what_is_held() {
        let mut quota = Quota::new("acme/tokens", 100, 1000);
        quota.reserve(40, 0);
        quota.reserve(60, 0);
        quota.settle(60, 60, 0);
        assert_eq!(quota.taken(), 100);
        assert!(goes(&quota.reserve(60, 1_000_000)));
        assert_eq!(quota.taken(), 100);
    }

    #[test]
    fn more_than_everything_is_refused() {
        assert!(Quota::new("x", 10, 1000).reserve(11, 0).refused.is_some());
    }

    proptest! {
        #[test]
        fn reservations_never_pass_the_limit(moves in prop::collection::vec((0_u64..40, 0_i64..300, any::<bool>()), 1..200)) {
            let mut quota = Quota::new("x", 100, 1000);
            let (mut now_us, mut held) = (0, Vec::new());
            for (units, ms, settle) in moves {
                now_us += ms * 1000;
                if settle && !held.is_empty() {
                    let reserved = held.remove(0);
                    quota.settle(reserved, units.min(reserved), now_us);
                } else if goes(&quota.reserve(units, now_us)) {
                    held.push(units);
                }
                prop_assert!(quota.taken() <= 100);
                prop_assert!(quota.taken() >= held.iter().sum::<u64>());
            }
        }
    }
}
