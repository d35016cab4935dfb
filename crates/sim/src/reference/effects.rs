//! `act`, and protocol calls that are no reads: effects on the world, at most one for each place.
//!
//! What must stay true: a finished effect answers from the ledger when its place is run again; other arguments there are a conflict that no
//! `catch` takes; what is out stays out when its place is lost; while it is out no time around it is over. No keys of the author, no people,
//! no look-ups: the generator writes none.

use provost_model::program::{ActTask, ActionSpec, EffectClass, InDoubt, RetrySpec};
use provost_model::{Position, Problem, Value};

use super::agents::{Asked, Run};
use super::attempts::next_us;
use super::evaluate::Seen;
use super::flow::{About, Entered, Interpreter, Stop, Went};
use super::tasks::{Begun, Kind};
use super::{Answer, answers, takes_us};

/// What is known of the effect of a place.
pub(super) struct Effect<'c> {
    spec: &'c ActionSpec,
    arguments: Value,
    attempt: u32,
    first_us: i64,
    fate: Fate,
}

enum Fate {
    /// It is out; its answer comes then.
    Out(i64),
    /// Its next attempt leaves then.
    Waits(i64),
    /// Its answer came and nobody has looked at it.
    Came(Answer),
    /// It was done.
    Done(Value),
    /// It was certainly not done, and nobody tries again.
    Failed,
    /// Nobody knows.
    InDoubt,
}

impl Effect<'_> {
    fn sent(&mut self, now_us: i64) {
        self.fate = Fate::Out(now_us + takes_us(&self.arguments));
    }
}

impl<'c> Interpreter<'c> {
    /// Enters an effect: what its place knows already, or its first attempt.
    pub(super) fn act(&mut self, task: &'c ActTask, about: &About<'c>, seen: &Seen<'_>) -> Result<Begun<'c>, Problem> {
        let missing = || Problem::standard("configuration", 500, "there is no such action");
        let spec = self.code.program.actions.get(&task.action).ok_or_else(missing)?;
        let arguments = self.render(&task.arguments, &about.input, seen)?;
        self.validate(spec.arguments, &arguments)?;
        if spec.call.is_some() && spec.class == EffectClass::E0 {
            return Ok(Begun::Open(Kind::Run(Run::new(Asked::Target(spec, arguments.clone()), &arguments, self.now_us))));
        }
        let (now_us, new) = (self.now_us, Effect { spec, arguments, attempt: 0, first_us: self.now_us, fate: Fate::Failed });
        let arguments = new.arguments.clone();
        let effect = self.ledger.entry(about.at.clone()).or_insert(new);
        if effect.arguments != arguments {
            return Ok(Begun::Parks(Problem::ours("conflict", 409, "it was decided on with other arguments")));
        }
        match &effect.fate {
            Fate::Done(value) | Fate::Came(Answer::Done(value)) => {
                let value = value.clone();
                effect.fate = Fate::Done(value.clone());
                return self.validate(spec.result, &value).map(|()| Begun::Ended(value));
            }
            Fate::Failed | Fate::Came(Answer::Failed { .. }) => {
                effect.attempt += 1;
                effect.sent(now_us);
            }
            Fate::Came(Answer::Unknown(_)) => effect.fate = Fate::InDoubt,
            Fate::Out(_) | Fate::Waits(_) | Fate::InDoubt => {}
        }
        Ok(Begun::Open(Kind::Act))
    }

    /// Goes on with an effect whose place is open.
    pub(super) fn act_on(&mut self, about: &About<'c>, task: &'c ActTask, context: &mut Value) -> Went {
        let now_us = self.now_us;
        let Some(effect) = self.ledger.get_mut(&about.at) else { return Ok(None) };
        match &effect.fate {
            Fate::Waits(due_us) if *due_us <= now_us => {
                effect.sent(now_us);
                Ok(None)
            }
            Fate::Out(_) | Fate::Waits(_) | Fate::Failed | Fate::InDoubt => Ok(None),
            Fate::Done(value) | Fate::Came(Answer::Done(value)) => {
                let (value, contract) = (value.clone(), effect.spec.result);
                effect.fate = Fate::Done(value.clone());
                // What was done stays done, even if its result breaks the contract.
                self.validate(contract, &value).map_err(|problem| self.fails(about, problem))?;
                self.complete(about, value, about.task.then.clone(), context)
            }
            Fate::Came(Answer::Failed { problem, retry }) => {
                let (problem, retry) = (problem.clone(), *retry);
                self.not_done(about, task, problem, retry).map(|()| None)
            }
            Fate::Came(Answer::Unknown(_)) => {
                effect.fate = Fate::InDoubt;
                match task.in_doubt {
                    InDoubt::Wait => Ok(None),
                    InDoubt::Raise => Err(self.fails(about, Problem::ours("in-doubt", 504, "whether it was done is not known"))),
                }
            }
        }
    }

    /// Certainly not done: another attempt where its retry allows it and no `catch.retry` around it tries instead, else its error.
    fn not_done(&mut self, about: &About<'c>, task: &'c ActTask, problem: Problem, retry: bool) -> Result<(), Stop> {
        let alone = retry && !self.is_over_around(&about.at) && !self.is_tried_outside(&problem);
        let now_us = self.now_us;
        let Some(effect) = self.ledger.get_mut(&about.at) else { return Ok(()) };
        let spec: &RetrySpec = task.retry.as_ref().unwrap_or(&effect.spec.retry);
        match next_us(spec, effect.attempt, effect.first_us, now_us).filter(|_| alone) {
            Some(due_us) => {
                effect.attempt += 1;
                effect.fate = Fate::Waits(due_us);
                if due_us <= now_us {
                    effect.sent(now_us);
                }
                Ok(())
            }
            None => {
                effect.fate = Fate::Failed;
                self.in_time(&about.at)?;
                Err(self.fails(about, problem))
            }
        }
    }

    /// What is due in the ledger comes in, whether or not its place is still open.
    pub(super) fn come_in(&mut self) {
        for effect in self.ledger.values_mut() {
            if matches!(effect.fate, Fate::Out(due_us) if due_us <= self.now_us) {
                effect.fate = Fate::Came(answers(&effect.arguments, effect.attempt));
            }
        }
    }

    /// When something in the ledger is due.
    pub(super) fn ledger_due(&self, due_us: &mut Vec<i64>) {
        let due = |effect: &Effect<'_>| match effect.fate {
            Fate::Out(due_us) | Fate::Waits(due_us) => Some(due_us),
            Fate::Came(_) | Fate::Done(_) | Fate::Failed | Fate::InDoubt => None,
        };
        due_us.extend(self.ledger.values().filter_map(due));
    }

    /// Whether something inside `at` may still act on the world.
    pub(super) fn is_out_within(&self, at: &Position) -> bool {
        let out = |effect: &Effect<'_>| matches!(effect.fate, Fate::Out(_) | Fate::Came(Answer::Unknown(_)) | Fate::InDoubt);
        self.ledger.iter().any(|(place, effect)| place.is_within(at) && out(effect))
    }

    /// Places inside `at` are lost: what waits for its next attempt there is not sent again, and what was decided on in this very moment is
    /// taken back before anybody has it.
    pub(super) fn give_up_within(&mut self, at: &Position) {
        for (_, effect) in self.ledger.iter_mut().filter(|(place, _)| place.is_within(at)) {
            let unsent_us = self.now_us + takes_us(&effect.arguments);
            if matches!(effect.fate, Fate::Waits(_)) || matches!(effect.fate, Fate::Out(due_us) if due_us == unsent_us) {
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
