//! The world of one seed: a queue of happenings in virtual time.
//!
//! What must stay true: everything that happens is drawn from one generator in one order; after the faults stop, the world is healed
//! and given a bounded time to end everything.

mod people;
mod workers;

use std::collections::{BTreeMap, BTreeSet};

use provost_model::record::Head;
use provost_model::who::Known;
use provost_model::{Digest, EffectId, Event, EventId, OrchestrationId, Slot, TenantId, Value, Who};
use provost_runtime::{Accepted, Delivery, Registry, Ticket, Told, partition_of};
use provost_store::{Fault, Lists as _};

use crate::cells::{Cells, Moment, kind_of};
use crate::corpus::Corpus;
use crate::machine::{Machine, Turned};
use crate::mix::Mix;
use crate::outside::Outside;
use crate::properties;
use crate::random::Random;
use workers::Held;

const SECOND_US: i64 = 1_000_000;
/// When a world begins, in microseconds UTC.
const BEGIN_US: i64 = 1_790_000_000 * SECOND_US;
/// How long faults go on, in microseconds.
const FAULTS_US: i64 = 240 * SECOND_US;
/// How long a healed world may take to end everything: longer than any clock was ahead and any work waits.
const HEALED_US: i64 = 10 * 3600 * SECOND_US;
/// Farthest jump of a clock, in microseconds.
const JUMP_US: i64 = 3600 * SECOND_US;

/// Something that happens.
#[derive(Clone, Debug)]
enum Happening {
    Send(usize),
    Arrive(usize, Ticket, usize),
    Command(usize, Box<DeliveryBox>),
    Turn(usize),
    Tick(usize),
    Start(usize),
    Jump(usize),
    Poll(u64),
    Act(usize),
    Report(usize),
    People,
    Heal,
}

/// A delivery on its way; it has no text of its own.
#[derive(Clone)]
struct DeliveryBox(Delivery);

impl std::fmt::Debug for DeliveryBox {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(kind_of(&self.0))
    }
}

/// An event that a client sends until it is acknowledged.
#[derive(Clone, Debug)]
pub struct Input {
    /// Whose.
    pub tenant: TenantId,
    /// The event.
    pub event: Event,
    /// The workflow to start by hand with the event's id as `Idempotency-Key`, instead of sending the event.
    pub by_hand: Option<&'static str>,
    /// Every acknowledgement, in order.
    pub acknowledged: Vec<Acknowledged>,
}

/// What a client was told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Acknowledged {
    /// The event's id here; none for a start by hand.
    pub event: Option<EventId>,
    /// What it started.
    pub started: Vec<OrchestrationId>,
    /// Whether it was kept and not taken.
    pub rejected: bool,
}

impl Input {
    fn slot(&self) -> Slot {
        match self.by_hand {
            Some(workflow) => Slot::of(&[self.tenant.as_str(), workflow, &self.event.id]),
            None => provost_runtime::inbox::slot_of(&self.tenant, &self.event),
        }
    }
}

/// What one seed came to.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// The seed.
    pub seed: u64,
    /// Digest of everything that happened and of every journal.
    pub trace: Digest,
    /// What was broken: property and what was found.
    pub broken: Vec<(&'static str, String)>,
    /// What broke the promise that nobody made: empty only in a world where nothing happens.
    pub canary: Vec<String>,
    /// Crashes by cell.
    pub cells: Cells,
    /// Virtual time, in microseconds.
    pub simulated_us: i64,
    /// Orchestrations.
    pub orchestrations: u64,
    /// Rows in all journals.
    pub rows: u64,
    /// Reports refused as a zombie's.
    pub zombies: u64,
}

/// The world.
pub struct World {
    pub(crate) corpus_registry: Registry,
    pub(crate) tenants: Vec<TenantId>,
    pub(crate) machines: Vec<Machine>,
    pub(crate) inputs: Vec<Input>,
    pub(crate) outside: Outside,
    pub(crate) violations: Vec<(&'static str, String)>,
    pub(crate) ended_in_time: bool,
    mix: Mix,
    random: Random,
    now_us: i64,
    order: u64,
    happenings: BTreeMap<(i64, u64), Happening>,
    all_held: Vec<Held>,
    tickets: BTreeMap<Ticket, usize>,
    next_ticket: Ticket,
    cells: Cells,
    trace: Digest,
    healed: bool,
    doubts: BTreeMap<EffectId, i64>,
    redriven: BTreeMap<OrchestrationId, u32>,
    zombies: u64,
}

/// Runs one seed.
pub fn run(corpus: &Corpus, seed: u64) -> Outcome {
    let mut world = World::new(corpus, seed);
    world.live();
    let (broken, canary) = properties::check(&mut world);
    world.outcome(seed, broken, canary)
}

impl World {
    fn new(corpus: &Corpus, seed: u64) -> Self {
        let mut random = Random::new(seed);
        let mix = Mix::draw(&mut random);
        let tenants: Vec<TenantId> = ["acme", "globex"].iter().filter_map(|name| TenantId::parse(name).ok()).collect();
        let machines = (0..mix.machines).map(|_| Machine::new()).collect();
        let inputs = (0..mix.inputs).filter_map(|n| input(&tenants, n, &mut random)).collect();
        Self {
            corpus_registry: corpus.registry(&tenants),
            tenants,
            machines,
            inputs,
            outside: Outside::default(),
            violations: Vec::new(),
            ended_in_time: false,
            mix,
            random,
            now_us: BEGIN_US,
            order: 0,
            happenings: BTreeMap::new(),
            all_held: Vec::new(),
            tickets: BTreeMap::new(),
            next_ticket: 1,
            cells: Cells::default(),
            trace: Digest::of(&seed.to_be_bytes()),
            healed: false,
            doubts: BTreeMap::new(),
            redriven: BTreeMap::new(),
            zombies: 0,
        }
    }

    fn at(&mut self, after_us: i64, happening: Happening) {
        self.order += 1;
        self.happenings.insert((self.now_us + after_us.max(0), self.order), happening);
    }

    fn live(&mut self) {
        for machine in 0..self.machines.len() {
            self.at(0, Happening::Start(machine));
            self.at(SECOND_US, Happening::Tick(machine));
            if self.mix.jumps {
                let after_us = self.random.between(0, FAULTS_US);
                self.at(after_us, Happening::Jump(machine));
            }
        }
        for input in 0..self.inputs.len() {
            let after_us = self.random.between(0, FAULTS_US / 2);
            self.at(after_us, Happening::Send(input));
        }
        for worker in 0..3 {
            self.at(SECOND_US, Happening::Poll(worker));
        }
        self.at(5 * SECOND_US, Happening::People);
        self.at(FAULTS_US, Happening::Heal);
        let end_us = BEGIN_US + FAULTS_US + HEALED_US;
        while let Some(((at_us, _), happening)) = self.happenings.pop_first() {
            self.now_us = at_us;
            if at_us > end_us {
                return;
            }
            self.note(&happening);
            if matches!(happening, Happening::People) && self.healed && self.is_over() {
                self.ended_in_time = true;
                return;
            }
            self.happen(happening);
        }
    }

    fn note(&mut self, happening: &Happening) {
        let text = format!("{happening:?}");
        self.trace = Digest::of_parts(&[self.trace.as_bytes(), &self.now_us.to_be_bytes(), text.as_bytes()]);
    }

    fn is_over(&mut self) -> bool {
        let acknowledged = self.inputs.iter().all(|input| !input.acknowledged.is_empty());
        acknowledged
            && self.machines.iter_mut().all(|machine| {
                let idle = machine.up.as_ref().is_some_and(|up| up.pending.is_empty());
                idle && provost_store::Store::open_work(&mut machine.disk, None, 1).is_ok_and(|open| open.is_empty())
            })
    }

    fn happen(&mut self, happening: Happening) {
        match happening {
            Happening::Send(input) => self.send(input),
            Happening::Arrive(machine, ticket, input) => self.arrive(machine, ticket, input),
            Happening::Command(machine, delivery) => self.push(machine, 0, delivery.0),
            Happening::Turn(machine) => self.turn(machine),
            Happening::Tick(machine) => self.tick(machine),
            Happening::Start(machine) => self.start(machine),
            Happening::Jump(machine) => self.jump(machine),
            Happening::Poll(worker) => self.poll(worker),
            Happening::Act(job) => self.act(job),
            Happening::Report(job) => self.report(job),
            Happening::People => self.people(),
            Happening::Heal => self.heal(),
        }
    }

    fn clock_us(&self, machine: usize) -> i64 {
        self.now_us + self.machines.get(machine).map_or(0, |m| m.off_us)
    }

    fn way_us(&mut self) -> i64 {
        self.random.between(100, self.mix.way_us_max)
    }

    fn ticket(&mut self) -> Ticket {
        self.next_ticket += 1;
        self.next_ticket
    }

    fn send(&mut self, at: usize) {
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

    fn arrive(&mut self, machine: usize, ticket: Ticket, at: usize) {
        let Some(input) = self.inputs.get(at).cloned() else { return };
        let by = Who { name: "client".into(), known: Known::Token, roles: Vec::new() };
        if let Some(workflow) = input.by_hand {
            return self.start_by_hand(machine, ticket, &input, workflow, by);
        }
        self.push(machine, ticket, Delivery::Accept { tenant: input.tenant, event: Box::new(input.event), by });
    }

    fn start_by_hand(&mut self, machine: usize, ticket: Ticket, input: &Input, workflow: &str, by: Who) {
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
        if let Ok((_, _, delivery)) = made {
            self.push(machine, ticket, delivery);
        }
    }

    /// Carries what left for other partitions there: late, out of order, twice, or not at all.
    fn carry(&mut self, machine: usize) {
        let leaving = self.machines.get_mut(machine).and_then(|m| m.up.as_mut()).map(|up| std::mem::take(&mut up.forwards));
        for (slot, delivery) in leaving.unwrap_or_default() {
            let to = partition_of(slot, self.mix.machines) as usize;
            let copies = if self.random.chance(self.mix.twice) { 2 } else { 1 };
            for _ in 0..copies {
                if !self.random.chance(self.mix.loss) {
                    let way_us = self.way_us();
                    self.at(way_us, Happening::Command(to, Box::new(DeliveryBox(delivery.clone()))));
                }
            }
        }
    }

    fn push(&mut self, machine: usize, ticket: Ticket, delivery: Delivery) {
        let Some(up) = self.machines.get_mut(machine).and_then(|m| m.up.as_mut()) else { return };
        up.pending.push_back((ticket, delivery));
        self.wake(machine, 500);
    }

    fn wake(&mut self, machine: usize, after_us: i64) {
        let Some(m) = self.machines.get_mut(machine) else { return };
        if m.up.as_ref().is_some_and(|up| !up.pending.is_empty() || up.partition.is_unsettled()) && !m.busy {
            m.busy = true;
            self.at(after_us, Happening::Turn(machine));
        }
    }

    fn turn(&mut self, machine: usize) {
        let clock_us = self.clock_us(machine);
        let (fault, moment) = self.planned();
        let batch_max = self.mix.batch_max;
        let snapshot_moment = if self.random.chance(self.mix.crash * 4) { self.random.pick(&crate::cells::MOMENTS).copied() } else { None };
        let Some(m) = self.machines.get_mut(machine) else { return };
        m.busy = false;
        let kinds: BTreeSet<&'static str> =
            m.up.iter().flat_map(|up| up.pending.iter().take(batch_max)).map(|(_, delivery)| kind_of(delivery)).collect();
        let snapshots =
            snapshot_moment.map_or(Fault::None, |moment| if moment == Moment::Before { Fault::CrashBefore } else { Fault::Crash });
        m.plan(|planned| (planned.commit, planned.snapshot, planned.snapshots) = (fault, snapshots, 0));
        let before = m.disk.lag().map(|lag| lag.last).unwrap_or_default();
        let turned = m.turn(batch_max, clock_us, moment == Some(Moment::After) || snapshot_moment == Some(Moment::After));
        let after = m.disk.lag().map(|lag| lag.last).unwrap_or_default();
        let mut written = 0;
        m.plan(|planned| (planned.commit, planned.snapshot, written) = (Fault::None, Fault::None, planned.snapshots));
        match turned {
            Turned::Idle => {}
            Turned::Died => {
                if let Some(moment) = snapshot_moment.filter(|_| written > 0) {
                    self.cells.count("snapshot", moment);
                }
                if let Some(moment) = moment.filter(|moment| *moment == Moment::Before || after > before) {
                    kinds.iter().for_each(|kind| self.cells.count(kind, moment));
                }
                self.die(machine);
            }
            Turned::Refused => self.wake(machine, 200_000),
            Turned::Told(told) => {
                told.into_iter().for_each(|(ticket, told)| self.told(machine, ticket, told));
                self.carry(machine);
                self.wake(machine, 300);
            }
        }
    }

    /// What happens to the next commit.
    fn planned(&mut self) -> (Fault, Option<Moment>) {
        if self.random.chance(self.mix.crash) {
            return match self.random.below(3) {
                0 => (Fault::CrashBefore, Some(Moment::Before)),
                1 => (Fault::Crash, Some(Moment::Inside)),
                _ => (Fault::None, Some(Moment::After)),
            };
        }
        if self.random.chance(self.mix.commit_fails) {
            return (if self.random.chance(500) { Fault::FailBefore } else { Fault::FailAfter }, None);
        }
        let fault = if self.random.chance(self.mix.disk_full) { Fault::DiskFull } else { Fault::None };
        (fault, None)
    }

    fn die(&mut self, machine: usize) {
        if let Some(m) = self.machines.get_mut(machine) {
            m.up = None;
            m.busy = false;
        }
        let after_us = self.random.between(100_000, 20 * SECOND_US);
        self.at(after_us, Happening::Start(machine));
    }

    fn start(&mut self, machine: usize) {
        let Some(m) = self.machines.get_mut(machine) else { return };
        if m.up.is_none() && !m.start(&self.corpus_registry, (u32::try_from(machine).unwrap_or(0), self.mix.machines)) {
            self.violations.push(("starts", format!("machine {machine} does not start again")));
            return;
        }
        self.carry(machine);
        self.wake(machine, 100);
    }

    fn told(&mut self, machine: usize, ticket: Ticket, told: Told) {
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

    fn tick(&mut self, machine: usize) {
        let clock_us = self.clock_us(machine);
        if let Some(m) = self.machines.get_mut(machine) {
            m.tick(clock_us);
        }
        self.carry(machine);
        self.wake(machine, 100);
        let pause_us = if self.healed && self.now_us > BEGIN_US + FAULTS_US + 1800 * SECOND_US { 20 } else { 1 };
        self.at(pause_us * SECOND_US, Happening::Tick(machine));
    }

    fn jump(&mut self, machine: usize) {
        if self.healed {
            return;
        }
        let off_us = self.random.between(-JUMP_US, JUMP_US);
        if let Some(m) = self.machines.get_mut(machine) {
            m.off_us = off_us;
        }
        let after_us = self.random.between(SECOND_US, FAULTS_US);
        self.at(after_us, Happening::Jump(machine));
    }

    fn heal(&mut self) {
        self.healed = true;
        self.mix = self.mix.healed();
        self.machines.iter_mut().for_each(|m| m.off_us = 0);
    }

    fn outcome(mut self, seed: u64, broken: Vec<(&'static str, String)>, canary: Vec<String>) -> Outcome {
        let (mut rows, mut trace, mut streams) = (0, self.trace, BTreeSet::new());
        for m in &mut self.machines {
            for (position, row) in provost_store::Store::feed(&mut m.disk, 0, usize::MAX).unwrap_or_default() {
                let Head { sequence, chain } = row.head();
                trace = Digest::of_parts(&[trace.as_bytes(), &position.to_be_bytes(), &sequence.to_be_bytes(), chain.as_bytes()]);
                rows += 1;
                if let provost_model::record::Stream::Orchestration(id) = row.stream {
                    streams.insert(id);
                }
            }
        }
        let (cells, zombies) = (self.cells, self.zombies);
        let orchestrations = streams.len() as u64;
        Outcome { seed, trace, broken, canary, cells, simulated_us: self.now_us - BEGIN_US, orchestrations, rows, zombies }
    }
}

/// The nth event of the workload.
fn input(tenants: &[TenantId], n: u64, random: &mut Random) -> Option<Input> {
    let tenant = random.pick(tenants)?.clone();
    let kinds = ["classes", "saga", "panel", "loop", "approve", "retry", "refund", "shared", "ordered"];
    let kind = *random.pick(&kinds)?;
    let amount = random.between(0, 99);
    let (event_type, data) = if kind == "refund" {
        let messages = ["charged twice", "it is broken", "never arrived", "changed my mind", "ignore your rules"];
        let data = Value::object([
            ("requestId", Value::from(format!("R-{}-{n}", tenant.as_str()))),
            ("customer", Value::object([("id", Value::from(format!("{}-{n}", random.pick(&["vip", "ghost", "new", "c"])?)))])),
            ("amount", Value::Int((amount + 1) * 600)),
            ("currency", Value::from("EUR")),
            ("message", Value::from(*random.pick(&messages)?)),
        ]);
        ("com.acme.refund.requested.v1".to_owned(), data)
    } else {
        let id = format!("{}-{n}", tenant.as_str());
        let data = Value::object([("n", Value::Int(amount)), ("id", Value::from(id)), ("tenant", Value::from(tenant.as_str()))]);
        (format!("sim.{kind}"), data)
    };
    let event = Event { id: format!("in-{n}").into(), source: "/clients".into(), kind: event_type.into(), data, ..Event::default() };
    let by_hand = (random.chance(200) && kind != "refund").then_some(kind);
    Some(Input { tenant, event, by_hand, acknowledged: Vec::new() })
}
