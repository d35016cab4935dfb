//! A schedule goes forward only, a time of it starts one orchestration, what it says it started has begun, where missed times count, going
//! forward starts something, and a run that goes by the end of the one before begins when that end said so.

use std::collections::BTreeMap;

use provost_model::program::{Missed, Schedule, Times};
use provost_model::record::Stream;
use provost_runtime::{InboxFact, inbox};

use super::Left;
use crate::world::World;

/// What a schedule said last.
struct Last {
    at_us: i64,
    /// When the next is due, as the end of a run said.
    next_us: Option<i64>,
    /// Whether any end of a run ever said so.
    by_ends: bool,
}

/// Holds what schedules say against the journals.
pub fn check(world: &World, left: &Left) -> Vec<String> {
    let mut found = Vec::new();
    let mut last: BTreeMap<_, Last> = BTreeMap::new();
    let mut begun: BTreeMap<_, u32> = BTreeMap::new();
    for row in left.feeds.iter().flatten().map(|kept| &kept.row).filter(|row| matches!(row.stream, Stream::Inbox(_))) {
        let facts = row.json().ok().and_then(|json| inbox::decode(&json).ok());
        for fact in facts.unwrap_or_default() {
            let InboxFact::Ticked { workflow, pin, at_us, started, next_us } = fact else { continue };
            let key = (row.tenant.clone(), workflow.clone(), pin);
            let by_ends = next_us.is_some() || last.get(&key).is_some_and(|before| before.by_ends);
            let before = last.insert(key, Last { at_us, next_us, by_ends });
            let schedule = world.corpus_registry.program(&row.tenant, &pin, &workflow).and_then(|code| code.program.schedule.clone());
            let by_times = |schedule: &Schedule| schedule.missed != Missed::None && !matches!(schedule.at, Times::AfterMs(_));
            if before.is_some() && started.is_empty() && schedule.is_some_and(|schedule| by_times(&schedule)) {
                found.push(format!("the schedule of `{workflow}` went on to {at_us} and started nothing"));
            }
            let back = before.as_ref().is_some_and(|before| before.at_us > at_us || before.at_us == at_us && !started.is_empty());
            if back {
                found.push(format!("the schedule of `{workflow}` went back to {at_us}"));
            }
            if by_ends && !started.is_empty() && before.is_none_or(|before| before.next_us != Some(at_us)) {
                found.push(format!("the schedule of `{workflow}` started at {at_us}, which no end of a run said"));
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
