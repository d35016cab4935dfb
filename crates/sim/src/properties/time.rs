//! The time of a partition's rows never goes back; no timer fires, and no retry begins, early.

use std::collections::BTreeMap;
use std::sync::Arc;

use provost_model::record::Fact;

use super::{Kept, Left};

/// Reads every feed in the order of its commits.
pub fn check(left: &Left) -> Vec<String> {
    let mut found = Vec::new();
    for rows in &left.feeds {
        let back = rows.iter().zip(rows.iter().skip(1)).filter(|(a, b)| b.row.recorded_at_us < a.row.recorded_at_us);
        found.extend(back.map(|(a, b)| format!("time goes back from {} to {} us", a.row.recorded_at_us, b.row.recorded_at_us)));
    }
    found.extend(left.journals.values().flat_map(|(_, rows)| early(rows)));
    found
}

fn early(rows: &[Arc<Kept>]) -> Vec<String> {
    let (mut due, mut found) = (BTreeMap::new(), Vec::new());
    let mut retries = BTreeMap::new();
    for transition in rows.iter().filter_map(|kept| kept.transition.as_ref()) {
        for fact in &transition.facts {
            match fact {
                Fact::TimerSet { id, due_us, .. } => drop(due.insert(id.clone(), *due_us)),
                Fact::TimerFired { id } if due.get(id).is_none_or(|due_us| *due_us > transition.ambient.now_us) => {
                    found.push(format!("timer `{id}` fired early"));
                }
                Fact::RetryScheduled { at, due_us, .. } => drop(retries.insert(at.clone(), *due_us)),
                Fact::Retried { at } if retries.get(at).is_none_or(|due_us| *due_us > transition.ambient.now_us) => {
                    found.push(format!("the retry at `{at}` began early"));
                }
                _ => {}
            }
        }
    }
    found
}
