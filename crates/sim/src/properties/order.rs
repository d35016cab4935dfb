//! An ordering key is a line: one orchestration at a time, in the order of their starts, seen in the order of the commits.

use std::collections::{BTreeMap, BTreeSet};

use provost_model::record::{Fact, Stream};

use super::Left;

/// Names whoever began while another one of its key was under way, and whoever was overtaken.
pub fn check(left: &Left) -> Vec<String> {
    let mut found = Vec::new();
    for feed in &left.feeds {
        let (mut front, mut waiting, mut keys) = (BTreeMap::new(), BTreeMap::<_, Vec<_>>::new(), BTreeMap::new());
        for kept in feed {
            let (row, Stream::Orchestration(id)) = (&kept.row, &kept.row.stream) else { continue };
            let (id, Some(transition)) = (*id, &kept.transition) else { continue };
            let queued = transition.facts.iter().any(|fact| matches!(fact, Fact::Queued { .. }));
            for fact in &transition.facts {
                match fact {
                    Fact::Started { start: Some(start), .. } => {
                        let Some(order) = start.order.clone() else { continue };
                        let key = (row.tenant.clone(), start.workflow.clone(), order);
                        keys.insert(id, key.clone());
                        if queued {
                            waiting.entry(key).or_default().push(id);
                        } else if let Some(other) = front.insert(key, id) {
                            found.push(format!("`{id}` began while `{other}` was under way"));
                        }
                    }
                    Fact::Admitted => {
                        let Some(key) = keys.get(&id).cloned() else { continue };
                        let line = waiting.entry(key.clone()).or_default();
                        if line.first() != Some(&id) {
                            found.push(format!("`{id}` overtook `{:?}`", line.first()));
                        }
                        line.retain(|other| *other != id);
                        if let Some(other) = front.insert(key, id) {
                            found.push(format!("`{id}` was called up while `{other}` was under way"));
                        }
                    }
                    Fact::Ended { .. } => {
                        let Some(key) = keys.get(&id) else { continue };
                        waiting.entry(key.clone()).or_default().retain(|other| *other != id);
                        if front.get(key) == Some(&id) {
                            front.remove(key);
                        }
                    }
                    _ => {}
                }
            }
        }
        let names: BTreeSet<_> = waiting.values().flatten().collect();
        found.extend(names.iter().map(|id| format!("`{id}` still waits for its turn")));
    }
    found
}
