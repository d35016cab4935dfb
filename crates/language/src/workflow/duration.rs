//! Durations and retry policies. Days are 24 hours; months and years have no fixed length and are refused.

use provost_model::Value;
use provost_model::program::{Backoff, Duration, RetrySpec, Template};

use super::{Build, expression_text};
use crate::fields::{self, fields};
use crate::finding::{Code, Log};
use crate::yaml::{Kind, Node, shown};

/// Longest duration, in milliseconds (100 years).
const MS_MAX: i64 = 100 * 365 * 86_400_000;

/// Most attempts of one policy, the first among them.
const ATTEMPTS_MAX: u32 = 1001;

const UNITS: [(&str, i64); 5] = [("days", 86_400_000), ("hours", 3_600_000), ("minutes", 60_000), ("seconds", 1000), ("milliseconds", 1)];

impl Build<'_> {
    /// A duration: an object of units, an ISO 8601 text, or an expression.
    pub(super) fn duration(&mut self, node: &Node, what: &str) -> Option<Duration> {
        if let Some(source) = node.as_text().and_then(|text| expression_text(text)) {
            let index = self.expression(source, what, node)?;
            return Some(Duration::Template(Template::Expression(index)));
        }
        fixed_ms(node, what, self.log).map(Duration::Millis)
    }
}

/// A duration that is known now, in milliseconds.
pub(crate) fn fixed_ms(node: &Node, what: &str, log: &Log) -> Option<i64> {
    let found = match &node.kind {
        Kind::Map(_) => inline(node, what, log)?,
        Kind::Scalar(Value::Str(text)) if expression_text(text).is_some() => {
            log.error_hint(Code::Duration, node.at, format!("`{what}` must be known when compiled"), "write it out, e.g. `{ seconds: 3 }`");
            return None;
        }
        Kind::Scalar(Value::Str(text)) => match iso(text) {
            Ok(ms) => ms,
            Err(reason) => {
                let hint = "write e.g. `{ minutes: 5 }` or `PT5M`";
                log.error_hint(Code::Duration, node.at, format!("`{}` is not a duration: {reason}", shown(text)), hint);
                return None;
            }
        },
        Kind::Scalar(_) | Kind::List(_) => {
            let message = format!("`{what}` must be a duration, not {}", node.what());
            log.error_hint(Code::Duration, node.at, message, "write e.g. `{ seconds: 30 }` or `PT30S`");
            return None;
        }
    };
    if found > MS_MAX {
        log.error(Code::Duration, node.at, format!("`{what}` is longer than 100 years"));
        return None;
    }
    Some(found)
}

fn inline(node: &Node, what: &str, log: &Log) -> Option<i64> {
    let known: Vec<&str> = UNITS.iter().map(|(unit, _)| *unit).collect();
    let members = fields(node, "a duration", &known, log)?;
    if node.as_map().is_some_and(<[_]>::is_empty) {
        log.error_hint(Code::Duration, node.at, format!("`{what}` is empty"), "write e.g. `{ seconds: 30 }`");
        return None;
    }
    let mut total = 0_i64;
    for (unit, ms) in UNITS {
        if members.find(unit).is_some() {
            let count = members.int(unit, 0, MS_MAX, log)?;
            total = total.saturating_add(count.saturating_mul(ms));
        }
    }
    Some(total)
}

/// ISO 8601-1:2019 §5.5.2 in the form the specification allows: weeks, days, hours, minutes, seconds, with a fraction.
fn iso(text: &str) -> Result<i64, &'static str> {
    let rest = text.strip_prefix('P').ok_or("it does not start with `P`")?;
    let (date, time) = rest.split_once('T').map_or((rest, None), |(date, time)| (date, Some(time)));
    if date.is_empty() && time.is_none_or(str::is_empty) {
        return Err("there is no number in it");
    }
    let days = units(date, &[('Y', None), ('M', None), ('W', Some(604_800_000)), ('D', Some(86_400_000))])?;
    let hours = match time {
        Some("") => return Err("nothing follows `T`"),
        Some(time) => units(time, &[('H', Some(3_600_000)), ('M', Some(60_000)), ('S', Some(1000))])?,
        None => 0,
    };
    Ok(days.saturating_add(hours))
}

fn units(mut text: &str, known: &[(char, Option<i64>)]) -> Result<i64, &'static str> {
    let mut total = 0_i64;
    let mut known = known.iter();
    while !text.is_empty() {
        let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').ok_or("a number without a unit")?;
        let (number, rest) = text.split_at(end);
        let unit = rest.chars().next().unwrap_or_default();
        let (_, ms) = known.find(|(letter, _)| *letter == unit).ok_or("a unit is unknown or out of order")?;
        let ms = ms.ok_or("months and years have no fixed length, write days")?;
        total = total.saturating_add(scaled(number, ms)?);
        text = rest.get(unit.len_utf8()..).unwrap_or_default();
    }
    Ok(total)
}

/// `number` (with an optional fraction) times `ms`, in exact integers; a rest below a millisecond is dropped.
fn scaled(number: &str, ms: i64) -> Result<i64, &'static str> {
    const WRONG: &str = "a number cannot be read";
    let (whole, fraction) = number.split_once('.').map_or((number, None), |(whole, fraction)| (whole, Some(fraction)));
    let total = whole.parse::<i64>().map_err(|_| WRONG)?.saturating_mul(ms);
    let Some(fraction) = fraction else { return Ok(total) };
    if fraction.is_empty() || fraction.len() > 9 {
        return Err(WRONG);
    }
    let part = fraction.parse::<i64>().map_err(|_| WRONG)?;
    let rest = i128::from(part) * i128::from(ms) / 10_i128.pow(fraction.len() as u32);
    Ok(total.saturating_add(i64::try_from(rest).map_err(|_| WRONG)?))
}

/// What a retry policy of a `catch` may ask of the error.
pub(super) const CONDITIONS: [&str; 2] = ["when", "exceptWhen"];

/// `catch.retry`: a policy, and what of it only a `try` has.
pub(super) struct CatchRetry {
    pub(super) spec: RetrySpec,
    /// The delay, where it is computed.
    pub(super) delay: Option<Template>,
    /// The longest time of each attempt.
    pub(super) attempt: Option<Duration>,
}

/// The retry policy of something whose own settings limit an attempt, and that has no error to ask about.
pub(crate) fn retry_policy(node: &Node, log: &Log) -> Option<RetrySpec> {
    let policy = policy_fields(node, log)?;
    let spec = policy_of(&policy, None, log);
    if let Some(attempt) = attempt_of(&policy, log).filter(|attempt| attempt.find("duration").is_some()) {
        let hint = "write `timeoutMs` in the file of an action, source or feature, or `budgets.wallMs` in an agent's";
        let at = attempt.key_at("duration");
        log.error_hint(Code::WrongValue, at, "`limit.attempt.duration` belongs into `catch.retry` of a `try`", hint);
    }
    Some(spec)
}

/// The retry policy of a `try`. What grows is bounded by nothing but the limits that it says, as the specification has it.
pub(super) fn catch_retry(node: &Node, build: &mut Build<'_>, log: &Log) -> Option<CatchRetry> {
    let policy = policy_fields(node, log)?;
    let computed = policy.find("delay").filter(|delay| delay.as_text().is_some_and(|text| expression_text(text).is_some()));
    let delay = match computed.and_then(|delay| build.duration(delay, "delay")) {
        Some(Duration::Template(template)) => Some(template),
        Some(Duration::Millis(_)) | None => None,
    };
    let attempt = attempt_of(&policy, log).and_then(|attempt| longest(&attempt, build, log));
    let spec = policy_of(&policy, Some(build), log);
    Some(CatchRetry { spec: RetrySpec { delay_ms_max: MS_MAX, ..spec }, delay, attempt })
}

fn policy_fields<'n>(node: &'n Node, log: &Log) -> Option<fields::Fields<'n>> {
    fields(node, "a retry policy", &["when", "exceptWhen", "delay", "backoff", "limit", "jitter"], log)
}

fn attempt_of<'n>(policy: &fields::Fields<'n>, log: &Log) -> Option<fields::Fields<'n>> {
    let limit = policy.find("limit").and_then(|limit| fields(limit, "`limit`", &["attempt", "duration"], log))?;
    limit.find("attempt").and_then(|node| fields(node, "`attempt`", &["count", "duration"], log))
}

/// `limit.attempt.duration`.
fn longest(attempt: &fields::Fields<'_>, build: &mut Build<'_>, log: &Log) -> Option<Duration> {
    let duration = build.duration(attempt.find("duration")?, "duration")?;
    if duration == Duration::Millis(0) {
        let hint = "write a longer one, or leave it out";
        log.error_hint(Code::WrongValue, attempt.value_at("duration"), "`duration` leaves an attempt no time", hint);
    }
    Some(duration)
}

/// A retry policy as far as it is known now. `limit.attempt.count` counts the attempts after the first, as the upstream schema describes
/// it.
fn policy_of(policy: &fields::Fields<'_>, build: Option<&mut Build<'_>>, log: &Log) -> RetrySpec {
    let mut spec = RetrySpec { backoff: Backoff::Constant, jitter_ms: (0, 0), ..RetrySpec::default() };
    // What only a `try` computes was read there; whoever else has a policy is told that it must be known.
    let fixed = policy.find("delay").filter(|delay| build.is_none() || delay.as_text().is_none_or(|text| expression_text(text).is_none()));
    if let Some(ms) = fixed.and_then(|delay| fixed_ms(delay, "delay", log)) {
        spec.delay_ms = ms;
        spec.delay_ms_max = spec.delay_ms_max.max(ms);
    }
    if let Some(backoff) = policy.find("backoff") {
        spec.backoff = backoff_of(backoff, log).unwrap_or(spec.backoff);
    }
    if let Some(limit) = policy.find("limit") {
        limits(limit, &mut spec, log);
    }
    if let Some(jitter) = policy.find("jitter").and_then(|jitter| fields(jitter, "`jitter`", &["from", "to"], log)) {
        let from = jitter.need("from", log).and_then(|from| fixed_ms(from, "from", log));
        let to = jitter.need("to", log).and_then(|to| fixed_ms(to, "to", log));
        if let (Some(from), Some(to)) = (from, to) {
            spec.jitter_ms = (from, to);
            if from > to {
                log.error(Code::WrongValue, jitter.at, "`from` of `jitter` is longer than `to`");
            }
        }
    }
    retry_conditions(policy, build, &mut spec, log);
    spec
}

fn retry_conditions(policy: &fields::Fields<'_>, build: Option<&mut Build<'_>>, spec: &mut RetrySpec, log: &Log) {
    match build {
        Some(build) => {
            spec.when = policy.find("when").and_then(|node| build.condition(node, "when"));
            spec.except_when = policy.find("exceptWhen").and_then(|node| build.condition(node, "exceptWhen"));
        }
        None => {
            for key in CONDITIONS {
                if policy.find(key).is_some() {
                    let hint = "conditions on errors belong into `catch.retry` of a `try`";
                    log.error_hint(Code::UnknownKey, policy.key_at(key), format!("`{key}` is not known here"), hint);
                }
            }
        }
    }
}

fn backoff_of(node: &Node, log: &Log) -> Option<Backoff> {
    let known = ["constant", "linear", "exponential"];
    fields(node, "`backoff`", &known, log)?;
    let entries = node.as_map().unwrap_or_default();
    let [entry] = entries else {
        log.error_hint(Code::WrongValue, node.at, "`backoff` names exactly one kind", "write e.g. `backoff: { exponential: {} }`");
        return None;
    };
    let settings = fields::entries(&entry.value, &entry.key, log);
    if let Some(setting) = settings.first() {
        log.error(Code::UnknownKey, setting.at, format!("`{}` takes no settings", shown(&entry.key)));
    }
    match &*entry.key {
        "constant" => Some(Backoff::Constant),
        "linear" => Some(Backoff::Linear),
        "exponential" => Some(Backoff::Exponential),
        _ => None,
    }
}

fn limits(node: &Node, spec: &mut RetrySpec, log: &Log) {
    let Some(limit) = fields(node, "`limit`", &["attempt", "duration"], log) else { return };
    if let Some(ms) = limit.find("duration").and_then(|node| fixed_ms(node, "duration", log)) {
        spec.total_ms_max = ms;
        // The time is the limit then: not also a number that nobody wrote.
        spec.attempts_max = ATTEMPTS_MAX;
    }
    let attempt = limit.find("attempt").and_then(|node| fields(node, "`attempt`", &["count", "duration"], log));
    if let Some(count) = attempt.and_then(|attempt| attempt.int("count", 0, i64::from(ATTEMPTS_MAX) - 1, log)) {
        spec.attempts_max = u32::try_from(count).unwrap_or(u32::MAX).saturating_add(1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn iso_durations() {
        for (text, ms) in [("PT30S", Ok(30_000)), ("P1DT2H3M4.5S", Ok(93_784_500)), ("P2W", Ok(1_209_600_000)), ("PT0.25S", Ok(250))] {
            assert_eq!(iso(text), ms, "{text}");
        }
        for text in ["", "P", "PT", "30S", "P1M", "P1Y", "PT5", "PT1S1M", "P1H", "PT1.S", "PT-1S"] {
            assert!(iso(text).is_err(), "{text}");
        }
    }
}
