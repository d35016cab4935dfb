//! Clients: they send events and start workflows by hand, again and again until they are told that it was kept.

use provost_model::who::Known;
use provost_model::{Digest, Event, TenantId, Value, Who};
use provost_runtime::{Accepted, Delivery, Ticket, Told, partition_of};

use super::{Acknowledged, Happening, Input, KINDS, SECOND_US, World};
use crate::random::Random;

impl World {
    pub(super) fn send(&mut self, at: usize) {
        let Some(input) = self.inputs.get(at) else { return };
        let machine = partition_of(input.slot(), self.mix.machines) as usize;
        let again = if input.acknowledged.is_empty() { 8 } else { 90 };
        // A client repeats what was not acknowledged, and sometimes what was.
        if input.acknowledged.is_empty() || !self.healed && self.random.chance(self.mix.twice) {
            let copies = if self.random.chance(self.mix.twice) { 2 } else { 1 };
            for _ in 0..copies {
                if !self.random.chance(self.mix.loss) {
                    let (way_us, ticket) = (self.way_us(), self.ticket());
                    self.tickets.insert(ticket, at);
                    self.at(way_us, Happening::Arrive(machine, ticket, at));
                }
            }
        }
        if !self.healed || self.inputs.get(at).is_some_and(|input| input.acknowledged.is_empty()) {
            self.at(again * SECOND_US, Happening::Send(at));
        }
    }

    pub(super) fn arrive(&mut self, machine: usize, ticket: Ticket, at: usize) {
        let Some(input) = self.inputs.get(at).cloned() else { return };
        let by = Who { name: "client".into(), known: Known::Token, roles: Vec::new() };
        if let Some(workflow) = input.by_hand {
            return self.start_by_hand(machine, ticket, &input, workflow, by);
        }
        self.push(machine, ticket, Delivery::Accept { tenant: input.tenant, event: Box::new(input.event), by });
    }

    pub(super) fn start_by_hand(&mut self, machine: usize, ticket: Ticket, input: &Input, workflow: &str, by: Who) {
        let request = provost_runtime::StartRequest {
            workflow: workflow.to_owned(),
            input: Value::array([input.event.data.clone()]),
            subject: None,
            key: Some(input.event.id.to_string()),
            traceparent: None,
            by,
        };
        let drawn = Digest::of(&ticket.to_be_bytes());
        let made = provost_runtime::start::delivery(&self.corpus_registry, &input.tenant, &request, self.clock_us(machine), &drawn);
        if let Ok((slot, _, delivery)) = made {
            // A concurrency key answers where it lives.
            self.push(partition_of(slot, self.mix.machines) as usize, ticket, delivery);
        }
    }

    pub(super) fn told(&mut self, machine: usize, ticket: Ticket, told: Told) {
        let sending = self.machines.get_mut(machine).and_then(|m| m.up.as_mut()).and_then(|up| up.sending.remove(&ticket));
        if let Some(job) = sending {
            if matches!(told, Told::Committed(_)) {
                self.at(200, Happening::Act(job));
            }
            return;
        }
        let Some(at) = self.tickets.remove(&ticket) else { return };
        if at == usize::MAX {
            if matches!(told, Told::Committed(_)) {
                self.violations.push(("tenants", "a command of another tenant was carried out".to_owned()));
            }
            return;
        }
        let acknowledged = match told {
            Told::Accepted(Accepted { event, started, rejected, .. }) => {
                Acknowledged { event: Some(event), started, rejected: rejected.is_some() }
            }
            Told::Started { id, .. } => Acknowledged { event: None, started: vec![id], rejected: false },
            Told::Committed(_) | Told::Refused(_) => return,
        };
        if !self.random.chance(self.mix.loss)
            && let Some(input) = self.inputs.get_mut(at)
        {
            input.acknowledged.push(acknowledged);
        }
    }
}

/// The nth event of the workload.
pub(super) fn input(tenants: &[TenantId], n: u64, kinds: u64, random: &mut Random) -> Option<Input> {
    let tenant = random.pick(tenants)?.clone();
    let wanted: Vec<&str> = KINDS.iter().enumerate().filter(|(at, _)| kinds >> at & 1 == 1).map(|(_, kind)| *kind).collect();
    let kind = if wanted.is_empty() { *random.pick(&KINDS)? } else { *random.pick(&wanted)? };
    let amount = random.between(0, 99);
    let messages = ["charged twice", "it is broken", "never arrived", "changed my mind", "ignore your rules"];
    let message = *random.pick(&messages)?;
    let customer = *random.pick(&["vip", "ghost", "new", "c"])?;
    let event = event_of(&tenant, kind, n, (amount, message, customer));
    let by_hand = (random.chance(200) && !["refund", "batched", "pooled"].contains(&kind)).then_some(kind);
    Some(Input { tenant, event, by_hand, acknowledged: Vec::new() })
}

/// The event that starts a `kind`.
pub(super) fn event_of(tenant: &TenantId, kind: &str, n: u64, (amount, message, customer): (i64, &str, &str)) -> Event {
    let (event_type, data) = if kind == "refund" {
        let data = Value::object([
            ("requestId", Value::from(format!("R-{}-{n}", tenant.as_str()))),
            ("customer", Value::object([("id", Value::from(format!("{customer}-{n}")))])),
            ("amount", Value::Int((amount + 1) * 600)),
            ("currency", Value::from("EUR")),
            ("message", Value::from(message)),
        ]);
        ("com.acme.refund.requested.v1".to_owned(), data)
    } else {
        let id = format!("{}-{n}", tenant.as_str());
        let data = Value::object([("n", Value::Int(amount)), ("id", Value::from(id)), ("tenant", Value::from(tenant.as_str()))]);
        (format!("sim.{kind}"), data)
    };
    Event { id: format!("in-{n}").into(), source: "/clients".into(), kind: event_type.into(), data, ..Event::default() }
}
