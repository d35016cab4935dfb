//! `call: decide`: opinions become one decision, purely; the decision record is a fact.
//!
//! Opinions are taken in the order of their names, so that nothing depends on how a map was written.

use std::sync::Arc;

use provost_model::program::{DecideRule, DecideTask};
use provost_model::record::Fact;
use provost_model::{Labelled, Labels, Problem, Value};

use super::ended;
use crate::flow::{Entering, Entry};
use crate::origin;
use crate::turn::Turn;

pub(super) fn enter(turn: &mut Turn<'_>, entering: &Entering<'_>, task: &DecideTask) -> Result<Entry, Problem> {
    let opinions = turn.render(&task.opinions, &entering.input, &entering.scope())?;
    let round = turn.state.round(entering.at);
    let decision = turn.state.id.decision(entering.at.as_str(), &round);
    let judged = aggregate(task, &read(&opinions)?);
    let outcome = judged.to_value(decision.to_string());
    let label = opinions.labels.all();
    // Its id comes from the position, not from what anybody said.
    let said = outcome.as_object().into_iter().flat_map(|map| map.iter()).filter(|(key, _)| &***key != "decisionId");
    let labels = Labels::of(said.map(|(key, _)| (format!("/{key}"), label)));
    let labels = origin::returned(turn, entering.ix, &outcome, labels);
    let outcome = Labelled::new(outcome, labels);
    let both = Labelled::object([("opinions", opinions.clone()), ("outcome", outcome.clone())]).labels.sensitive();
    let (at, opinions, decided) = (entering.at.clone(), opinions.value, outcome.value.clone());
    turn.emit(Fact::Decided { decision, at, opinions, outcome: decided, labels: both });
    ended(entering, outcome)
}

/// One agent's contribution.
struct Opinion {
    name: Arc<str>,
    choice: Arc<str>,
    confidence_pct: i64,
}

/// What came of the opinions.
struct Judged {
    choice: Option<Arc<str>>,
    confidence_pct: i64,
    present: usize,
    needed: u32,
    votes: Vec<(Arc<str>, i64)>,
    vetoed_by: Option<Arc<str>>,
}

impl Judged {
    fn to_value(&self, id: String) -> Value {
        let quorum = Value::object([("present", int(self.present as i64)), ("needed", int(i64::from(self.needed)))]);
        let mut members = vec![
            ("decisionId", Value::from(id)),
            ("choice", self.choice.clone().map_or(Value::Null, Value::Str)),
            ("confidencePct", int(self.confidence_pct)),
            ("quorum", quorum),
            ("votes", Value::object(self.votes.iter().map(|(choice, sum)| (choice.clone(), int(*sum))))),
        ];
        if let Some(by) = &self.vetoed_by {
            members.push(("vetoedBy", Value::Str(by.clone())));
        }
        Value::object(members)
    }
}

fn int(n: i64) -> Value {
    Value::Int(n)
}

/// The opinions that are there; `null` is absent, anything else must be an opinion.
fn read(opinions: &Value) -> Result<Vec<Opinion>, Problem> {
    let wrong = |detail: String| Problem::standard("validation", 400, "the opinions are not as `decide` needs them").detail(detail);
    let Some(map) = opinions.as_object() else {
        return Err(wrong(format!("`opinions` is {}; write an object of names and opinions", opinions.kind())));
    };
    let present = map.iter().filter(|(_, opinion)| !opinion.is_null());
    present
        .map(|(name, opinion)| {
            let choice = opinion.member("choice").and_then(Value::as_str);
            let confidence = opinion.member("confidencePct").and_then(Value::as_int).filter(|pct| (0..=100).contains(pct));
            match (choice, confidence) {
                (Some(choice), Some(confidence_pct)) => Ok(Opinion { name: name.clone(), choice: choice.into(), confidence_pct }),
                (_, _) => Err(wrong(format!("`{name}` must be null or `{{ choice: text, confidencePct: 0 to 100 }}`"))),
            }
        })
        .collect()
}

fn weight(task: &DecideTask, name: &str) -> i64 {
    let weighted = matches!(task.rule, DecideRule::WeightedMajority);
    task.weights.iter().find(|(who, _)| weighted && **who == *name).map_or(1, |(_, weight)| *weight)
}

fn aggregate(task: &DecideTask, opinions: &[Opinion]) -> Judged {
    let mut judged = Judged {
        choice: task.tie.clone(),
        confidence_pct: 0,
        present: opinions.len(),
        needed: task.quorum,
        votes: votes(task, opinions),
        vetoed_by: None,
    };
    let veto = task
        .veto
        .iter()
        .find_map(|veto| opinions.iter().find(|o| o.name == veto.by && o.choice == veto.choice && o.confidence_pct >= veto.confidence_pct));
    if let Some(veto) = veto {
        judged.choice = Some(veto.choice.clone());
        judged.confidence_pct = veto.confidence_pct;
        judged.vetoed_by = Some(veto.name.clone());
        return judged;
    }
    if opinions.is_empty() || (opinions.len() as u64) < u64::from(task.quorum) {
        return judged;
    }
    if let Some((choice, confidence_pct)) = by_rule(task, opinions, &judged.votes) {
        judged.choice = Some(choice);
        judged.confidence_pct = confidence_pct;
    }
    judged
}

/// The sum of weights by choice, in the order in which choices were first named.
fn votes(task: &DecideTask, opinions: &[Opinion]) -> Vec<(Arc<str>, i64)> {
    let mut votes: Vec<(Arc<str>, i64)> = Vec::new();
    for opinion in opinions {
        let weight = weight(task, &opinion.name);
        match votes.iter_mut().find(|(choice, _)| *choice == opinion.choice) {
            Some((_, sum)) => *sum = sum.saturating_add(weight),
            None => votes.push((opinion.choice.clone(), weight)),
        }
    }
    votes
}

/// The choice by the task's rule; `None` is a tie.
fn by_rule(task: &DecideTask, opinions: &[Opinion], votes: &[(Arc<str>, i64)]) -> Option<(Arc<str>, i64)> {
    let supported = |choice: &Arc<str>| (choice.clone(), mean(task, opinions, choice));
    let named = |opinion: &Opinion| (opinion.choice.clone(), opinion.confidence_pct);
    match task.rule {
        DecideRule::Majority => votes.iter().find(|(_, sum)| *sum * 2 > opinions.len() as i64).map(|(choice, _)| supported(choice)),
        DecideRule::WeightedMajority => only_largest(votes).map(|choice| supported(&choice)),
        DecideRule::Unanimous => match votes {
            [(choice, _)] => Some(supported(choice)),
            _ => None,
        },
        DecideRule::Quorum => votes.iter().find(|(_, sum)| *sum >= i64::from(task.quorum.max(1))).map(|(choice, _)| supported(choice)),
        DecideRule::FirstValid => opinions.first().map(named),
        DecideRule::HighestConfidence => {
            let highest = opinions.iter().map(|o| o.confidence_pct).max()?;
            let mut at_top = opinions.iter().filter(|o| o.confidence_pct == highest);
            let first = at_top.next()?;
            at_top.all(|o| o.choice == first.choice).then(|| named(first))
        }
        DecideRule::Judge => opinions.iter().find(|o| Some(&o.name) == task.judge.as_ref()).map(named),
    }
}

fn only_largest(votes: &[(Arc<str>, i64)]) -> Option<Arc<str>> {
    let largest = votes.iter().map(|(_, sum)| *sum).max()?;
    let mut at_top = votes.iter().filter(|(_, sum)| *sum == largest);
    let first = at_top.next()?;
    at_top.next().is_none().then(|| first.0.clone())
}

/// The weighted mean confidence of a choice's supporters, an integer, half up.
fn mean(task: &DecideTask, opinions: &[Opinion], choice: &Arc<str>) -> i64 {
    let mut sum = 0_i128;
    let mut weights = 0_i128;
    for opinion in opinions.iter().filter(|o| o.choice == *choice) {
        let weight = i128::from(weight(task, &opinion.name));
        sum += weight * i128::from(opinion.confidence_pct);
        weights += weight;
    }
    if weights <= 0 {
        return 0;
    }
    i64::try_from((sum * 2 + weights).div_euclid(weights * 2)).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

    use provost_model::program::{Template, Veto};

    use super::*;

    fn task(rule: DecideRule) -> DecideTask {
        let weights = vec![("policy".into(), 2), ("fraud".into(), 2), ("history".into(), 1)];
        let tie = Some("unsure".into());
        DecideTask {
            opinions: Template::Literal(Value::Null),
            rule,
            weights,
            veto: Vec::new(),
            quorum: 2,
            tie,
            judge: Some("fraud".into()),
        }
    }

    fn opinions(list: &[(&str, &str, i64)]) -> Vec<Opinion> {
        let value =
            Value::object(list.iter().map(|(name, choice, pct)| {
                (*name, Value::object([("choice", Value::from(*choice)), ("confidencePct", Value::Int(*pct))]))
            }));
        read(&value).unwrap()
    }

    fn check(rule: DecideRule, list: &[(&str, &str, i64)], choice: &str, pct: i64) {
        let judged = aggregate(&task(rule), &opinions(list));
        assert_eq!((judged.choice.as_deref(), judged.confidence_pct), (Some(choice), pct), "{rule:?} over {list:?}");
    }

    #[test]
    fn each_rule_decides_as_written() {
        let split = [("fraud", "approve", 74), ("history", "reject", 60), ("policy", "approve", 91)];
        check(DecideRule::WeightedMajority, &split, "approve", 83);
        check(DecideRule::Majority, &split, "approve", 83);
        check(DecideRule::Unanimous, &split, "unsure", 0);
        check(DecideRule::Quorum, &split, "approve", 83);
        check(DecideRule::FirstValid, &split, "approve", 74);
        check(DecideRule::HighestConfidence, &split, "approve", 91);
        check(DecideRule::Judge, &split, "approve", 74);
    }

    #[test]
    fn no_quorum_and_equal_sums_are_ties() {
        check(DecideRule::WeightedMajority, &[("policy", "approve", 90)], "unsure", 0);
        check(DecideRule::WeightedMajority, &[("policy", "approve", 90), ("fraud", "reject", 90)], "unsure", 0);
        check(DecideRule::Majority, &[("policy", "approve", 90), ("fraud", "reject", 90)], "unsure", 0);
        check(DecideRule::HighestConfidence, &[("policy", "approve", 90), ("fraud", "reject", 90)], "unsure", 0);
    }

    #[test]
    fn a_veto_overrules_from_its_confidence() {
        let mut vetoed = task(DecideRule::WeightedMajority);
        vetoed.veto = vec![Veto { by: "fraud".into(), choice: "reject".into(), confidence_pct: 80 }];
        let strong = aggregate(&vetoed, &opinions(&[("fraud", "reject", 80), ("history", "approve", 99), ("policy", "approve", 99)]));
        assert_eq!((strong.choice.as_deref(), strong.vetoed_by.as_deref()), (Some("reject"), Some("fraud")));
        let weak = aggregate(&vetoed, &opinions(&[("fraud", "reject", 79), ("history", "approve", 99), ("policy", "approve", 99)]));
        assert_eq!((weak.choice.as_deref(), weak.vetoed_by), (Some("approve"), None));
    }

    #[test]
    fn half_is_rounded_up() {
        check(DecideRule::Majority, &[("a", "x", 50), ("b", "x", 51)], "x", 51);
    }

    #[test]
    fn what_is_no_opinion_is_refused() {
        for wrong in [Value::from("x"), Value::object([("a", Value::from("yes"))]), Value::object([("a", Value::empty())])] {
            assert!(read(&wrong).is_err());
        }
        assert!(read(&Value::object([("a", Value::Null)])).unwrap().is_empty());
    }
}
