//! `listen`: waits for events; its output is the list of what it took, in the order in which it took it.
//!
//! | what is open | an event comes | what happens |
//! |---|---|---|
//! | one, any | meets a filter | taken; the last one |
//! | any until a condition | meets a filter | taken; the last one where the condition holds over all taken so far |
//! | the same with `foreach` | is handled | no further one where the condition holds now, with what `foreach` exported |
//! | any until events | meets a filter, or a filter of `until` | taken; the last one where `until` is met |
//! | all | meets a filter that none met | taken; the last one where every filter is met |
//! | any of these | meets nothing | no fact |
//!
//! What must stay true: an orchestration takes an event once, with every listener that is open at that time and that it fits; what cannot
//! be read from an event is no match, never an error; what was computed when listening began is recorded and not computed again.

mod matching;

use std::sync::Arc;

use provost_model::program::{Consume, ListenEach, ListenTask, Reading, TaskKind, Template, Until};
use provost_model::record::{Arrived, Fact, Intent, Shape, Wanted};
use provost_model::value::{canonical, canonical_len};
use provost_model::{Event, Label, Labelled, Labels, Position, Problem, Value};

use crate::flow::{Entering, Entry, Finished, complete, difference, is_through, raise, used_up};
use crate::origin;
use crate::state::{Listener, Open, Phase};
use crate::turn::{Scope, Turn};
use matching::Match;

pub(super) fn enter(turn: &mut Turn<'_>, entering: &Entering<'_>, task: &ListenTask) -> Result<Entry, Problem> {
    let scope = entering.scope();
    let (mut wanted, mut kinds, mut every) = (Vec::new(), Vec::new(), task.takes_every_type());
    for filter in task.filters() {
        let mut computed = Wanted::default();
        for (name, template) in filter.attributes.iter().filter(|(_, template)| !matches!(template, Template::Literal(_))) {
            let value = turn.render(template, &entering.input, &scope)?;
            computed.label = computed.label.join(value.labels.all().sensitive());
            computed.attributes.push((name.clone(), value.value));
        }
        for correlation in &filter.correlate {
            if let Some(expect) = &correlation.expect {
                let value = turn.render(expect, &entering.input, &scope)?;
                computed.label = computed.label.join(value.labels.all().sensitive());
                computed.expected.push((correlation.name.clone(), value.value));
            }
        }
        let kind = computed.attributes.iter().find(|(name, _)| **name == *"type");
        match kind.map_or_else(|| filter.kind().map(|kind| &**kind), |(_, value)| value.as_str()) {
            Some(kind) => kinds.push(Arc::<str>::from(kind)),
            None => every = true,
        }
        wanted.push(computed);
    }
    if wanted.iter().all(|computed| *computed == Wanted::default()) {
        wanted.clear();
    }
    kinds.sort();
    kinds.dedup();
    entering.open(turn, Shape::Plain)?;
    turn.emit(Fact::ListeningBegan { at: entering.at.clone(), kinds: (!every).then_some(kinds), wanted });
    turn.intend(Intent::Listen);
    Ok(Entry::Open)
}

/// An event came: every open listener that it fits takes it.
pub(crate) fn arrived(turn: &mut Turn<'_>, arrived: &Arrived) {
    let began_with_it =
        turn.state.start.as_ref().is_some_and(|start| start.event == Some(arrived.id) || start.events.contains(&arrived.id));
    let stops = matches!(turn.state.phase, Phase::Cancelling { .. });
    let taken = turn.state.taken.contains_key(&arrived.id) && !provost_model::planted::planted("event-taken-again");
    if began_with_it || stops || taken {
        return;
    }
    let places: Vec<Position> = turn.state.listeners.keys().cloned().collect();
    for at in places {
        let (Some(listener), Some(open)) = (turn.state.listeners.get(&at).cloned(), turn.state.open.get(&at).cloned()) else { continue };
        let Ok(TaskKind::Listen(task)) = turn.task(open.task).map(|task| &task.kind) else { continue };
        if listener.over || open.expired {
            continue;
        }
        let offered = Offered { at: &at, open: &open, listener: &listener, task };
        match take(turn, &offered, arrived) {
            Ok(None) => {}
            Ok(Some(fact)) => {
                turn.emit(fact);
                turn.ready.push(at);
            }
            Err(problem) => raise(turn, &at, open.task, problem),
        }
    }
}

/// A listener that is offered an event.
struct Offered<'o> {
    at: &'o Position,
    open: &'o Open,
    listener: &'o Listener,
    task: &'o ListenTask,
}

impl Offered<'_> {
    fn scope(&self) -> Scope {
        Scope { at: Some(self.at.clone()), input: self.open.input.clone(), task: Some(self.open.task), ..Scope::default() }
    }
}

fn take(turn: &Turn<'_>, offered: &Offered<'_>, arrived: &Arrived) -> Result<Option<Fact>, Problem> {
    let Offered { at, listener, task, .. } = offered;
    let mut envelope = None;
    let (mut correlated, mut correlated_label) = (Vec::new(), Label::NONE);
    let mut look = |strategy, met: &[u32], offset| {
        let found = Match { turn, offered, arrived, offset }.of(strategy, met, &mut envelope)?;
        for (name, value) in found.1 {
            correlated_label = correlated_label.join(value.labels.all().sensitive());
            correlated.push((name, value.value));
        }
        Some(found.0)
    };
    let filter = look(&task.to, &listener.met, 0);
    let until = match &task.until {
        Some(Until::Events(strategy)) => look(strategy, &listener.until_met, task.to.filters.len()),
        Some(Until::Never | Until::Condition(_)) | None => None,
    };
    if filter.is_none() && until.is_none() {
        return Ok(None);
    }
    if let Some(problem) = used_up(turn) {
        return Err(problem);
    }
    let item = match filter {
        Some(_) if needs_items(task) => Some(read(turn, offered, arrived, filter)?),
        Some(_) | None => None,
    };
    let last = is_last(turn, offered, filter, until, item.as_ref())?;
    if item.is_none() {
        correlated_label = correlated_label.join(unkept(turn, offered, arrived, (filter, until)));
    }
    let (item, labels) = item.map_or((None, Default::default()), |item| (Some(item.value), item.labels));
    let (at, event, hops, more) = ((*at).clone(), arrived.id, arrived.event.hops, arrived.more);
    Ok(Some(Fact::EventTaken { at, event, filter, until, item, as_sent: false, labels, correlated, correlated_label, hops, last, more }))
}

/// Who may see an event of which nothing is kept: the command that brought it stands in the record all the same.
fn unkept(turn: &Turn<'_>, offered: &Offered<'_>, arrived: &Arrived, (filter, until): (Option<u32>, Option<u32>)) -> Label {
    let of_until = match &offered.task.until {
        Some(Until::Events(strategy)) => until.and_then(|number| strategy.filters.get(number as usize)),
        Some(Until::Never | Until::Condition(_)) | None => None,
    };
    let met = filter.and_then(|number| offered.task.to.filters.get(number as usize)).or(of_until);
    let said = origin::said_in(turn, arrived, met.and_then(|filter| filter.contract));
    said.labels.all().join(arrived.event.labels.all()).sensitive()
}

/// Whether anything reads what was consumed: the output of a listener that never ends is read by nobody.
fn needs_items(task: &ListenTask) -> bool {
    task.each.is_some() || task.until != Some(Until::Never)
}

fn read(turn: &Turn<'_>, offered: &Offered<'_>, arrived: &Arrived, filter: Option<u32>) -> Result<Labelled, Problem> {
    let contract = filter.and_then(|filter| offered.task.to.filters.get(filter as usize)).and_then(|filter| filter.contract);
    let item = match offered.task.read {
        Reading::Data => origin::said_in(turn, arrived, contract),
        Reading::Envelope => origin::envelope(turn, arrived, contract),
        Reading::Raw => {
            let data = origin::said_in(turn, arrived, None);
            let raw = raw(&data.value);
            let labels = if data.labels.is_empty() { data.labels } else { Labels::whole(data.labels.all()) };
            Labelled::new(raw, labels)
        }
    };
    turn.check_size(&item)?;
    let limit = turn.program().limits.value_bytes;
    if offered.task.until != Some(Until::Never) && offered.listener.bytes.saturating_add(canonical_len(&item) as u64) > limit {
        return Err(Problem::ours("value-too-large", 413, format!("the events of one listener are larger than {limit} bytes"))
            .detail("end the listener sooner, or raise `metadata.provost.limits.valueBytes`"));
    }
    Ok(item)
}

/// What `reading` makes of an event.
pub fn read_as(reading: Reading, event: &Event) -> Value {
    match reading {
        Reading::Data => event.data.clone(),
        Reading::Envelope => super::emit::as_value(event),
        Reading::Raw => raw(&event.data),
    }
}

/// Who may see what `reading` makes of an event, as far as the event brought it along.
pub fn read_labels(reading: Reading, event: &Event) -> Labels {
    match reading {
        Reading::Data => event.labels.within("/data"),
        Reading::Envelope => event.labels.clone(),
        Reading::Raw => Labels::whole(event.labels.within("/data").all()),
    }
}

/// Data as text.
fn raw(data: &Value) -> Value {
    if data.as_str().is_some() { data.clone() } else { Value::from(canonical(data)) }
}

/// Whether the listener is through with this event.
fn is_last(
    turn: &Turn<'_>,
    offered: &Offered<'_>,
    filter: Option<u32>,
    until: Option<u32>,
    item: Option<&Labelled>,
) -> Result<bool, Problem> {
    let Offered { listener, task, .. } = offered;
    let all = |met: &[u32], now: Option<u32>, filters: usize| met.len() + usize::from(now.is_some()) >= filters;
    match (&task.until, task.to.consume) {
        (None, Consume::One | Consume::Any) => Ok(true),
        (None, Consume::All) => Ok(all(&listener.met, filter, task.to.filters.len())),
        (Some(Until::Never), _) => Ok(false),
        (Some(Until::Condition(condition)), _) => {
            let items = Labelled::array(listener.items.values().chain(item).cloned());
            turn.holds(*condition, &items, &offered.scope())
        }
        (Some(Until::Events(strategy)), _) => match strategy.consume {
            Consume::One | Consume::Any => Ok(until.is_some()),
            Consume::All if provost_model::planted::planted("until-all-as-any") => Ok(until.is_some()),
            Consume::All => Ok(all(&listener.until_met, until, strategy.filters.len())),
        },
    }
}

/// Whether nothing is left to do for the listener at `at`.
pub(crate) fn is_done(turn: &Turn<'_>, at: &Position, listener: &Listener) -> bool {
    let running = at.iteration(listener.next);
    let waits = turn.state.open.contains_key(&running) || each_of(turn, at).is_some() && listener.next < listener.count;
    listener.over && !waits
}

/// Whether it has nothing to handle until an event comes.
pub(crate) fn is_asleep(turn: &Turn<'_>, at: &Position, listener: &Listener) -> bool {
    let waits = each_of(turn, at).is_some() && listener.next < listener.count;
    !listener.over && !waits && !turn.state.open.contains_key(&at.iteration(listener.next))
}

/// Goes on with a listener: the next event of its `foreach`, or its end.
pub(crate) fn go_on(turn: &mut Turn<'_>, at: &Position, open: &Open, listener: &Listener) {
    let running = at.iteration(listener.next);
    if let Some(block) = turn.state.open.get(&running).cloned() {
        if is_through(turn, &running, &block) {
            match handled(turn, at, open, listener, &block) {
                Ok(fact) => {
                    turn.emit(fact);
                    turn.ready.push(at.clone());
                }
                Err(problem) => raise(turn, at, open.task, problem),
            }
        }
        return;
    }
    if each_of(turn, at).is_some() && listener.next < listener.count {
        turn.emit(Fact::Iterated { at: at.clone(), index: listener.next });
        return turn.ready.push(running);
    }
    if listener.over {
        let taken = if each_of(turn, at).is_some() { &listener.outputs } else { &listener.items };
        let output = Labelled::array(taken.values().cloned());
        let then = turn.task(open.task).map(|task| task.then.clone()).unwrap_or_default();
        complete(turn, at, open.task, Finished { input: open.input.clone(), output, then, effect: None });
    }
}

fn each_of<'t>(turn: &Turn<'t>, at: &Position) -> Option<&'t ListenEach> {
    let open = turn.state.open.get(at)?;
    match &turn.program().task(open.task)?.kind {
        TaskKind::Listen(task) => task.each.as_ref(),
        _ => None,
    }
}

/// What `foreach` makes of an event whose tasks are through.
fn handled(turn: &Turn<'_>, at: &Position, open: &Open, listener: &Listener, block: &Open) -> Result<Fact, Problem> {
    let Ok(TaskKind::Listen(task)) = turn.task(open.task).map(|task| &task.kind) else { return Err(lost()) };
    let each = task.each.as_ref().ok_or_else(lost)?;
    let index = listener.next;
    // It is the `listen` that says this: `$task` is the `listen`, as in its own filters and its `until`.
    let more = vec![(each.item.clone(), block.input.clone()), (each.at.clone(), Labelled::authored(i64::try_from(index).ok()))];
    let mut scope = Scope {
        at: Some(at.clone()),
        input: block.input.clone(),
        output: block.last.clone(),
        task: Some(open.task),
        more,
        ..Scope::default()
    };
    let output = match &each.output.to {
        Some(to) => turn.render(to, &block.last, &scope)?,
        None if provost_model::planted::planted("events-as-taken") => block.input.clone(),
        None => block.last.clone(),
    };
    turn.validate(each.output.schema, &output, "the output of an event")?;
    scope.output = output.clone();
    let before = turn.state.context(at);
    let after = match &each.export.to {
        Some(to) => {
            let after = turn.render(to, &output, &scope)?;
            turn.validate(each.export.schema, &after, "the exported context")?;
            Some(after)
        }
        None => None,
    };
    let exported = after.as_ref().and_then(|after| difference(&before, after));
    let last = is_met(turn, at, open, task, after.unwrap_or(before))?;
    let kept = task.until != Some(Until::Never);
    let (output, labels) = if kept { (Some(output.value), output.labels) } else { (None, Default::default()) };
    Ok(Fact::EventHandled { at: at.clone(), index, output, labels, exported, last })
}

/// Whether a condition that an event did not meet as it came holds once `foreach` is through with it: `context` is what that left.
fn is_met(turn: &Turn<'_>, at: &Position, open: &Open, task: &ListenTask, context: Labelled) -> Result<bool, Problem> {
    let (Some(Until::Condition(condition)), Some(listener)) = (&task.until, turn.state.listeners.get(at)) else { return Ok(false) };
    if listener.over {
        return Ok(false);
    }
    let items = Labelled::array(listener.items.values().cloned());
    let more = vec![("context".into(), context)];
    let scope = Scope { at: Some(at.clone()), input: open.input.clone(), task: Some(open.task), more, ..Scope::default() };
    turn.holds(*condition, &items, &scope)
}

fn lost() -> Problem {
    Problem::standard("configuration", 500, "the program holds no `foreach` here").detail("publish the bundle again")
}
