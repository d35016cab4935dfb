//! Plans: none is carried out that policy was not asked about in the same transition; at one place the same plan keeps its number, and
//! another plan has another one.

use std::collections::BTreeMap;

use provost_model::Answer;
use provost_model::record::Fact;

use super::Left;

/// Names plans that nobody allowed, and those that were numbered wrongly.
pub fn check(left: &Left) -> Vec<String> {
    let mut found = Vec::new();
    for ((_, id), (_, rows)) in &left.journals {
        let mut numbers = BTreeMap::new();
        for transition in rows.iter().filter_map(|kept| kept.transition.as_ref()) {
            for fact in &transition.facts {
                let Fact::Planned { at, revision, digest, .. } = fact else { continue };
                let spent = transition.facts.iter().any(|fact| matches!(fact, Fact::ApprovalSpent { .. }));
                let allows = |answer: &Answer| *answer == Answer::Allow || *answer == Answer::Review && spent;
                let shown = |fact: &Fact| matches!(fact, Fact::Judged { at: place, action, answer, .. } if place == at && &**action == "plan.execute" && allows(answer));
                if !transition.facts.iter().any(shown) {
                    found.push(format!("`{id}` carries out a plan at `{at}` that policy did not allow"));
                }
                let known: &mut BTreeMap<_, u32> = numbers.entry(at).or_default();
                let before = known.insert(*digest, *revision);
                if before.is_some_and(|before| before != *revision) {
                    found.push(format!("`{id}` carries out the same plan at `{at}` as number {before:?} and as {revision}"));
                }
                if known.values().filter(|number| *number == revision).count() > 1 {
                    found.push(format!("`{id}` has two plans of number {revision} at `{at}`"));
                }
            }
        }
    }
    found
}
