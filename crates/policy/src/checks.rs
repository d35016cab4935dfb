//! The checks that make a verdict, one file each. `judge` runs them; none of them knows another.

pub(crate) mod bundle;
pub(crate) mod four_eyes;
pub(crate) mod guard;
pub(crate) mod numbers;
pub(crate) mod tenant;

use provost_model::verdict::{Answer, Layer, Rule};

/// What one layer says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Said {
    pub(crate) layer: Layer,
    pub(crate) answer: Answer,
    pub(crate) rules: Vec<Rule>,
    pub(crate) errors: Vec<String>,
}

impl Said {
    /// A denial that no policy made: something was missing or broken.
    pub(crate) fn broken(layer: Layer, error: String) -> Self {
        Self { layer, answer: Answer::Deny, rules: Vec::new(), errors: vec![error] }
    }

    /// The stricter of two; of two equals the one that names its rules, else this one.
    pub(crate) fn stricter(self, other: Self) -> Self {
        let unnamed = self.rules.is_empty() && !other.rules.is_empty();
        let takes_other = other.answer > self.answer || (other.answer == self.answer && unnamed);
        let (mut winner, loser) = if takes_other { (other, self) } else { (self, other) };
        winner.errors.extend(loser.errors);
        winner
    }
}
