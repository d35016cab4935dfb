//! A circuit breaker: a target that fails is left alone for a while, then tried by one probe.
//!
//! | state | ask | success | failure |
//! |---|---|---|---|
//! | closed | admitted | failures = 0 | failures + 1; at the threshold: open |
//! | open | delayed until its time is up; then half-open and admitted as the probe | a call from before: ignored | ignored |
//! | half-open | delayed while the probe is out; one that is out for longer than the breaker stays open is given up for another | the probe's: closed | the probe's: open again |
//!
//! What must stay true: at most one probe is out; a call from before the breaker opened neither closes nor reopens it.

use std::sync::Arc;

use provost_model::program::BreakerSpec;
use provost_model::record::Admission;

use super::{admitted, delayed};

/// Where a breaker stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BreakerState {
    /// Calls go.
    Closed,
    /// Nothing goes until then, in microseconds UTC.
    Open {
        /// In microseconds UTC.
        until_us: i64,
    },
    /// One probe is out; nothing else goes until then, in microseconds UTC.
    HalfOpen {
        /// In microseconds UTC.
        until_us: i64,
    },
}

/// A breaker in front of one target.
#[derive(Clone, Debug)]
pub struct Breaker {
    what: Arc<str>,
    spec: BreakerSpec,
    state: BreakerState,
    failures: u32,
    /// Counts openings: a call carries the number it left under.
    opened: u64,
    now_us: i64,
}

impl Breaker {
    /// A closed breaker in front of `target`.
    pub fn new(target: &str, spec: BreakerSpec) -> Self {
        let what = format!("breaker:{target}").into();
        Self { what, spec, state: BreakerState::Closed, failures: 0, opened: 0, now_us: i64::MIN }
    }

    /// Whether a call may go at `now_us`. An admitted call must be reported by [`Self::ended`] with the number handed out here.
    pub fn ask(&mut self, now_us: i64) -> (Admission, Option<u64>) {
        self.now_us = self.now_us.max(now_us);
        match self.state {
            BreakerState::Closed => (admitted(&self.what), Some(self.opened)),
            BreakerState::Open { until_us } | BreakerState::HalfOpen { until_us } if self.now_us < until_us => {
                (delayed(&self.what, until_us), None)
            }
            BreakerState::Open { .. } | BreakerState::HalfOpen { .. } => {
                self.state = BreakerState::HalfOpen { until_us: self.after_open_us() };
                self.opened += 1;
                (admitted(&self.what), Some(self.opened))
            }
        }
    }

    /// A call that left under the number `ticket` ended.
    pub fn ended(&mut self, ticket: u64, success: bool, now_us: i64) {
        self.now_us = self.now_us.max(now_us);
        if ticket != self.opened {
            return;
        }
        match (self.state, success) {
            (BreakerState::Closed, true) => self.failures = 0,
            (BreakerState::Closed, false) => {
                self.failures = self.failures.saturating_add(1);
                if self.failures >= self.spec.failures_max.max(1) {
                    self.open();
                }
            }
            (BreakerState::HalfOpen { .. }, true) => {
                self.state = BreakerState::Closed;
                self.failures = 0;
            }
            (BreakerState::HalfOpen { .. }, false) => self.open(),
            (BreakerState::Open { .. }, _) => {}
        }
    }

    /// Where it stands.
    pub fn state(&self) -> BreakerState {
        self.state
    }

    fn open(&mut self) {
        self.state = BreakerState::Open { until_us: self.after_open_us() };
        self.opened += 1;
    }

    fn after_open_us(&self) -> i64 {
        self.now_us.saturating_add(self.spec.open_ms.max(0).saturating_mul(1000))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SPEC: BreakerSpec = BreakerSpec { failures_max: 3, open_ms: 10 };

    fn failed_thrice() -> Breaker {
        let mut breaker = Breaker::new("payments", SPEC);
        for _ in 0..3 {
            let (_, ticket) = breaker.ask(0);
            breaker.ended(ticket.unwrap_or(u64::MAX), false, 0);
        }
        breaker
    }

    #[test]
    fn failures_in_a_row_open_it_and_a_success_between_does_not() {
        assert_eq!(failed_thrice().state(), BreakerState::Open { until_us: 10_000 });
        let mut breaker = Breaker::new("payments", SPEC);
        for success in [false, false, true, false, false] {
            let (_, ticket) = breaker.ask(0);
            breaker.ended(ticket.unwrap_or(u64::MAX), success, 0);
        }
        assert_eq!(breaker.state(), BreakerState::Closed);
    }

    #[test]
    fn open_delays_then_one_probe_decides() {
        let mut breaker = failed_thrice();
        assert_eq!(breaker.ask(9_999).0.delayed_until_us, Some(10_000));
        let (first, probe) = breaker.ask(10_000);
        assert_eq!((first.delayed_until_us, first.refused, breaker.state()), (None, None, BreakerState::HalfOpen { until_us: 20_000 }));
        assert_eq!(breaker.ask(10_001).1, None, "the probe is one");
        breaker.ended(probe.unwrap_or(u64::MAX), false, 12_000);
        assert_eq!(breaker.state(), BreakerState::Open { until_us: 22_000 });
        let (_, probe) = breaker.ask(22_000);
        breaker.ended(probe.unwrap_or(u64::MAX), true, 22_001);
        assert_eq!(breaker.state(), BreakerState::Closed);
    }

    #[test]
    fn a_call_from_before_it_opened_changes_nothing() {
        let mut breaker = Breaker::new("payments", SPEC);
        let (_, old) = breaker.ask(0);
        for _ in 0..3 {
            let (_, ticket) = breaker.ask(0);
            breaker.ended(ticket.unwrap_or(u64::MAX), false, 0);
        }
        breaker.ask(10_000);
        breaker.ended(old.unwrap_or(u64::MAX), true, 10_001);
        assert_eq!(breaker.state(), BreakerState::HalfOpen { until_us: 20_000 }, "a late success is no probe");
    }

    #[test]
    fn a_probe_that_never_answers_is_given_up() {
        let mut breaker = failed_thrice();
        let (_, first) = breaker.ask(10_000);
        assert_eq!(breaker.ask(19_999).1, None);
        let (_, second) = breaker.ask(20_000);
        assert!(second.is_some() && second != first);
        breaker.ended(first.unwrap_or(u64::MAX), true, 20_001);
        assert!(matches!(breaker.state(), BreakerState::HalfOpen { .. }), "the first probe came too late");
    }

    proptest! {
        #[test]
        fn while_it_is_not_closed_one_probe_goes_in_each_open_time(moves in prop::collection::vec((0_u8..3, 0_i64..30), 1..200)) {
            let mut breaker = Breaker::new("t", SPEC);
            let (mut now_us, mut out, mut probed_us) = (0, Vec::new(), i64::MIN);
            for (kind, ms) in moves {
                now_us += ms * 1000;
                if kind == 0 || out.is_empty() {
                    let closed = breaker.state() == BreakerState::Closed;
                    if let (_, Some(ticket)) = breaker.ask(now_us) {
                        if !closed {
                            prop_assert!(probed_us.saturating_add(SPEC.open_ms * 1000) <= now_us, "two probes within one open time");
                            probed_us = now_us;
                        }
                        out.push(ticket);
                    }
                } else {
                    breaker.ended(out.remove(0), kind == 1, now_us);
                }
            }
        }
    }
}
