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
    /// Whether an attempt may have been done although nobody knows.
    unknown: bool,
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
    /// The next attempt, then.
    fn again(&mut self, due_us: i64, now_us: i64) {
        self.attempt += 1;
        self.fate = Fate::Waits(due_us);
        if due_us <= now_us {
            self.sent(now_us);
        }
    }

    /// Whether it may act, or have acted, on the world.
    fn is_out(&self) -> bool {
        match self.fate {
            Fate::Out(_) | Fate::Came(Answer::Unknown(_)) | Fate::InDoubt => true,
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
        let missing = || Problem::standard("configuration", 500, "there is no such action");
        let spec = self.code.program.actions.get(&task.action).ok_or_else(missing)?;
        let arguments = self.render(&task.arguments, &about.input, seen)?;
        self.validate(spec.arguments, &arguments)?;
        if spec.call.is_some() && spec.class == EffectClass::E0 {
            return Ok(Begun::Open(Kind::Run(Run::new(Asked::Target(spec, arguments.clone()), &arguments, self.now_us))));
        }
        let (now_us, new) =
            (self.now_us, Effect { spec, arguments, attempt: 0, first_us: self.now_us, unknown: false, fate: Fate::Failed });
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
            Fate::Came(Answer::Failed { .. }) if effect.unknown => effect.fate = Fate::InDoubt,
            Fate::Failed | Fate::Came(Answer::Failed { .. }) => {
                self.tasks_run += u64::from(effect.attempt > 0);
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
            Fate::Came(Answer::Unknown(_)) => self.not_known(about, task).map(|()| None),
        }
    }

    /// Nobody knows whether it was done: with a key it is sent again, within the time in which the key holds; else it is in doubt.
    fn not_known(&mut self, about: &About<'c>, task: &'c ActTask) -> Result<(), Stop> {
        let (now_us, used_up) = (self.now_us, self.is_used_up());
        let Some(effect) = self.ledger.get_mut(&about.at) else { return Ok(()) };
        effect.unknown = true;
        let horizon_us = match effect.spec.class {
            EffectClass::E0 | EffectClass::E2 => i64::MAX,
            EffectClass::E1 => effect.first_us + effect.spec.key_horizon_ms * 1000,
            EffectClass::E3 | EffectClass::E4 => 0,
        };
        let spec: &RetrySpec = task.retry.as_ref().unwrap_or(&effect.spec.retry);
        let again_us = next_us(spec, effect.attempt, effect.first_us, now_us).filter(|due_us| *due_us < horizon_us && !used_up);
        let Some(due_us) = again_us else { return self.in_doubt(about, task) };
        self.tasks_run += 1;
        effect.again(due_us, now_us);
        Ok(())
    }

    fn in_doubt(&mut self, about: &About<'c>, task: &'c ActTask) -> Result<(), Stop> {
        if let Some(effect) = self.ledger.get_mut(&about.at) {
            effect.fate = Fate::InDoubt;
        }
        match task.in_doubt {
            InDoubt::Wait => Ok(()),
            InDoubt::Raise => Err(self.fails(about, Problem::ours("in-doubt", 504, "whether it was done is not known"))),
        }
    }

    /// Certainly not done: another attempt where its retry allows it and no `catch.retry` around it tries instead, else its error.
    fn not_done(&mut self, about: &About<'c>, task: &'c ActTask, problem: Problem, retry: bool) -> Result<(), Stop> {
        let alone = retry && !self.is_used_up() && !self.is_over_around(&about.at) && !self.is_tried_outside(&problem);
        let now_us = self.now_us;
        let Some(effect) = self.ledger.get_mut(&about.at) else { return Ok(()) };
        let spec: &RetrySpec = task.retry.as_ref().unwrap_or(&effect.spec.retry);
        match next_us(spec, effect.attempt, effect.first_us, now_us).filter(|_| alone) {
            Some(due_us) => {
                self.tasks_run += 1;
                effect.again(due_us, now_us);
                Ok(())
            }
            // This attempt was not done; an earlier one may have been.
            None if effect.unknown => self.in_doubt(about, task),
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
            // What may have been done is asked for again whether or not its place is still there.
            if matches!(effect.fate, Fate::Waits(due_us) if effect.unknown && due_us <= self.now_us) {
                effect.sent(self.now_us);
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
        self.ledger.iter().any(|(place, effect)| place.is_within(at) && effect.is_out())
    }

    /// Places inside `at` are lost: what waits for its next attempt there is not sent again, and what was decided on in this very moment is
    /// taken back before anybody has it.
    pub(super) fn give_up_within(&mut self, at: &Position) {
        for (_, effect) in self.ledger.iter_mut().filter(|(place, _)| place.is_within(at)) {
            let unsent_us = self.now_us + takes_us(&effect.arguments);
            let unsent = matches!(effect.fate, Fate::Out(due_us) if due_us == unsent_us);
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
