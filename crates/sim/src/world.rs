//! The world of one seed: a queue of happenings in virtual time.
//!
//! What must stay true: everything that happens is drawn from one generator in one order; after the faults stop, the world is healed
//! and given a bounded time to end everything.

mod clients;
mod people;
mod process;
mod scene;
mod workers;

use std::collections::{BTreeMap, BTreeSet};

use provost_model::record::Head;
use provost_model::{Digest, EffectId, Event, EventId, OrchestrationId, Slot, TenantId};
use provost_runtime::{Delivery, Registry, Ticket, partition_of};

use crate::cells::{Cells, kind_of};
use crate::corpus::Corpus;
use crate::machine::{Machine, Up};
use crate::mix::Mix;
use crate::outside::Outside;
use crate::properties;
use crate::properties::lifecycle::Followed;
use crate::properties::refold::Folded;
use crate::random::Random;
use clients::input;
pub use scene::{Scene, play};
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

/// The kinds of work.
pub const KINDS: [&str; 23] = [
    "classes", "saga", "panel", "loop", "approve", "retry", "refund", "shared", "ordered", "family", "listen", "calls", "limited",
    "latest", "single", "batched", "combine", "reads", "looked", "plans", "kin", "pooled", "rivals",
];

/// Something that happens.
#[derive(Debug)]
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
    Land(Box<workers::Landing>),
    Wake(usize),
    Light(usize),
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
    paused: Vec<(usize, Option<Up>)>,
    folded: Folded,
    pub(crate) followed: Followed,
}

/// Runs one seed.
pub fn run(corpus: &Corpus, seed: u64) -> Outcome {
    let mut world = World::new(corpus, seed, u64::MAX);
    world.live();
    let (broken, canary) = properties::check(&mut world);
    world.outcome(seed, broken, canary)
}

/// Runs one seed with two kinds of work at most: what only several of a kind bring about is met sooner.
pub fn run_few(corpus: &Corpus, seed: u64) -> Outcome {
    let many = KINDS.len() as u64;
    let kinds = 1 << (seed % many) | 1 << (seed / many % many);
    let mut world = World::new(corpus, seed, kinds);
    world.live();
    let (broken, canary) = properties::check(&mut world);
    world.outcome(seed, broken, canary)
}

fn tenants() -> Vec<TenantId> {
    ["acme", "globex"].iter().filter_map(|name| TenantId::parse(name).ok()).collect()
}

impl World {
    fn new(corpus: &Corpus, seed: u64, kinds: u64) -> Self {
        let mut random = Random::new(seed);
        let drawn = Mix::draw(&mut random);
        let mix = if kinds == u64::MAX { drawn } else { Mix { kinds, ..drawn } };
        let tenants = tenants();
        let inputs = (0..mix.inputs).filter_map(|n| input(&tenants, n, mix.kinds, &mut random)).collect();
        Self::with(corpus, seed, (mix, random, tenants, inputs))
    }

    fn with(corpus: &Corpus, seed: u64, (mix, random, tenants, inputs): (Mix, Random, Vec<TenantId>, Vec<Input>)) -> Self {
        let machines = (0..mix.machines).map(|_| Machine::new()).collect();
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
            paused: Vec::new(),
            folded: Folded::new(),
            followed: Followed::new(),
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
            let after_us = self.random.between(0, if self.healed { SECOND_US } else { FAULTS_US / 2 });
            self.at(after_us, Happening::Send(input));
        }
        for worker in 0..3 {
            self.at(SECOND_US, Happening::Poll(worker));
        }
        self.at(5 * SECOND_US, Happening::People);
        if !self.healed {
            self.at(FAULTS_US, Happening::Heal);
        }
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
            Happening::Land(landing) => self.outside.take_effect(&landing.0),
            Happening::Wake(paused) => self.wake_paused(paused),
            Happening::Light(machine) => self.light(machine),
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

    fn heal(&mut self) {
        self.healed = true;
        self.mix = self.mix.healed();
        for m in &mut self.machines {
            m.off_us = 0;
            m.plan(|planned| planned.dark = false);
        }
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
