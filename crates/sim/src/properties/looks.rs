//! The reconciliation schedule looks in order, not more often than it may, not sooner than it says, by its own timer, and never beyond
//! what policy lets it; what nobody can be asked about is looked at once for each time that it comes into doubt.

use std::collections::BTreeMap;

use provost_model::EffectId;
use provost_model::program::Reconcile;
use provost_model::record::{Command, Fact, Intent, Look, Transition};

use super::Left;
use crate::world::World;

/// The last look at one thing.
struct Last {
    look: u32,
    at_us: i64,
    outcome: Look,
}

/// Holds the looks in the journals against what their workflows say.
pub fn check(world: &World, left: &Left) -> Vec<String> {
    let mut found = Vec::new();
    for ((tenant, id), (_, rows)) in &left.journals {
        let start = left.states.get(&(tenant.clone(), *id)).and_then(|state| state.start.clone());
        let spec = start
            .and_then(|start| world.corpus_registry.program(tenant, &start.pin, &start.workflow))
            .and_then(|code| code.program.reconcile);
        let mut last = BTreeMap::new();
        for transition in rows.iter().filter_map(|kept| kept.transition.as_ref()) {
            found.extend(looks(spec, transition, &mut last).into_iter().map(|what| format!("`{id}`: {what}")));
        }
    }
    found
}

fn looks(spec: Option<Reconcile>, transition: &Transition, last: &mut BTreeMap<Option<EffectId>, Last>) -> Vec<String> {
    let mut found = Vec::new();
    for fact in &transition.facts {
        if let Fact::Resolved { effect, .. } = fact {
            // Sent once more by a person, it may be in doubt anew.
            last.entry(Some(*effect)).and_modify(|last| last.outcome = Look::Asked);
        }
        let Fact::Reconciled { effect, look, outcome } = fact else { continue };
        let (effect, look, outcome, at_us) = (*effect, *look, *outcome, transition.ambient.now_us);
        let before = last.insert(effect, Last { look, at_us, outcome });
        let Some(spec) = spec else {
            found.push("a workflow without a schedule was looked at".to_owned());
            continue;
        };
        let timer = effect.map_or_else(|| "reconcile:parked".to_owned(), |effect| format!("reconcile:{effect}"));
        if !matches!(&transition.command, Command::Timer { id } if **id == *timer) {
            found.push(format!("look {look} at `{timer}` came without its timer"));
        }
        if look != before.as_ref().map_or(1, |before| before.look + 1) || look > spec.looks_max {
            found.push(format!("look {look} at `{timer}` of {} is out of order", spec.looks_max));
        }
        if before.as_ref().is_some_and(|before| at_us - before.at_us < spec.every_ms * 1000 || before.outcome == Look::Unanswerable) {
            found.push(format!("look {look} at `{timer}` came too soon"));
        }
        let sent = |intent: &Intent| matches!(intent, Intent::Attempt { .. });
        if outcome != Look::Redriven && transition.intents.iter().any(sent) {
            found.push(format!("look {look} at `{timer}` sent something"));
        }
    }
    found
}
