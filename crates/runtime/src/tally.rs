//! What a batch did, counted: plain integers that the machine adds up and the shell hands to the meters after the commit.
//!
//! What must stay true: counting costs no lock and no allocation; what was not committed is not counted.

use provost_engine::{Effect, Orchestration};
use provost_model::Answer;
use provost_model::program::EffectClass;
use provost_model::record::{EffectKind, EffectState, Ending, Fact, Transition};
use provost_telemetry::meters::Arrival;
use provost_telemetry::shown::Word as _;

const CLASSES: [EffectClass; 5] = [EffectClass::E0, EffectClass::E1, EffectClass::E2, EffectClass::E3, EffectClass::E4];
const STATES: [EffectState; 10] = [
    EffectState::Intended,
    EffectState::Sent,
    EffectState::Waiting,
    EffectState::Claiming,
    EffectState::Asked,
    EffectState::Done,
    EffectState::Failed,
    EffectState::InDoubt,
    EffectState::Conflict,
    EffectState::Abandoned,
];
const ENDINGS: [Ending; 3] = [Ending::Completed, Ending::Faulted, Ending::Cancelled];
const ANSWERS: [Answer; 3] = [Answer::Allow, Answer::Review, Answer::Deny];

/// How much open work there is, or by how much it changed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Levels {
    /// Orchestrations that are not over.
    pub open: i64,
    /// Orchestrations that cannot go on by themselves.
    pub parked: i64,
    /// Effects in doubt.
    pub in_doubt: i64,
    /// Questions to people.
    pub reviews: i64,
}

impl Levels {
    /// Both together.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        Self {
            open: self.open + other.open,
            parked: self.parked + other.parked,
            in_doubt: self.in_doubt + other.in_doubt,
            reviews: self.reviews + other.reviews,
        }
    }

    /// Of one orchestration.
    fn of(state: &Orchestration) -> Self {
        let count = |n: usize| i64::try_from(n).unwrap_or(i64::MAX);
        if state.is_ended() || state.sequence == 0 {
            return Self { in_doubt: count(state.effects.in_doubt().count()), ..Self::default() };
        }
        Self {
            open: 1,
            parked: i64::from(state.parked.is_some()),
            in_doubt: count(state.effects.in_doubt().count()),
            reviews: count(state.reviews.values().filter(|review| review.answer.is_none() && !review.closed).count()),
        }
    }
}

/// How long something lasted, in microseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lasted {
    /// An effect, from its intent to its settlement.
    Effect(EffectKind, i64),
    /// An orchestration, from its start to its end.
    Orchestration(Ending, i64),
}

impl Lasted {
    /// What `transition` brought to its end.
    pub(crate) fn of<'t>(after: &'t Orchestration, transition: &'t Transition) -> impl Iterator<Item = Self> + 't {
        let now_us = transition.ambient.now_us;
        transition.facts.iter().filter_map(move |fact| match fact {
            Fact::Settled { effect, state } if is_settled(*state) => {
                let effect = after.effects.get(effect)?;
                Some(Self::Effect(effect.kind, now_us - effect.first_us))
            }
            Fact::Ended { ending, .. } => Some(Self::Orchestration(*ending, now_us - after.started_at_us)),
            _ => None,
        })
    }
}

/// Whether an effect in this state takes no further attempt by itself.
fn is_settled(state: EffectState) -> bool {
    match state {
        EffectState::Done | EffectState::Failed | EffectState::InDoubt | EffectState::Conflict | EffectState::Abandoned => true,
        EffectState::Intended | EffectState::Sent | EffectState::Waiting | EffectState::Claiming | EffectState::Asked => false,
    }
}

/// Counts of one batch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Orchestrations that started.
    pub started: u64,
    /// Attempts, and lists of tasks, that are tried again.
    pub retried: [u64; 2],
    /// By how open work changed.
    pub levels: Levels,
    events: [u64; Arrival::ALL.len()],
    ended: [u64; ENDINGS.len()],
    verdicts: [u64; ANSWERS.len()],
    would: [[u64; ANSWERS.len()]; ANSWERS.len()],
    effects: [[u64; STATES.len()]; CLASSES.len()],
}

impl Tally {
    /// Counts a transition.
    pub(crate) fn transition(&mut self, before: &Orchestration, after: &Orchestration, transition: &Transition) {
        let mut moves = false;
        for verdict in &transition.ambient.verdicts {
            bump(&mut self.verdicts, &ANSWERS, verdict.answer);
            if let Some(would) = &verdict.would {
                bump_pair(&mut self.would, (&ANSWERS, verdict.answer), (&ANSWERS, would.answer));
            }
        }
        for fact in &transition.facts {
            match fact {
                Fact::Started { .. } => {
                    self.started += 1;
                    moves = true;
                }
                Fact::Ended { ending, .. } => {
                    bump(&mut self.ended, &ENDINGS, *ending);
                    moves = true;
                }
                Fact::Intended { class, .. } => self.effect(*class, EffectState::Intended),
                Fact::Sent { effect, .. } => self.effect_of(after.effects.get(effect).map(AsRef::as_ref), EffectState::Sent),
                Fact::LookUpScheduled { effect, .. } => self.effect_of(after.effects.get(effect).map(AsRef::as_ref), EffectState::Asked),
                Fact::Settled { effect, state } => {
                    self.effect_of(after.effects.get(effect).map(AsRef::as_ref), *state);
                    moves |= *state == EffectState::InDoubt;
                }
                Fact::AttemptScheduled { behind: None, .. } => self.retried[0] += 1,
                Fact::RetryScheduled { .. } => self.retried[1] += 1,
                Fact::Resolved { .. }
                | Fact::Parked { .. }
                | Fact::Redriven { .. }
                | Fact::ReviewOpened { .. }
                | Fact::ReviewAnswered { .. }
                | Fact::ReviewClosed { .. } => moves = true,
                _ => {}
            }
        }
        // A look-up takes an effect out of doubt before anything settles it.
        moves |= before.effects.in_doubt().ne(after.effects.in_doubt());
        if moves {
            let (before, after) = (Levels::of(before), Levels::of(after));
            let change = Levels {
                open: after.open - before.open,
                parked: after.parked - before.parked,
                in_doubt: after.in_doubt - before.in_doubt,
                reviews: after.reviews - before.reviews,
            };
            self.levels = self.levels.plus(change);
        }
    }

    /// Both together.
    #[must_use]
    pub fn and(mut self, other: Self) -> Self {
        let add = |into: &mut [u64], from: &[u64]| into.iter_mut().zip(from).for_each(|(a, b)| *a += b);
        self.started += other.started;
        add(&mut self.events, &other.events);
        add(&mut self.retried, &other.retried);
        add(&mut self.ended, &other.ended);
        add(&mut self.verdicts, &other.verdicts);
        self.would.iter_mut().zip(&other.would).for_each(|(into, from)| add(into, from));
        self.effects.iter_mut().zip(&other.effects).for_each(|(into, from)| add(into, from));
        self.levels = self.levels.plus(other.levels);
        self
    }

    /// Counts an event.
    pub(crate) fn arrived(&mut self, arrival: Arrival) {
        bump(&mut self.events, Arrival::ALL, arrival);
    }

    /// How many events, by what became of them.
    pub fn events(&self) -> impl Iterator<Item = (Arrival, u64)> {
        Arrival::ALL.iter().copied().zip(self.events).filter(|(_, n)| *n > 0)
    }

    /// How many ended, by how.
    pub fn ended(&self) -> impl Iterator<Item = (Ending, u64)> {
        ENDINGS.into_iter().zip(self.ended).filter(|(_, n)| *n > 0)
    }

    /// How many verdicts, by answer.
    pub fn verdicts(&self) -> impl Iterator<Item = (Answer, u64)> {
        ANSWERS.into_iter().zip(self.verdicts).filter(|(_, n)| *n > 0)
    }

    /// How many verdicts policies on trial would have changed, by answer and by what it would have been.
    pub fn would(&self) -> impl Iterator<Item = (Answer, Answer, u64)> {
        pairs(ANSWERS, ANSWERS, self.would)
    }

    /// How often effects reached a state, by class.
    pub fn effects(&self) -> impl Iterator<Item = (EffectClass, EffectState, u64)> {
        pairs(CLASSES, STATES, self.effects)
    }

    fn effect_of(&mut self, effect: Option<&Effect>, state: EffectState) {
        if let Some(effect) = effect {
            self.effect(effect.class, state);
        }
    }

    fn effect(&mut self, class: EffectClass, state: EffectState) {
        bump_pair(&mut self.effects, (&CLASSES, class), (&STATES, state));
    }
}

/// The counts of a table that are not 0, with the words of their row and column.
fn pairs<R: Copy, C: Copy, const ROWS: usize, const COLUMNS: usize>(
    rows: [R; ROWS],
    columns: [C; COLUMNS],
    counts: [[u64; COLUMNS]; ROWS],
) -> impl Iterator<Item = (R, C, u64)> {
    let row = move |(row, counts): (R, [u64; COLUMNS])| columns.into_iter().zip(counts).map(move |(column, n)| (row, column, n));
    rows.into_iter().zip(counts).flat_map(row).filter(|(_, _, n)| *n > 0)
}

fn bump_pair<R: PartialEq, C: PartialEq, const COLUMNS: usize>(
    counts: &mut [[u64; COLUMNS]],
    (rows, row): (&[R], R),
    (columns, column): (&[C], C),
) {
    let place = rows.iter().position(|known| *known == row);
    if let Some(counts) = place.and_then(|place| counts.get_mut(place)) {
        bump(counts, columns, column);
    }
}

fn bump<T: PartialEq>(counts: &mut [u64], words: &[T], word: T) {
    let place = words.iter().position(|known| *known == word);
    if let Some(count) = place.and_then(|place| counts.get_mut(place)) {
        *count += 1;
    }
}
