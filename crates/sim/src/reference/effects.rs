//! `act`, and protocol calls that are no reads: effects on the world, at most one for each place.
//!
//! What must stay true: a finished effect answers from the ledger when its place is run again; other arguments there are a conflict that no
//! `catch` takes; what is out stays out when its place is lost; while it is out no time around it is over; what was done can be undone,
//! whoever still waits for it. No keys of the author: the generator writes none.

use std::sync::Arc;

use provost_model::program::{ActTask, ActionSpec, EffectClass, InDoubt, RetrySpec};
use provost_model::{Position, Problem, Value};

use super::agents::{Asked, Run};
use super::attempts::next_us;
use super::evaluate::Seen;
use super::flow::{About, Entered, Interpreter, Stop, Went};
use super::people::{Question, chosen};
use super::tasks::{Begun, Kind};
use super::{Answer, answers, takes_us};

/// What is known of the effect of a place.
pub(super) struct Effect<'c> {
    /// Where the task stands that waits for it.
    pub at: Position,
    pub spec: &'c ActionSpec,
    pub arguments: Value,
    /// How it is tried again.
    retry: &'c RetrySpec,
    in_doubt: InDoubt,
    /// What undoes it.
    undo: Option<Arc<str>>,
    /// What it undoes.
    pub undoes: Option<Position>,
    /// When it was taken back before anybody had it, in microseconds UTC.
    pub taken_back_us: Option<i64>,
    /// Whether nobody waits for this undo any more.
    pub lost: bool,
    attempt: u32,
    pub first_us: i64,
    /// When an attempt of which nobody knows came back.
    pub last_us: i64,
    /// Whether an attempt may have been done although nobody knows.
    pub unknown: bool,
    /// Whether its target was asked and had not done it.
    pub absent: bool,
    pub fate: Fate,
}

pub(super) enum Fate {
    /// It is out; its answer comes then.
    Out(i64),
    /// Its next attempt leaves then.
    Waits(i64),
    /// Nobody knows, and its target is asked; the answer comes then.
    Asked {
        /// When it is asked.
        asked_us: i64,
        /// When it answers.
        due_us: i64,
    },
    /// Its answer came and nobody has looked at it.
    Came(Answer),
    /// It was done.
    Done(Value),
    /// It was certainly not done, and nobody tries again.
    Failed,
    /// Nobody knows.
    InDoubt,
}

impl<'c> Effect<'c> {
    /// The undo of what was done at `undoes`, for the task at `at`.
    pub fn undoing(at: Position, undoes: Position, spec: &'c ActionSpec, arguments: Value, now_us: i64) -> Self {
        let (retry, undoes) = (&spec.retry, Some(undoes));
        let (in_doubt, undo, fate) = (InDoubt::Wait, None, Fate::Failed);
        Self {
            at,
            spec,
            arguments,
            retry,
            in_doubt,
            undo,
            undoes,
            taken_back_us: None,
            lost: false,
            attempt: 0,
            first_us: now_us,
            last_us: 0,
            unknown: false,
            absent: false,
            fate,
        }
    }

    /// The next attempt, then.
    fn again(&mut self, due_us: i64, now_us: i64) {
        self.attempt += 1;
        self.fate = Fate::Waits(due_us);
        if due_us <= now_us {
            self.sent(now_us);
        }
    }

    /// The first attempt, or another one where it was certainly not done: how many tasks that counts as.
    pub fn asked_for(&mut self, now_us: i64) -> u64 {
        self.attempt += 1;
        self.sent(now_us);
        u64::from(self.attempt > 1)
    }

    /// What it is known to have done.
    pub fn result(&self) -> Option<&Value> {
        match &self.fate {
            Fate::Done(value) | Fate::Came(Answer::Done(value)) => Some(value),
            Fate::Out(_) | Fate::Waits(_) | Fate::Asked { .. } | Fate::Came(_) | Fate::Failed | Fate::InDoubt => None,
        }
    }

    /// Whether nobody can say yet what becomes of it.
    pub fn is_unresolved(&self) -> bool {
        self.is_out() || matches!(self.fate, Fate::Waits(_))
    }

    /// Whether it may act, or have acted, on the world.
    fn is_out(&self) -> bool {
        match self.fate {
            Fate::Out(_) | Fate::Asked { .. } | Fate::Came(Answer::Unknown(_)) | Fate::InDoubt => true,
            Fate::Waits(_) | Fate::Came(Answer::Failed { .. }) => self.unknown,
            Fate::Came(Answer::Done(_)) | Fate::Done(_) | Fate::Failed => false,
        }
    }

    fn sent(&mut self, now_us: i64) {
        self.fate = Fate::Out(now_us + takes_us(&self.arguments));
    }
}

impl<'c> Interpreter<'c> {
    /// Enters an effect: what its place knows already, or its first attempt.
    pub(super) fn act(&mut self, task: &'c ActTask, about: &About<'c>, seen: &Seen<'_>) -> Result<Begun<'c>, Problem> {
        let spec = self.spec(task)?;
        let arguments = self.render(&task.arguments, &about.input, seen)?;
        self.validate(spec.arguments, &arguments)?;
        if spec.call.is_some() && spec.class == EffectClass::E0 {
            return Ok(Begun::Open(Kind::Run(Run::new(Asked::Target(spec, arguments.clone()), &arguments, self.now_us))));
        }
        let new = self.effect(about, task, spec, arguments.clone());
        let known = self.ledger.get_mut(&about.at);
        if known.as_ref().is_some_and(|effect| effect.arguments != arguments) {
            return Ok(Begun::Parks(Problem::ours("conflict", 409, "it was decided on with other arguments")));
        }
        match known.as_ref().map(|effect| (&effect.fate, effect.unknown)) {
            Some((Fate::Done(value) | Fate::Came(Answer::Done(value)), _)) => {
                let value = value.clone();
                return self.validate(spec.result, &value).map(|()| Begun::Ended(value));
            }
            Some((Fate::Came(Answer::Failed { .. }), true) | (Fate::Came(Answer::Unknown(_)), _)) => {
                known.into_iter().for_each(|effect| effect.fate = Fate::InDoubt);
            }
            Some((Fate::Out(_) | Fate::Waits(_) | Fate::Asked { .. } | Fate::InDoubt, _)) => {}
            None | Some((Fate::Failed | Fate::Came(Answer::Failed { .. }), _)) => {
                if !self.is_released(spec, &arguments)? {
                    return Ok(Begun::Open(Kind::Act(Some(Question::new(arguments, self.now_us)))));
                }
                self.send(about, new);
            }
        }
        Ok(Begun::Open(Kind::Act(None)))
    }

    /// The first attempt of a place, or another one of what was certainly not done.
    fn send(&mut self, about: &About<'c>, new: Effect<'c>) {
        let effect = self.ledger.entry(about.at.clone()).or_insert(new);
        self.tasks_run += effect.asked_for(self.now_us);
    }

    /// Goes on with a call that a person is asked about: yes sends it, if policy agrees.
    fn asked_on(&mut self, about: &About<'c>, task: &'c ActTask, question: &Question) -> Result<bool, Problem> {
        if self.now_us < question.due_us {
            return Ok(false);
        }
        let spec = self.spec(task)?;
        let options = spec.review.as_ref().map(|review| review.options.as_slice()).unwrap_or_default();
        if options.first() != Some(&chosen(options, &question.show)) {
            return Err(Problem::ours("rejected", 403, "a person said no"));
        }
        self.approves(&spec.name, question.show.clone());
        self.is_released(spec, &question.show)?;
        let new = self.effect(about, task, spec, question.show.clone());
        self.send(about, new);
        Ok(true)
    }

    fn spec(&self, task: &ActTask) -> Result<&'c ActionSpec, Problem> {
        let missing = || Problem::standard("configuration", 500, "there is no such action");
        self.code.program.actions.get(&task.action).ok_or_else(missing)
    }

    /// The effect of a task, not asked for yet.
    fn effect(&self, about: &About<'c>, task: &'c ActTask, spec: &'c ActionSpec, arguments: Value) -> Effect<'c> {
        let (retry, undo) = (task.retry.as_ref().unwrap_or(&spec.retry), task.compensate.clone().or_else(|| spec.undo.clone()));
        let (at, in_doubt, first_us) = (about.at.clone(), task.in_doubt, self.now_us);
        Effect {
            at,
            spec,
            arguments,
            retry,
            in_doubt,
            undo,
            undoes: None,
            taken_back_us: None,
            lost: false,
            attempt: 0,
            first_us,
            last_us: 0,
            unknown: false,
            absent: false,
            fate: Fate::Failed,
        }
    }

    /// Goes on with an effect whose place is open.
    pub(super) fn act_on(&mut self, about: &About<'c>, task: &'c ActTask, asked: &mut Option<Question>, context: &mut Value) -> Went {
        if let Some(question) = asked {
            if !self.asked_on(about, task, question).map_err(|problem| self.fails(about, problem))? {
                return Ok(None);
            }
            *asked = None;
        }
        let Some(effect) = self.ledger.get_mut(&about.at) else { return Ok(None) };
        match &effect.fate {
            Fate::Done(value) | Fate::Came(Answer::Done(value)) => {
                let (value, contract) = (value.clone(), effect.spec.result);
                effect.fate = Fate::Done(value.clone());
                // What was done stays done, even if its result breaks the contract.
                self.validate(contract, &value).map_err(|problem| self.fails(about, problem))?;
                self.complete(about, value, about.task.then.clone(), context)
            }
            Fate::Came(_) | Fate::Out(_) | Fate::Waits(_) | Fate::Asked { .. } | Fate::Failed | Fate::InDoubt => {
                self.not_through(about, &about.at).map(|()| None)
            }
        }
    }

    /// Goes on with the effect at `place`, which is not through: its attempt did not do it or nobody knows, or the next one is due.
    pub(super) fn not_through(&mut self, about: &About<'c>, place: &Position) -> Result<(), Stop> {
        let now_us = self.now_us;
        let Some(effect) = self.ledger.get_mut(place) else { return Ok(()) };
        match &effect.fate {
            Fate::Waits(due_us) if *due_us <= now_us => {
                effect.sent(now_us);
                Ok(())
            }
            Fate::Came(Answer::Failed { problem, retry }) => {
                let (problem, retry) = (problem.clone(), *retry);
                self.not_done(about, place, problem, retry)
            }
            Fate::Came(Answer::Unknown(_)) => self.not_known(about, place),
            Fate::Came(Answer::Done(_))
            | Fate::Out(_)
            | Fate::Waits(_)
            | Fate::Asked { .. }
            | Fate::Failed
            | Fate::InDoubt
            | Fate::Done(_) => Ok(()),
        }
    }

    /// Nobody knows whether it was done: with a key it is sent again, within the time in which the key holds; else it is in doubt.
    fn not_known(&mut self, about: &About<'c>, place: &Position) -> Result<(), Stop> {
        let (now_us, used_up) = (self.now_us, self.is_used_up());
        let Some(effect) = self.ledger.get_mut(place) else { return Ok(()) };
        (effect.unknown, effect.last_us) = (true, now_us);
        let horizon_us = match effect.spec.class {
            EffectClass::E0 | EffectClass::E2 => i64::MAX,
            EffectClass::E1 => effect.first_us + effect.spec.key_horizon_ms * 1000,
            EffectClass::E3 | EffectClass::E4 => 0,
        };
        let may = effect.undoes.is_some() || !used_up;
        let again_us = next_us(effect.retry, effect.attempt, effect.first_us, now_us).filter(|due_us| *due_us < horizon_us && may);
        let Some(due_us) = again_us else { return self.ask_or_doubt(about, place) };
        self.tasks_run += 1;
        effect.again(due_us, now_us);
        Ok(())
    }

    pub(super) fn in_doubt(&mut self, about: &About<'c>, place: &Position) -> Result<(), Stop> {
        let Some(effect) = self.ledger.get_mut(place) else { return Ok(()) };
        effect.fate = Fate::InDoubt;
        match effect.in_doubt {
            InDoubt::Wait => Ok(()),
            InDoubt::Raise => Err(self.fails(about, Problem::ours("in-doubt", 504, "whether it was done is not known"))),
        }
    }

    /// Certainly not done: another attempt where its retry allows it and no `catch.retry` around it tries instead, else its error. What
    /// undoes is tried whatever ran before.
    fn not_done(&mut self, about: &About<'c>, place: &Position, problem: Problem, retry: bool) -> Result<(), Stop> {
        let undoes = self.ledger.get(place).is_some_and(|effect| effect.undoes.is_some());
        let alone = retry && !self.is_over_around(&about.at) && (undoes || !self.is_used_up() && !self.is_tried_outside(&problem));
        let now_us = self.now_us;
        let Some(effect) = self.ledger.get_mut(place) else { return Ok(()) };
        match next_us(effect.retry, effect.attempt, effect.first_us, now_us).filter(|_| alone) {
            Some(due_us) => {
                self.tasks_run += 1;
                effect.again(due_us, now_us);
                Ok(())
            }
            // This attempt was not done; an earlier one may have been.
            None if effect.unknown => self.ask_or_doubt(about, place),
            None => {
                effect.fate = Fate::Failed;
                self.in_time(&about.at)?;
                Err(self.fails(about, if undoes { undo_failed() } else { problem }))
            }
        }
    }

    /// What is due in the ledger comes in, whether or not its place is still open.
    pub(super) fn come_in(&mut self) {
        for (place, effect) in &mut self.ledger {
            let came = match effect.fate {
                Fate::Out(due_us) if due_us <= self.now_us => Some(answers(&effect.arguments, effect.attempt)),
                Fate::Asked { asked_us, due_us } if due_us <= self.now_us => effect.looked_up(asked_us, self.now_us),
                Fate::Out(_) | Fate::Waits(_) | Fate::Asked { .. } | Fate::Came(_) | Fate::Done(_) | Fate::Failed | Fate::InDoubt => None,
            };
            if let Some(came) = came {
                // Whether a target is asked about an attempt that it refused, after one that it had not done, is nobody's promise.
                self.beyond |= effect.absent && matches!((&effect.fate, &came), (Fate::Out(_), Answer::Failed { .. }));
                effect.fate = Fate::Came(came);
                match (&effect.fate, &effect.undoes, &effect.undo) {
                    (Fate::Came(Answer::Done(_)), Some(undone), _) => self.undoable.retain(|(done, _)| done != undone),
                    (Fate::Came(Answer::Done(_)), None, Some(by)) => self.undoable.push((place.clone(), by.clone())),
                    // A failed undo is shown, whoever asked for it.
                    (Fate::Came(Answer::Failed { .. }), Some(_), _) if effect.lost && !effect.unknown => self.failed_undo = true,
                    (Fate::Came(_), Some(_), _) if effect.lost => self.beyond = true,
                    (_, _, _) => {}
                }
            }
            // What may have been done is asked for again whether or not its place is still there.
            if matches!(effect.fate, Fate::Waits(due_us) if effect.unknown && due_us <= self.now_us) {
                effect.sent(self.now_us);
            }
        }
    }

    /// When something in the ledger is due.
    pub(super) fn ledger_due(&self, due_us: &mut Vec<i64>) {
        let due = |effect: &Effect<'_>| match effect.fate {
            Fate::Out(due_us) | Fate::Waits(due_us) | Fate::Asked { due_us, .. } => Some(due_us),
            Fate::Came(_) | Fate::Done(_) | Fate::Failed | Fate::InDoubt => None,
        };
        due_us.extend(self.ledger.values().filter_map(due));
    }

    /// Whether something inside `at` may still act on the world.
    pub(super) fn is_out_within(&self, at: &Position) -> bool {
        self.ledger.values().any(|effect| effect.at.is_within(at) && effect.is_out())
    }

    /// Places inside `at` are lost: what waits for its next attempt there is not sent again, and what was decided on in this very moment is
    /// taken back before anybody has it.
    pub(super) fn give_up_within(&mut self, at: &Position) {
        for effect in self.ledger.values_mut().filter(|effect| effect.at.is_within(at)) {
            let unsent_us = self.now_us + takes_us(&effect.arguments);
            let unsent = matches!(effect.fate, Fate::Out(due_us) if due_us == unsent_us);
            effect.taken_back_us = effect.taken_back_us.filter(|_| !unsent).or(unsent.then_some(self.now_us));
            if unsent && effect.unknown {
                effect.fate = Fate::InDoubt;
            } else if unsent || matches!(effect.fate, Fate::Waits(_)) && !effect.unknown {
                effect.fate = Fate::Failed;
            }
        }
    }

    /// The orchestration parks here: no `catch` takes that.
    pub(super) fn parks(&mut self, about: &About<'c>, problem: Problem) -> Result<Entered<'c>, Stop> {
        self.note("entered", &about.at);
        Err(Stop::Parked(problem))
    }
}

pub(super) fn undo_failed() -> Problem {
    Problem::ours("undo-failed", 500, "an undo failed")
}
