//! What happens in a scenario: starts, events, time, people.

use provost_model::record::{Cancel, Command, EffectState, Redrive, Resolve, ReviewAnswer};
use provost_model::{Event, Value};
use provost_runtime::Told;

use super::Failure;
use super::run::{Run, person};
use super::steps::{Script, quoted, value};
use super::vocabulary::Words;

/// The code of an event that fits nothing.
const UNMATCHED: &str = "event-unknown";

/// Carries a step out; `false` when it is none of these.
///
/// # Errors
/// What is refused or broken.
pub fn carried_out(script: &mut Script<'_>, words: &Words, document: Option<&str>) -> Result<bool, Failure> {
    let (by, reason) = (person("olga"), "the scenario says so".to_owned());
    match words.form.as_str() {
        "the workflow is published" => script.publish()?,
        "the workflow is executed" => {
            let input = script.input.clone();
            let run = script.running()?;
            run.start(None, input)?;
            run.pass()?;
        }
        "the workflow is started" => {
            let input = script.input.clone();
            script.running()?.start(None, input)?;
        }
        "the workflow '' is started" => {
            let input = script.input.clone();
            script.running()?.start(Some(words.quote(0)?), input)?;
        }
        "time passes" => script.running()?.pass()?,
        "the event is sent:" => send(script.running()?, value(quoted(document)?)?)?,
        "the workflow is cancelled" => script.running()?.command(Command::Cancel(Cancel { by, reason, replaced_by: None }))?,
        "the workflow is redriven" => script.running()?.command(Command::Redrive(Redrive { by, reason }))?,
        "'' is resolved as done:" => resolve(script.running()?, words.quote(0)?, Some(value(quoted(document)?)?))?,
        "'' is resolved as not done" => resolve(script.running()?, words.quote(0)?, None)?,
        "'' answers the review with ''" | "'' answers the review with '':" => {
            let form = document.map(value).transpose()?.unwrap_or_default();
            answer(script.running()?, (words.quote(0)?, words.quote(1)?), form)?;
        }
        form if form.starts_with("the machine is down for # ") => {
            let unit = form.split(' ').next_back().unwrap_or_default();
            let us = words.number.saturating_mul(unit_us(unit)?);
            script.running()?.down(us)?;
        }
        form => {
            match form.strip_prefix("# ").and_then(|rest| rest.split_once(' ')).filter(|(_, rest)| matches!(*rest, "pass" | "passes")) {
                Some((unit, _)) => {
                    let us = words.number.saturating_mul(unit_us(unit)?);
                    script.running()?.advance(us)?;
                }
                None => return Ok(false),
            }
        }
    }
    Ok(true)
}

/// How long a unit is, in microseconds.
///
/// # Errors
/// It is no unit.
pub fn unit_us(unit: &str) -> Result<i64, Failure> {
    const SECOND_US: i64 = 1_000_000;
    Ok(match unit.trim_end_matches('s') {
        "millisecond" => 1000,
        "second" => SECOND_US,
        "minute" => 60 * SECOND_US,
        "hour" => 3600 * SECOND_US,
        "day" => 86_400 * SECOND_US,
        _ => return Err(Failure::Step(format!("`{unit}` is no unit of time"))),
    })
}

/// An event in the words of CloudEvents; what is left out has a value of its own each time.
fn send(run: &mut Run<'_>, written: Value) -> Result<(), Failure> {
    let text = |key: &str| written.member(key).and_then(Value::as_str).map(std::sync::Arc::<str>::from);
    let known = ["specversion", "id", "source", "type", "subject", "time", "dataschema", "datacontenttype", "data"];
    let extensions = written.as_object().into_iter().flat_map(|map| map.iter()).filter(|(key, _)| !known.contains(&&***key));
    let extensions: Vec<_> = extensions.map(|(key, value)| (key.clone(), value.clone())).collect();
    let event = Event {
        effect: None,
        id: text("id").unwrap_or_else(|| run.event_id().into()),
        source: text("source").unwrap_or_else(|| "/scenario".into()),
        kind: text("type").ok_or_else(|| Failure::Step("an event has a `type`".to_owned()))?,
        subject: text("subject"),
        time: text("time"),
        dataschema: text("dataschema"),
        datacontenttype: text("datacontenttype"),
        extensions: if extensions.is_empty() { Value::Null } else { Value::object(extensions) },
        data: written.member("data").cloned().unwrap_or_default(),
        ..Event::default()
    };
    match run.event(event)? {
        Told::Accepted(accepted) => match accepted.rejected {
            // Kept, and nothing waits for it: what it must not do is for the steps to say.
            Some((code, _)) if *code == *UNMATCHED => Ok(()),
            Some((code, why)) => Err(Failure::Command { code: code.to_string(), why }),
            None => Ok(()),
        },
        Told::Started { .. } | Told::Committed(_) | Told::Refused(_) => Err(Failure::Broken("the inbox gave no answer".to_owned())),
    }
}

fn resolve(run: &mut Run<'_>, name: &str, result: Option<Value>) -> Result<(), Failure> {
    let id = run.latest()?;
    let state = run.state(id)?;
    let doubtful = state.effects.iter().find(|(_, e)| e.state == EffectState::InDoubt && e.name.split('@').next() == Some(name));
    let (effect, _) = doubtful.ok_or_else(|| Failure::Broken(format!("no effect of `{name}` is in doubt")))?;
    let (done, evidence) = (result.is_some(), "the target's list".to_owned());
    let (by, reason) = (person("olga"), "asked".to_owned());
    run.command(Command::Resolve(Resolve { effect: *effect, done, result: result.unwrap_or_default(), evidence, by, reason }))
}

/// To the question that is open, else to the last one.
fn answer(run: &mut Run<'_>, (name, option): (&str, &str), form: Value) -> Result<(), Failure> {
    let id = run.latest()?;
    let state = run.state(id)?;
    let open = state.reviews.iter().find(|(_, review)| review.answer.is_none() && !review.closed);
    let (review, _) = open.or_else(|| state.reviews.iter().next_back()).ok_or_else(|| Failure::Broken("nobody is asked".to_owned()))?;
    let answer = ReviewAnswer { review: *review, option: option.into(), by: person(name), reason: "seen".to_owned(), form };
    run.command(Command::Review(answer))
}
