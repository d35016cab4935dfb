//! What of a journal is shown: its transitions without the places that whoever looks may not see.
//!
//! What must stay true: everything that shows a journal (rows, streams, explanations, lifecycle events) reads it through here, so that there is
//! one place to look at; a transition of which all may be seen is left as it is; ids, names, times, digests and rules are always
//! shown. Where a value came without labels of its own (what an event says that nobody reads) it is shown only if nothing of it is labelled.
//! It decides nothing: labels were recorded when the transition was made. Source: ADR 0007.

use provost_model::marks::Sight;
use provost_model::record::{
    Attempted, ChildFate, ClaimAnswer, Command, Exported, Fact, PlannedTask, Row, RowError, Shape, Start, Transition, Wanted,
};
use provost_model::value::Pointer;
use provost_model::{Event, Label, Labels, Problem, Value};

use crate::tasks::emit::as_value;

/// The transition in `row`, as far as `sight` sees it.
///
/// # Errors
/// The row cannot be read.
pub fn seen(row: &Row, sight: Sight) -> Result<Transition, RowError> {
    Ok(redacted(row.transition()?, sight))
}

/// `transition` as far as `sight` sees it.
pub fn redacted(transition: Transition, sight: Sight) -> Transition {
    let Transition { command, mut ambient, facts, intents } = transition;
    let command = command_seen(command, &facts, sight);
    if facts.iter().any(|fact| matches!(fact, Fact::Judged { label, .. } if sight.hides(*label))) {
        ambient.verdicts.iter_mut().for_each(|verdict| verdict.errors.clear());
    }
    let facts = facts.into_iter().map(|fact| fact_seen(fact, sight)).collect();
    Transition { command, ambient, facts, intents }
}

/// What a command brought is labelled by the fact that took it.
fn command_seen(command: Command, facts: &[Fact], sight: Sight) -> Command {
    let labels = |found: fn(&Fact) -> Option<&Labels>| facts.iter().find_map(found).cloned().unwrap_or_default();
    match command {
        Command::Start(start) => {
            let labels = labels(|fact| if let Fact::Started { labels, .. } = fact { Some(labels) } else { None });
            Command::Start(start_seen(start, &labels, sight))
        }
        Command::Outcome(mut outcome) => {
            let labels = labels(|fact| if let Fact::Attempted { labels, .. } = fact { Some(labels) } else { None });
            outcome.result = attempted_seen(outcome.result, &labels, sight);
            Command::Outcome(outcome)
        }
        Command::Claimed(mut claimed) => {
            let labels = labels(|fact| if let Fact::KeyAnswered { labels, .. } = fact { Some(labels) } else { None });
            if let ClaimAnswer::Done { result, .. } = &mut claimed.answer {
                *result = sight.of(result, &labels);
            }
            Command::Claimed(claimed)
        }
        Command::Review(mut answer) => {
            let labels = labels(|fact| if let Fact::ReviewAnswered { labels, .. } = fact { Some(labels) } else { None });
            answer.form = sight.of(&answer.form, &labels);
            Command::Review(answer)
        }
        Command::Child(mut news) => {
            news.how = fate_seen(news.how, news.labels.as_ref(), sight);
            Command::Child(news)
        }
        Command::Arrived(mut arrived) => {
            arrived.event = arrived_seen(arrived.event, facts, sight);
            Command::Arrived(arrived)
        }
        Command::Resolve(mut resolve) => {
            let labels = labels(|fact| if let Fact::Attempted { labels, .. } = fact { Some(labels) } else { None });
            resolve.result = sight.of(&resolve.result, &labels);
            Command::Resolve(resolve)
        }
        command @ (Command::Sending { .. }
        | Command::Admitted
        | Command::Timer { .. }
        | Command::Interrupt { .. }
        | Command::Cancel(_)
        | Command::Redrive(_)
        | Command::Entangled { .. }
        | Command::Continue) => command,
    }
}

fn start_seen(start: Start, labels: &Labels, sight: Sight) -> Start {
    Start { input: sight.of(&start.input, labels), ..start }
}

fn attempted_seen(result: Attempted, labels: &Labels, sight: Sight) -> Attempted {
    let problem_seen = |problem: Problem| sight.problem(&problem.quoting(labels.all()));
    match result {
        Attempted::Done { value, reference, usage, dropped_bytes } => {
            Attempted::Done { value: sight.of(&value, labels), reference, usage, dropped_bytes }
        }
        Attempted::Failed { problem, retry, retry_after_ms } => Attempted::Failed { problem: problem_seen(problem), retry, retry_after_ms },
        Attempted::Unknown { problem } => Attempted::Unknown { problem: problem_seen(problem) },
        Attempted::Unreadable { problem, reference } => Attempted::Unreadable { problem: problem_seen(problem), reference },
        Attempted::Absent => Attempted::Absent,
    }
}

fn fate_seen(fate: ChildFate, labels: Option<&Labels>, sight: Sight) -> ChildFate {
    match fate {
        ChildFate::Completed(output) => ChildFate::Completed(labels.map_or_else(|| output.clone(), |labels| sight.of(&output, labels))),
        ChildFate::Faulted(problem) => ChildFate::Faulted(sight.problem(&problem)),
        ChildFate::Parked(problem) => ChildFate::Parked(sight.problem(&problem)),
        fate @ (ChildFate::Cancelled | ChildFate::Replaced(_)) => fate,
    }
}

/// Listeners read an event as data, as a whole or as bytes, or not at all: what any of them knows of it holds for all of it but its data
/// read as that.
fn arrived_seen(event: Event, facts: &[Fact], sight: Sight) -> Event {
    let event = event_seen(event, sight);
    let mut data = event.data.clone();
    for fact in facts {
        let Fact::EventTaken { item, labels, correlated_label, .. } = fact else { continue };
        data = match item {
            Some(item) if *item == event.data => sight.of(&data, labels),
            Some(_) | None if sight.hides(labels.all().join(*correlated_label)) => sight.of(&data, &Labels::whole(Label::SECRET)),
            Some(_) | None => data,
        };
    }
    Event { data, ..event }
}

/// An event as far as `sight` sees it: labels that it brought along are about its attributes and its data.
pub fn event_seen(event: Event, sight: Sight) -> Event {
    if event.labels.places().all(|(_, label)| !sight.hides(label)) {
        return event;
    }
    let seen = sight.of(&as_value(&event), &event.labels);
    let whole = seen.as_object().is_none();
    let text = |key: &str, known: Option<std::sync::Arc<str>>| {
        known.map(|known| seen.member(key).and_then(Value::as_str).map_or(known, std::sync::Arc::from))
    };
    let extensions = event
        .extensions
        .as_object()
        .map(|map| Value::object(map.iter().map(|(key, value)| (key.clone(), seen.member(key).cloned().unwrap_or_else(|| value.clone())))));
    Event {
        subject: text("subject", event.subject),
        source: text("source", Some(event.source)).unwrap_or_default(),
        data: if whole { seen.clone() } else { seen.member("data").cloned().unwrap_or_default() },
        extensions: extensions.unwrap_or(event.extensions),
        ..event
    }
}

fn exported_seen(exported: Exported, sight: Sight) -> Exported {
    let set = sight.of(&exported.set, &exported.labels);
    let whole = exported.whole.as_ref().map(|whole| sight.of(whole, &exported.labels));
    Exported { set, whole, ..exported }
}

fn texts_seen<K>(pairs: Vec<(K, Value)>, label: Label, sight: Sight) -> Vec<(K, Value)> {
    pairs.into_iter().map(|(key, value)| (key, sight.of(&value, &Labels::whole(label)))).collect()
}

fn optional(value: Option<Value>, labels: &Labels, sight: Sight) -> Option<Value> {
    value.map(|value| sight.of(&value, labels))
}

/// `fact` as far as `sight` sees it.
pub fn fact_seen(fact: Fact, sight: Sight) -> Fact {
    match fact {
        Fact::Started { start, labels, input, input_labels } => {
            let start = start.map(|start| Box::new(start_seen(*start, &labels, sight)));
            Fact::Started { start, labels, input: optional(input, &input_labels, sight), input_labels }
        }
        Fact::Entered { at, task, input, labels, shape } => {
            Fact::Entered { at, task, input: optional(input, &labels, sight), labels, shape: shape_seen(shape, sight) }
        }
        Fact::Completed { at, task, output, labels, effect, exported, then } => {
            let exported = exported.map(|exported| exported_seen(exported, sight));
            Fact::Completed { at, task, output: optional(output, &labels, sight), labels, effect, exported, then }
        }
        Fact::EventHandled { at, index, output, labels, exported, last } => {
            let exported = exported.map(|exported| exported_seen(exported, sight));
            Fact::EventHandled { at, index, output: optional(output, &labels, sight), labels, exported, last }
        }
        Fact::Attempted { effect, attempt, result, labels } => {
            let result = result.map(|result| Box::new(attempted_seen(*result, &labels, sight)));
            Fact::Attempted { effect, attempt, result, labels }
        }
        Fact::KeyAnswered { effect, by, result, labels, reference } => {
            Fact::KeyAnswered { effect, by, result: sight.of(&result, &labels), labels, reference }
        }
        Fact::Ended { ending, output, problem, labels } => {
            let output = optional(output, &labels.clone().unwrap_or_default(), sight);
            Fact::Ended { ending, output, problem: problem.map(|problem| sight.problem(&problem)), labels }
        }
        Fact::ChildStarted { at, child, workflow, version, input, awaits, order, concurrency, labels } => {
            let input = labels.as_ref().map_or_else(|| input.clone(), |labels| sight.of(&input, labels));
            Fact::ChildStarted { at, child, workflow, version, input, awaits, order, concurrency, labels }
        }
        Fact::ChildTold { child, sequence, how, labels } => {
            let how = how.map(|how| Box::new(fate_seen(*how, labels.as_ref(), sight)));
            Fact::ChildTold { child, sequence, how, labels }
        }
        fact => asked_seen(problem_seen(fact, sight), sight),
    }
}

/// Facts that hold an error.
fn problem_seen(fact: Fact, sight: Sight) -> Fact {
    match fact {
        Fact::Raised { at, task, problem } => Fact::Raised { at, task, problem: sight.problem(&problem) },
        Fact::Caught { at, problem } => Fact::Caught { at, problem: sight.problem(&problem) },
        Fact::RetryScheduled { at, problem, attempt, due_us } => {
            Fact::RetryScheduled { at, problem: sight.problem(&problem), attempt, due_us }
        }
        Fact::Parked { at, problem } => Fact::Parked { at, problem: sight.problem(&problem) },
        fact => fact,
    }
}

/// Facts of what was asked, sent, said or planned. Those that hold no value are what they are.
fn asked_seen(mut fact: Fact, sight: Sight) -> Fact {
    match &mut fact {
        Fact::Judged { resource, label, .. } if sight.hides(*label) => *resource = label.instead().into(),
        Fact::Intended { arguments, labels, key, business_key, key_label, .. } => {
            *arguments = optional(arguments.take(), labels, sight);
            if sight.hides(*key_label) {
                *business_key = business_key.as_ref().map(|_| key_label.instead().into());
                *key = key_label.instead().into();
            }
        }
        Fact::ReviewOpened { show, labels, .. } => *show = sight.of(show, labels),
        Fact::ReviewAnswered { form, labels, .. } => *form = sight.of(form, labels),
        Fact::Decided { opinions, outcome, labels, .. } => {
            *opinions = sight.of(opinions, &labels.within("/opinions"));
            *outcome = sight.of(outcome, &labels.within("/outcome"));
        }
        Fact::Emitted { event, .. } => **event = event_seen(std::mem::take(&mut **event), sight),
        Fact::Planned { because, tasks, label, .. } if sight.hides(*label) => {
            *because = because.as_ref().map(|_| label.instead().into());
            tasks.iter_mut().for_each(|task| planned_seen(task, *label));
        }
        Fact::ListeningBegan { wanted, .. } => wanted.iter_mut().for_each(|wanted| wanted_seen(wanted, sight)),
        Fact::EventTaken { item, labels, correlated, correlated_label, .. } => {
            *item = optional(item.take(), labels, sight);
            *correlated = texts_seen(std::mem::take(correlated), *correlated_label, sight);
        }
        _ => {}
    }
    fact
}

fn planned_seen(task: &mut PlannedTask, label: Label) {
    task.given = Value::from(label.instead());
    task.when = task.when.as_ref().map(|_| label.instead().into());
}

fn wanted_seen(wanted: &mut Wanted, sight: Sight) {
    let label = wanted.label;
    wanted.attributes = texts_seen(std::mem::take(&mut wanted.attributes), label, sight);
    wanted.expected = texts_seen(std::mem::take(&mut wanted.expected), label, sight);
}

/// How many items there are is seen, since iterations are.
fn shape_seen(shape: Shape, sight: Sight) -> Shape {
    let Shape::For { items, labels } = shape else { return shape };
    let items = match items.as_array() {
        Some(list) => {
            let seen =
                list.iter().enumerate().map(|(n, item)| sight.of(item, &labels.within(Pointer::root().child(&n.to_string()).as_str())));
            Value::array(seen.collect::<Vec<_>>())
        }
        None => sight.of(&items, &labels),
    };
    Shape::For { items, labels }
}
