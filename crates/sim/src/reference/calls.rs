//! Calls of the catalogue that need nobody outside, scripted agents, and events.

use std::sync::Arc;

use provost_model::program::{AgentSpec, AgentTask, DecideRule, DecideTask, EmitTask, Example, FailureMode, HitPolicy, Model, RulesTask};
use provost_model::value::Map;
use provost_model::{Event, Problem, Value};

use super::evaluate::{Seen, iso8601};
use super::flow::{About, Entered, Interpreter, Stop, Went};
use super::takes_us;
use super::tasks::{Begun, Kind, next_us};

/// A run of an agent.
pub(super) struct Run<'c> {
    spec: &'c AgentSpec,
    example: &'c Example,
    takes_us: i64,
    attempt: u32,
    first_us: i64,
    deadline_us: i64,
    /// Whether it waits for its next attempt; else for its answer.
    waits: bool,
    /// When what it waits for is due, in microseconds UTC.
    pub due_us: i64,
}

/// One opinion that is there.
struct Opinion {
    name: Arc<str>,
    choice: Arc<str>,
    pct: i64,
    weight: i64,
}

impl<'c> Interpreter<'c> {
    /// `call: rules`.
    pub(super) fn rules(&self, task: &RulesTask, input: &Value, seen: &Seen<'_>) -> Result<Value, Problem> {
        let input = self.render(&task.input, input, seen)?;
        let seen = Seen { input: input.clone(), ..seen.clone() };
        let missing = || Problem::standard("configuration", 500, "there is no such table");
        let table = self.code.program.rules.get(&task.table).ok_or_else(missing)?;
        let mut hits = Vec::new();
        for row in &table.rows {
            if row.when.map_or(Ok(true), |when| self.holds(when, &input, &seen))? {
                hits.push(row.then.clone());
                if table.hit == HitPolicy::First {
                    break;
                }
            }
        }
        match (table.hit, hits.as_slice(), &table.otherwise) {
            (HitPolicy::Collect, _, _) => Ok(Value::array(hits)),
            (HitPolicy::First | HitPolicy::Unique, [one], _) => Ok(one.clone()),
            (HitPolicy::First | HitPolicy::Unique, [], Some(otherwise)) => Ok(otherwise.clone()),
            (HitPolicy::First | HitPolicy::Unique, [], None) => Err(Problem::ours("no-rule-matches", 422, "no row matches")),
            (HitPolicy::First | HitPolicy::Unique, _, _) => Err(Problem::ours("rules-not-unique", 422, "several rows match")),
        }
    }

    /// `call: decide`.
    pub(super) fn decide(&self, task: &DecideTask, about: &About<'c>, seen: &Seen<'_>) -> Result<Value, Problem> {
        let rendered = self.render(&task.opinions, &about.input, seen)?;
        let opinions = opinions(task, &rendered)?;
        let veto = task
            .veto
            .iter()
            .find(|veto| opinions.iter().any(|said| said.name == veto.by && said.choice == veto.choice && said.pct >= veto.confidence_pct));
        let by = veto.and_then(|veto| opinions.iter().find(|said| said.name == veto.by));
        let mut votes: Vec<(Arc<str>, i64)> = Vec::new();
        for said in &opinions {
            match votes.iter_mut().find(|(choice, _)| *choice == said.choice) {
                Some((_, sum)) => *sum += said.weight,
                None => votes.push((said.choice.clone(), said.weight)),
            }
        }
        let enough = !opinions.is_empty() && opinions.len() as u64 >= u64::from(task.quorum);
        let chosen = if enough { chosen(task, &opinions, &votes) } else { None };
        let (choice, pct) = match (by, chosen) {
            (Some(by), _) => (Some(by.choice.clone()), by.pct),
            (None, Some((choice, pct))) => (Some(choice), pct),
            (None, None) => (task.tie.clone(), 0),
        };
        let id = self.id.decision(about.at.as_str(), &about.scope.round()).to_string();
        let quorum = [("present", opinions.len() as i64), ("needed", i64::from(task.quorum))];
        let mut members = vec![
            ("decisionId", Value::from(id)),
            ("choice", choice.map_or(Value::Null, Value::Str)),
            ("confidencePct", Value::Int(pct)),
            ("quorum", Value::object(quorum.map(|(key, n)| (key, Value::Int(n))))),
            ("votes", Value::object(votes.into_iter().map(|(choice, sum)| (choice, Value::Int(sum))))),
        ];
        members.extend(by.map(|by| ("vetoedBy", Value::Str(by.name.clone()))));
        Ok(Value::object(members))
    }

    /// The event that a task says, without what the place adds to it.
    pub(super) fn event(&self, task: &EmitTask, input: &Value, seen: &Seen<'_>) -> Result<Event, Problem> {
        let said = self.render(&task.event, input, seen)?;
        self.validate(task.contract, said.member("data").unwrap_or(&Value::Null))?;
        let wrong = || Problem::standard("configuration", 400, "the event has no `type`");
        let text = |key: &str| said.member(key).and_then(Value::as_str).map(Arc::<str>::from);
        let own = ["id", "source", "type", "subject", "time", "dataschema", "datacontenttype", "data", "specversion"];
        let more = said.as_object().into_iter().flat_map(Map::iter).filter(|(key, _)| !own.contains(&&***key));
        let more: Vec<(Arc<str>, Value)> = more.map(|(key, value)| (key.clone(), value.clone())).collect();
        let program = &self.code.program;
        Ok(Event {
            id: Arc::default(),
            source: text("source").unwrap_or_else(|| format!("/workflows/{}/{}", program.namespace, program.name).into()),
            kind: text("type").ok_or_else(wrong)?,
            subject: text("subject"),
            time: Some(text("time").unwrap_or_else(|| iso8601(self.now_us).into())),
            dataschema: text("dataschema"),
            datacontenttype: text("datacontenttype"),
            traceparent: None,
            hops: 1,
            extensions: if more.is_empty() { Value::Null } else { Value::object(more) },
            data: said.member("data").cloned().unwrap_or_default(),
        })
    }

    /// `emit`: one place sends one event; run again with the same content it answers as sent, with other content it parks.
    pub(super) fn emit(&mut self, about: About<'c>, mut event: Event, context: &mut Value) -> Result<Entered<'c>, Stop> {
        event.id = self.id.effect(about.at.as_str(), "emit").event_key().into();
        let sent = self.sent.entry(about.at.clone()).or_insert_with(|| event.clone()).clone();
        let again = sent.source == event.source && sent.fingerprint() == event.fingerprint();
        if !again {
            self.note("entered", &about.at);
            return Err(Stop::Parked(Problem::ours("conflict", 409, "another event was emitted here already")));
        }
        if !self.events.iter().any(|known| known.id == sent.id) {
            self.events.push(sent.clone());
            self.touched = true;
            self.note("emitted", &about.at);
        }
        self.ended(&about, as_value(&sent), about.task.then.clone(), context)
    }

    /// `call: agent`.
    pub(super) fn agent(&mut self, task: &'c AgentTask, input: &Value, seen: &Seen<'_>) -> Result<Begun<'c>, Problem> {
        let arguments = self.render(&task.input, input, seen)?;
        let code = self.code;
        let missing = || Problem::standard("configuration", 500, "there is no such agent");
        let spec = code.program.agents.get(&task.agent).ok_or_else(missing)?;
        self.validate(spec.input, &arguments)?;
        let seen = Seen { input: arguments.clone(), ..seen.clone() };
        for example in &spec.examples {
            let contains = example.contains.as_ref().is_none_or(|wanted| contains(&arguments, &wanted.to_lowercase()));
            if spec.model == Model::Scripted && contains && example.when.map_or(Ok(true), |when| self.holds(when, &arguments, &seen))? {
                let (first_us, takes_us) = (self.now_us, takes_us(&arguments));
                let wall_ms = if task.wall_ms > 0 { task.wall_ms.min(spec.wall_ms) } else { spec.wall_ms };
                let (deadline_us, due_us) = (first_us + wall_ms * 1000, first_us + takes_us);
                return Ok(Begun::Open(Kind::Run(Run {
                    spec,
                    example,
                    takes_us,
                    attempt: 1,
                    first_us,
                    deadline_us,
                    waits: false,
                    due_us,
                })));
            }
        }
        match answered_instead(&spec.failure) {
            Some(answer) => Ok(Begun::Ended(answer)),
            None => Err(Problem::ours("no-example-matches", 422, "no example applies")),
        }
    }

    /// A run whose answer, or whose next attempt, may be due.
    pub(super) fn run_on(&mut self, about: &About<'c>, run: &mut Run<'c>, context: &mut Value) -> Went {
        if self.now_us < run.due_us {
            return Ok(None);
        }
        if run.waits {
            (run.waits, run.due_us) = (false, self.now_us + run.takes_us);
            return Ok(None);
        }
        let answer = match &run.example.fails {
            Some(why) => Err(Problem::ours("agent-failed", 502, &**why)),
            None => self.validate(run.spec.output, &run.example.answer).map(|()| run.example.answer.clone()),
        };
        let problem = match answer {
            Ok(answer) => return self.complete(about, answer, about.task.then.clone(), context),
            Err(problem) => problem,
        };
        let again_us = next_us(&run.spec.retry, run.attempt, run.first_us, self.now_us).filter(|due_us| *due_us < run.deadline_us);
        if let Some(due_us) = again_us {
            let waits = due_us > self.now_us;
            (run.attempt, run.waits, run.due_us) = (run.attempt + 1, waits, if waits { due_us } else { due_us + run.takes_us });
            return Ok(None);
        }
        match answered_instead(&run.spec.failure) {
            Some(answer) => self.complete(about, answer, about.task.then.clone(), context),
            None => Err(self.fails(about, problem)),
        }
    }
}

/// What an agent's file says instead of an answer; the reference knows no people.
fn answered_instead(failure: &FailureMode) -> Option<Value> {
    match failure {
        FailureMode::Fail | FailureMode::Review(_) => None,
        FailureMode::Abstain => Some(Value::Null),
        FailureMode::Default(answer) => Some(answer.clone()),
    }
}

/// Whether a string inside contains `wanted`, whatever its case.
fn contains(value: &Value, wanted: &str) -> bool {
    match value {
        Value::Str(text) => text.to_lowercase().contains(wanted),
        Value::Array(items) => items.iter().any(|item| contains(item, wanted)),
        Value::Object(map) => map.iter().any(|(_, member)| contains(member, wanted)),
        Value::Null | Value::Bool(_) | Value::Int(_) | Value::Float(_) => false,
    }
}

fn opinions(task: &DecideTask, rendered: &Value) -> Result<Vec<Opinion>, Problem> {
    let wrong = || Problem::standard("validation", 400, "the opinions are not as `decide` needs them");
    let mut opinions = Vec::new();
    for (name, said) in rendered.as_object().ok_or_else(wrong)?.iter().filter(|(_, said)| !said.is_null()) {
        let choice = said.member("choice").and_then(Value::as_str).ok_or_else(wrong)?.into();
        let pct = said.member("confidencePct").and_then(Value::as_int).filter(|pct| (0..=100).contains(pct)).ok_or_else(wrong)?;
        let weight = match task.rule {
            DecideRule::WeightedMajority => task.weights.iter().find(|(who, _)| who == name).map_or(1, |(_, weight)| *weight),
            _ => 1,
        };
        opinions.push(Opinion { name: name.clone(), choice, pct, weight });
    }
    Ok(opinions)
}

/// The choice by the rule, with its confidence; `None` is a tie.
fn chosen(task: &DecideTask, opinions: &[Opinion], votes: &[(Arc<str>, i64)]) -> Option<(Arc<str>, i64)> {
    let winner = |wins: &dyn Fn(i64) -> bool| votes.iter().find(|(_, sum)| wins(*sum)).map(|(choice, _)| choice.clone());
    let top = votes.iter().map(|(_, sum)| *sum).max()?;
    let highest = opinions.iter().map(|said| said.pct).max()?;
    let choice = match task.rule {
        DecideRule::Majority => winner(&|sum| sum * 2 > opinions.len() as i64)?,
        DecideRule::WeightedMajority if votes.iter().filter(|(_, sum)| *sum == top).count() > 1 => return None,
        DecideRule::WeightedMajority => winner(&|sum| sum == top)?,
        DecideRule::Unanimous if votes.len() > 1 => return None,
        DecideRule::Unanimous => winner(&|_| true)?,
        DecideRule::Quorum => winner(&|sum| sum >= i64::from(task.quorum.max(1)))?,
        DecideRule::FirstValid => return opinions.first().map(|said| (said.choice.clone(), said.pct)),
        DecideRule::Judge => {
            return opinions.iter().find(|said| Some(&said.name) == task.judge.as_ref()).map(|said| (said.choice.clone(), said.pct));
        }
        DecideRule::HighestConfidence => {
            let mut at_top = opinions.iter().filter(|said| said.pct == highest);
            let first = at_top.next()?;
            return at_top.all(|said| said.choice == first.choice).then(|| (first.choice.clone(), highest));
        }
    };
    let supporters = || opinions.iter().filter(|said| said.choice == choice);
    let weights: i64 = supporters().map(|said| said.weight).sum();
    let sum: i64 = supporters().map(|said| said.weight * said.pct).sum();
    let pct = if weights > 0 { (2 * sum + weights) / (2 * weights) } else { 0 };
    Some((choice, pct))
}

/// The event as sent.
fn as_value(event: &Event) -> Value {
    let optional = [
        ("subject", &event.subject),
        ("time", &event.time),
        ("dataschema", &event.dataschema),
        ("datacontenttype", &event.datacontenttype),
    ];
    let mut members: Vec<(Arc<str>, Value)> =
        event.extensions.as_object().into_iter().flat_map(Map::iter).map(|(k, v)| (k.clone(), v.clone())).collect();
    for (key, text) in [("specversion", "1.0"), ("id", &*event.id), ("source", &*event.source), ("type", &*event.kind)] {
        members.push((key.into(), Value::from(text)));
    }
    members.extend(optional.into_iter().filter_map(|(key, text)| Some((key.into(), Value::Str(text.clone()?)))));
    members.push(("data".into(), event.data.clone()));
    Value::object(members)
}
