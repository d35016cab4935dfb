//! The ledger in memory: every effect by its id, those that still matter by place, and those in doubt.
//!
//! What must stay true: by place stand exactly the effects that are out and the runs of agents, so that a transition looks at what is open
//! around it and never at all that was done before. Both orders follow from the effects: they are not written, and a snapshot builds them
//! again.

use std::ops::Deref;
use std::sync::Arc;

use provost_model::Position;
use provost_model::id::{Bits, EffectId};
use provost_model::record::{EffectKind, EffectState};
use rpds::RedBlackTreeSetSync;
use serde::{Deserialize, Serialize};

use super::{Effect, Tree};

/// Effects by id. Reading is the map's; changing keeps both orders.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(from = "Tree<EffectId, Arc<Effect>>", into = "Tree<EffectId, Arc<Effect>>")]
pub struct Effects {
    all: Tree<EffectId, Arc<Effect>>,
    live: RedBlackTreeSetSync<(Position, EffectId)>,
    in_doubt: RedBlackTreeSetSync<EffectId>,
}

impl Effects {
    /// Adds `effect`.
    pub(crate) fn insert(&mut self, id: EffectId, effect: Effect) {
        if is_live(&effect) {
            self.live.insert_mut((effect.at.clone(), id));
        }
        if effect.state == EffectState::InDoubt {
            self.in_doubt.insert_mut(id);
        }
        self.all.insert_mut(id, Arc::new(effect));
    }

    /// Changes the effect `id`, where it is known. Its place stays.
    pub(crate) fn change(&mut self, id: &EffectId, with: impl FnOnce(&mut Effect)) {
        let Some(effect) = self.all.get_mut(id) else { return };
        let (before, doubtful) = (is_live(effect), effect.state == EffectState::InDoubt);
        let effect = Arc::make_mut(effect);
        with(effect);
        match (before, is_live(effect)) {
            (true, false) => drop(self.live.remove_mut(&(effect.at.clone(), *id))),
            (false, true) => self.live.insert_mut((effect.at.clone(), *id)),
            (true, true) | (false, false) => {}
        }
        match (doubtful, effect.state == EffectState::InDoubt) {
            (true, false) => drop(self.in_doubt.remove_mut(id)),
            (false, true) => self.in_doubt.insert_mut(*id),
            (true, true) | (false, false) => {}
        }
    }

    /// Forgets the effect `id`.
    pub(crate) fn remove(&mut self, id: &EffectId) {
        if let Some(effect) = self.all.get(id) {
            self.live.remove_mut(&(effect.at.clone(), *id));
        }
        self.in_doubt.remove_mut(id);
        self.all.remove_mut(id);
    }

    /// Effects that are out, and runs of agents.
    pub fn live(&self) -> impl Iterator<Item = (&EffectId, &Arc<Effect>)> {
        self.live.iter().filter_map(|(_, id)| self.all.get_key_value(id))
    }

    /// Effects in doubt.
    pub fn in_doubt(&self) -> impl Iterator<Item = &EffectId> {
        self.in_doubt.iter()
    }

    /// The live ones at `at` and inside it, in order of place.
    pub fn live_within<'s>(&'s self, at: &'s Position) -> impl Iterator<Item = (&'s EffectId, &'s Arc<Effect>)> {
        // Everything inside sorts behind it and starts with the same text, so the range ends at the first place that does not.
        let any = self.live.last().is_some_and(|(last, _)| last >= at);
        let from = any.then(|| (at.clone(), EffectId::from_bits(Bits::from_bytes([0; 16]))));
        from.into_iter()
            .flat_map(|from| self.live.range(from..))
            .take_while(|(place, _)| place.as_str().starts_with(at.as_str()))
            .filter(|(place, _)| place.is_within(at))
            .filter_map(|(_, id)| self.all.get_key_value(id))
    }
}

/// A run of an agent leaves with its place, however it ended.
fn is_live(effect: &Effect) -> bool {
    effect.is_out() || effect.kind == EffectKind::Agent
}

impl Deref for Effects {
    type Target = Tree<EffectId, Arc<Effect>>;

    fn deref(&self) -> &Self::Target {
        &self.all
    }
}

impl From<Tree<EffectId, Arc<Effect>>> for Effects {
    fn from(all: Tree<EffectId, Arc<Effect>>) -> Self {
        let live = all.iter().filter(|(_, effect)| is_live(effect)).map(|(id, effect)| (effect.at.clone(), *id)).collect();
        let in_doubt = all.iter().filter(|(_, effect)| effect.state == EffectState::InDoubt).map(|(id, _)| *id).collect();
        Self { all, live, in_doubt }
    }
}

impl From<Effects> for Tree<EffectId, Arc<Effect>> {
    fn from(effects: Effects) -> Self {
        effects.all
    }
}
