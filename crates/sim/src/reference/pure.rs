//! `rules` and `decide`: calls of the catalogue that are answered at once, from what they are given.

use std::sync::Arc;

use provost_model::program::{DecideRule, DecideTask, HitPolicy, RulesTask};
use provost_model::{Problem, Value};

use super::evaluate::Seen;
use super::flow::{About, Interpreter};

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
