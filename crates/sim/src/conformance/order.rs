//! What the facts of an orchestration say about its tasks: which ran, in which order, how each ended, what was emitted and judged.

use provost_model::program::TaskIx;
use provost_model::record::Fact;
use provost_model::value::parse;
use provost_model::{OrchestrationId, Position, Value};

use super::holds::{equal, holds, told};
use super::run::Run;
use super::steps::{quoted, value};
use super::vocabulary::Words;
use super::{Failure, life};

/// Checks a step about tasks.
///
/// # Errors
/// It does not hold, or is not understood.
pub fn check(run: &mut Run<'_>, id: OrchestrationId, words: &Words, document: Option<&str>) -> Result<(), Failure> {
    let facts: Vec<Fact> = run.facts(id)?.into_iter().map(|(_, fact)| fact).collect();
    if recorded(&facts, words, document)? {
        return Ok(());
    }
    let ran: Vec<&Position> = facts.iter().filter_map(completed).collect();
    if let Some(list) = words.text.strip_prefix("the tasks should run in this order: ") {
        let names: Vec<String> = ran.iter().map(|at| at.name()).collect();
        return holds(names.iter().map(String::as_str).eq(list.split(", ")), || format!("what ran is {names:?}"));
    }
    let not_known = || Failure::Step(words.text.clone());
    let (task, what) = words.text.split_once(" should ").ok_or_else(not_known)?;
    let task = task.trim_matches('\'');
    let ended: Vec<&Position> = facts.iter().filter_map(ended).collect();
    let place = |name: &str| ended.iter().position(|at| is(at, name.trim_matches('\'')));
    let life = life::of_task(run, id, task)?;
    let lived = |what: &str| life.iter().filter(|event| **event == *what).count();
    let times = lived("started");
    let so = match what.split(' ').collect::<Vec<_>>().as_slice() {
        ["run", "first"] => first(&ended, task),
        ["run", "last"] => last(&ended, task),
        ["run", "before", later] => place(task).is_some() && place(later).is_some() && place(task) < place(later),
        ["run", "after", earlier] => place(earlier).is_some() && place(task) > place(earlier),
        ["run", "once"] => times == 1,
        ["run", n, "times"] => n.parse() == Ok(times),
        // What waited and was cancelled came to no end.
        ["not", "run"] => lived("completed") + lived("faulted") == 0,
        ["complete"] => ran.iter().any(|at| is(at, task)),
        ["complete", "with", "output:"] => {
            let wanted = value(quoted(document)?)?;
            let found = facts.iter().rev().find_map(|fact| match fact {
                Fact::Completed { at, output, effect, .. } if is(at, task) => Some((output.clone(), *effect)),
                _ => None,
            });
            let state = run.state(id)?;
            let output = found.and_then(|(output, effect)| output.or_else(|| Some(state.effects.get(&effect?)?.result.value.clone())));
            return holds(output.as_ref().is_some_and(|output| equal(output, &wanted)), || format!("it is {output:?}"));
        }
        ["fault"] => lived("faulted") > 0 || facts.iter().any(|fact| matches!(fact, Fact::Raised { at, .. } if is(at, task))),
        ["fault", "with", "error:"] => {
            let raised = facts.iter().rev().find_map(|fact| match fact {
                Fact::Raised { at, problem, .. } if is(at, task) => Some(problem),
                _ => None,
            });
            raised.map(|problem| told(problem, document)).transpose()?.unwrap_or(false)
        }
        ["fault", "with", code] => facts
            .iter()
            .any(|fact| matches!(fact, Fact::Raised { at, problem, .. } if is(at, task) && problem.code() == code.trim_matches('\''))),
        ["cancel"] => lived("cancelled") > 0,
        ["be", "skipped"] => facts.iter().any(|fact| matches!(fact, Fact::Skipped { at, .. } if is(at, task))),
        _ => return Err(not_known()),
    };
    holds(so, || format!("what ran is {ran:?}, and what `{task}` did is {life:?}"))
}

/// Whether nothing but what is inside it ended before the task.
fn first(ran: &[&Position], task: &str) -> bool {
    let place = ran.iter().position(|at| is(at, task));
    place.is_some_and(|place| ran.iter().take(place).all(|at| ran.get(place).is_some_and(|task| at.is_within(task))))
}

/// Whether nothing but what it is inside of ended after the task.
fn last(ran: &[&Position], task: &str) -> bool {
    let place = ran.iter().rposition(|at| is(at, task));
    place.is_some_and(|place| ran.iter().skip(place + 1).all(|at| ran.get(place).is_some_and(|task| task.is_within(at))))
}

fn completed(fact: &Fact) -> Option<&Position> {
    match fact {
        Fact::Completed { at, task, .. } if *task != TaskIx::ROOT => Some(at),
        _ => None,
    }
}

/// Tasks that ran to their end, or raised an error themselves.
fn ended(fact: &Fact) -> Option<&Position> {
    match fact {
        Fact::Raised { at, task, .. } if *task != TaskIx::ROOT => Some(at),
        _ => completed(fact),
    }
}

fn is(at: &Position, name: &str) -> bool {
    at.name() == name || at.as_str() == name
}

/// What was emitted and judged; `false` when the step asks something else.
fn recorded(facts: &[Fact], words: &Words, document: Option<&str>) -> Result<bool, Failure> {
    let emitted = || {
        facts.iter().filter_map(|fact| match fact {
            Fact::Emitted { event, .. } => Some(event),
            _ => None,
        })
    };
    let name = words.quote(0).unwrap_or_default();
    let counted = |many: usize| holds(i64::try_from(many) == Ok(words.number), || format!("{many} times"));
    match words.form.as_str() {
        "an event of type '' should be emitted # times" => counted(emitted().filter(|event| *event.kind == *name).count())?,
        "policy should be asked about '' # times" => {
            counted(facts.iter().filter(|fact| matches!(fact, Fact::Judged { action, .. } if **action == *name)).count())?;
        }
        "the emitted event should have a '' property with value:" => {
            let last = emitted().next_back().ok_or_else(|| Failure::Broken("nothing was emitted".to_owned()))?;
            let json = serde_json::to_vec(last).map_err(|e| Failure::Broken(e.to_string()))?;
            let event = parse(&json).map_err(|e| Failure::Broken(e.to_string()))?;
            let found = provost_model::value::lookup(&event, &format!("/{}", name.replace('.', "/"))).cloned().unwrap_or(Value::Null);
            let wanted = value(quoted(document)?)?;
            holds(found == wanted, || format!("it is {found}"))?;
        }
        _ => return Ok(false),
    }
    Ok(true)
}
