//! A scene: one small world for the exhaustive pass.

use super::clients::event_of;
use super::{Input, Outcome, World, tenants};
use crate::corpus::Corpus;
use crate::mix::Mix;
use crate::outside::Target;
use crate::properties;
use crate::random::Random;
use crate::strike::Blow;

/// One workflow with nothing going wrong but one blow at one commit point of one machine.
#[derive(Clone, Debug)]
pub struct Scene {
    /// The kind of work.
    pub kind: &'static str,
    /// What its data is drawn from.
    pub amount: i64,
    /// Partitions, one machine each.
    pub machines: u32,
    /// The machine that is struck.
    pub struck: usize,
    /// Most deliveries of one batch.
    pub batch_max: usize,
    /// How targets meet the first request of each effect.
    pub target: Target,
}

/// Plays a scene; the outcome, and whether the blow fired.
pub fn play(corpus: &Corpus, scene: &Scene, at: Option<(u64, Blow)>) -> (Outcome, bool) {
    let mut random = Random::new(u64::try_from(scene.amount).unwrap_or(0));
    let mix = Mix { batch_max: scene.batch_max, ..Mix::quiet(scene.machines, 2) };
    let tenants = tenants();
    let customer = if scene.amount % 2 == 0 { "vip" } else { "c" };
    let message = if scene.amount % 2 == 0 { "never arrived" } else { "charged twice" };
    let tenant = tenants.first().cloned();
    let one = |n| {
        let tenant = tenant.clone()?;
        let event = event_of(&tenant, scene.kind, n, (scene.amount, message, customer));
        Some(Input { tenant, event, by_hand: None, acknowledged: Vec::new() })
    };
    // Two of a kind, so that keys and lines have somebody to wait for.
    let inputs = (0..2).filter_map(one).collect();
    let _drawn = random.bits();
    let mut world = World::with(corpus, 0, (mix, random, tenants, inputs));
    world.healed = true;
    world.outside.target = scene.target;
    if let Some(machine) = world.machines.get(scene.struck) {
        machine.plan(|planned| planned.strike.at = at);
    }
    world.live();
    let mut fired = false;
    if let Some(machine) = world.machines.get(scene.struck) {
        machine.plan(|planned| fired = planned.strike.fired);
    }
    let (broken, canary) = properties::check(&mut world);
    (world.outcome(0, broken, canary), fired)
}
