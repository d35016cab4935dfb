//! Instants in UTC: between seconds since 1970, RFC 3339 text and the broken-down form of jq. Arithmetic alone.
//!
//! What must stay true: nothing reads a clock, a time zone or a table of them; years are 0 to 9999. What is absent: other formats.

use provost_model::Value;

use super::error::EvalErrorKind::{Overflow, Parse, Type};
use super::list::items;
use super::text::str_of;
use super::val::{R, V, fault, wrong_kind};
use super::{meter, ops};

const DAY_S: i64 = 86_400;
/// The seconds of 0000-01-01 and of 10000-01-01.
const SECONDS: std::ops::Range<i64> = -62_167_219_200..253_402_300_800;

/// An instant, apart: year, month from 1, day, hour, minute, second.
type Parts = [i64; 6];

/// `fromdate`: RFC 3339 text as seconds; a fraction makes it a decimal number.
pub(super) fn from_text(v: V) -> R {
    let text = str_of(&v)?;
    meter::charge_scan(text.len());
    let wrong = || fault(Parse, "this is no instant; write it as RFC 3339, e.g. `2026-01-02T03:04:05Z`");
    let (seconds, fraction) = read(text).ok_or_else(wrong)?;
    match fraction {
        None => Ok(V::flat(Value::Int(seconds))),
        Some(fraction) => ops::float(seconds as f64 + fraction),
    }
}

/// `todate`: whole seconds as RFC 3339 text in UTC.
pub(super) fn to_text(v: V) -> R {
    let (seconds, _) = seconds(&v)?;
    meter::charge_bytes(20);
    let [year, month, day, hour, minute, second] = apart(seconds);
    Ok(V::text(format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")))
}

/// `gmtime`: `[year, month from 0, day, hour, minute, second, day of the week from Sunday, day of the year from 0]`.
pub(super) fn broken_down(v: V) -> R {
    let (seconds, fraction) = seconds(&v)?;
    meter::charge_items(8);
    let [year, month, day, hour, minute, second] = apart(seconds);
    let days = seconds.div_euclid(DAY_S);
    let of_week = (days + 4).rem_euclid(7);
    let of_year = days - days_of(year, 1, 1);
    let second = if fraction == 0.0 { Value::Int(second) } else { ops::float(second as f64 + fraction)?.value };
    let whole = [year, month - 1, day, hour, minute].map(Value::Int);
    let items = whole.into_iter().chain([second, Value::Int(of_week), Value::Int(of_year)]);
    Ok(V::list(items.collect(), 1))
}

/// `mktime`: the broken-down form as seconds; a fraction is dropped.
pub(super) fn together(v: V) -> R {
    let wrong = || fault(Type, "`mktime` needs `[year, month from 0, day, hour, minute, second, …]`, as `gmtime` gives it");
    let whole = |value: &Value| match value {
        Value::Int(n) => Some(*n),
        Value::Float(n) => Some(n.value().floor() as i64),
        Value::Null | Value::Bool(_) | Value::Str(_) | Value::Array(_) | Value::Object(_) => None,
    };
    let parts: Vec<i64> = items(&v)?.iter().take(6).map(whole).collect::<Option<_>>().ok_or_else(wrong)?;
    let [year, month, day, hour, minute, second] = <Parts>::try_from(parts).map_err(|_| wrong())?;
    let is_one = (0..10_000).contains(&year) && (0..12).contains(&month) && (1..=31).contains(&day);
    if !is_one || !(0..24).contains(&hour) || !(0..60).contains(&minute) || !(0..=60).contains(&second) {
        return Err(wrong());
    }
    Ok(V::flat(Value::Int(days_of(year, month + 1, day) * DAY_S + hour * 3600 + minute * 60 + second)))
}

/// Whole seconds and what is left of one.
fn seconds(v: &V) -> R<(i64, f64)> {
    let (whole, fraction) = match &v.value {
        Value::Int(n) => (*n, 0.0),
        Value::Float(n) => (n.value().floor() as i64, n.value() - n.value().floor()),
        other => return Err(wrong_kind(other, "seconds since 1970")),
    };
    if SECONDS.contains(&whole) { Ok((whole, fraction)) } else { Err(fault(Overflow, "an instant is of the years 0 to 9999")) }
}

/// RFC 3339, section 5.6: seconds and the fraction that is written.
fn read(text: &str) -> Option<(i64, Option<f64>)> {
    let bytes = text.as_bytes();
    let number = |from: usize, digits: usize| -> Option<i64> {
        let part = text.get(from..from + digits).filter(|part| part.bytes().all(|b| b.is_ascii_digit()))?;
        part.parse().ok()
    };
    let separates = |at: usize, wanted: &[u8]| bytes.get(at).is_some_and(|b| wanted.contains(b));
    let shaped = [(4, b"-" as &[u8]), (7, b"-"), (10, b"Tt "), (13, b":"), (16, b":")];
    if !shaped.into_iter().all(|(at, wanted)| separates(at, wanted)) {
        return None;
    }
    let (year, month, day) = (number(0, 4)?, number(5, 2)?, number(8, 2)?);
    let (hour, minute, second) = (number(11, 2)?, number(14, 2)?, number(17, 2)?);
    let rest = text.get(19..)?;
    let digits = rest.strip_prefix('.').map(|rest| rest.bytes().take_while(u8::is_ascii_digit).count());
    let fraction = match digits {
        None => None,
        Some(count @ 1..=9) => Some(format!("0{}", rest.get(..count + 1)?).parse().ok()?),
        Some(_) => return None,
    };
    let zone = rest.get(digits.map_or(0, |digits| digits + 1)..)?;
    let days = days_of(year, month, day);
    let is_day = (1..=12).contains(&month) && apart(days * DAY_S).get(..3) == Some(&[year, month, day]);
    if !is_day || hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    Some((days * DAY_S + hour * 3600 + minute * 60 + second - offset(zone)?, fraction))
}

/// `Z` or `+01:30`, in seconds.
fn offset(zone: &str) -> Option<i64> {
    if matches!(zone, "Z" | "z") {
        return Some(0);
    }
    let (sign, rest) = zone.strip_prefix('+').map(|rest| (1, rest)).or_else(|| zone.strip_prefix('-').map(|rest| (-1, rest)))?;
    let (hours, minutes) = rest.split_once(':').filter(|(hours, minutes)| hours.len() == 2 && minutes.len() == 2)?;
    let (hours, minutes): (u8, u8) = (hours.parse().ok()?, minutes.parse().ok()?);
    (hours < 24 && minutes < 60).then(|| sign * (i64::from(hours) * 3600 + i64::from(minutes) * 60))
}

/// Days since 1970 of a date. After Hinnant, "chrono-Compatible Low-Level Date Algorithms".
fn days_of(year: i64, month: i64, day: i64) -> i64 {
    let year = year - i64::from(month <= 2);
    let era = year.div_euclid(400);
    let of_era = year.rem_euclid(400);
    let of_year = (153 * (month + if month > 2 { -3 } else { 9 }) + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

fn apart(seconds: i64) -> Parts {
    let (days, in_day) = (seconds.div_euclid(DAY_S), seconds.rem_euclid(DAY_S));
    let shifted = days + 719_468;
    let (era, of_era) = (shifted.div_euclid(146_097), shifted.rem_euclid(146_097));
    let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_of_year = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month_of_year + 2) / 5 + 1;
    let month = if month_of_year < 10 { month_of_year + 3 } else { month_of_year - 9 };
    [year_of_era + era * 400 + i64::from(month <= 2), month, day, in_day / 3600, in_day / 60 % 60, in_day % 60]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_and_their_parts_are_each_others_inverse() {
        for seconds in (SECONDS.start..SECONDS.end).step_by(86_400 * 97 + 3_661) {
            let [year, month, day, hour, minute, second] = apart(seconds);
            assert_eq!(days_of(year, month, day) * DAY_S + hour * 3600 + minute * 60 + second, seconds);
            assert!((1..=12).contains(&month) && (1..=31).contains(&day) && (0..10_000).contains(&year), "{seconds}");
        }
    }

    #[test]
    fn instants_are_rfc_3339() {
        for (text, seconds) in [
            ("1970-01-01T00:00:00Z", Some(0)),
            ("2000-02-29T12:00:00+01:00", Some(951_822_000)),
            ("2026-01-02T03:04:05-00:30", Some(1_767_324_845)),
            ("2026-01-02t03:04:05.25z", Some(1_767_323_045)),
            ("2026-02-29T00:00:00Z", None),
            ("2026-13-01T00:00:00Z", None),
            ("2026-00-01T00:00:00Z", None),
            ("2026-01-02T24:00:00Z", None),
            ("2026-01-02", None),
            ("2026-01-02T03:04:05", None),
            ("2026-01-02T03:04:05.Z", None),
            ("2026-01-02T03:04:05+1:00", None),
            ("2026-01-02T03:04:05+01:00x", None),
            ("+026-01-02T03:04:05Z", None),
            ("", None),
            ("日本日本日本日本日本", None),
        ] {
            assert_eq!(read(text).map(|(seconds, _)| seconds), seconds, "{text}");
        }
        assert_eq!(read("1970-01-01T00:00:01.5Z"), Some((1, Some(0.5))));
    }
}
