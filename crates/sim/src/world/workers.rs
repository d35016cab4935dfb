//! Workers: they claim work, act on the outside and report; or die, are slow, report twice, or come back as zombies.

use provost_model::program::EffectClass;
use provost_model::record::{Attempted, Cause, Command};
use provost_model::who::Known;
use provost_runtime::dispatch::LEASE_MS;
use provost_runtime::{Claimant, Delivery, Offer, OfferKind};

use super::{Happening, SECOND_US, World};
use crate::machine::{QUEUE, outcome_of};

/// How long a target may take to settle, in microseconds: with the longest way to it less than any `settleMs` of the corpus.
const SETTLES_US: i64 = 8 * SECOND_US;

/// A request on its way inside the target; it has no text of its own.
pub(super) struct Landing(pub Offer);

impl std::fmt::Debug for Landing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.0.effect)
    }
}

/// A piece of work in a worker's hands.
pub(super) struct Held {
    machine: usize,
    token: String,
    by: Claimant,
    offer: Offer,
    result: Option<Attempted>,
}

impl World {
    pub(super) fn poll(&mut self, worker: u64) {
        let pause_us = if self.healed { SECOND_US / 2 } else { self.random.between(50_000, 3 * SECOND_US) };
        self.at(pause_us, Happening::Poll(worker));
        for machine in 0..self.machines.len() {
            for tenant in self.tenants.clone() {
                let clock_us = self.clock_us(machine);
                let name: std::sync::Arc<str> = format!("w{worker}").into();
                let by = Claimant { tenant: tenant.clone(), principal: name.clone(), known: Known::Token, worker: name };
                let Some(up) = self.machines.get_mut(machine).and_then(|m| m.up.as_mut()) else { continue };
                let claimed = up.dispatcher.claim(&by, &[QUEUE.into()], 2, clock_us);
                for (token, offer) in claimed {
                    if offer.tenant != tenant {
                        self.violations.push(("tenants", "a worker was given another tenant's work".to_owned()));
                    }
                    self.take(Held { machine, token, by: by.clone(), offer, result: None });
                }
            }
        }
    }

    fn take(&mut self, held: Held) {
        if self.random.chance(self.mix.worker_dies) {
            return;
        }
        let (machine, offer, at) = (held.machine, held.offer.clone(), self.all_held.len());
        self.all_held.push(held);
        if offer.class == EffectClass::E4 && offer.kind != OfferKind::LookUp {
            let ticket = self.ticket();
            let command = Box::new(Command::Sending { effect: offer.effect, attempt: offer.attempt });
            let cause = Cause { effect: Some(offer.effect), ..Cause::default() };
            let delivery = Delivery::Command { tenant: offer.tenant, orchestration: offer.orchestration, command, cause };
            if let Some(up) = self.machines.get_mut(machine).and_then(|m| m.up.as_mut()) {
                up.sending.insert(ticket, at);
            }
            return self.push(machine, ticket, delivery);
        }
        // Where clocks jump, a lease ends at any moment: a worker that acts later than it claimed would act without one.
        let after_us = if self.mix.jumps { 0 } else { self.random.between(0, 1_500_000) };
        if after_us == 0 { self.act(at) } else { self.at(after_us, Happening::Act(at)) }
    }

    pub(super) fn act(&mut self, at: usize) {
        let Some(offer) = self.all_held.get(at).map(|held| held.offer.clone()) else { return };
        let Some(code) = self.corpus_registry.program(&offer.tenant, &offer.pin, &offer.workflow) else { return };
        let result = self.outside.carry_out(&offer, &code, &self.mix, &mut self.random);
        if let Some(held) = self.all_held.get_mut(at) {
            held.result = Some(result);
        }
        for offer in self.outside.taken() {
            let after_us = self.random.between(SECOND_US, SETTLES_US);
            self.at(after_us, Happening::Land(Box::new(Landing(offer))));
        }
        if self.random.chance(self.mix.loss) {
            return;
        }
        let late_us = if self.random.chance(self.mix.zombie) {
            LEASE_MS * 1000 + self.random.between(0, 40 * SECOND_US)
        } else if self.random.chance(self.mix.slow) {
            self.random.between(0, LEASE_MS * 900)
        } else {
            0
        };
        let way_us = self.way_us();
        self.at(late_us + way_us, Happening::Report(at));
        if self.random.chance(self.mix.twice) {
            let way_us = self.way_us();
            self.at(late_us + way_us, Happening::Report(at));
        }
    }

    pub(super) fn report(&mut self, at: usize) {
        let Some(held) = self.all_held.get(at) else { return };
        let Some(result) = held.result.clone() else { return };
        let Some(up) = self.machines.get_mut(held.machine).and_then(|m| m.up.as_mut()) else {
            // Nobody answers: a worker brings its report again until somebody does.
            let pause_us = self.random.between(SECOND_US / 10, 2 * SECOND_US);
            return self.at(pause_us, Happening::Report(at));
        };
        // Whoever reads a lease token and a worker's name in a log has no credential with it.
        let stranger = Claimant { principal: "stranger".into(), ..held.by.clone() };
        if up.dispatcher.report(&held.token, &stranger).is_some() {
            self.violations.push(("reports", format!("another credential reported for `{}`", held.by.worker)));
        }
        match up.dispatcher.report(&held.token, &held.by) {
            Some(ended) => {
                if (ended.offer.effect, ended.offer.attempt) != (held.offer.effect, held.offer.attempt) {
                    let what = format!("a report on `{}` ended the work of `{}`", held.offer.effect, ended.offer.effect);
                    self.violations.push(("reports", what));
                }
                let (machine, delivery) = (held.machine, outcome_of(&ended.offer, result, &ended.by.worker));
                self.push(machine, 0, delivery);
            }
            None => self.zombies += 1,
        }
    }
}
