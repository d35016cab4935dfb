//! Backoff and jitter, as arithmetic: the seed of the record decides, so a replay waits exactly as long.

use provost_model::Digest;
use provost_model::planted::planted;
use provost_model::program::{Backoff, RetrySpec};
use provost_model::record::Ambient;

/// The next attempt and when it is due, in microseconds UTC; `None` when the retry is used up.
///
/// `attempt` is the one that failed (the first is 1), `first_us` when the first one began, `place` what the jitter is drawn for.
pub(crate) fn next(spec: &RetrySpec, attempt: u32, first_us: i64, ambient: &Ambient, place: &str) -> Option<(u32, i64)> {
    if attempt >= spec.attempts_max {
        return None;
    }
    let due_us = ambient.now_us.saturating_add(delay_ms(spec, attempt, ambient.seed, place).saturating_mul(1000));
    is_within(spec, first_us, due_us).then_some((attempt + 1, due_us))
}

/// Whether an attempt at `due_us` keeps to the longest time over all attempts.
pub(crate) fn is_within(spec: &RetrySpec, first_us: i64, due_us: i64) -> bool {
    spec.total_ms_max <= 0 || due_us <= first_us.saturating_add(spec.total_ms_max.saturating_mul(1000))
}

/// How long to wait after the failed `attempt`, in milliseconds.
pub(crate) fn delay_ms(spec: &RetrySpec, attempt: u32, seed: u64, place: &str) -> i64 {
    let factor = match spec.backoff {
        Backoff::Constant => 1,
        Backoff::Linear if planted("backoff-constant") => 1,
        Backoff::Linear => i64::from(attempt),
        Backoff::Exponential => 1_i64.checked_shl(attempt.saturating_sub(1).min(62)).unwrap_or(i64::MAX),
    };
    let limit = if spec.delay_ms_max > 0 { spec.delay_ms_max } else { i64::MAX };
    let grown = spec.delay_ms.saturating_mul(factor).clamp(0, limit);
    grown.saturating_add(jitter_ms(spec.jitter_ms, seed, place, attempt))
}

/// Something between 0 and `ms_max`, so that those who wait for one thing do not come back at once.
pub(crate) fn spread_ms(ms_max: i64, seed: u64, place: &str) -> i64 {
    jitter_ms((0, ms_max), seed, place, 0)
}

/// Uniform in `from..=to`, from SHA-256 of seed, place and attempt.
fn jitter_ms((from, to): (i64, i64), seed: u64, place: &str, attempt: u32) -> i64 {
    let Some(span) = to.checked_sub(from).and_then(|span| u64::try_from(span).ok()).filter(|span| *span > 0) else {
        return from.max(0);
    };
    let seed = seed.wrapping_add(if provost_model::planted::planted("jitter-from-outside") { provost_model::planted::drift() } else { 0 });
    let digest = Digest::of_parts(&[&seed.to_be_bytes(), place.as_bytes(), &attempt.to_be_bytes()]);
    let drawn = digest.as_bytes().iter().take(8).fold(0_u64, |n, b| n << 8 | u64::from(*b));
    let offset = if span == u64::MAX { drawn } else { drawn % (span + 1) };
    from.saturating_add(i64::try_from(offset).unwrap_or(i64::MAX)).max(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spec(backoff: Backoff) -> RetrySpec {
        RetrySpec { delay_ms: 100, backoff, delay_ms_max: 1000, jitter_ms: (0, 0), attempts_max: 10, ..RetrySpec::default() }
    }

    #[test]
    fn delays_grow_as_named_and_stop_at_the_limit() {
        let delays = |backoff| (1..=5).map(|n| delay_ms(&spec(backoff), n, 7, "a")).collect::<Vec<_>>();
        assert_eq!(delays(Backoff::Constant), [100, 100, 100, 100, 100]);
        assert_eq!(delays(Backoff::Linear), [100, 200, 300, 400, 500]);
        assert_eq!(delays(Backoff::Exponential), [100, 200, 400, 800, 1000]);
        assert_eq!(delay_ms(&spec(Backoff::Exponential), 4_000_000, 7, "a"), 1000);
    }

    #[test]
    fn jitter_comes_from_the_seed_and_stays_inside() {
        let mut jittered = spec(Backoff::Constant);
        jittered.jitter_ms = (10, 50);
        let drawn: Vec<i64> = (0..200).map(|seed| delay_ms(&jittered, 1, seed, "a")).collect();
        assert!(drawn.iter().all(|d| (110..=150).contains(d)));
        assert!(drawn.iter().any(|d| Some(d) != drawn.first()));
        assert_eq!(delay_ms(&jittered, 1, 42, "a"), delay_ms(&jittered, 1, 42, "a"));
    }

    #[test]
    fn attempts_and_total_time_are_limits() {
        let ambient = Ambient { now_us: 1_000_000, seed: 1, ..Ambient::default() };
        let mut limited = spec(Backoff::Constant);
        limited.attempts_max = 3;
        assert_eq!(next(&limited, 2, 0, &ambient, "a"), Some((3, 1_100_000)));
        assert_eq!(next(&limited, 3, 0, &ambient, "a"), None);
        limited.total_ms_max = 1050;
        assert_eq!(next(&limited, 1, 0, &ambient, "a"), None);
    }
}
