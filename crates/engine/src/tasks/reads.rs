//! What `call: retrieve` and `call: feature` share: a read leaves like a run, under a key of its round, and answers by its deadline.
//!
//! What must stay true: a read is of class E0. It may be made again freely, its timeout raises at once, and it is forgotten with its task.

use std::sync::Arc;

use provost_model::program::{EffectClass, RetrySpec};
use provost_model::record::{EffectKind, Fact, Intent, Shape};
use provost_model::{Digest, Label, Labelled, Problem};

use crate::flow::{Entering, Entry};
use crate::ledger;
use crate::state::Effect;
use crate::turn::Turn;

/// A read about to leave.
pub(super) struct Read<'r> {
    pub kind: EffectKind,
    /// `name@major`.
    pub name: &'r Arc<str>,
    pub arguments: Labelled,
    pub example: Option<u32>,
    pub timeout_ms: i64,
}

/// Lets a read leave; the task waits for its answer.
pub(super) fn leave(turn: &mut Turn<'_>, entering: &Entering<'_>, read: Read<'_>) -> Result<Entry, Problem> {
    entering.open(turn, Shape::Plain)?;
    let purpose = format!("read/{}", turn.state.round(entering.at));
    let effect = turn.state.id.effect(entering.at.as_str(), &purpose);
    turn.emit(Fact::Intended {
        effect,
        at: entering.at.clone(),
        kind: read.kind,
        name: read.name.clone(),
        class: EffectClass::E0,
        key: ledger::key(turn, entering.at, &purpose),
        business_key: None,
        // Nothing ever compares the arguments of a read.
        fingerprint: Digest::from_bytes([0; 32]),
        labels: read.arguments.labels.sensitive(),
        key_label: Label::NONE,
        arguments: (read.arguments.value != entering.input.value).then_some(read.arguments.value),
        secrets: Vec::new(),
        example: read.example,
        deadline_us: turn.ambient.now_us.saturating_add(read.timeout_ms.saturating_mul(1000)),
        undoes: None,
        undo: None,
    });
    turn.intend(Intent::Attempt { effect, attempt: 1 });
    Ok(Entry::Open)
}

/// How a read is tried again.
pub(crate) fn retry_of<'p>(turn: &Turn<'p>, effect: &Effect) -> Option<&'p RetrySpec> {
    let program = turn.program();
    let of_source = program.sources.get(&effect.name).filter(|_| effect.kind == EffectKind::Retrieval).map(|spec| &spec.served.retry);
    of_source.or_else(|| program.features.get(&effect.name).filter(|_| effect.kind == EffectKind::Feature).map(|spec| &spec.served.retry))
}

/// What the program must hold and does not.
pub(super) fn missing(what: &str, name: &str) -> Problem {
    Problem::standard("configuration", 500, format!("the bundle holds no {what} `{name}`")).detail("publish the bundle again")
}
