//! How control moves: entering a task, completing it, going on with the block around it.
//!
//! The data flow of a task is LANGUAGE's: raw input -> `if` -> `input.schema` -> `input.from` -> run -> `output.as` -> `output.schema` ->
//! `export.as` -> `export.schema` -> next raw input.

mod advance;
mod export;
mod plan;
mod raise;

pub(crate) use advance::{blocks_to_go_on, expire, expired_around, is_through, run};
pub(crate) use export::{difference, exported};
pub(crate) use plan::allowed;
pub(crate) use raise::{give_up_within, park, raise, retried_outside, withdraw_within};

use provost_model::id::EffectId;
use provost_model::program::{Flow, Task, TaskIx, TaskKind};
use provost_model::record::{Fact, Shape};
use provost_model::{Labelled, Labels, Position, Problem};

use crate::origin;
use crate::state::OpenKind;
use crate::tasks;
use crate::turn::{Scope, Turn, check_depth};

/// What entering a task came to.
pub(crate) enum Entry {
    /// It ended at once with this raw output, and control goes there.
    Ended(Labelled, Flow),
    /// It stays open; its blocks or effects go on by themselves.
    Open,
    /// Policy must be asked first.
    Asking,
}

/// A task that is being entered.
pub(crate) struct Entering<'e> {
    /// Where.
    pub at: &'e Position,
    /// Its index.
    pub ix: TaskIx,
    /// The task.
    pub task: &'e Task,
    /// Its raw input.
    pub raw: Labelled,
    /// Its input after `input.from`.
    pub input: Labelled,
}

impl Entering<'_> {
    /// What its expressions may read.
    pub fn scope(&self) -> Scope {
        Scope { at: Some(self.at.clone()), input: self.input.clone(), task: Some(self.ix), ..Scope::default() }
    }

    /// Opens it with `shape`, and sets the timer of its `timeout`.
    ///
    /// # Errors
    /// An `expression` problem when the timeout is no duration.
    pub fn open(&self, turn: &mut Turn<'_>, shape: Shape) -> Result<(), Problem> {
        let (input, labels) = written(self.input != self.raw, &self.input);
        turn.emit(Fact::Entered { at: self.at.clone(), task: self.ix, input, labels, shape });
        if let Some(timeout) = &self.task.timeout {
            let ms = turn.duration_ms(timeout, &self.input, &self.scope())?;
            turn.set_timer(format!("timeout:{}", self.at), self.at, turn.ambient.now_us.saturating_add(ms.saturating_mul(1000)));
        }
        Ok(())
    }
}

/// Enters the task `ix` of the block at `parent` with `raw` input.
pub(crate) fn enter(turn: &mut Turn<'_>, parent: &Position, ix: TaskIx, raw: Labelled) {
    let task = match turn.task(ix) {
        Ok(task) => task,
        Err(problem) => return park(turn, parent.clone(), problem),
    };
    let visits = turn.state.open.get(parent).map_or(0, |open| open.visits.of(ix));
    let at = parent.task(&task.name, visits.saturating_add(1));
    if let Some(problem) = used_up(turn) {
        return raise(turn, &at, ix, problem);
    }
    let prepared = prepare(turn, &at, ix, task, raw);
    begin(turn, parent, &at, ix, prepared);
}

/// Begins the task `ix` at `at`, which stands in the block at `parent`; `prepared` is `None` where it is skipped.
fn begin(turn: &mut Turn<'_>, parent: &Position, at: &Position, ix: TaskIx, prepared: Result<Option<Entering<'_>>, Problem>) {
    match prepared {
        Err(problem) => raise(turn, at, ix, problem),
        Ok(None) => {
            turn.emit(Fact::Skipped { at: at.clone(), task: ix });
            turn.ready.push(parent.clone());
        }
        Ok(Some(entering)) => match tasks::enter(turn, &entering) {
            Err(problem) => raise(turn, at, ix, problem),
            Ok(Entry::Asking | Entry::Open) => {}
            Ok(Entry::Ended(output, then)) => complete(turn, at, ix, Finished { input: entering.input, output, then, effect: None }),
        },
    }
}

/// Why nothing more may run, and nothing be tried again: what an orchestration may do in its life is done.
pub(crate) fn used_up(turn: &Turn<'_>) -> Option<Problem> {
    let (state, limits) = (&turn.state, &turn.program().limits);
    if state.tasks_run >= limits.tasks {
        let problem = Problem::ours("too-many-tasks", 500, format!("more than {} tasks ran", limits.tasks))
            .detail("look for a loop or a retry without end, or raise `metadata.provost.limits.tasks`");
        return Some(problem);
    }
    let problem = || {
        Problem::ours("journal-too-large", 500, format!("its journal holds more than {} bytes", limits.journal_bytes))
            .detail("hand on references (`store: blob`), or raise `metadata.provost.limits.journalBytes`")
    };
    (state.journal_bytes >= limits.journal_bytes).then(problem)
}

/// `if`, `input.schema` and `input.from`; `None` when the task is skipped.
fn prepare<'e>(turn: &Turn<'_>, at: &'e Position, ix: TaskIx, task: &'e Task, raw: Labelled) -> Result<Option<Entering<'e>>, Problem> {
    let scope = || Scope { at: Some(at.clone()), input: raw.clone(), task: Some(ix), ..Scope::default() };
    if let Some(when) = task.when
        && !turn.holds(when, &raw, &scope())?
    {
        return Ok(None);
    }
    turn.validate(task.input.schema, &raw, "the input")?;
    let input = match &task.input.from {
        Some(from) => turn.render(from, &raw, &scope())?,
        None => raw.clone(),
    };
    Ok(Some(Entering { at, ix, task, raw, input }))
}

/// A task that ended well.
pub(crate) struct Finished {
    /// Its input after `input.from`.
    pub input: Labelled,
    /// Its raw output.
    pub output: Labelled,
    /// Where control goes.
    pub then: Flow,
    /// The effect whose result the raw output is.
    pub effect: Option<EffectId>,
}

/// Completes the task at `at`: output, export, and on with the block around it.
pub(crate) fn complete(turn: &mut Turn<'_>, at: &Position, ix: TaskIx, mut finished: Finished) {
    finished.output.labels = origin::returned(turn, ix, &finished.output.value, std::mem::take(&mut finished.output.labels));
    let ends = finished.then == Flow::End;
    match completion(turn, at, ix, finished) {
        Err(problem) => raise(turn, at, ix, problem),
        Ok(fact) => {
            turn.emit(fact);
            let Some(around) = at.around() else { return };
            let Some((parent, open)) = turn.state.open.get_key_value(around) else { return turn.ready.extend(at.parent()) };
            // A list reads `then` itself when it goes on; a fork has no order, and only `end` leads out of it.
            let done = match &open.kind {
                OpenKind::Fork { done, .. } if ends => done.last().map(|(_, output)| output.clone()),
                _ => None,
            };
            match done {
                Some(output) => advance::end(turn, output),
                None => turn.ready.push(parent.clone()),
            }
        }
    }
}

fn completion(turn: &Turn<'_>, at: &Position, ix: TaskIx, finished: Finished) -> Result<Fact, Problem> {
    let task = turn.task(ix)?;
    if matches!(task.kind, TaskKind::Fork(_) | TaskKind::Emit(_)) {
        // Both wrap what they were given.
        check_depth(&finished.output)?;
    }
    let Finished { input, output: returned, then, effect } = finished;
    let scope = || Scope { at: Some(at.clone()), input: input.clone(), task: Some(ix), ..Scope::default() };
    let shaped = match &task.output.to {
        Some(to) => Some(turn.render(to, &returned, &Scope { output: returned.clone(), ..scope() })?),
        None => None,
    };
    let output = shaped.as_ref().unwrap_or(&returned);
    turn.validate(task.output.schema, output, "the output")?;
    let exported = exported(turn, at, task, output, || Scope { output: output.clone(), returned: Some(returned.clone()), ..scope() })?;
    let (anew, effect) = match effect {
        None => (raw_input(turn, at).map_or(*output != Labelled::default(), |known| output != known), None),
        Some(effect) if *output == returned => (false, Some(effect)),
        Some(_) => (true, None),
    };
    let written = anew.then(|| shaped.unwrap_or(returned));
    let (output, labels) = written.map(|output| (Some(output.value), output.labels)).unwrap_or_default();
    Ok(Fact::Completed { at: at.clone(), task: ix, output, labels, effect, exported, then })
}

/// A value and its labels as a fact holds them, or neither where they are known already.
fn written(anew: bool, value: &Labelled) -> (Option<provost_model::Value>, Labels) {
    if anew { (Some(value.value.clone()), value.labels.clone()) } else { (None, Labels::new()) }
}

/// The raw input that the fold would take for the task at `at`.
pub(crate) fn raw_input_of(turn: &Turn<'_>, at: &Position) -> Labelled {
    raw_input(turn, at).cloned().unwrap_or_default()
}

fn raw_input<'s>(turn: &'s Turn<'_>, at: &Position) -> Option<&'s Labelled> {
    if let Some(open) = turn.state.open.get(at) {
        return Some(&open.raw);
    }
    let around = turn.state.open.get(at.around()?)?;
    Some(if matches!(around.kind, OpenKind::Fork { .. }) { &around.input } else { &around.last })
}
