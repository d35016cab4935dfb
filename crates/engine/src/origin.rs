//! Where labels come from: what an author or Provost wrote is trusted, everything else is not, but for the places that a contract labels
//! `trusted` in what an authenticated source sent.
//!
//! | from | trusted |
//! |---|---|
//! | events gathered into a batch | nothing |
//! | event, start by hand | what the start's contract, or without one the schema of the input, labels so, if a person or program sent it under a name of its own |
//! | parent, child | what the other one followed: labels pass with input and output; nothing, where the other one keeps none |
//! | event that is listened for | what the filter's contract labels so, under the same condition |
//! | event of ours | nothing: it carries no labels, and may repeat what an agent wrote |
//! | action | what the contract of its result labels so |
//! | passage | nothing |
//! | feature | what the contract of its value labels so |
//! | agent | nothing, whatever its contract says |
//! | plan | nothing that the agent gives its tasks, whatever it reads; what the author fixed keeps its labels |
//! | person | the choice, the name, and what the form's contract labels so |
//! | error | nothing |
//!
//! Who may see a value is told by those who wrote the workflow and its contracts (`redact`, `labels`, `x-provost.labels`), for the same
//! places. What comes back from outside may repeat what was sent: it is as sensitive as that, unless they say that it is public.
//!
//! What must stay true: a label is taken off nowhere else. A program that decides nothing on labels keeps none. Sources: DESIGN §5, ADR 0004.

use std::sync::Arc;

use provost_model::program::{Reading, SchemaIx, TaskIx};
use provost_model::record::{Arrived, EffectKind, Start};
use provost_model::value::Pointer;
use provost_model::who::Known;
use provost_model::{Label, Labelled, Labels, Marks, Problem, Program, Value};

use crate::state::{Effect, ReviewAnswered};
use crate::turn::Turn;

/// The labels of what an orchestration is given.
pub(crate) fn start(turn: &Turn<'_>, start: &Start) -> Labels {
    let labels = given(turn, start).join(&start.labels);
    marked_start(turn.program(), &start.input, labels)
}

/// `labels` of what starts an orchestration of `program` with what its authors say of it: of each event's reading, or of the input.
pub(crate) fn marked_start(program: &Program, input: &Value, labels: Labels) -> Labels {
    if !program.marks_anything() {
        return labels;
    }
    let own = program.marks.get(&TaskIx::ROOT).cloned().unwrap_or_default();
    match input.as_array().filter(|_| program.start_filters().next().is_some()) {
        None => own.on(input, program.marks_of(program.input.schema).on(input, labels)),
        Some(items) => {
            let items = items.iter().enumerate().map(|(index, item)| {
                let inside = labels.within(&format!("/{index}"));
                let inside = start_marks(program, index).on(item, inside);
                Labelled::new(item.clone(), own.on(item, inside))
            });
            Labelled::array(items.collect::<Vec<_>>()).labels
        }
    }
}

/// What contracts say of the event at `index` of an input. Where its filter is not known, what any of them says.
fn start_marks(program: &Program, index: usize) -> Marks {
    let known = program.start_filter_of(index);
    let filters: Vec<_> = known.map_or_else(|| program.start_filters().collect(), |known| vec![known]);
    filters.into_iter().fold(Marks::default(), |all, on| all.and(&program.read_marks(on.contract)))
}

fn given(turn: &Turn<'_>, start: &Start) -> Labels {
    if let Some(labels) = start.parent.as_ref().and_then(|parent| parent.labels.as_ref()) {
        return labels.clone();
    }
    let named = matches!(start.by.known, Known::Token | Known::Loopback) && start.hops == 0 && start.parent.is_none();
    // The events of a batch may come from several senders.
    if !named || start.batch.is_some() {
        return outside(turn, &start.input, &[]);
    }
    if let (Some(set), Some(events)) = (&turn.program().starts_on_set, start.input.as_array())
        && start.event.is_some()
        && (set.all || events.len() == 1)
    {
        let said = events.iter().enumerate().map(|(index, data)| {
            let contract = turn.program().start_filter_of(index).and_then(|on| on.contract);
            Labelled::new(data.clone(), started_with(turn, data, contract))
        });
        return Labelled::array(said.collect::<Vec<_>>()).labels;
    }
    let contract = turn.program().starts_on.as_ref().and_then(|on| on.contract);
    match (contract, start.input.as_array()) {
        // An event's data is the one item of the input.
        (Some(contract), Some([data])) => started_with(turn, data, Some(contract)).placed(&Pointer::root().child("0")),
        (Some(contract), Some(_) | None) => obeying(turn, &start.input, Some(contract)),
        (None, _) => obeying(turn, &start.input, turn.program().input.schema),
    }
}

/// The labels of what was read of an event that started the orchestration: a contract is about its data.
fn started_with(turn: &Turn<'_>, item: &Value, contract: Option<SchemaIx>) -> Labels {
    match turn.program().start_read {
        Reading::Data => obeying(turn, item, contract),
        Reading::Envelope => {
            let trusted = item.member("data").map(|data| trusted_in(turn, data, contract)).unwrap_or_default();
            let trusted: Vec<String> = trusted.into_iter().map(|place| format!("/data{place}")).collect();
            outside(turn, item, &trusted.iter().map(String::as_str).collect::<Vec<_>>())
        }
        Reading::Raw => outside(turn, item, &[]),
    }
}

/// What an event that a listener takes says.
pub(crate) fn said_in(turn: &Turn<'_>, arrived: &Arrived, contract: Option<SchemaIx>) -> Labelled {
    let data = &arrived.event.data;
    let named = matches!(arrived.by.known, Known::Token | Known::Loopback) && arrived.event.hops == 0;
    let labels = obeying(turn, data, contract.filter(|_| named)).join(&arrived.event.labels.within("/data"));
    Labelled::new(data.clone(), turn.program().marks_of(contract).on(data, labels))
}

/// The whole event, as an object. Its attributes are trusted by nobody.
pub(crate) fn envelope(turn: &Turn<'_>, arrived: &Arrived, contract: Option<SchemaIx>) -> Labelled {
    let (whole, data) = (crate::tasks::emit::as_value(&arrived.event), said_in(turn, arrived, contract));
    let mut members: Vec<(Arc<str>, Labelled)> = Vec::new();
    for (name, value) in whole.as_object().into_iter().flat_map(provost_model::value::Map::iter).filter(|(name, _)| ***name != *"data") {
        members.push((name.clone(), Labelled::new(value.clone(), outside(turn, value, &[]))));
    }
    members.push(("data".into(), data));
    let said = Labelled::object(members);
    let labels = said.labels.join(&arrived.event.labels);
    Labelled::new(said.value, labels)
}

/// The labels of what the worker of an effect returned.
pub(crate) fn result(turn: &Turn<'_>, effect: &Effect, value: &Value) -> Labels {
    let contract = match effect.kind {
        EffectKind::Agent | EffectKind::Retrieval | EffectKind::Feature => None,
        EffectKind::Action | EffectKind::Undo => turn.program().actions.get(&effect.name).and_then(|spec| spec.result),
    };
    let marked = match effect.kind {
        EffectKind::Agent => turn.program().agents.get(&effect.name).and_then(|spec| spec.output),
        EffectKind::Retrieval | EffectKind::Feature | EffectKind::Action | EffectKind::Undo => contract,
    };
    read_back(turn, effect, value, obeying(turn, value, contract), marked)
}

/// What came back for what was sent may repeat it.
pub(crate) fn read_back(turn: &Turn<'_>, effect: &Effect, value: &Value, labels: Labels, contract: Option<SchemaIx>) -> Labels {
    let labels = labels.join(&Labels::whole(effect.labels.all()));
    let labels = turn.program().marks_of(contract).on(value, labels);
    match turn.state.open.get(&effect.at) {
        Some(open) => returned(turn, open.task, value, labels),
        None => labels,
    }
}

/// The labels of what the task `ix` returns, with what its author says of it.
pub(crate) fn returned(turn: &Turn<'_>, ix: TaskIx, value: &Value, labels: Labels) -> Labels {
    match turn.program().marks.get(&ix) {
        Some(marks) if ix != TaskIx::ROOT => marks.on(value, labels),
        Some(_) | None => labels,
    }
}

/// Who may see what a failure of `effect` quotes: what was sent, and what would have come back.
pub(crate) fn failure(turn: &Turn<'_>, effect: &Effect) -> Label {
    let program = turn.program();
    let task = turn.state.open.get(&effect.at).and_then(|open| program.marks.get(&open.task)).map_or(Label::NONE, Marks::all);
    let spec = program.actions.get(&effect.name);
    let contract = spec.map_or(Label::NONE, |spec| program.marks_of(spec.result).all());
    effect.labels.all().sensitive().join(effect.key_label).join(task).join(contract)
}

/// The labels of a reference to what the worker of an effect returned.
pub(crate) fn reference(turn: &Turn<'_>, value: &Value) -> Labels {
    outside(turn, value, &[])
}

/// A value that a feature store gave.
pub(crate) fn served(turn: &Turn<'_>, effect: &Effect, value: Value, contract: Option<SchemaIx>) -> Labelled {
    let labels = obeying(turn, &value, contract);
    let labels = read_back(turn, effect, &value, labels, contract);
    Labelled::new(value, labels)
}

/// What a person filled in.
pub(crate) fn form(turn: &Turn<'_>, form: &Value, contract: Option<SchemaIx>) -> Labelled {
    let labels = obeying(turn, form, contract);
    Labelled::new(form.clone(), turn.program().marks_of(contract).on(form, labels))
}

/// Why a person answered as they did.
pub(crate) fn reason(turn: &Turn<'_>, answer: &ReviewAnswered) -> Labelled {
    let reason = Value::Str(answer.reason.clone());
    let labels = outside(turn, &reason, &[]);
    Labelled::new(reason, labels)
}

/// An error, which may quote anything.
pub(crate) fn problem(turn: &Turn<'_>, problem: &Problem) -> Labelled {
    let value = problem.to_value();
    let labels = outside(turn, &value, &[]).join(&Labels::whole(problem.label));
    Labelled::new(value, labels)
}

/// The labels that go with a value to another orchestration; none where they are not followed here.
pub(crate) fn followed(turn: &Turn<'_>, value: &Labelled) -> Option<Labels> {
    let unknown = || value.labels.join(&Labels::whole(Label::UNTRUSTED));
    if follows(turn) { Some(value.labels.clone()) } else { (!value.labels.is_empty()).then(unknown) }
}

/// Whether labels are followed: something is decided on them here, somebody may not see something, or some came along.
fn follows(turn: &Turn<'_>) -> bool {
    let given = |start: &Arc<Start>| !start.labels.is_empty() || start.parent.as_ref().is_some_and(|parent| parent.labels.is_some());
    turn.code.keeps_labels() || turn.state.start.as_ref().is_some_and(given)
}

/// What was decided on values of this label.
pub(crate) fn decided(value: Value, label: Label) -> Labelled {
    Labelled::new(value, Labels::whole(label))
}

/// A contract's word holds for what obeys the contract.
fn obeying(turn: &Turn<'_>, value: &Value, contract: Option<SchemaIx>) -> Labels {
    outside(turn, value, &trusted_in(turn, value, contract))
}

/// The places of `value` that its contract labels trusted; none where it does not obey the contract.
fn trusted_in<'t>(turn: &Turn<'t>, value: &Value, contract: Option<SchemaIx>) -> Vec<&'t str> {
    let trusted = turn.program().trusted_places(contract);
    let obeys = !trusted.is_empty() && contract.is_some_and(|contract| turn.code.validate(contract, value).is_ok());
    if obeys { trusted } else { Vec::new() }
}

fn outside(turn: &Turn<'_>, value: &Value, trusted: &[&str]) -> Labels {
    if follows(turn) { Labels::from_outside(value, trusted) } else { Labels::new() }
}
