//! Lifecycle events, derived when a journal is read: who read row by row over every crash heard what whoever reads it afresh hears; each
//! start has one end; nothing of it is on a disk.

use std::collections::BTreeMap;

use provost_engine::lifecycle::{Lifecycle, LifecycleEvent, lifecycle};
use provost_model::marks::Sight;
use provost_model::record::{Row, Stream};
use provost_model::value::canonical;
use provost_model::{OrchestrationId, TenantId};
use provost_runtime::Registry;
use provost_store::Store as _;
use provost_store::memory::Memory;

use super::Left;
use crate::world::World;

/// What followers heard so far, as it was sent to them.
pub type Followed = BTreeMap<(TenantId, OrchestrationId), (Lifecycle, Vec<String>)>;

/// Followers of everything on `disk` hear what is new there.
pub fn follow(disk: &mut Memory, registry: &Registry, followed: &mut Followed) {
    for row in disk.open_work(None, usize::MAX).unwrap_or_default() {
        let key = (row.tenant.clone(), row.orchestration);
        let (life, heard) =
            followed.entry(key).or_insert_with(|| (Lifecycle::new(row.tenant.clone(), row.orchestration, Sight::Usual), Vec::new()));
        for row in disk.rows(&row.tenant, &Stream::Orchestration(row.orchestration), life.sequence(), usize::MAX).unwrap_or_default() {
            let Ok(transition) = row.transition() else { break };
            let start = transition.facts.iter().find_map(|fact| match fact {
                provost_model::record::Fact::Started { start, .. } => start.clone(),
                _ => None,
            });
            let start = start.map(std::sync::Arc::from).or_else(|| life.start());
            let Some(code) = start.and_then(|start| registry.program(&row.tenant, &start.pin, &start.workflow)) else { break };
            heard.extend(life.read(&code.program, &transition).iter().map(|event| canonical(&event.to_value())));
        }
    }
}

/// Holds what is read of every journal against what was heard and against itself.
pub fn check(world: &World, left: &Left) -> Vec<String> {
    let mut found = Vec::new();
    for (key, (_, rows)) in &left.journals {
        let Some(state) = left.states.get(key) else { continue };
        let code = state.start.as_ref().and_then(|start| world.corpus_registry.program(&key.0, &start.pin, &start.workflow));
        let Some(code) = code else { continue };
        let rows: Vec<Row> = rows.iter().map(|kept| kept.row.clone()).collect();
        let events = match lifecycle(&code.program, key.0.clone(), key.1, &rows) {
            Ok(events) => events,
            Err(_damaged) => continue,
        };
        found.extend(unbalanced(&events, state.is_ended()).map(|what| format!("`{}`: {what}", key.1)));
        let heard = world.followed.get(key).map(|(_, heard)| heard.as_slice()).unwrap_or_default();
        let afresh: Vec<String> = events.iter().map(|event| canonical(&event.to_value())).collect();
        if !afresh.starts_with(heard) {
            found.push(format!("a follower of `{}` heard other events than its journal gives", key.1));
        }
        let stored = rows.iter().any(|row| row.json().is_ok_and(|json| String::from_utf8_lossy(&json).contains(TYPE_PREFIX)));
        if stored {
            found.push(format!("the journal of `{}` holds a lifecycle event", key.1));
        }
    }
    found
}

const TYPE_PREFIX: &str = provost_engine::lifecycle::TYPE_PREFIX;

/// What does not fit together in the events of one orchestration: an id twice, a start without an end or an end without a start.
pub fn unbalanced(events: &[LifecycleEvent], ended: bool) -> Option<String> {
    let mut seen = std::collections::BTreeSet::new();
    let mut open: BTreeMap<String, u32> = BTreeMap::new();
    for LifecycleEvent { event, .. } in events {
        if !seen.insert(event.id.clone()) {
            return Some(format!("`{}` is told twice", event.id));
        }
        let what = event.kind.trim_start_matches(TYPE_PREFIX).trim_end_matches(".v1");
        let Some((of, what)) = what.split_once('.') else { return Some(format!("`{what}` is no type")) };
        let place = event.extensions.member("position").and_then(|at| at.as_str()).unwrap_or_default();
        let place = format!("{of} {place}");
        let begun = open.get(&place).copied().unwrap_or(0);
        match what {
            "started" if begun > 0 => return Some(format!("{place} started and had not ended")),
            "started" => open.insert(place, 1),
            "completed" | "faulted" | "cancelled" if begun == 0 => {
                return Some(format!("{place} ended and had not started: `{}`", event.id));
            }
            "completed" | "faulted" | "cancelled" => open.remove(&place),
            "suspended" | "resumed" | "retried" if begun == 0 => return Some(format!("{place} is not open: `{}`", event.id)),
            _ => None,
        };
    }
    let left: Vec<&String> = open.keys().filter(|place| ended || **place != "workflow ").collect();
    (ended && !left.is_empty()).then(|| format!("never ended: {left:?}"))
}
