//! Scripts of a case: one line is one thing that happens, or one thing that must be so. `corpus/tasks/README.md` lists the words.

use std::collections::BTreeSet;

use provost_language::Compiled;
use provost_model::program::TaskIx;
use provost_model::record::{
    Attempted, Cancel, ChildFate, ChildNews, ClaimAnswer, Command, Ending, Fact, Held, Parent, Redrive, Resolve, ReviewAnswer,
};
use provost_model::value::{lookup, parse};
use provost_model::{Position, Problem, Value, Who};

use provost_engine::explain::{Now, explain, render};
use provost_engine::{Phase, Rejected};

use crate::world::{Said, Shared, World, done, person, problem};
use crate::{Failure, life, tamper};

/// Runs a script to its end, then verifies and forges the journal.
pub fn run(code: Compiled, script: &str) -> Result<(), Failure> {
    let mut world = World::new(code);
    for (number, line) in script.lines().enumerate() {
        let line = line.split(" # ").next().unwrap_or_default().trim();
        if line.is_empty() || line.starts_with("bundle ") {
            continue;
        }
        step(&mut world, line).map_err(|failure| format!("line {}, `{line}`: {failure}", number + 1))?;
    }
    life::check(&world)?;
    tamper::check(&world)
}

fn step(world: &mut World, line: &str) -> Result<(), Failure> {
    let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
    match word {
        "policy" => {
            let (action, answer) = two(rest)?;
            world.policy.insert(action.to_owned(), answer.to_owned());
            Ok(())
        }
        "world" => {
            let (name, says) = two(rest)?;
            world.plan.insert(name.to_owned(), says.split(" | ").map(said).collect::<Result<_, _>>()?);
            Ok(())
        }
        "claim" => {
            let by = world.state.id;
            let answer = match rest.split_once(' ').unwrap_or((rest, "")) {
                ("held", _) => ClaimAnswer::Held { by },
                ("done", result) => ClaimAnswer::Done { by, result: json(result)?, reference: None },
                ("conflict", _) => ClaimAnswer::Conflict { by },
                ("unsettled", _) => ClaimAnswer::Unsettled { by },
                _ => return Err(format!("`{rest}` is no answer of a key's home")),
            };
            world.claims.push_back(answer);
            Ok(())
        }
        "admission" => {
            world.admissions.push_back(match rest.split_once(' ').unwrap_or((rest, "")) {
                ("delayed", ms) => Shared::Delayed(i64::from(number(ms)?)),
                ("queued", place) => Shared::Queued(u64::from(number(place)?)),
                ("replacing", _) => Shared::Replacing,
                ("refused", _) => Shared::Refused,
                _ => return Err(format!("`{rest}` is no answer of shared state")),
            });
            Ok(())
        }
        "hops" => {
            world.hops = number(rest)?;
            Ok(())
        }
        "offered-again" => {
            world.offer_heard()?;
            world.settle()
        }
        "manual" => {
            world.manual = true;
            Ok(())
        }
        "advance" => world.advance(rest.parse::<i64>().map_err(|e| e.to_string())?),
        "refused" => {
            let (code, command) = two(rest)?;
            let sequence = world.state.sequence;
            match wish(world, command)? {
                Ok(()) => Err("it was not refused".to_owned()),
                Err(rejected) if world.state.sequence != sequence => Err(format!("a refusal left facts: {rejected}")),
                Err(rejected) => same(rejected.code(), code),
            }
        }
        "parent" => {
            let (depth, held) = rest.split_once(' ').unwrap_or((rest, ""));
            let line = std::iter::repeat_n("case", number(depth)? as usize).map(Into::into).collect();
            let held = held.split_whitespace().filter_map(|held| held.split_once('='));
            let held = held.map(|(workflow, key)| Held { workflow: workflow.into(), key: key.into() }).collect();
            world.parent = Some(Box::new(Parent { orchestration: world.state.id, awaits: true, line, labels: None, held }));
            Ok(())
        }
        "expect" | "children" | "effect" | "count" | "at-least" | "order" | "context" | "sent" | "key" | "asked" | "questions"
        | "problem" | "keys" | "emitted" | "output" | "nowhere" | "explained" | "told" => expect(world, word, rest),
        _ => {
            wish(world, line)?.map_err(|rejected| format!("refused: {rejected}"))?;
            world.settle()
        }
    }
}

/// One command.
fn wish(world: &mut World, line: &str) -> Result<Result<(), Rejected>, Failure> {
    let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
    let by = person("maria");
    let reason = "looked at it".to_owned();
    let command = match word {
        "start" => world.start(json(rest)?)?,
        "review" => answer(world, rest)?,
        "cancel" => Command::Cancel(Cancel { by, reason, replaced_by: None }),
        "redrive" => Command::Redrive(Redrive { by, reason }),
        "child" => {
            let (name, says) = two(rest)?;
            let (id, child) = world.child(name)?;
            let (how, more) = says.split_once(' ').unwrap_or((says, ""));
            let how = match how {
                "done" => ChildFate::Completed(json(more)?),
                "faulted" => ChildFate::Faulted(Problem { instance: Some("/do/0/x".to_owned()), ..problem(409) }),
                "parked" => ChildFate::Parked(problem(409)),
                "cancelled" => ChildFate::Cancelled,
                "replaced" => ChildFate::Replaced(world.state.id),
                "again" => {
                    return world.tell(&Command::Child(ChildNews { child: id, sequence: child, how: ChildFate::Cancelled, labels: None }));
                }
                _ => return Err(format!("`{how}` is nothing that happens to a child")),
            };
            Command::Child(ChildNews { child: id, sequence: child + 1, how, labels: None })
        }
        "admitted" => Command::Admitted,
        "entangled" => Command::Entangled { ring: vec![world.state.id, world.state.id.begun("r", 0)] },
        "interrupted" => Command::Interrupt { parent: world.state.id },
        "event" => Command::Arrived(Box::new(world.event(rest, by)?)),
        "event-of-ours" => Command::Arrived(Box::new(world.event(rest, Who::system())?)),
        "continue" => Command::Continue,
        "timer" => Command::Timer { id: rest.into() },
        "sending" => {
            let (name, attempt) = two(rest)?;
            Command::Sending { effect: world.effect(name)?.0, attempt: number(attempt)? }
        }
        "resolve" => {
            let (name, how) = two(rest)?;
            let result = how.strip_prefix("done").map(|result| json(result.trim())).transpose()?;
            let (done, evidence) = (result.is_some(), "https://target/1".to_owned());
            Command::Resolve(Resolve { effect: world.effect(name)?.0, done, result: result.unwrap_or_default(), evidence, by, reason })
        }
        "outcome" => {
            let (name, rest) = two(rest)?;
            let (attempt, says) = two(rest)?;
            let Said::Answers(result) = said(says)? else { return Err("an outcome says something".to_owned()) };
            let effect = world.effect(name)?.0;
            world.now_us += 1000;
            return world.report(effect, number(attempt)?, result);
        }
        _ => return Err(format!("`{word}` is no word of scripts")),
    };
    world.tell(&command)
}

/// `OPTION NAME [FORM]`, to the question that is open, else to the last one.
fn answer(world: &World, rest: &str) -> Result<Command, Failure> {
    let mut words = rest.splitn(3, ' ');
    let (option, name, form) = (words.next().unwrap_or_default(), words.next().unwrap_or_default(), words.next());
    let open = world.state.reviews.iter().find(|(_, review)| review.answer.is_none() && !review.closed);
    let (id, _) = open.or_else(|| world.state.reviews.iter().next_back()).ok_or("there is no review")?;
    let form = form.map(json).transpose()?.unwrap_or_default();
    Ok(Command::Review(ReviewAnswer { review: *id, option: option.into(), by: person(name), reason: "because".to_owned(), form }))
}

fn said(text: &str) -> Result<Said, Failure> {
    let (word, rest) = text.trim().split_once(' ').unwrap_or((text.trim(), ""));
    let failed = |status, retry, retry_after_ms| Attempted::Failed { problem: problem(status), retry, retry_after_ms };
    Ok(Said::Answers(match word {
        "done" => done(json(rest)?),
        "failed" => failed(400, false, None),
        "busy" => failed(503, true, None),
        "busy-for" => failed(429, true, Some(rest.parse::<i64>().map_err(|e| e.to_string())?)),
        "conflict" => Attempted::Failed {
            problem: Problem::ours("conflict", 409, "the key stands for another request"),
            retry: false,
            retry_after_ms: None,
        },
        "unknown" => Attempted::Unknown { problem: problem(504) },
        "unreadable" => Attempted::Unreadable { problem: problem(502), reference: None },
        "absent" => Attempted::Absent,
        "silent" => return Ok(Said::Silent),
        _ => return Err(format!("`{word}` is no outcome")),
    }))
}

fn expect(world: &World, word: &str, rest: &str) -> Result<(), Failure> {
    match word {
        "count" | "at-least" | "keys" | "emitted" => recorded(&facts(world)?, word, rest),
        "expect" => status(world, rest),
        "effect" => {
            let (name, rest) = two(rest)?;
            let (_, effect) = world.effect(name)?;
            same(&format!("{:?} {}", effect.state, effect.attempt).to_lowercase(), rest)
        }
        "children" => {
            let (name, wanted) = two(rest)?;
            let states: Vec<String> = world.children(name).iter().map(|(_, child)| format!("{:?}", child.state).to_lowercase()).collect();
            same(&states.join(" "), wanted)
        }
        "order" => same(&completed(world)?.join(" "), rest),
        "context" => equal(&world.state.context(&Position::root()), rest),
        "sent" => {
            let (name, wanted) = two(rest)?;
            same(&world.sent.iter().filter(|sent| *sent == name).count().to_string(), wanted)
        }
        "key" => {
            let (name, key) = two(rest)?;
            same(&world.effect(name)?.1.key, key)
        }
        "questions" => {
            let (action, wanted) = two(rest)?;
            same(&world.asked.iter().filter(|request| *request.action == *action).count().to_string(), wanted)
        }
        "nowhere" => {
            let holds = |row: &provost_model::record::Row| row.json().is_ok_and(|json| String::from_utf8_lossy(&json).contains(rest));
            if world.rows.iter().any(holds) { Err(format!("`{rest}` is in the record")) } else { Ok(()) }
        }
        "explained" => {
            let text = explanation(world)?;
            if text.contains(rest) { Ok(()) } else { Err(format!("the explanation does not say so:\n{text}")) }
        }
        "told" => {
            let (times, said) = two(rest)?;
            let text = explanation(world)?;
            same(&text.matches(said).count().to_string(), times).map_err(|failure| format!("{failure}\n{text}"))
        }
        "output" => {
            let (pointer, wanted) = two(rest)?;
            equal(lookup(&world.state.output, pointer).unwrap_or(&Value::Null), wanted)
        }
        "asked" => {
            let (action, rest) = two(rest)?;
            let (pointer, wanted) = two(rest)?;
            let last = world.asked.iter().rev().find(|request| *request.action == *action).ok_or("it was never asked")?;
            equal(lookup(&last.context, pointer).unwrap_or(&Value::Null), wanted)
        }
        _ => {
            let (pointer, wanted) = two(rest)?;
            let problem = world.state.problem.as_deref().or(world.state.parked.as_ref().map(|parked| &parked.problem));
            equal(lookup(&problem.ok_or("there is no problem")?.to_value(), pointer).unwrap_or(&Value::Null), wanted)
        }
    }
}

/// What the facts say.
fn explanation(world: &World) -> Result<String, Failure> {
    let now = Now { at_us: world.now_us, ..Now::default() };
    Ok(render(&explain(&world.code.program, world.state.tenant.clone(), world.state.id, &world.rows, now)?))
}

fn recorded(facts: &[Fact], word: &str, rest: &str) -> Result<(), Failure> {
    let (what, wanted) = two(rest)?;
    let of_kind = facts.iter().filter(|fact| kind_of(fact) == what).count();
    match word {
        "count" => same(&of_kind.to_string(), wanted),
        "at-least" if of_kind >= number(wanted)? as usize => Ok(()),
        "at-least" => Err(format!("it is {of_kind}")),
        "keys" => {
            let keys = facts.iter().filter_map(|fact| match fact {
                Fact::Intended { name, key, .. } if name.split('@').next() == Some(what) => Some(key),
                _ => None,
            });
            same(&keys.collect::<BTreeSet<_>>().len().to_string(), wanted)
        }
        _ => {
            let event = facts.iter().rev().find_map(|fact| match fact {
                Fact::Emitted { event, .. } => serde_json::to_vec(event).ok(),
                _ => None,
            });
            let event = parse(&event.ok_or("nothing was emitted")?).map_err(|e| e.to_string())?;
            equal(lookup(&event, what).unwrap_or(&Value::Null), wanted)
        }
    }
}

fn status(world: &World, rest: &str) -> Result<(), Failure> {
    let (word, more) = rest.split_once(' ').unwrap_or((rest, ""));
    let parked = world.state.parked.as_ref().map(|parked| parked.problem.code().to_owned());
    let (stands, detail) = match (world.state.phase, parked) {
        (Phase::Ended(Ending::Completed), _) => ("completed", world.state.output.to_string()),
        (Phase::Ended(Ending::Faulted), _) => ("faulted", world.state.problem.as_ref().map(|p| p.code().to_owned()).unwrap_or_default()),
        (Phase::Ended(Ending::Cancelled), _) => ("cancelled", String::new()),
        (_, Some(code)) => ("parked", code),
        (Phase::Cancelling { .. }, None) => ("cancelling", String::new()),
        (Phase::New, None) => ("new", String::new()),
        (Phase::Running, None) => ("waiting", String::new()),
    };
    if stands != word {
        return Err(format!("it is {stands} {detail} {:?}", world.state.problem));
    }
    match word {
        "completed" if more.is_empty() => Ok(()),
        "completed" => equal(&world.state.output, more),
        _ => same(&detail, more),
    }
}

pub fn facts(world: &World) -> Result<Vec<Fact>, Failure> {
    let rows = world.rows.iter().map(|row| row.transition().map(|t| t.facts).map_err(|e| e.to_string()));
    Ok(rows.collect::<Result<Vec<_>, _>>()?.concat())
}

/// Where tasks completed, in order.
pub fn completed(world: &World) -> Result<Vec<String>, Failure> {
    let facts = facts(world)?;
    let places = facts.iter().filter_map(|fact| match fact {
        Fact::Completed { at, task, .. } if *task != TaskIx::ROOT => Some(at.to_string()),
        _ => None,
    });
    Ok(places.collect())
}

fn kind_of(fact: &Fact) -> String {
    match serde_json::to_value(fact) {
        Ok(serde_json::Value::Object(map)) => map.keys().next().cloned().unwrap_or_default(),
        Ok(serde_json::Value::String(text)) => text,
        Ok(_) | Err(_) => String::new(),
    }
}

fn two(text: &str) -> Result<(&str, &str), Failure> {
    text.split_once(' ').ok_or_else(|| format!("`{text}` needs another word"))
}

fn number(text: &str) -> Result<u32, Failure> {
    text.parse().map_err(|e| format!("`{text}`: {e}"))
}

fn json(text: &str) -> Result<Value, Failure> {
    if text.is_empty() { Ok(Value::Null) } else { parse(text.as_bytes()).map_err(|e| format!("{text}: {e}")) }
}

fn equal(found: &Value, wanted: &str) -> Result<(), Failure> {
    if *found == json(wanted)? { Ok(()) } else { Err(format!("it is {found}")) }
}

fn same(found: &str, wanted: &str) -> Result<(), Failure> {
    if found == wanted { Ok(()) } else { Err(format!("it is `{found}`")) }
}
