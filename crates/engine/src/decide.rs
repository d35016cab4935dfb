//! `decide`: what happens next, given the state, a command and the world.

mod cancel;

use std::sync::Arc;

use provost_model::program::{Duration, KeySpec, TaskIx, WhenHeld};
use provost_model::record::{AdmissionRequest, Ambient, Command, Fact, Redrive, SharedState, Start, Transition};
use provost_model::{Labelled, Labels, PolicyRequest, Position, Problem, id::EffectId};

use crate::code::Code;
use crate::evolve::OWN_TIME;
use crate::flow::{self, blocks_to_go_on, raise};
use crate::ledger;
use crate::origin;
use crate::reconcile;
use crate::rejected::Rejected;
use crate::state::{Orchestration, Parked, Phase, Timer, Tree};
use crate::tasks::{compensate, listen, review, run};
use crate::turn::{Scope, Turn};

/// What `decide` came to.
#[derive(Clone, Debug)]
pub enum Step {
    /// Policy or shared state must be asked first; call again with the same command and the answers added to the ambient.
    Ask(Questions),
    /// This happened.
    Commit(Box<Decided>),
}

/// What must be answered before a command can be decided.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Questions {
    /// To policy.
    pub verdicts: Vec<PolicyRequest>,
    /// To shared state.
    pub admissions: Vec<AdmissionRequest>,
}

/// A transition, and the state behind it.
#[derive(Clone, Debug)]
pub struct Decided {
    /// What to record.
    pub transition: Transition,
    /// The state once that is recorded: equal to folding the transition's facts.
    pub next: Orchestration,
}

/// Decides what `command` does to `orchestration`. Total and pure.
///
/// # Errors
/// [`Rejected`] when the command does not fit; nothing is to be recorded then.
pub fn decide(code: &dyn Code, orchestration: &Orchestration, command: &Command, ambient: &Ambient) -> Result<Step, Rejected> {
    admit(orchestration, command)?;
    let mut turn = Turn::new(code, orchestration, ambient);
    // What an earlier transition left off goes on with whatever comes next, so that nothing hangs on one message.
    if orchestration.yielded && !matches!(command, Command::Continue) {
        turn.ready = blocks_to_go_on(&turn);
    }
    match command {
        Command::Start(start) => begin(&mut turn, start),
        Command::Sending { effect, attempt } => ledger::sending(&mut turn, effect, *attempt)?,
        Command::Outcome(outcome) if orchestration.is_ended() => ledger::after_the_end(&mut turn, outcome)?,
        Command::Outcome(outcome) => ledger::attempted(&mut turn, outcome)?,
        Command::Claimed(claimed) => ledger::claimed(&mut turn, claimed)?,
        Command::Admitted => admitted(&mut turn)?,
        Command::Entangled { ring } => run::entangled(&mut turn, ring)?,
        Command::Timer { id } => timer(&mut turn, id)?,
        Command::Review(answer) => {
            let asked = review::check(&turn, answer)?;
            review::answered(&mut turn, &asked, answer);
        }
        Command::Child(news) => run::told(&mut turn, news)?,
        Command::Interrupt { .. } => interrupted(&mut turn)?,
        Command::Arrived(arrived) => listen::arrived(&mut turn, arrived),
        Command::Cancel(cancel) => cancel::begin(&mut turn, cancel)?,
        Command::Redrive(redrive) => redriven(&mut turn, redrive)?,
        Command::Resolve(resolve) => ledger::resolved(&mut turn, resolve)?,
        Command::Continue if orchestration.yielded => turn.ready = blocks_to_go_on(&turn),
        Command::Continue => return Err(Rejected::Idle),
    }
    compensate::go_on(&mut turn);
    flow::run(&mut turn);
    cancel::go_on(&mut turn);
    Ok(finish(turn, command))
}

/// The illegal pairs of phase and command, in one visible place.
fn admit(orchestration: &Orchestration, command: &Command) -> Result<(), Rejected> {
    match (&orchestration.phase, command) {
        (Phase::New, Command::Start(_)) => Ok(()),
        (Phase::New, _) => Err(Rejected::NotStarted),
        (_, Command::Start(_)) => Err(Rejected::Started),
        // What an end left in doubt can still be settled: by a person, or by a report that was on its way.
        (Phase::Ended(_), Command::Resolve(resolve)) if is_in_doubt(orchestration, &resolve.effect) => Ok(()),
        (Phase::Ended(_), Command::Outcome(outcome)) if is_in_doubt(orchestration, &outcome.effect) => Ok(()),
        (Phase::Ended(_), Command::Outcome(outcome)) => Err(Rejected::StaleAttempt { effect: outcome.effect, attempt: outcome.attempt }),
        (Phase::Ended(_), _) => Err(Rejected::Ended),
        (Phase::Cancelling { .. }, Command::Cancel(_)) => Err(Rejected::Cancelling),
        (Phase::Running | Phase::Cancelling { .. }, _) => Ok(()),
    }
}

fn is_in_doubt(orchestration: &Orchestration, effect: &EffectId) -> bool {
    orchestration.effects.in_doubt().any(|doubtful| doubtful == effect)
}

fn finish(turn: Turn<'_>, command: &Command) -> Step {
    if !turn.asks.is_empty() || !turn.admissions.is_empty() {
        return Step::Ask(Questions { verdicts: turn.asks, admissions: turn.admissions });
    }
    let command = turn.recorded.unwrap_or_else(|| command.clone());
    let transition = Transition { command, ambient: turn.ambient.clone(), facts: turn.facts, intents: turn.intents };
    Step::Commit(Box::new(Decided { transition, next: turn.state }))
}

/// The first transition: input, timeout, first tasks.
fn begin(turn: &mut Turn<'_>, start: &Start) {
    let root = Position::root();
    let given = Labelled::new(start.input.clone(), origin::start(turn, start));
    let scope = Scope { input: given.clone(), ..Scope::default() };
    let program = turn.program();
    let checked = turn.check_size(&given);
    let checked = checked.and_then(|()| turn.validate(program.input.schema, &given, "the workflow's input"));
    let checked = checked.and_then(|()| match &program.input.from {
        Some(from) => turn.render(from, &given, &scope),
        None => Ok(given.clone()),
    });
    let (input, problem) = match checked {
        Ok(input) => (input, None),
        Err(problem) => (given.clone(), Some(problem)),
    };
    let (input, input_labels) = if input == given { (None, Labels::new()) } else { (Some(input.value), input.labels) };
    turn.emit(Fact::Started { start: Some(Box::new(start.clone())), labels: given.labels, input, input_labels });
    if let Some(problem) = problem {
        return raise(turn, &root, TaskIx::ROOT, problem);
    }
    let begins = match is_caused_too_often(turn, start) {
        Some(false) => in_line(turn, start),
        Some(true) => Err(caused_too_many(turn.program().limits.orchestrations)),
        None => Ok(false),
    };
    match begins {
        Ok(true) => live(turn),
        Ok(false) => {}
        Err(problem) => raise(turn, &root, TaskIx::ROOT, problem),
    }
}

/// Whether too many were caused by what caused this one; `None` while shared state must be asked.
fn is_caused_too_often(turn: &mut Turn<'_>, start: &Start) -> Option<bool> {
    let Some(origin) = start.origin else { return Some(false) };
    let of = SharedState::Origin { limit: turn.program().limits.orchestrations };
    let admission = turn.admit(AdmissionRequest { what: format!("origin:{origin}").into(), effect: None, attempt: 0, of })?;
    Some(admission.refused.is_some())
}

fn caused_too_many(limit: u64) -> Problem {
    Problem::ours("too-many-orchestrations", 508, format!("one start caused more than {limit} orchestrations"))
        .detail("look for events or workflows that multiply, or raise `metadata.provost.limits.orchestrations`")
}

/// Whether it may begin: nothing orders it, or it is the first of its ordering key. `false` too while shared state must be asked.
fn in_line(turn: &mut Turn<'_>, start: &Start) -> Result<bool, Problem> {
    let Some(order) = &start.order else { return under_key(turn, start) };
    let what: Arc<str> = format!("order:{order}").into();
    let Some(admission) = turn.admit(AdmissionRequest { what, effect: None, attempt: 0, of: SharedState::Order }) else {
        return Ok(false);
    };
    if let Some(why) = admission.refused {
        return Err(Problem::ours("order-full", 503, format!("{why}: `{order}`")).detail("redrive or cancel what is parked under this key"));
    }
    let Some(number) = admission.number else { return Ok(true) };
    turn.emit(Fact::Queued { order: order.clone(), number });
    Ok(false)
}

/// Whether it may begin: nothing limits how many run, or there is a place under its concurrency key.
fn under_key(turn: &mut Turn<'_>, start: &Start) -> Result<bool, Problem> {
    let (Some(key), Some(concurrency)) = (&start.concurrency, turn.program().concurrency) else { return Ok(true) };
    let what: Arc<str> = format!("key:{key}").into();
    let Some(admission) = turn.admit(AdmissionRequest { what, effect: None, attempt: 0, of: SharedState::Key(concurrency.spec) }) else {
        return Ok(false);
    };
    if let Some(why) = admission.refused {
        return Err(no_place(&concurrency.spec, key, &why));
    }
    let (Some(number), Some(behind)) = (admission.number, admission.behind) else { return Ok(true) };
    turn.emit(Fact::HeldBack { key: key.clone(), number, behind });
    Ok(false)
}

/// Why a start finds no place under its concurrency key.
pub fn no_place(spec: &KeySpec, key: &str, why: &str) -> Problem {
    match spec.policy {
        WhenHeld::Refuse => Problem::ours("concurrency-held", 409, format!("the concurrency key `{key}` is held"))
            .detail(format!("{why}; start it again when that one has ended, or write `policy: queue`")),
        WhenHeld::Queue | WhenHeld::Replace => {
            Problem::ours("concurrency-full", 503, format!("too many wait for the concurrency key `{key}`"))
                .detail(format!("{why}; look at what holds it, and cancel or redrive what does not go on"))
        }
    }
}

/// Its turn came.
fn admitted(turn: &mut Turn<'_>) -> Result<(), Rejected> {
    if turn.state.queued.is_none() {
        return Err(Rejected::Idle);
    }
    turn.emit(Fact::Admitted);
    if turn.state.phase == Phase::Running {
        live(turn);
    }
    Ok(())
}

fn live(turn: &mut Turn<'_>) {
    let root = Position::root();
    if let Err(problem) = begin_life(turn) {
        return raise(turn, &root, TaskIx::ROOT, problem);
    }
    turn.ready.push(root);
}

/// Sets the timer of the workflow's own timeout.
fn begin_life(turn: &mut Turn<'_>) -> Result<(), Problem> {
    let ms = life_ms(turn, turn.program().timeout.as_ref())?;
    if ms > 0 {
        let due_us = turn.ambient.now_us.saturating_add(ms.saturating_mul(1000));
        turn.set_timer(OWN_TIME.to_owned(), &Position::root(), due_us);
    }
    Ok(())
}

fn life_ms(turn: &Turn<'_>, timeout: Option<&Duration>) -> Result<i64, Problem> {
    let scope = Scope { input: turn.state.input.clone(), ..Scope::default() };
    timeout.map_or(Ok(0), |timeout| turn.duration_ms(timeout, &turn.state.input, &scope))
}

fn timer(turn: &mut Turn<'_>, id: &Arc<str>) -> Result<(), Rejected> {
    let set = turn.state.timers.get(id).cloned().ok_or_else(|| Rejected::UnknownTimer(id.to_string()))?;
    if set.due_us > turn.ambient.now_us {
        return Err(Rejected::UnknownTimer(id.to_string()));
    }
    turn.emit(Fact::TimerFired { id: id.clone() });
    let (purpose, what) = id.split_once(':').unwrap_or((id, ""));
    match purpose {
        "wait" => waited(turn, &set.at),
        "retry" => {
            turn.emit(Fact::Retried { at: set.at.clone() });
            turn.ready.push(set.at);
        }
        "effect" => {
            if let Ok(effect) = what.parse::<EffectId>() {
                ledger::scheduled_due(turn, &effect);
            }
        }
        "timeout" => timed_out(turn, &set.at),
        "reconcile" => reconcile::due(turn, what),
        // "grace" and nothing else: `cancel::go_on` looks at the time itself.
        _ => {}
    }
    Ok(())
}

fn waited(turn: &mut Turn<'_>, at: &Position) {
    let Some(open) = turn.state.open.get(at).cloned() else { return };
    let then = turn.task(open.task).map(|task| task.then.clone()).unwrap_or_default();
    let finished = flow::Finished { input: open.input.clone(), output: open.input.clone(), then, effect: None };
    flow::complete(turn, at, open.task, finished);
}

/// The time of the place is up. What is out is waited for; without anything out it raises at once.
fn timed_out(turn: &mut Turn<'_>, at: &Position) {
    flow::give_up_within(turn, at);
    if !ledger::is_out_within(turn, at) || provost_model::planted::planted("timeout-while-out") {
        flow::expire(turn, at);
    } else {
        // Whether it is tried again is known when it raises.
        run::interrupt_within(turn, at);
    }
}

/// Its parent stopped waiting: it goes as if its own time was up, and is parked so that it may be tried again under its own keys.
fn interrupted(turn: &mut Turn<'_>) -> Result<(), Rejected> {
    if turn.state.phase != Phase::Running || turn.state.parked.is_some() {
        return Err(Rejected::Idle);
    }
    turn.emit(Fact::Interrupted);
    timed_out(turn, &Position::root());
    Ok(())
}

/// A place that begins again takes its timers with it; an undo that a cancellation sent from there is still out, and keeps its time.
fn keep_timers(turn: &mut Turn<'_>, before: &Tree<Arc<str>, Timer>) {
    let mut out: Vec<_> =
        turn.state.effects.live().filter(|(_, effect)| effect.is_out()).map(|(id, effect)| (*id, effect.at.clone())).collect();
    out.sort_unstable();
    for (id, at) in out {
        let name = format!("effect:{id}");
        if let Some(timer) = before.get(name.as_str()).filter(|_| !turn.state.timers.contains_key(name.as_str())) {
            turn.set_timer(name, &at, timer.due_us);
        }
    }
}

fn redriven(turn: &mut Turn<'_>, _redrive: &Redrive) -> Result<(), Rejected> {
    let parked = turn.state.parked.clone().ok_or(Rejected::NotParked)?;
    redrive(turn, &parked);
    Ok(())
}

/// What is parked begins again where it stood, under the same keys.
pub(crate) fn redrive(turn: &mut Turn<'_>, parked: &Parked) {
    let timers = turn.state.timers.clone();
    turn.emit(Fact::Redriven { at: parked.at.clone() });
    if matches!(turn.state.phase, Phase::Cancelling { .. }) {
        keep_timers(turn, &timers);
    }
    if parked.at.is_root()
        && turn.state.phase == Phase::Running
        && let Err(problem) = begin_life(turn)
    {
        return raise(turn, &parked.at, TaskIx::ROOT, problem);
    }
    turn.ready = blocks_to_go_on(turn);
}
