//! The times of a schedule. Pure: the last time at or before an instant, which is handed in.
//!
//! What must stay true: the rules of time zones are those of the database built into this program, never the system's; a time that came
//! is a recorded fact, so that other rules later change no time of before.

use std::str::FromStr as _;
use std::sync::OnceLock;

use croner::Cron;
use jiff::civil::{Date, DateTime, date};
use jiff::tz::{TimeZone, TimeZoneDatabase};
use jiff::{Timestamp, ToSpan as _, Unit};
use provost_model::program::Times;

/// What `every` is counted from on a calendar.
const FIRST_DAY: Date = date(1970, 1, 1);

/// The last time of a schedule at or before `at_us`, in microseconds UTC; `None` where there is none, as for what goes by no clock.
pub fn last_time(times: &Times, at_us: i64) -> Option<i64> {
    match times {
        Times::EveryMs(ms) => {
            let period_us = ms.checked_mul(1000).filter(|period_us| *period_us > 0)?;
            Some(at_us.div_euclid(period_us).saturating_mul(period_us))
        }
        Times::Cron(pattern) => {
            let civil: DateTime = TimeZone::UTC.to_datetime(whole_second(at_us)?);
            let found = parse(pattern).ok()?.find_previous_occurrence(&civil, true).ok()?;
            let found = found.round(Unit::Second).ok()?;
            Some(TimeZone::UTC.to_timestamp(found).ok()?.as_microsecond())
        }
        Times::CronIn { pattern, zone } => {
            let now = whole_second(at_us)?.to_zoned(zone_of(zone)?);
            let found = parse(pattern).ok()?.find_previous_occurrence(&now, true).ok()?;
            Some(found.timestamp().as_second().saturating_mul(1_000_000))
        }
        Times::DaysIn { days, zone } => {
            let zone = zone_of(zone)?;
            let today = whole_second(at_us)?.to_zoned(zone.clone()).date();
            let since = i64::from(today.since((Unit::Day, FIRST_DAY)).ok()?.get_days());
            let first = FIRST_DAY.checked_add(since.div_euclid(*days).checked_mul(*days)?.days()).ok()?;
            Some(first.to_zoned(zone).ok()?.start_of_day().ok()?.timestamp().as_microsecond())
        }
        Times::AfterMs(_) => None,
    }
}

fn whole_second(at_us: i64) -> Option<Timestamp> {
    Timestamp::from_second(at_us.div_euclid(1_000_000)).ok()
}

/// A time zone by its name in the IANA database.
fn zone_of(name: &str) -> Option<TimeZone> {
    static ZONES: OnceLock<TimeZoneDatabase> = OnceLock::new();
    ZONES.get_or_init(TimeZoneDatabase::bundled).get(name).ok()
}

/// The name of a zone as the database spells it.
pub(crate) fn zone_named(name: &str) -> Option<String> {
    zone_of(name)?.iana_name().map(str::to_owned)
}

/// The names of all zones, for whoever misspelt one.
pub(crate) fn zones() -> Vec<String> {
    TimeZoneDatabase::bundled().available().map(|name| name.to_string()).collect()
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
    Cron::from_str(pattern).map_err(|_| wrong_field(pattern))
}

/// What is wrong with a pattern: the first of its fields that is wrong alone.
fn wrong_field(pattern: &str) -> String {
    const FIELDS: [&str; 6] = ["second", "minute", "hour", "day of the month", "month", "day of the week"];
    if pattern.starts_with('@') {
        return "it is none of `@yearly`, `@monthly`, `@weekly`, `@daily` and `@hourly`".to_owned();
    }
    let written: Vec<&str> = pattern.split_whitespace().collect();
    let names = FIELDS.iter().skip(FIELDS.len().saturating_sub(written.len()));
    let alone = |at: usize| -> String {
        let fields: Vec<&str> = written.iter().enumerate().map(|(other, field)| if other == at { *field } else { "*" }).collect();
        fields.join(" ")
    };
    let wrong = written.iter().zip(names).enumerate().find(|(at, _)| Cron::from_str(&alone(*at)).is_err());
    wrong.map_or_else(|| "its fields do not go together".to_owned(), |(_, (text, name))| format!("`{text}` is no {name}"))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails where a time cannot be read")]

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
        assert_eq!(last_time(&Times::AfterMs(1000), 20_000 * DAY_US), None);
    }

    /// Every time of `times` in a span, found second by second as a server that looks often would.
    fn times_between(times: &Times, from: &str, to: &str) -> Vec<String> {
        let us = |text: &str| text.parse::<Timestamp>().unwrap().as_microsecond();
        let (from_us, mut at_us) = (us(from), us(to));
        let mut found = Vec::new();
        while let Some(last_us) = last_time(times, at_us).filter(|last_us| *last_us >= from_us) {
            found.push(Timestamp::from_microsecond(last_us).unwrap().to_string());
            at_us = last_us - 1;
        }
        found.reverse();
        // Whoever looks forward sees the same times.
        let mut seen = Vec::new();
        let mut look_us = from_us;
        while look_us <= us(to) {
            let last = last_time(times, look_us).filter(|last_us| *last_us >= from_us);
            let last = last.map(|last_us| Timestamp::from_microsecond(last_us).unwrap().to_string());
            if last.is_some() && seen.last() != last.as_ref() {
                seen.extend(last);
            }
            look_us += 60_000_000;
        }
        assert_eq!(found, seen, "{times:?} looked at backwards and forwards");
        found
    }

    fn check(pattern: &str, zone: &str, (from, to): (&str, &str), expected: &[&str]) {
        let times = Times::CronIn { pattern: pattern.into(), zone: zone.into() };
        assert_eq!(times_between(&times, from, to), expected, "{pattern} in {zone}");
    }

    /// Clocks in Berlin go from 02:00 to 03:00 on 2026-03-29 at 01:00 UTC.
    const SPRING: (&str, &str) = ("2026-03-28T12:00:00Z", "2026-03-30T12:00:00Z");
    /// Clocks in Berlin go from 03:00 back to 02:00 on 2026-10-25 at 01:00 UTC.
    const AUTUMN: (&str, &str) = ("2026-10-24T12:00:00Z", "2026-10-26T12:00:00Z");

    #[test]
    fn a_time_that_does_not_exist_comes_at_the_first_instant_after_the_gap() {
        check("30 2 * * *", "Europe/Berlin", SPRING, &["2026-03-29T01:00:00Z", "2026-03-30T00:30:00Z"]);
        check("0 6 * * *", "Europe/Berlin", SPRING, &["2026-03-29T04:00:00Z", "2026-03-30T04:00:00Z"]);
        // Lord Howe's clocks go half an hour forward, at 2026-10-03T15:30 UTC.
        let island = ("2026-10-03T12:00:00Z", "2026-10-04T12:00:00Z");
        check("15 2 * * *", "Australia/Lord_Howe", island, &["2026-10-03T15:30:00Z"]);
    }

    #[test]
    fn a_time_that_comes_twice_counts_once_the_first_time() {
        check("30 2 * * *", "Europe/Berlin", AUTUMN, &["2026-10-25T00:30:00Z", "2026-10-26T01:30:00Z"]);
        check("30 1 1 11 *", "America/New_York", ("2026-10-31T00:00:00Z", "2026-11-02T00:00:00Z"), &["2026-11-01T05:30:00Z"]);
    }

    #[test]
    fn what_comes_by_the_hour_or_minute_goes_on_through_both() {
        let spring = ("2026-03-29T00:00:00Z", "2026-03-29T02:00:00Z");
        check(
            "*/30 * * * *",
            "Europe/Berlin",
            spring,
            &["2026-03-29T00:00:00Z", "2026-03-29T00:30:00Z", "2026-03-29T01:00:00Z", "2026-03-29T01:30:00Z", "2026-03-29T02:00:00Z"],
        );
        let autumn = ("2026-10-25T00:00:00Z", "2026-10-25T02:00:00Z");
        check("0 * * * *", "Europe/Berlin", autumn, &["2026-10-25T00:00:00Z", "2026-10-25T01:00:00Z", "2026-10-25T02:00:00Z"]);
    }

    #[test]
    fn days_begin_where_the_zone_says() {
        let check = |days: i64, zone: &str, (from, to): (&str, &str), expected: &[&str]| {
            let times = Times::DaysIn { days, zone: zone.into() };
            assert_eq!(times_between(&times, from, to), expected, "{days} in {zone}");
        };
        check(1, "Europe/Berlin", SPRING, &["2026-03-28T23:00:00Z", "2026-03-29T22:00:00Z"]);
        check(1, "Europe/Berlin", AUTUMN, &["2026-10-24T22:00:00Z", "2026-10-25T23:00:00Z"]);
        check(2, "Europe/Berlin", AUTUMN, &["2026-10-25T23:00:00Z"]);
        // In Santiago, the clocks go forward at midnight: the day begins at 01:00.
        check(1, "America/Santiago", ("2026-09-05T12:00:00Z", "2026-09-06T12:00:00Z"), &["2026-09-06T04:00:00Z"]);
    }

    #[test]
    fn zones_by_name() {
        assert_eq!(zone_named("europe/berlin").as_deref(), Some("Europe/Berlin"));
        assert_eq!(zone_named("Europe/Berlinn"), None);
        assert!(zones().len() > 400);
    }

    #[test]
    fn patterns_that_are_none() {
        for pattern in ["", "* * *", "61 * * * *", "a b c d e", "* * * * * * *"] {
            assert!(parse(pattern).is_err(), "{pattern}");
        }
        assert!(parse("*/5 * * * *").is_ok());
    }
}
