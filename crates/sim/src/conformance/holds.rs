//! What must be so in a scenario.
//!
//! What must stay true: a step that is not understood is a failure, never a pass. An uncaught error of an orchestration that has left
//! the process parks it so that it can be redriven, and it still counts as faulted; `should be parked` tells the two apart.

use provost_engine::{Orchestration, Phase};
use provost_language::{Code, Finding, canonical_type};
use provost_model::record::{Ending, Fact};
use provost_model::value::lookup;
use provost_model::{Position, Problem, Value};

use super::run::Run;
use super::steps::{Script, quoted, value};
use super::vocabulary::Words;
use super::{Failure, act, life, order};

/// Checks a step.
///
/// # Errors
/// It does not hold, or is not understood.
pub fn check(script: &mut Script<'_>, words: &Words, document: Option<&str>) -> Result<(), Failure> {
    match words.form.as_str() {
        "the document should be refused" => {
            return holds(script.findings.iter().any(Finding::is_error), || "it was not refused".to_owned());
        }
        "the document should be refused with ''" | "the document should be refused with '' at line #" => {
            return refused(&script.findings, words.quote(0)?, words.number);
        }
        "the refusal should say ''" => {
            let (said, wanted) = (in_full(&script.findings), words.quote(0)?);
            return holds(said.contains(wanted), || said.clone());
        }
        "it should be refused with ''" => {
            let (code, why) = script.refusal.take().ok_or_else(|| Failure::Broken("it was not refused".to_owned()))?;
            return holds(code == words.quote(0)?, || format!("it was refused with `{code}`: {why}"));
        }
        "the document should draw the warning ''" => {
            let (found, code) = (&script.running()?.warnings, words.quote(0)?);
            return holds(found.iter().any(|f| f.code.as_str() == code), || format!("the warnings are {found:?}"));
        }
        "the document should draw no warning" => {
            let found = &script.running()?.warnings;
            return holds(found.is_empty(), || format!("the warnings are {found:?}"));
        }
        _ => {}
    }
    let run = script.running()?;
    if words.form.starts_with("there should be ") {
        return runs(run, words);
    }
    let id = run.latest()?;
    let state = run.state(id)?;
    if stands(run, &state, words, document)? || output(&state, words, document)? || requests(run, &state, words, document)? {
        return Ok(());
    }
    if life::check(run, id, words, document)? {
        return Ok(());
    }
    order::check(run, id, words, document)
}

/// It holds, or this is how it is.
pub fn holds(so: bool, how_it_is: impl FnOnce() -> String) -> Result<(), Failure> {
    if so { Ok(()) } else { Err(Failure::Broken(how_it_is())) }
}

/// Whether two values say the same; the spellings of an error type are one.
pub fn equal(found: &Value, wanted: &Value) -> bool {
    match (found, wanted) {
        (Value::Str(found), Value::Str(wanted)) => *found == *wanted || canonical_type(found) == canonical_type(wanted),
        (Value::Array(found), Value::Array(wanted)) => {
            found.len() == wanted.len() && found.iter().zip(wanted.iter()).all(|(found, wanted)| equal(found, wanted))
        }
        (Value::Object(found), Value::Object(wanted)) => {
            // Both have their keys in one order.
            found.len() == wanted.len() && found.iter().zip(wanted.iter()).all(|((a, found), (b, wanted))| a == b && equal(found, wanted))
        }
        (found, wanted) => found == wanted,
    }
}

fn same(found: &Value, wanted: &Value, what: &str) -> Result<(), Failure> {
    holds(equal(found, wanted), || format!("{what} is {found}, not {wanted}"))
}

fn findings(findings: &[Finding]) -> String {
    let errors = findings.iter().filter(|finding| finding.is_error());
    errors.map(|f| format!("{} line {}: {}", f.code, f.line, f.message)).collect::<Vec<_>>().join("; ")
}

/// What the refusal says, with its hints and the words that could stand there.
fn in_full(found: &[Finding]) -> String {
    let errors = found.iter().filter(|finding| finding.is_error());
    let said = errors.map(|f| {
        let more = f.hint.iter().chain(&f.expected).fold(String::new(), |more, word| format!("{more}; {word}"));
        format!("{} line {}: {}{more}", f.code, f.line, f.message)
    });
    said.collect::<Vec<_>>().join("\n")
}

fn refused(found: &[Finding], code: &str, line: i64) -> Result<(), Failure> {
    if !found.is_empty() && found.iter().filter(|f| f.is_error()).all(|f| f.code == Code::NotYet) && code != Code::NotYet.as_str() {
        // What is wrong with it may be told once it can be executed.
        return Err(Failure::Refused(found.to_vec()));
    }
    let fits = |f: &&Finding| f.is_error() && f.code.as_str() == code && (line == 0 || i64::from(f.line) == line);
    holds(found.iter().any(|f| fits(&f)), || if found.is_empty() { "it was not refused".to_owned() } else { findings(found) })
}

/// The error of a faulted or parked orchestration.
fn problem(state: &Orchestration) -> Option<&Problem> {
    state.problem.as_deref().or(state.parked.as_ref().map(|parked| &parked.problem))
}

/// How an orchestration stands, in a word and in full.
fn standing(state: &Orchestration) -> (&'static str, String) {
    let word = match state.phase {
        Phase::Ended(Ending::Completed) => "completed",
        Phase::Ended(Ending::Faulted) => "faulted",
        Phase::Ended(Ending::Cancelled) => "cancelled",
        Phase::New => "new",
        _ if state.parked.is_some() => "parked",
        Phase::Running => "waiting",
        Phase::Cancelling { .. } => "cancelling",
    };
    let problem = problem(state).map(|problem| format!(" with {}", problem.to_value())).unwrap_or_default();
    let open: Vec<&str> = state.open.keys().map(Position::as_str).collect();
    (word, format!("it is {word}{problem}, its output {}, open {open:?}", state.output))
}

/// Where it stands; `false` when the step asks something else.
fn stands(run: &mut Run<'_>, state: &Orchestration, words: &Words, document: Option<&str>) -> Result<bool, Failure> {
    let (is, shown) = standing(state);
    let code = problem(state).map(|problem| problem.code().to_owned()).unwrap_or_default();
    let so = match words.form.as_str() {
        "the workflow should complete" => is == "completed",
        "the workflow should complete with output:" => {
            holds(is == "completed", || shown.clone())?;
            same(&state.output, &value(quoted(document)?)?, "the output")?;
            true
        }
        "the workflow should fault" => matches!(is, "faulted" | "parked"),
        "the workflow should fault with ''" => matches!(is, "faulted" | "parked") && code == words.quote(0)?,
        "the workflow should fault with error:" => {
            holds(matches!(is, "faulted" | "parked"), || shown.clone())?;
            problem(state).map(|problem| told(problem, document)).transpose()?.unwrap_or(false)
        }
        "the workflow should be parked with ''" => is == "parked" && code == words.quote(0)?,
        "the workflow should wait" => is == "waiting",
        "the workflow should be cancelling" => is == "cancelling",
        "the workflow should cancel" => is == "cancelled",
        form => match form.strip_prefix("the workflow should take # ") {
            Some(unit) => {
                let took_us = took(run, state)?;
                holds(took_us == words.number.saturating_mul(act::unit_us(unit)?), || format!("it took {took_us} microseconds"))?;
                true
            }
            None => return Ok(false),
        },
    };
    holds(so, || shown).map(|()| true)
}

/// Whether an error has the members that are written.
///
/// # Errors
/// What is written is no mapping.
pub fn told(problem: &Problem, document: Option<&str>) -> Result<bool, Failure> {
    let (problem, wanted) = (problem.to_value(), value(quoted(document)?)?);
    let members = wanted.as_object().ok_or_else(|| Failure::Broken("an error is a mapping".to_owned()))?;
    Ok(members.iter().all(|(key, wanted)| problem.member(key).is_some_and(|found| equal(found, wanted))))
}

/// How long it took from its first fact to its end, or until it was parked, in microseconds.
fn took(run: &mut Run<'_>, state: &Orchestration) -> Result<i64, Failure> {
    let facts = run.facts(state.id)?;
    let ended = facts.iter().rev().find(|(_, fact)| matches!(fact, Fact::Ended { .. } | Fact::Parked { .. }));
    let (ended_us, _) = ended.ok_or_else(|| Failure::Broken(standing(state).1))?;
    Ok(ended_us - state.started_at_us)
}

/// `a.b.0` in a value.
fn property(within: &Value, path: &str) -> Option<Value> {
    lookup(within, &format!("/{}", path.replace('.', "/"))).cloned()
}

/// What its output or error says; `false` when the step asks something else.
fn output(state: &Orchestration, words: &Words, document: Option<&str>) -> Result<bool, Failure> {
    let form = words.form.as_str();
    if form.starts_with("the workflow output should have properties ") {
        let missing: Vec<&str> = words.quoted.iter().map(String::as_str).filter(|name| property(&state.output, name).is_none()).collect();
        return holds(missing.is_empty(), || format!("{missing:?} are missing in {}", state.output)).map(|()| true);
    }
    match form {
        "the workflow output should have a '' property with value:" => {
            let found = property(&state.output, words.quote(0)?).ok_or_else(|| Failure::Broken(format!("it is {}", state.output)))?;
            same(&found, &value(quoted(document)?)?, "it")?;
        }
        "the workflow output should have a '' property containing # items" | "the workflow output should have '' with # items" => {
            let items = property(&state.output, words.quote(0)?).and_then(|list| list.as_array().map(<[Value]>::len));
            let wanted = usize::try_from(words.number).ok();
            holds(items.is_some() && items == wanted, || format!("the output is {}", state.output))?;
        }
        "the workflow output should not have a '' property" => {
            holds(property(&state.output, words.quote(0)?).is_none(), || format!("the output is {}", state.output))?;
        }
        "the error should have a '' property with value:" => {
            let problem = problem(state).ok_or_else(|| Failure::Broken(standing(state).1))?.to_value();
            same(&property(&problem, words.quote(0)?).unwrap_or_default(), &value(quoted(document)?)?, "it")?;
        }
        "the context should be:" => same(&state.context(&Position::root()), &value(quoted(document)?)?, "the context")?,
        _ => return Ok(false),
    }
    Ok(true)
}

/// What left; `false` when the step asks something else.
fn requests(run: &mut Run<'_>, state: &Orchestration, words: &Words, document: Option<&str>) -> Result<bool, Failure> {
    let name = words.quote(0).unwrap_or_default();
    let of_name: Vec<_> = run.requests.iter().filter(|request| request.name == name).map(|request| &request.offer).collect();
    let last = || of_name.last().ok_or_else(|| Failure::Broken(format!("`{name}` was never called")));
    match words.form.as_str() {
        "'' should be called # times" => holds(i64::try_from(of_name.len()) == Ok(words.number), || format!("{} times", of_name.len()))?,
        "look-ups of '' should be made # times" => {
            let asked = run.requests.iter().filter(|request| request.name == format!("lookup:{name}")).count();
            holds(i64::try_from(asked) == Ok(words.number), || format!("{asked} times"))?;
        }
        "'' should be called with:" => same(&last()?.arguments, &value(quoted(document)?)?, "it")?,
        "'' should be called with a '' property of value:" => {
            let found = property(&last()?.arguments, words.quote(1)?).unwrap_or_default();
            same(&found, &value(quoted(document)?)?, "it")?;
        }
        "'' should be called under # keys" | "'' should be called under # key" => {
            let keys: std::collections::BTreeSet<_> = of_name.iter().map(|offer| offer.key.clone()).collect();
            holds(i64::try_from(keys.len()) == Ok(words.number), || format!("{} keys: {keys:?}", keys.len()))?;
        }
        "'' should be called under the key ''" => {
            let (key, wanted) = (last()?.key.clone(), words.quote(1)?);
            holds(key.contains(wanted), || format!("the key is `{key}`"))?;
        }
        "'' should be called with the secret ''" => {
            let (offer, secret) = (last()?, words.quote(1)?);
            holds(offer.secrets.iter().any(|span| *span.name == *secret), || format!("the secrets are {:?}", offer.secrets))?;
        }
        "somebody should be asked ''" => {
            let titles: Vec<_> = state.reviews.values().filter(|r| r.answer.is_none() && !r.closed).map(|r| r.spec.title.clone()).collect();
            holds(titles.iter().any(|title| **title == *name), || format!("what is asked is {titles:?}"))?;
        }
        "nobody should be asked" => {
            let open = state.reviews.values().filter(|review| review.answer.is_none() && !review.closed).count();
            holds(open == 0, || format!("{open} questions are open"))?;
        }
        "the question should show:" => {
            let shown = state.reviews.values().next_back().map(|review| review.show.clone()).unwrap_or_default();
            same(&shown, &value(quoted(document)?)?, "it")?;
        }
        _ => return Ok(false),
    }
    Ok(true)
}

/// `there should be # runs of ''`, or `# completed runs`, and so on.
fn runs(run: &mut Run<'_>, words: &Words) -> Result<(), Failure> {
    let wanted = match words.form.split(' ').skip(4).collect::<Vec<_>>().as_slice() {
        ["runs" | "run", "of", "''"] => None,
        [how, "runs" | "run", "of", "''"] => Some((*how).to_owned()),
        _ => return Err(Failure::Step(words.text.clone())),
    };
    let name = words.quote(0)?;
    let mut found = Vec::new();
    for id in run.ids()? {
        let state = run.state(id)?;
        if state.start.as_ref().is_some_and(|start| *start.workflow == *name) {
            found.push(standing(&state).0);
        }
    }
    let many = found.iter().filter(|standing| wanted.as_deref().is_none_or(|wanted| wanted == **standing)).count();
    holds(i64::try_from(many) == Ok(words.number), || format!("the runs are {found:?}"))
}
