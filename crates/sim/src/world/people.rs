//! People: they answer reviews, settle what is in doubt by asking the target, redrive, cancel; and strangers try another tenant's door.

use provost_engine::Orchestration;
use provost_model::record::{Cancel, Cause, Command, EffectState, Redrive, Resolve, ReviewAnswer};
use provost_model::who::Known;
use provost_model::{OrchestrationId, TenantId, Value, Who};
use provost_runtime::Delivery;
use provost_store::Store as _;

use super::{DeliveryBox, Happening, SECOND_US, World};
use crate::properties;

/// How often a healed person tries parked work again before it is cancelled.
const REDRIVES_MAX: u32 = 2;
/// How long a person waits before asking the target, in microseconds: longer than anything is on its way.
const DOUBT_US: i64 = 60 * SECOND_US;

impl World {
    pub(super) fn people(&mut self) {
        let pause_us = if self.healed { 10 * SECOND_US } else { self.random.between(2 * SECOND_US, 20 * SECOND_US) };
        self.at(pause_us, Happening::People);
        for machine in 0..self.machines.len() {
            let Some(m) = self.machines.get_mut(machine) else { continue };
            let Some(up) = m.up.as_mut() else { continue };
            properties::lifecycle::follow(&mut m.disk, &self.corpus_registry, &mut self.followed);
            let open = m.disk.open_work(None, usize::MAX).unwrap_or_default();
            let mut seen = Vec::new();
            for row in open {
                if let Ok(view) = up.partition.view(&row.tenant, row.orchestration, u64::MAX) {
                    if let Some(why) = properties::refold::differs(&mut m.disk, &mut self.folded, &view) {
                        self.violations.push(("refold", why));
                    }
                    seen.push(view.state);
                }
            }
            for state in seen {
                self.look(machine, &state);
            }
        }
    }

    fn look(&mut self, machine: usize, state: &Orchestration) {
        let reviews: Vec<_> =
            state.reviews.iter().filter(|(_, r)| r.answer.is_none() && !r.closed).map(|(id, r)| (*id, r.clone())).collect();
        for (review, asked) in reviews {
            if !self.healed && self.random.chance(500) {
                continue;
            }
            let Some(option) = self.random.pick(&asked.spec.options).cloned() else { continue };
            let answer = ReviewAnswer { review, option, by: who("rita"), reason: "seen".to_owned(), form: Value::Null };
            self.command(machine, &state.tenant, state.id, Command::Review(answer));
        }
        for (id, effect) in state.effects.iter().filter(|(_, effect)| effect.state == EffectState::InDoubt) {
            let since_us = *self.doubts.entry(*id).or_insert(self.now_us);
            if self.now_us - since_us < DOUBT_US {
                continue;
            }
            self.doubts.remove(id);
            let done = self.outside.took_effect(&state.tenant, id, &effect.key);
            let result = if done { Value::object([("id", Value::Str(effect.key.clone()))]) } else { Value::Null };
            let (evidence, reason) = ("the target's list".to_owned(), "asked".to_owned());
            self.command(
                machine,
                &state.tenant,
                state.id,
                Command::Resolve(Resolve { effect: *id, done, result, evidence, by: who("olga"), reason }),
            );
        }
        if state.parked.is_some() {
            let tried = self.redriven.entry(state.id).or_default();
            *tried += 1;
            let command = if self.healed && *tried > REDRIVES_MAX && !matches!(state.phase, provost_engine::Phase::Cancelling { .. }) {
                Command::Cancel(Cancel { by: who("olga"), reason: "it cannot go on".to_owned(), replaced_by: None })
            } else {
                Command::Redrive(Redrive { by: who("olga"), reason: "again".to_owned() })
            };
            self.command(machine, &state.tenant, state.id, command);
        } else if self.random.chance(self.mix.cancels) {
            let cancel = Cancel { by: who("olga"), reason: "not wanted".to_owned(), replaced_by: None };
            self.command(machine, &state.tenant, state.id, Command::Cancel(cancel));
        }
        if !self.healed && self.random.chance(50) {
            self.try_the_door(machine, state);
        }
    }

    /// A stranger names another tenant's orchestration.
    fn try_the_door(&mut self, machine: usize, state: &Orchestration) {
        let Some(stranger) = self.tenants.iter().find(|tenant| **tenant != state.tenant).cloned() else { return };
        let cancel = Cancel { by: who("eve"), reason: "mine".to_owned(), replaced_by: None };
        let (command, cause) = (Box::new(Command::Cancel(cancel)), Cause::default());
        let ticket = self.ticket();
        self.tickets.insert(ticket, usize::MAX);
        self.push(machine, ticket, Delivery::Command { tenant: stranger, orchestration: state.id, command, cause });
    }

    fn command(&mut self, machine: usize, tenant: &TenantId, orchestration: OrchestrationId, command: Command) {
        let cause = Cause { who: Some("person".into()), ..Cause::default() };
        let delivery = Delivery::Command { tenant: tenant.clone(), orchestration, command: Box::new(command), cause };
        let way_us = self.way_us();
        self.at(way_us, Happening::Command(machine, Box::new(DeliveryBox(delivery))));
    }
}

fn who(name: &str) -> Who {
    Who { name: name.into(), known: Known::Token, roles: Vec::new() }
}
