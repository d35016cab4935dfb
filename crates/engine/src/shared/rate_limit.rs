//! A rate limit: a bucket of permits that fills evenly. After the generic cell rate algorithm (ITU-T I.371).
//!
//! | earliest free moment | ask at now | then |
//! |---|---|---|
//! | <= now + tolerance | admitted | moves on by one interval from max(itself, now) |
//! | > now + tolerance | delayed until itself - tolerance: that moment is taken | moves on by one interval |
//! | that delay is too long | refused | stays |
//!
//! What must stay true: in every window of `interval x n` at most `burst + n` permits are given. Exact integers: no drift. Who is delayed
//! need not ask again, so that a thousand who wait cost a thousand questions.

use std::sync::Arc;

use provost_model::record::Admission;

use super::{admitted, delayed, refused};

/// Longest delay, in microseconds.
const AHEAD_US_MAX: i64 = 3_600_000_000;

/// A bucket of permits.
#[derive(Clone, Debug)]
pub struct RateLimit {
    what: Arc<str>,
    interval_us: i64,
    tolerance_us: i64,
    /// When the bucket would be full again; before the first permit, the beginning of time.
    free_us: i64,
    now_us: i64,
}

impl RateLimit {
    /// `permits` in each `per_ms` milliseconds, at most `burst` of them at once. Without permits everything is refused.
    pub fn new(name: &str, permits: u32, per_ms: i64, burst: u32) -> Self {
        let per_us = per_ms.max(1).saturating_mul(1000);
        // Rounded up: rather a little slower than once too often.
        let interval_us = if permits == 0 { 0 } else { (per_us.saturating_add(i64::from(permits) - 1) / i64::from(permits)).max(1) };
        let tolerance_us = interval_us.saturating_mul(i64::from(burst.max(1)) - 1);
        Self { what: format!("rate:{name}").into(), interval_us, tolerance_us, free_us: i64::MIN, now_us: i64::MIN }
    }

    /// When one may go, asked at `now_us`; takes the permit of that moment.
    pub fn ask(&mut self, now_us: i64) -> Admission {
        self.now_us = self.now_us.max(now_us);
        if self.interval_us == 0 {
            return refused(&self.what, "the limit is 0");
        }
        let earliest_us = self.free_us.saturating_sub(self.tolerance_us);
        if earliest_us > self.now_us {
            if earliest_us.saturating_sub(self.now_us) > AHEAD_US_MAX {
                return refused(&self.what, "the line is longer than an hour");
            }
            self.free_us = self.free_us.saturating_add(self.interval_us);
            return delayed(&self.what, earliest_us);
        }
        self.free_us = self.free_us.max(self.now_us).saturating_add(self.interval_us);
        admitted(&self.what)
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
    fn a_burst_goes_at_once_and_the_rest_evenly() {
        let mut limit = RateLimit::new("acme/pay", 10, 1000, 3);
        assert_eq!((0..4).filter(|_| goes(&limit.ask(0))).count(), 3);
        assert_eq!(limit.ask(0).delayed_until_us, Some(200_000), "the fourth has the moment before");
        assert!(goes(&limit.ask(300_000)));
        assert_eq!(limit.ask(300_000).delayed_until_us, Some(400_000));
    }

    #[test]
    fn a_long_rest_saves_no_more_than_the_burst() {
        let mut limit = RateLimit::new("acme/pay", 10, 1000, 3);
        limit.ask(0);
        assert_eq!((0..10).filter(|_| goes(&limit.ask(1_000_000_000))).count(), 3);
    }

    #[test]
    fn an_endless_line_is_refused() {
        let mut limit = RateLimit::new("x", 1, 60_000, 1);
        let refused = (0..100).position(|_| limit.ask(0).refused.is_some());
        assert_eq!(refused, Some(61), "one at once and one in each minute of an hour");
    }

    #[test]
    fn no_permits_is_no() {
        assert!(RateLimit::new("x", 0, 1000, 5).ask(0).refused.is_some());
    }

    proptest! {
        #[test]
        fn no_window_holds_more_than_its_share(
            permits in 1_u32..50, burst in 1_u32..10, steps in prop::collection::vec(0_i64..200_000, 1..300),
        ) {
            let mut limit = RateLimit::new("x", permits, 1000, burst);
            let (mut now_us, mut gone) = (0_i64, Vec::new());
            for step in steps {
                now_us += step;
                let answer = limit.ask(now_us);
                let when_us = answer.delayed_until_us.unwrap_or(now_us);
                prop_assert!(goes(&answer) || when_us > now_us, "a delay ends later than now");
                gone.push(when_us);
            }
            for (at, from) in gone.iter().enumerate() {
                let within = gone.iter().skip(at).take_while(|to| **to - from < 1_000_000).count() as u32;
                prop_assert!(within <= permits + burst, "{within} in one second of {permits} and a burst of {burst}");
            }
        }

        #[test]
        fn who_is_delayed_has_a_moment_of_its_own(permits in 1_u32..50, burst in 1_u32..10, asks in 1_usize..100) {
            let mut limit = RateLimit::new("x", permits, 1000, burst);
            let delays: Vec<i64> = (0..asks).filter_map(|_| limit.ask(0).delayed_until_us).collect();
            prop_assert_eq!(delays.len(), asks.saturating_sub(burst as usize));
            prop_assert!(delays.iter().zip(delays.iter().skip(1)).all(|(a, b)| b - a >= 1_000_000 / i64::from(permits)));
        }
    }
}
