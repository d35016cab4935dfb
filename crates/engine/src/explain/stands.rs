//! How it stands: status, summary, why, and what can be typed.

use provost_model::Problem;
use provost_model::program::EffectClass;
use provost_model::record::{EffectState, Ending};

use super::once::place;
use super::{Story, ending};
use crate::reconcile;
use crate::state::{Child, ChildState, Effect, Orchestration, Phase};

fn in_doubt(state: &Orchestration) -> impl Iterator<Item = (&provost_model::EffectId, &std::sync::Arc<Effect>)> {
    state.effects.iter().filter(|(_, effect)| effect.state == EffectState::InDoubt)
}

fn open_reviews(state: &Orchestration) -> impl Iterator<Item = (&provost_model::ReviewId, &std::sync::Arc<crate::state::Review>)> {
    state.reviews.iter().filter(|(_, review)| review.answer.is_none() && !review.closed)
}

/// A length of time for people.
fn length(us: i64) -> String {
    let seconds = us.max(0) / 1_000_000;
    match (seconds / 3600, seconds / 60 % 60) {
        (0, 0) => format!("{seconds} s"),
        (0, minutes) => format!("{minutes} min"),
        (hours, minutes) => format!("{hours} h {minutes} min"),
    }
}

/// The status in capitals.
pub(super) fn status(state: &Orchestration, now_us: i64) -> String {
    match (ending(state), &state.parked) {
        (Some(Ending::Completed), _) => "COMPLETED".to_owned(),
        (Some(Ending::Faulted), _) => "FAULTED".to_owned(),
        (Some(Ending::Cancelled), _) => "CANCELLED".to_owned(),
        (None, Some(_)) => "PARKED, WAITS FOR A PERSON".to_owned(),
        (None, None) => {
            let since = in_doubt(state).map(|(_, e)| e.last_us).chain(open_reviews(state).map(|(_, r)| r.opened_us)).min();
            match since {
                Some(since_us) => format!("WAITS FOR A PERSON, {}", length(now_us - since_us)),
                None if matches!(state.phase, Phase::Cancelling { .. }) => "BEING CANCELLED".to_owned(),
                None if state.effects.values().any(|e| e.is_out()) => "RUNNING".to_owned(),
                None => "WAITS".to_owned(),
            }
        }
    }
}

/// An error by its title, and as a `catch` names it.
fn fault(problem: &Problem) -> String {
    format!("{} (type {}, status {})", problem.title, problem.kind, problem.status)
}

fn short(name: &str) -> &str {
    name.split('@').next().unwrap_or_default()
}

/// What matters, in sentences.
pub(super) fn summary(story: &Story<'_>) -> Vec<String> {
    let over = story.state.is_ended();
    let outside = story.state.effects.iter().filter(|(_, effect)| effect.class != EffectClass::E0);
    let mut sentences: Vec<String> = outside.map(|(id, effect)| sentence(&id.to_string(), effect, over)).collect();
    if let Some(problem) = &story.state.problem {
        let detail = if problem.detail.is_empty() { String::new() } else { format!(": {}", problem.detail) };
        sentences.push(format!("It ended with: {}{detail}", fault(problem)));
    }
    if let Some(parked) = &story.state.parked {
        sentences.push(format!("It is parked at {}: {}", place(&parked.at), fault(&parked.problem)));
    }
    let children = story.state.children.size();
    if sentences.is_empty() && children == 0 {
        sentences.push("Nothing was sent outside.".to_owned());
    }
    if children > 0 {
        let others = match children {
            1 => "one other orchestration; `provost explain` of it tells what was sent there".to_owned(),
            _ => format!("{children} other orchestrations; `provost explain` of each tells what was sent there"),
        };
        sentences.push(format!("It ran {others}."));
    }
    sentences
}

fn sentence(id: &str, effect: &Effect, over: bool) -> String {
    let name = short(&effect.name);
    match effect.state {
        EffectState::Done => {
            let theirs = effect.reference.as_ref().map_or_else(String::new, |theirs| format!(" (their ref {theirs})"));
            format!("`{name}` HAS been done, once{theirs}.")
        }
        EffectState::InDoubt if over => format!("Whether `{name}` was done is NOT KNOWN. It is over; {id} can still be resolved."),
        EffectState::InDoubt => format!("Whether `{name}` was done is NOT KNOWN. Nothing more leaves until {id} is resolved."),
        EffectState::Failed | EffectState::Abandoned => format!("`{name}` was NOT done."),
        EffectState::Conflict => format!("`{name}` is in CONFLICT: the same key was used with other arguments."),
        EffectState::Intended | EffectState::Sent | EffectState::Asked => format!("`{name}` is under way."),
        EffectState::Waiting => match &effect.behind {
            Some(behind) => format!("`{name}` has NOT left: it waits behind {behind}."),
            None => format!("`{name}` is under way."),
        },
        EffectState::Claiming => {
            format!("`{name}` has NOT left: its key `{}` is being asked for.", effect.business_key.as_deref().unwrap_or_default())
        }
    }
}

/// Why it stands.
pub(super) fn why(story: &Story<'_>, now_us: i64) -> Vec<String> {
    let state = &story.state;
    let mut reasons = Vec::new();
    for (_, effect) in in_doubt(state) {
        let name = short(&effect.name);
        reasons.push(match effect.class {
            EffectClass::E4 => format!("{name} takes no key and cannot be asked (class E4), so it is never sent twice unasked."),
            EffectClass::E0 | EffectClass::E1 | EffectClass::E2 | EffectClass::E3 => {
                format!("{name} was tried {} time(s) and asked about {} time(s) without an answer.", effect.attempt, effect.lookups)
            }
        });
        if let Some(problem) = &effect.problem {
            reasons.push(format!("The last attempt: {}.", problem.title));
        }
    }
    reasons.extend(open_reviews(state).map(|(_, review)| {
        format!("Queue {} was asked {} ago: {}", review.spec.queue, length(now_us - review.opened_us), review.spec.title)
    }));
    reasons.extend(state.listeners.iter().filter(|(_, listener)| !listener.over).map(|(at, listener)| {
        let what = listener.kinds.as_ref().map_or_else(|| "every event".to_owned(), |kinds| kinds.join(", "));
        format!("{} listens for {what}; it took {} so far", place(at), listener.count)
    }));
    if let (Some(key), Some(behind)) = (state.start.as_ref().and_then(|start| start.concurrency.as_ref()), &state.behind) {
        let holders: Vec<String> = behind.holders.iter().map(ToString::to_string).collect();
        reasons.push(format!("It waits for key `{key}`, position {}, held by {}.", behind.ahead + 1, holders.join(", ")));
    }
    if let (Some(key), Some(_)) = (state.start.as_ref().and_then(|start| start.order.as_ref()), state.queued) {
        reasons.push(format!("It waits for its turn in the line of `{key}`."));
    }
    reasons.extend(children(state));
    if let Some(parked) = &state.parked {
        let told = if parked.problem.detail.is_empty() { fault(&parked.problem) } else { parked.problem.detail.clone() };
        reasons.push(told);
    }
    reasons.extend(looks(story));
    if ending(state).is_none() {
        let next = state.timers.iter().min_by_key(|(_, timer)| timer.due_us);
        reasons.extend(next.map(|(id, timer)| format!("Next: {} {}", comes(story, id), crate::time::iso8601(timer.due_us))));
    }
    reasons
}

/// Other orchestrations whose end it waits for.
fn children(state: &Orchestration) -> Vec<String> {
    let waited = || state.children.iter().filter(|(_, child)| matches!(child.state, ChildState::Running | ChildState::Wanted));
    let line = |(id, child): (&provost_model::OrchestrationId, &std::sync::Arc<Child>)| {
        format!("{} waits for `{}`: provost explain {id}", place(&child.at), child.workflow)
    };
    let mut told: Vec<String> = waited().take(CHILDREN_NAMED).map(line).collect();
    let more = waited().count().saturating_sub(CHILDREN_NAMED);
    if more > 0 {
        told.push(format!("{more} more wait for other orchestrations."));
    }
    told
}

/// Children that are named.
const CHILDREN_NAMED: usize = 8;

/// What a timer brings.
fn comes(story: &Story<'_>, id: &str) -> String {
    let (purpose, of) = id.split_once(':').unwrap_or((id, ""));
    let at = if of.is_empty() { "the workflow" } else { of };
    match purpose {
        "wait" => format!("{at} goes on at"),
        "timeout" => format!("the time of {at} is up at"),
        "retry" => format!("{at} is tried again at"),
        "effect" => {
            let effect = of.parse().ok().and_then(|of: provost_model::EffectId| story.state.effects.get(&of));
            format!("something is due of {} at", effect.map_or(at, |effect| short(&effect.name)))
        }
        "grace" => "what was cancelled is waited for until".to_owned(),
        _ => format!("timer {id} at"),
    }
}

/// What the reconciliation schedule will do about it.
fn looks(story: &Story<'_>) -> Vec<String> {
    let (state, mut told) = (&story.state, Vec::new());
    let Some(spec) = story.program.reconcile.filter(|_| ending(state).is_none()) else { return told };
    let look = |timer: &str, looks: u32| match state.timers.get(timer) {
        Some(timer) => {
            format!("The schedule looks at it at {}, look {} of {}.", crate::time::iso8601(timer.due_us), looks + 1, spec.looks_max)
        }
        None => format!("The schedule looks at it no more, after {looks} of {} looks: it waits for a person.", spec.looks_max),
    };
    if spec.in_doubt {
        told.extend(
            in_doubt(state).map(|(id, effect)| format!("{}: {}", short(&effect.name), look(&reconcile::timer_of(id), effect.looks))),
        );
    }
    if spec.parked && state.parked.is_some() {
        told.push(format!("Parked work: {}", look(reconcile::PARKED, state.looks)));
    }
    told
}

/// What can be typed.
pub(super) fn commands(story: &Story<'_>) -> Vec<String> {
    let (state, id) = (&story.state, story.state.id);
    let mut commands = Vec::new();
    for (effect, _) in in_doubt(state) {
        commands.push(format!("Done:      provost resolve {effect} --done --evidence URL --reason TEXT"));
        let then = if state.is_ended() { "sends nothing: it is over" } else { "sends once" };
        commands.push(format!("Not done:  provost resolve {effect} --not-done --evidence URL --reason TEXT   ({then})"));
    }
    for (review, _) in open_reviews(state) {
        commands.push(format!("Yes:       provost approve {review} --reason TEXT"));
        commands.push(format!("No:        provost reject {review} --reason TEXT"));
    }
    if state.parked.is_some() {
        commands.push(format!("Again:     provost redrive {id} --reason TEXT   (same keys)"));
    }
    if ending(state).is_none() {
        commands.push(format!("Stop:      provost cancel {id} --reason TEXT"));
    }
    commands.push(format!("Proof:     provost verify {id}"));
    commands
}
