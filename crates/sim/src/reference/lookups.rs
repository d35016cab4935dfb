//! Look-ups: nobody knows whether something was done, and its target is asked.
//!
//! What must stay true: that it was done is final, that it was not only once the target had the time to settle; while a target is asked the
//! effect is out. Targets always answer: the generator draws none that cannot be reached.

use provost_model::{Position, Problem};

use super::effects::{Effect, Fate};
use super::flow::{About, Interpreter, Stop};
use super::{Answer, found, takes_us};

impl Effect<'_> {
    /// Its target is asked from then on.
    pub fn ask(&mut self, asked_us: i64) {
        self.fate = Fate::Asked { asked_us, due_us: asked_us + takes_us(&self.arguments) };
    }

    /// What the target said that was asked at `asked_us`. That it was not done is final only once the target had the time to settle.
    pub fn looked_up(&mut self, asked_us: i64, now_us: i64) -> Option<Answer> {
        let settled_us = self.last_us + self.spec.settle_ms * 1000;
        match found(&self.arguments) {
            Some(value) => Some(Answer::Done(value)),
            None if asked_us < settled_us => {
                self.ask(settled_us.max(now_us));
                None
            }
            None => {
                (self.unknown, self.absent) = (false, true);
                let problem = Problem::standard("communication", 504, "it was sent and was not done");
                Some(Answer::Failed { problem, retry: true })
            }
        }
    }
}

impl<'c> Interpreter<'c> {
    /// A target that can be asked is asked.
    pub(super) fn ask_or_doubt(&mut self, about: &About<'c>, place: &Position) -> Result<(), Stop> {
        let now_us = self.now_us;
        match self.ledger.get_mut(place).filter(|effect| effect.spec.can_be_asked()) {
            None => self.in_doubt(about, place),
            Some(effect) => {
                effect.ask(now_us);
                Ok(())
            }
        }
    }
}
