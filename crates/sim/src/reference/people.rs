//! `call: review`: a person is asked, and chooses.
//!
//! What must stay true: the same question at the same place is asked once, whatever runs it again; a question whose place is lost is closed
//! and asked anew. Who answers, and what, is said by the question itself; no forms.

use std::collections::BTreeMap;
use std::sync::Arc;

use provost_model::program::ReviewTask;
use provost_model::{Position, Problem, Value};

use super::evaluate::{Seen, iso8601};
use super::flow::{About, Interpreter, Went};
use super::policy::Approval;
use super::tasks::{Begun, Kind};
use super::{number, takes_us};

/// What people were asked, and what they said.
#[derive(Default)]
pub(super) struct People {
    /// Questions by their place, with their answers.
    answered: BTreeMap<Position, Vec<(Question, Value)>>,
    /// What they said yes to.
    pub approvals: Vec<Approval>,
}

/// A question that waits.
#[derive(Clone)]
pub(super) struct Question {
    /// What the person sees.
    pub show: Value,
    /// The arguments of the call that a yes releases.
    releases: Value,
    /// When it is answered, in microseconds UTC.
    pub due_us: i64,
}

impl Question {
    /// One that is asked now and releases nothing.
    pub fn new(show: Value, now_us: i64) -> Self {
        let due_us = now_us + takes_us(&show);
        Self { show, releases: Value::Null, due_us }
    }

    fn is_same(&self, other: &Self) -> bool {
        self.show == other.show && self.releases == other.releases
    }
}

/// Who answers.
pub const PERSON: &str = "rita";
/// Why.
pub const REASON: &str = "seen";

/// What a person chooses: both worlds ask this.
pub fn chosen(options: &[Arc<str>], show: &Value) -> Arc<str> {
    let at = usize::try_from(number(show, "n").rem_euclid(3)).unwrap_or(0);
    options.get(at).or_else(|| options.first()).cloned().unwrap_or_default()
}

impl<'c> Interpreter<'c> {
    /// Asks, unless this was answered here before.
    pub(super) fn review(&mut self, task: &'c ReviewTask, about: &About<'c>, seen: &Seen<'_>) -> Result<Begun<'c>, Problem> {
        let show = self.render(&task.show, &about.input, seen)?;
        let call = task.approves.as_ref().map(|(_, arguments)| self.render(arguments, &about.input, seen)).transpose()?;
        let question = Question { releases: call.unwrap_or_default(), ..Question::new(show, self.now_us) };
        let before = self.people.answered.get(&about.at).and_then(|all| all.iter().find(|(asked, _)| asked.is_same(&question)));
        Ok(before.map_or_else(|| Begun::Open(Kind::Review(question.clone())), |(_, answer)| Begun::Ended(answer.clone())))
    }

    /// Goes on once a person has answered.
    pub(super) fn review_on(&mut self, about: &About<'c>, task: &ReviewTask, question: &Question, context: &mut Value) -> Went {
        if self.now_us < question.due_us {
            return Ok(None);
        }
        let choice = chosen(&task.review.options, &question.show);
        let approved = task.review.options.first() == Some(&choice);
        let answer = Value::object([
            ("choice", Value::Str(choice)),
            ("approved", Value::Bool(approved)),
            ("by", Value::from(PERSON)),
            ("roles", Value::array([])),
            ("at", Value::from(iso8601(self.now_us))),
            ("reason", Value::from(REASON)),
            ("form", Value::Null),
        ]);
        if let (true, Some((action, _))) = (approved, &task.approves) {
            self.approves(action, question.releases.clone());
        }
        self.people.answered.entry(about.at.clone()).or_default().push((question.clone(), answer.clone()));
        self.complete(about, answer, about.task.then.clone(), context)
    }
}
