//! What happened: one line per fact that matters. Pure tasks stay silent, and what several facts say is told once.

use provost_model::record::{
    Attempted, Behind, ChildFate, Closed, Command, EffectKind, EffectState, Ending, Fact, Look, Start, Transition,
};
use provost_model::verdict::Rule;
use provost_model::{Answer, EffectId, Value};

use super::once::{self, place};
use super::{Line, Story};

/// Adds the lines of one fact, already folded.
pub(super) fn tell(story: &mut Story<'_>, fact: &Fact, transition: &Transition) {
    let at_us = transition.ambient.now_us;
    once::came_about(story, fact, at_us);
    for (kind, text, reference) in said(story, fact, &transition.command).into_iter().chain(on_trial(fact)) {
        let line = Line { at_us, sequence: story.state.sequence, kind: kind.to_owned(), text, reference };
        once::push(story, fact, line);
    }
}

fn said(story: &Story<'_>, fact: &Fact, command: &Command) -> Option<(&'static str, String, String)> {
    let none = String::new();
    match fact {
        Fact::Started { start, .. } => start.as_deref().map(started),
        Fact::Judged { action, resource, answer, rules, .. } => verdict(action, resource, *answer, rules),
        Fact::Attempted { effect, attempt, result, .. } => attempted(story, effect, *attempt, result.as_deref()?, command),
        Fact::AttemptScheduled { .. }
        | Fact::KeyHeld { .. }
        | Fact::KeyAnswered { .. }
        | Fact::Queued { .. }
        | Fact::HeldBack { .. }
        | Fact::Admitted => held_up(story, fact),
        Fact::LookUpScheduled { effect, .. } => {
            Some(("look-up", format!("{}: the target is asked whether it was done", name(story, effect)?), short(effect)))
        }
        Fact::Settled { effect, state } => settled(story, effect, *state),
        Fact::Resolved { effect, done } => {
            let Command::Resolve(resolve) = command else { return None };
            let word = if *done { "DONE" } else { "NOT DONE" };
            Some(("resolve", format!("{word} by {}: {} ({})", resolve.by.name, resolve.reason, resolve.evidence), short(effect)))
        }
        Fact::Retrieved { effect, sources, withheld, .. } => Some(("read", retrieved(sources, *withheld), short(effect))),
        Fact::Planned { .. } => planned(story, fact),
        Fact::Decided { decision, outcome, .. } => Some(("decide", decided(outcome), decision.to_string())),
        Fact::ReviewOpened { review, spec, action, .. } => {
            let what = action.as_ref().map_or_else(String::new, |action| format!(", releases `{action}`"));
            Some(("review", format!("asked of {}: {}{what}", spec.queue, spec.title), review.to_string()))
        }
        Fact::ReviewAnswered { review, option, by, .. } => {
            let roles = if by.roles.is_empty() { none } else { format!(", role {}", by.roles.join(" ")) };
            let known = format!("{:?}", by.known).to_lowercase();
            Some(("review", format!("{option} by {} ({known}{roles})", by.name), review.to_string()))
        }
        Fact::ChildStarted { .. } | Fact::ChildTold { .. } | Fact::ChildStopped { .. } | Fact::ChildRedriven { .. } => begun(story, fact),
        Fact::Interrupted => Some(("timeout", "whoever waited for it stopped waiting, and may try it again".to_owned(), none)),
        Fact::ListeningBegan { .. } | Fact::EventTaken { .. } => heard(fact, command),
        Fact::Raised { .. }
        | Fact::RetryScheduled { .. }
        | Fact::TimerSet { .. }
        | Fact::TimerFired { .. }
        | Fact::Emitted { .. }
        | Fact::Unwinding { .. }
        | Fact::CancelRequested { .. }
        | Fact::Parked { .. }
        | Fact::Redriven { .. }
        | Fact::Ended { .. } => steered(fact, command),
        Fact::Reconciled { effect, look, outcome } => looked(story, effect.as_ref(), *look, *outcome),
        Fact::Entered { .. }
        | Fact::Iterated { .. }
        | Fact::Completed { .. }
        | Fact::Skipped { .. }
        | Fact::Caught { .. }
        | Fact::Retried { .. }
        | Fact::Abandoned { .. }
        | Fact::Intended { .. }
        | Fact::Sent { .. }
        | Fact::KeyClaimed { .. }
        | Fact::Undoable { .. }
        | Fact::ReviewClosed { .. }
        | Fact::EventHandled { .. }
        | Fact::ApprovalSpent { .. }
        | Fact::Yielded => None,
    }
}

/// What it was started by.
fn started(start: &Start) -> (&'static str, String, String) {
    if let Some(batch) = &start.batch {
        let events: Vec<String> = batch.events.iter().take(EVENTS_NAMED).map(ToString::to_string).collect();
        let more = if batch.events.len() > EVENTS_NAMED { " …" } else { "" };
        let text = format!("{} gathered, closed by {}", batch.events.len(), closed_by(batch.closed));
        return ("batch", text, events.join(" ") + more);
    }
    if let Some(parent) = &start.parent {
        let who = parent.line.last().map_or("another workflow", |workflow| workflow);
        let waits = if parent.awaits { "which waits for it" } else { "which does not wait for it" };
        return ("start", format!("run by `{who}`, {waits}"), parent.orchestration.to_string());
    }
    match start.event {
        Some(event) if start.events.len() > 1 => {
            ("event", format!("the last of {} taken together, sent by {}", start.events.len(), start.by.name), event.to_string())
        }
        Some(event) => ("event", format!("taken, sent by {}", start.by.name), event.to_string()),
        None => ("start", format!("by {}", start.by.name), String::new()),
    }
}

/// Events that it listens for.
fn heard(fact: &Fact, command: &Command) -> Option<(&'static str, String, String)> {
    match (fact, command) {
        (Fact::ListeningBegan { at, kinds, .. }, _) => {
            let what = kinds.as_ref().map_or_else(|| "every event".to_owned(), |kinds| kinds.join(", "));
            Some(("listen", format!("{at} for {what}"), String::new()))
        }
        (Fact::EventTaken { at, event, last, .. }, Command::Arrived(arrived)) => {
            let end = if *last { ", the last one" } else { "" };
            Some(("event", format!("{} taken by {at}, sent by {}{end}", arrived.event.kind, arrived.by.name), event.to_string()))
        }
        (_, _) => None,
    }
}

/// Other workflows that this one began.
fn begun(story: &Story<'_>, fact: &Fact) -> Option<(&'static str, String, String)> {
    let (id, text) = match fact {
        Fact::ChildStarted { child, awaits, order, concurrency, .. } => {
            let key = order.as_ref().or(concurrency.as_ref()).map_or_else(String::new, |key| format!(" under the key `{key}`"));
            (child, format!("began{key}, and {}", if *awaits { "is waited for" } else { "nobody waits for it" }))
        }
        Fact::ChildTold { child, how, .. } => match how.as_deref()? {
            ChildFate::Completed(_) => (child, "completed".to_owned()),
            ChildFate::Faulted(problem) => (child, format!("faulted: {}", problem.title)),
            ChildFate::Cancelled => (child, "was cancelled".to_owned()),
            ChildFate::Replaced(by) => (child, format!("was replaced by {by}")),
            ChildFate::Parked(problem) => (child, format!("is parked: {}", problem.title)),
        },
        Fact::ChildStopped { child, again: true } => (child, "is being interrupted: it may be tried again".to_owned()),
        Fact::ChildStopped { child, .. } => (child, "is being stopped: it lost its place".to_owned()),
        Fact::ChildRedriven { child } => (child, "is tried again".to_owned()),
        _ => return None,
    };
    let workflow = &story.state.children.get(id)?.workflow;
    Some(("run", format!("{workflow} {text}"), id.to_string()))
}

/// A look of the reconciliation schedule.
fn looked(story: &Story<'_>, effect: Option<&EffectId>, look: u32, outcome: Look) -> Option<(&'static str, String, String)> {
    let what = match effect {
        Some(effect) => name(story, effect)?,
        None => "parked work".to_owned(),
    };
    let most = story.program.reconcile.map_or(0, |reconcile| reconcile.looks_max);
    let came = match outcome {
        Look::Asked => "the schedule lets the target be asked again",
        Look::Unanswerable => "nobody can be asked whether it was done; it stays IN DOUBT until a person resolves it",
        Look::Redriven => "the schedule tries it again",
        Look::Denied => "policy does not let the schedule; nothing was asked or sent",
    };
    Some(("look", format!("{what}: look {look} of {most}: {came}"), effect.map(short).unwrap_or_default()))
}

/// What stands between an attempt, or an orchestration, and its turn.
fn held_up(story: &Story<'_>, fact: &Fact) -> Option<(&'static str, String, String)> {
    let none = String::new();
    match fact {
        Fact::AttemptScheduled { effect, attempt, due_us, behind: Some(behind) } => {
            let effect_now = story.state.effects.get(effect).filter(|effect| effect.state == EffectState::Waiting)?;
            let name = effect_now.name.split('@').next().unwrap_or_default();
            Some((
                "delayed",
                format!("{name}: attempt {attempt} waits behind {behind} until {}", crate::time::iso8601(*due_us)),
                short(effect),
            ))
        }
        Fact::AttemptScheduled { effect, attempt, due_us, behind: None } => {
            // One without a wait before it is told when something comes of it.
            let waits = story.state.effects.get(effect).is_some_and(|effect| effect.state == EffectState::Waiting);
            let name = name(story, effect).filter(|_| waits)?;
            Some(("retry", once::due(&name, *attempt, *due_us), short(effect)))
        }
        Fact::KeyHeld { effect, by, .. } => {
            Some(("key", format!("{}: {by} holds its key and is not through", name(story, effect)?), short(effect)))
        }
        Fact::KeyAnswered { effect, by, .. } => {
            Some(("effect", format!("{}  DONE before under its key, by {by}; nothing was sent", name(story, effect)?), short(effect)))
        }
        Fact::Queued { order, number } => Some(("queued", format!("number {number} in the line of `{order}`"), none)),
        Fact::HeldBack { key, number: _, behind } => Some(("queued", held_back(key, behind), none)),
        Fact::Admitted => Some(("admitted", "its turn came".to_owned(), none)),
        _ => None,
    }
}

/// Events of a batch that are named.
const EVENTS_NAMED: usize = 8;

fn closed_by(why: Option<Closed>) -> &'static str {
    match why {
        Some(Closed::Size) => "its size",
        Some(Closed::Wait) => "its time",
        Some(Closed::Bytes) => "the bytes of the next event",
        Some(Closed::Version) => "a new version",
        Some(Closed::Room) => "too many batches at once",
        None => "nothing",
    }
}

/// Whom one waits for that found no place under its concurrency key.
fn held_back(key: &str, behind: &Behind) -> String {
    let holders: Vec<String> = behind.holders.iter().map(ToString::to_string).collect();
    let replaces = if behind.replaces.is_empty() { String::new() } else { format!("; {} stopped to make room", behind.replaces.len()) };
    format!("waits for key `{key}`, position {}, held by {}{replaces}", behind.ahead + 1, holders.join(", "))
}

/// Errors, timers, people and the end. Everything else was told before.
fn steered(fact: &Fact, command: &Command) -> Option<(&'static str, String, String)> {
    let none = String::new();
    match (fact, command) {
        (Fact::Raised { at, problem, .. }, _) => Some(("error", once::error(at, problem), none)),
        (Fact::RetryScheduled { at, attempt, due_us, .. }, _) => Some(("retry", once::due(place(at), *attempt, *due_us), none)),
        (Fact::TimerSet { id, due_us, .. }, _) if id.starts_with("wait:") => {
            Some(("wait", format!("until {}", crate::time::iso8601(*due_us)), none))
        }
        (Fact::TimerFired { id }, _) if id.starts_with("timeout:") => {
            Some(("timeout", once::time_was_up(id.trim_start_matches("timeout:")), none))
        }
        (Fact::Emitted { event, effect, .. }, _) => Some(("emit", event.kind.to_string(), effect.to_string())),
        (Fact::Unwinding { effects, .. }, _) if effects.is_empty() => Some(("undo", "first looks up what is in doubt".to_owned(), none)),
        (Fact::Unwinding { effects, .. }, _) => Some(("undo", format!("{} finished effects, latest first", effects.len()), none)),
        (Fact::CancelRequested { .. }, Command::Cancel(cancel)) => {
            Some(("cancel", format!("by {}: {}", cancel.by.name, cancel.reason), none))
        }
        (Fact::Parked { at, problem }, _) => Some(("parked", once::error(at, problem), none)),
        (Fact::Redriven { at }, Command::Redrive(redrive)) => {
            Some(("redrive", format!("{} by {}: {}", place(at), redrive.by.name, redrive.reason), none))
        }
        (Fact::Ended { ending, .. }, _) => {
            let word = match ending {
                Ending::Completed => "completed",
                Ending::Faulted => "faulted",
                Ending::Cancelled => "cancelled",
            };
            Some(("end", word.to_owned(), none))
        }
        (_, _) => None,
    }
}

fn short(effect: &provost_model::EffectId) -> String {
    effect.to_string()
}

fn name(story: &Story<'_>, effect: &provost_model::EffectId) -> Option<String> {
    story.state.effects.get(effect).map(|e| e.name.split('@').next().unwrap_or_default().to_owned())
}

/// Starting an agent that may start is nothing to tell.
fn verdict(action: &str, resource: &str, answer: Answer, rules: &[Rule]) -> Option<(&'static str, String, String)> {
    if answer == Answer::Allow && action == "agent.start" {
        return None;
    }
    let by = if rules.is_empty() { "no rule allows it".to_owned() } else { format!("by {}", named(rules)) };
    Some(("verdict", format!("{} {} {by}", word(answer), what(action, resource)), String::new()))
}

/// What policies on trial would have changed; a line of its own below the verdict.
fn on_trial(fact: &Fact) -> Option<(&'static str, String, String)> {
    let Fact::Judged { action, resource, would: Some(would), .. } = fact else { return None };
    let by = if would.errors.is_empty() { named(&would.rules) } else { would.errors.join("; ") };
    Some(("on trial", format!("{} {} by {by}, were it in force", word(would.answer), what(action, resource)), String::new()))
}

fn word(answer: Answer) -> &'static str {
    match answer {
        Answer::Allow => "ALLOW",
        Answer::Review => "REVIEW",
        Answer::Deny => "DENY",
    }
}

fn named(rules: &[Rule]) -> String {
    let each: Vec<String> = rules.iter().map(|rule| format!("`{}`, {}", rule.id, rule.at)).collect();
    each.join("; ")
}

fn what(action: &str, resource: &str) -> String {
    if action == resource { action.to_owned() } else { format!("{action} on {resource}") }
}

fn attempted(
    story: &Story<'_>,
    id: &provost_model::EffectId,
    attempt: u32,
    result: &Attempted,
    command: &Command,
) -> Option<(&'static str, String, String)> {
    let effect = story.state.effects.get(id)?;
    let name = effect.name.split('@').next().unwrap_or_default();
    let took = match command {
        Command::Outcome(outcome) if outcome.took_ms > 0 => format!("   {} ms", outcome.took_ms),
        _ => String::new(),
    };
    let agent = effect.kind == EffectKind::Agent;
    let kind = if effect.kind.is_read() { "read" } else { "effect" };
    let (kind, reference) = if agent { ("agent", id.as_run()) } else { (kind, short(id)) };
    let text = match result {
        Attempted::Done { value, .. } if agent => format!("{name}: {}{took}", answered(value)),
        Attempted::Done { reference, .. } => {
            let theirs = reference.as_ref().map_or_else(String::new, |theirs| format!(", their ref {theirs}"));
            format!("{name}  DONE, attempt {attempt}{theirs}{took}")
        }
        Attempted::Failed { problem, .. } => format!("{name}: attempt {attempt} failed: {}", problem.title),
        Attempted::Unknown { problem } => format!("{name}: attempt {attempt}, no answer: {}", problem.title),
        Attempted::Unreadable { problem, reference } => {
            let theirs = reference.as_ref().map_or_else(String::new, |theirs| format!(", their ref {theirs}"));
            format!("{name}  DONE, attempt {attempt}{theirs}{took}, but {}", problem.title)
        }
        Attempted::Absent => format!("{name}: the target says it was not done"),
    };
    Some((kind, text, reference))
}

/// What may be read of a retrieval, and how much may not.
fn retrieved(sources: &[std::sync::Arc<str>], withheld: u64) -> String {
    let from = if sources.is_empty() { String::new() } else { format!(" from {}", sources.join(", ")) };
    format!("{} passage(s){from}; {withheld} withheld by policy", sources.len())
}

/// A plan, task by task, and who proposed it.
fn planned(story: &Story<'_>, fact: &Fact) -> Option<(&'static str, String, String)> {
    let Fact::Planned { at, effect, revision, because, tasks, .. } = fact else { return None };
    let by = effect.and_then(|effect| name(story, &effect)).unwrap_or_else(|| "the agent's file".to_owned());
    let each = tasks.iter().enumerate().map(|(index, task)| {
        let what = if task.called.is_empty() { task.call.word() } else { &*task.called };
        let when = if task.when.is_some() { ", on a condition" } else { "" };
        format!("[{index}] {} ({what}{when})", task.name)
    });
    let each = each.collect::<Vec<_>>().join(", ");
    let number = if *revision > 1 { format!(", plan {revision} of this place") } else { String::new() };
    let because = because.as_ref().map_or_else(String::new, |because| format!("; because {because}"));
    let what = if tasks.is_empty() { "nothing to do".to_owned() } else { each };
    Some(("plan", format!("{at} by {by}{number}: {what}{because}"), effect.map_or_else(String::new, |effect| effect.as_run())))
}

/// An opinion in words; anything else by its kind only.
fn answered(value: &Value) -> String {
    match (value.member("choice").and_then(Value::as_str), value.member("confidencePct").and_then(Value::as_int)) {
        (Some(choice), Some(pct)) => format!("{choice}, {pct} %"),
        (_, _) if value.is_null() => "ABSTAINED".to_owned(),
        (_, _) => "answered".to_owned(),
    }
}

fn settled(story: &Story<'_>, effect: &provost_model::EffectId, state: EffectState) -> Option<(&'static str, String, String)> {
    let tries = story.state.effects.get(effect)?.attempt;
    match state {
        EffectState::InDoubt => {
            Some(("effect", format!("{}  IN DOUBT, sent {tries} time(s), no answer", name(story, effect)?), short(effect)))
        }
        EffectState::Conflict => {
            Some(("effect", format!("{}  CONFLICT: the key was used with other arguments", name(story, effect)?), short(effect)))
        }
        EffectState::Intended
        | EffectState::Sent
        | EffectState::Waiting
        | EffectState::Claiming
        | EffectState::Asked
        | EffectState::Done
        | EffectState::Failed
        | EffectState::Abandoned => None,
    }
}

fn decided(outcome: &Value) -> String {
    let choice = outcome.member("choice").and_then(Value::as_str).unwrap_or("nothing");
    let pct = outcome.member("confidencePct").and_then(Value::as_int).unwrap_or(0);
    let count = |key: &str| outcome.member("quorum").and_then(|q| q.member(key)).and_then(Value::as_int).unwrap_or(0);
    let veto = outcome.member("vetoedBy").and_then(Value::as_str).map_or_else(|| "no veto".to_owned(), |by| format!("vetoed by {by}"));
    format!("{choice} {pct} %: {} present, {} needed, {veto}", count("present"), count("needed"))
}
