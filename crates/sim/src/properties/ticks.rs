//! A schedule goes forward only, a time of it starts one orchestration, what it says it started has begun, and where missed times count,
//! going forward starts something.

use std::collections::BTreeMap;

use provost_model::program::Missed;
use provost_model::record::Stream;
use provost_runtime::{InboxFact, inbox};

use super::Left;
use crate::world::World;

/// Holds what schedules say against the journals.
pub fn check(world: &World, left: &Left) -> Vec<String> {
    let mut found = Vec::new();
    let mut last = BTreeMap::new();
    let mut begun: BTreeMap<_, u32> = BTreeMap::new();
    for row in left.feeds.iter().flatten().map(|kept| &kept.row).filter(|row| matches!(row.stream, Stream::Inbox(_))) {
        let facts = row.json().ok().and_then(|json| inbox::decode(&json).ok());
        for fact in facts.unwrap_or_default() {
            let InboxFact::Ticked { workflow, pin, at_us, started } = fact else { continue };
            let before = last.insert((row.tenant.clone(), workflow.clone(), pin), at_us);
            let schedule = world.corpus_registry.program(&row.tenant, &pin, &workflow).and_then(|code| code.program.schedule.clone());
            let must_start = schedule.is_some_and(|schedule| schedule.missed != Missed::None);
            if before.is_some() && started.is_empty() && must_start {
                found.push(format!("the schedule of `{workflow}` went on to {at_us} and started nothing"));
            }
            if before.is_some_and(|before| before >= at_us) {
                found.push(format!("the schedule of `{workflow}` went back to {at_us}"));
            }
            for id in started {
                *begun.entry((row.tenant.clone(), id)).or_default() += 1;
                if world.ended_in_time && !left.journals.contains_key(&(row.tenant.clone(), id)) {
                    found.push(format!("the schedule of `{workflow}` started `{id}`, which has no journal"));
                }
            }
        }
    }
    found.extend(begun.iter().filter(|(_, n)| **n > 1).map(|((_, id), n)| format!("a schedule started `{id}` {n} times")));
    let at_times =
        left.states.iter().filter(|(_, state)| state.start.as_ref().is_some_and(|start| start.input.member("scheduledAt").is_some()));
    let unknown = at_times.filter(|(key, _)| !begun.contains_key(*key));
    found.extend(unknown.map(|((_, id), _)| format!("`{id}` was started at a time, and no schedule says so")));
    found
}
