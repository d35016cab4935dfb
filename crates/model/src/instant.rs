//! Instants as text, without a clock: RFC 3339 to microseconds UTC.
//!
//! What must stay true: a text has one meaning, without a zone of the place; what is no instant is `None`, never a guess.

/// Microseconds since 1970 of `2026-11-21T02:30:58.114Z`, `2026-11-21T03:30:58+01:00`, or `2026-11-21` (its first moment in UTC).
pub fn parse(text: &str) -> Option<i64> {
    let (date, time) = match text.split_once(['T', 't']) {
        Some((date, time)) => (date, Some(time)),
        None => (text, None),
    };
    let days = days(date)?;
    let (in_day_us, offset_min) = time.map_or(Some((0, 0)), clock)?;
    let minutes = days.checked_mul(1440)?.checked_sub(offset_min)?;
    minutes.checked_mul(60_000_000)?.checked_add(in_day_us)
}

/// `hh:mm:ss[.fraction]` and the zone: microseconds of the day, minutes east of UTC.
fn clock(text: &str) -> Option<(i64, i64)> {
    let at = text.find(['Z', 'z', '+', '-'])?;
    let (time, zone) = text.split_at_checked(at)?;
    let (whole, fraction) = time.split_once('.').unwrap_or((time, "0"));
    let mut parts = whole.split(':');
    let (hour, minute, second) = (two(parts.next()?, 23)?, two(parts.next()?, 59)?, two(parts.next()?, 59)?);
    if parts.next().is_some() || fraction.is_empty() || fraction.len() > 9 || !fraction.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let micros: i64 = format!("{fraction:0<6}").get(..6)?.parse().ok()?;
    Some(((hour * 3600 + minute * 60 + second) * 1_000_000 + micros, offset(zone)?))
}

fn offset(zone: &str) -> Option<i64> {
    if zone.eq_ignore_ascii_case("z") {
        return Some(0);
    }
    let sign = if zone.starts_with('-') { -1 } else { 1 };
    let (hours, minutes) = zone.get(1..)?.split_once(':')?;
    Some(sign * (two(hours, 23)? * 60 + two(minutes, 59)?))
}

fn two(text: &str, max: i64) -> Option<i64> {
    let number = text.parse().ok().filter(|_| text.len() == 2 && text.bytes().all(|b| b.is_ascii_digit()))?;
    (0..=max).contains(&number).then_some(number)
}

/// Days since 1970 of `yyyy-mm-dd`, after Hinnant, "chrono-Compatible Low-Level Date Algorithms".
fn days(date: &str) -> Option<i64> {
    let mut parts = date.split('-');
    let (year, month, day) = (parts.next()?, two(parts.next()?, 12)?, two(parts.next()?, 31)?);
    let digits = year.len() == 4 && year.bytes().all(|b| b.is_ascii_digit());
    if !digits || parts.next().is_some() {
        return None;
    }
    let year: i64 = year.parse().ok()?;
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let longest = match month {
        2 => 28 + i64::from(leap),
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => 0,
    };
    if day < 1 || day > longest {
        return None;
    }
    let year = year - i64::from(month <= 2);
    let (era, of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let of_year = (153 * (if month > 2 { month - 3 } else { month + 9 }) + 2) / 5 + day - 1;
    Some(era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468)
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn instants_and_days() {
        assert_eq!(parse("1970-01-01"), Some(0));
        assert_eq!(parse("2026-11-21T02:30:58.114Z"), Some(1_795_228_258_114_000));
        assert_eq!(parse("2026-11-21T03:30:58.114+01:00"), Some(1_795_228_258_114_000));
        assert_eq!(parse("2000-02-29T00:00:00Z"), Some(951_782_400_000_000));
        assert_eq!(parse("1969-12-31T23:59:59.999Z"), Some(-1_000));
    }

    #[test]
    fn what_is_no_instant() {
        for text in ["", "now", "2026-13-01", "2026-02-29", "2026-11-21T25:00:00Z", "2026-11-21T10:00:00", "26-11-21", "2026-11-21T10:00Z"]
        {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
