//! Whether the record of an orchestration would have been decided identically by another program.
//!
//! Like `verify` it decides every recorded command again, under its recorded ambient; unlike it the program is another one, so tasks are
//! compared by name and not by index, and the state is what the other program made of the commands so far. Nothing is changed: a running
//! orchestration keeps the program it was started with.

use provost_model::marks::Sight;
use provost_model::program::{Flow, TaskIx};
use provost_model::record::{Ambient, ENGINE, Fact, Row, Transition};
use provost_model::{OrchestrationId, PolicyRequest, Program, TenantId, Verdict};
use serde_json::Value as Json;

use crate::code::Code;
use crate::decide::{Step, decide};
use crate::evolve::evolve;
use crate::redact::fact_seen;
use crate::state::Orchestration;

/// Most characters of a fact's member in a message.
const SHOWN_CHARS_MAX: usize = 160;

/// What deciding again under another program found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Compared {
    /// Rows decided identically.
    pub rows_equal: u64,
    /// Facts in them.
    pub facts_equal: u64,
    /// The first fact that differs.
    pub difference: Option<Diverged>,
}

/// Where the other program decides otherwise.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diverged {
    /// The sequence of the first fact that differs.
    pub sequence: u64,
    /// What differs, for people.
    pub what: String,
}

/// Answers a question to policy that the other program asks, given the recorded verdict on the same question, if there is one.
pub type Judging<'j> = dyn FnMut(&PolicyRequest, Option<&Verdict>) -> Verdict + 'j;

/// Decides `rows`, the journal of an orchestration of `before` from its first fact, again by `code`.
pub fn decided_under<'r>(
    before: &Program,
    code: &dyn Code,
    (tenant, id): (TenantId, OrchestrationId),
    rows: impl IntoIterator<Item = &'r Row>,
    judging: &mut Judging<'_>,
) -> Compared {
    let mut state = Orchestration::new(tenant, id);
    let mut found = Compared::default();
    for row in rows {
        match row_under(before, code, &mut state, row, judging) {
            Ok(()) => {
                found.rows_equal += 1;
                found.facts_equal += u64::from(row.fact_count);
            }
            Err(difference) => {
                found.difference = Some(difference);
                return found;
            }
        }
    }
    found
}

fn row_under(before: &Program, code: &dyn Code, state: &mut Orchestration, row: &Row, judging: &mut Judging<'_>) -> Result<(), Diverged> {
    let at = |what: String| Diverged { sequence: row.first_sequence, what };
    let recorded = row.transition().map_err(|e| at(e.to_string()))?;
    if row.engine != ENGINE {
        return Err(at(format!(
            "the row was decided by engine {}, and this binary decides as engine {ENGINE}; it cannot be told",
            row.engine
        )));
    }
    let again = again(code, state, &recorded, judging).map_err(at)?;
    for (place, fact) in recorded.facts.iter().enumerate() {
        let other = again.facts.get(place).map(|fact| told(code.program(), fact));
        let fact = told(before, fact);
        if other.as_ref() != Some(&fact) {
            let sequence = row.first_sequence + place as u64;
            // What differs may be what not everybody may see.
            let seen = |program: &Program, fact: &Fact| told(program, &fact_seen(fact.clone(), Sight::Usual));
            let other = again.facts.get(place).map(|fact| seen(code.program(), fact));
            let fact = recorded.facts.get(place).map_or(fact, |fact| seen(before, fact));
            return Err(Diverged { sequence, what: differing(&fact, other.as_ref()) });
        }
    }
    if let Some(more) = again.facts.get(recorded.facts.len()) {
        let sequence = row.first_sequence + recorded.facts.len() as u64;
        let what = format!("the record ends the transition here, and then would follow {}", headline(&told(code.program(), more)));
        return Err(Diverged { sequence, what });
    }
    if recorded.intents != again.intents {
        return Err(at("the same is decided, and other work would leave: the intents differ".to_owned()));
    }
    for fact in &again.facts {
        evolve(state, fact, recorded.ambient.now_us);
    }
    Ok(())
}

fn again(code: &dyn Code, state: &Orchestration, recorded: &Transition, judging: &mut Judging<'_>) -> Result<Transition, String> {
    let mut ambient = Ambient { verdicts: Vec::new(), ..recorded.ambient.clone() };
    loop {
        match decide(code, state, &recorded.command, &ambient) {
            Ok(Step::Commit(decided)) => return Ok(decided.transition),
            Ok(Step::Ask(questions)) => {
                if let Some(request) = questions.admissions.first() {
                    return Err(format!("shared state would be asked for `{}`, and the record holds no answer", request.what));
                }
                let known = ambient.verdicts.len();
                for request in questions.verdicts {
                    let digest = request.digest();
                    let then = recorded.ambient.verdicts.iter().find(|verdict| verdict.request == digest);
                    let verdict = judging(&request, then);
                    if verdict.request == digest {
                        ambient.verdicts.push(verdict);
                    }
                }
                if ambient.verdicts.len() == known {
                    return Err("policy would be asked, and there is no answer".to_owned());
                }
            }
            Err(rejected) => return Err(format!("the recorded command would be refused: {rejected}")),
        }
    }
}

/// A fact with the names of tasks instead of their indexes.
fn told(program: &Program, fact: &Fact) -> Json {
    let mut json = serde_json::to_value(fact).unwrap_or_default();
    let members = json.as_object_mut().and_then(|fact| fact.values_mut().next()).and_then(Json::as_object_mut);
    let Some(members) = members else { return json };
    let name = |index: TaskIx| program.task(index).map_or(Json::Null, |task| Json::from(&*task.name));
    if let Some(task) = members.get_mut("task") {
        *task = serde_json::from_value(task.clone()).map_or(Json::Null, name);
    }
    if let Some(then) = members.get_mut("then")
        && let Ok(Flow::Task(index)) = serde_json::from_value(then.clone())
    {
        *then = name(index);
    }
    json
}

/// What kind of fact it is and where.
fn headline(fact: &Json) -> String {
    let Some((kind, members)) = named(fact) else { return cut(fact) };
    let at = members.get("at").and_then(Json::as_str).map(|at| format!(" at `{at}`")).unwrap_or_default();
    format!("`{kind}`{at}")
}

fn named(fact: &Json) -> Option<(&String, &Json)> {
    fact.as_object().and_then(|fact| fact.iter().next())
}

fn differing(fact: &Json, other: Option<&Json>) -> String {
    let Some(other) = other else { return format!("{} is recorded, and would not follow", headline(fact)) };
    let (Some((kind, members)), Some((other_kind, others))) = (named(fact), named(other)) else {
        return format!("{} is recorded, and would be {}", cut(fact), cut(other));
    };
    if kind != other_kind || members.get("at") != others.get("at") {
        return format!("{} is recorded, and would be {}", headline(fact), headline(other));
    }
    let keys = members.as_object().into_iter().chain(others.as_object()).flat_map(|members| members.keys());
    match keys.into_iter().find(|key| members.get(key.as_str()) != others.get(key.as_str())) {
        Some(key) => {
            let shown = |members: &Json| members.get(key.as_str()).map_or_else(|| "absent".to_owned(), cut);
            format!("{}: `{key}` is {}, and would be {}", headline(fact), shown(members), shown(others))
        }
        None => format!("{} would be written otherwise", headline(fact)),
    }
}

fn cut(json: &Json) -> String {
    let text = json.to_string();
    let mut short: String = text.chars().take(SHOWN_CHARS_MAX).collect();
    if text.chars().nth(SHOWN_CHARS_MAX).is_some() {
        short.push('…');
    }
    short
}
