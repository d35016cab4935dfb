//! The times of a schedule, in UTC. Pure: the last time at or before an instant, which is handed in.

use std::str::FromStr as _;

use croner::Cron;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{Timestamp, Unit};
use provost_model::program::Times;

/// The last time of a schedule at or before `at_us`, in microseconds UTC; `None` where there is none.
pub fn last_time(times: &Times, at_us: i64) -> Option<i64> {
    match times {
        Times::EveryMs(ms) => {
            let period_us = ms.checked_mul(1000).filter(|period_us| *period_us > 0)?;
            Some(at_us.div_euclid(period_us).saturating_mul(period_us))
        }
        Times::Cron(pattern) => {
            let whole = Timestamp::from_second(at_us.div_euclid(1_000_000)).ok()?;
            let civil: DateTime = TimeZone::UTC.to_datetime(whole);
            let found = parse(pattern).ok()?.find_previous_occurrence(&civil, true).ok()?;
            let found = found.round(Unit::Second).ok()?;
            Some(TimeZone::UTC.to_timestamp(found).ok()?.as_microsecond())
        }
    }
}

/// A cron pattern of five fields, or six with seconds first.
///
/// # Errors
/// What is wrong with it.
pub(crate) fn parse(pattern: &str) -> Result<Cron, String> {
    let fields = pattern.split_whitespace().count();
    if !pattern.starts_with('@') && !(5..=6).contains(&fields) {
        return Err(format!("it has {fields} fields, not 5 or 6"));
    }
    Cron::from_str(pattern).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY_US: i64 = 86_400_000_000;

    #[test]
    fn the_last_time_at_or_before_an_instant() {
        let every = Times::EveryMs(300_000);
        assert_eq!(last_time(&every, 900_000_000), Some(900_000_000));
        assert_eq!(last_time(&every, 899_999_999), Some(600_000_000));
        let daily = Times::Cron("30 6 * * *".into());
        let half_past_six = 6 * 3_600_000_000 + 30 * 60_000_000;
        assert_eq!(last_time(&daily, 20_000 * DAY_US + half_past_six), Some(20_000 * DAY_US + half_past_six));
        assert_eq!(last_time(&daily, 20_000 * DAY_US + half_past_six - 1), Some(19_999 * DAY_US + half_past_six));
        let never = Times::Cron("0 0 30 2 *".into());
        assert_eq!(last_time(&never, 20_000 * DAY_US), None);
    }

    #[test]
    fn patterns_that_are_none() {
        for pattern in ["", "* * *", "61 * * * *", "a b c d e", "* * * * * * *"] {
            assert!(parse(pattern).is_err(), "{pattern}");
        }
        assert!(parse("*/5 * * * *").is_ok());
    }
}
