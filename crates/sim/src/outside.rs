//! The outside: targets that count. They remember what took effect by effect and by key, and answer, fail or stay silent as the mix says.
//!
//! What must stay true: what took effect is never forgotten here, whatever was answered.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use provost_language::Compiled;
use provost_model::program::{EffectClass, Example};
use provost_model::record::Attempted;
use provost_model::{EffectId, Problem, TenantId, Value};
use provost_runtime::{Offer, OfferKind};

use crate::mix::Mix;
use crate::random::Random;

/// How a target meets the first request of each effect, where a scene says so; later ones are answered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Target {
    /// It answers.
    #[default]
    Answers,
    /// It refuses, and may be asked again.
    Refuses,
    /// It acts, and its answer is lost.
    Silent,
    /// It never hears of it.
    Unheard,
}

/// Every way.
pub const TARGETS: [Target; 4] = [Target::Answers, Target::Refuses, Target::Silent, Target::Unheard];

/// The targets.
#[derive(Clone, Debug, Default)]
pub struct Outside {
    /// How often each effect took effect in the world.
    pub acts: BTreeMap<EffectId, u32>,
    /// Which tenant's key took effect, and through which effect.
    keys: BTreeMap<(TenantId, Arc<str>), EffectId>,
    /// Requests that were taken, not answered, and take effect later.
    late: Vec<Offer>,
    /// How the first request of each effect is met.
    pub target: Target,
    met: BTreeSet<EffectId>,
}

/// Look-ups that the action `deaf` does not answer: as many as the engine asks by itself.
const DEAF_LOOK_UPS: u32 = 10;

impl Outside {
    /// Whether an effect took effect, by itself or through its key.
    pub fn took_effect(&self, tenant: &TenantId, effect: &EffectId, key: &Arc<str>) -> bool {
        self.acts.contains_key(effect) || self.keys.contains_key(&(tenant.clone(), key.clone()))
    }

    /// Carries an offer out.
    pub fn carry_out(&mut self, offer: &Offer, code: &Compiled, mix: &Mix, random: &mut Random) -> Attempted {
        match offer.kind {
            OfferKind::Agent => answer(offer, code),
            OfferKind::Retrieval => passages(offer, code),
            OfferKind::Feature => features(offer, code),
            OfferKind::LookUp => self.look_up(offer, mix, random),
            OfferKind::Action | OfferKind::Undo => self.act(offer, mix, random),
        }
    }

    fn act(&mut self, offer: &Offer, mix: &Mix, random: &mut Random) -> Attempted {
        if self.target != Target::Answers && self.met.insert(offer.effect) {
            return self.meet(offer);
        }
        if random.chance(mix.refuses) {
            let retry = random.chance(700);
            let retry_after_ms = random.chance(500).then_some(1500);
            let problem = Problem::standard("communication", if retry { 429 } else { 422 }, "the target refuses");
            return Attempted::Failed { problem, retry, retry_after_ms };
        }
        if random.chance(mix.settles_late) && offer.class != EffectClass::E0 {
            self.late.push(offer.clone());
            return Attempted::Unknown { problem: unanswered() };
        }
        if random.chance(mix.request_lost) {
            return Attempted::Unknown { problem: unanswered() };
        }
        self.take_effect(offer);
        if random.chance(mix.answer_lost) {
            return Attempted::Unknown { problem: unanswered() };
        }
        done(offer)
    }

    fn meet(&mut self, offer: &Offer) -> Attempted {
        match self.target {
            Target::Refuses => {
                let problem = Problem::standard("communication", 503, "the target refuses");
                return Attempted::Failed { problem, retry: true, retry_after_ms: None };
            }
            Target::Answers | Target::Silent => self.take_effect(offer),
            Target::Unheard => {}
        }
        Attempted::Unknown { problem: unanswered() }
    }

    /// The requests that were taken since the last call and take effect later.
    pub fn taken(&mut self) -> Vec<Offer> {
        std::mem::take(&mut self.late)
    }

    /// A request takes effect, unless its key did before.
    pub fn take_effect(&mut self, offer: &Offer) {
        let key = (offer.tenant.clone(), offer.key.clone());
        let known = self.keys.contains_key(&key);
        match offer.class {
            EffectClass::E0 => {}
            // The target honours the key; an idempotent effect done twice is done.
            EffectClass::E1 | EffectClass::E2 if known => {}
            EffectClass::E1 | EffectClass::E2 | EffectClass::E3 | EffectClass::E4 => {
                self.keys.insert(key, offer.effect);
                *self.acts.entry(offer.effect).or_default() += 1;
            }
        }
    }

    fn look_up(&self, offer: &Offer, mix: &Mix, random: &mut Random) -> Attempted {
        // Long enough that it is in doubt, and only a later look finds out.
        let deaf = offer.name.starts_with("deaf@") && offer.attempt <= DEAF_LOOK_UPS;
        if random.chance(mix.look_up_fails) || deaf {
            return Attempted::Unknown { problem: unanswered() };
        }
        if self.keys.contains_key(&(offer.tenant.clone(), offer.key.clone())) { done(offer) } else { Attempted::Absent }
    }
}

fn unanswered() -> Problem {
    Problem::standard("timeout", 504, "the target did not answer")
}

fn done(offer: &Offer) -> Attempted {
    let value = Value::object([("id", Value::Str(offer.key.clone()))]);
    Attempted::Done { value, reference: Some(offer.key.clone()), usage: None, dropped_bytes: None }
}

fn answer(offer: &Offer, code: &Compiled) -> Attempted {
    let spec = code.program.agents.get(&offer.name);
    let example = spec.zip(offer.example).and_then(|(spec, at)| spec.examples.get(at as usize));
    played(example, "agent-failed")
}

fn passages(offer: &Offer, code: &Compiled) -> Attempted {
    let spec = code.program.sources.get(&offer.name);
    let example = spec.zip(offer.example).and_then(|(spec, at)| spec.examples.get(at as usize));
    played(example, "source-failed")
}

fn features(offer: &Offer, code: &Compiled) -> Attempted {
    let text = |key: &str| offer.arguments.member(key).and_then(Value::as_str).unwrap_or_default();
    let as_of_us = provost_model::instant::parse(text("asOf")).unwrap_or(i64::MIN);
    let spec = code.program.features.get(&offer.name);
    match spec.and_then(|spec| Some((spec.served.name.clone(), spec.at(text("entity"), as_of_us)?.clone()))) {
        Some(one) => Attempted::Done { value: Value::object([one]), reference: None, usage: None, dropped_bytes: None },
        None => Attempted::Failed { problem: Problem::ours("feature-missing", 404, "no value"), retry: false, retry_after_ms: None },
    }
}

fn played(example: Option<&Example>, failed: &str) -> Attempted {
    match example {
        Some(example) => match &example.fails {
            None => Attempted::Done { value: example.answer.clone(), reference: None, usage: None, dropped_bytes: None },
            Some(why) => Attempted::Failed { problem: Problem::ours(failed, 502, &**why), retry: true, retry_after_ms: None },
        },
        None => Attempted::Failed { problem: Problem::ours(failed, 502, "there is no answer"), retry: false, retry_after_ms: None },
    }
}
