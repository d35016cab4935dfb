//! Varied work on real partitions in virtual time, without faults of the store: two tenants, all bundles of the corpus, targets that
//! refuse and stay silent. Can be stopped at any turn, and goes on from what is on disk.

use std::collections::{BTreeMap, VecDeque};
use std::path::Path;

use provost_engine::Orchestration;
use provost_model::program::EffectClass;
use provost_model::record::{Cancel, Cause, Command, EffectState, Redrive, Resolve, ReviewAnswer, Row};
use provost_model::who::Known;
use provost_model::{Digest, Event, OrchestrationId, Slot, TenantId, Value, Who};
use provost_runtime::{
    Delivery, Offer, OfferKind, Partition, Refused, Registry, Release, StartRequest, Ticket, Timers, Told, inbox, partition_of, start,
};
use provost_sim::machine::outcome_of;
use provost_sim::mix::Mix;
use provost_sim::outside::Outside;
use provost_sim::random::Random;
use provost_sim::{Corpus, properties};
use provost_store::{Folder, Memory, Sqlite, Upkeep};

/// What is worked on: workflows of the corpus, each started by its event or by hand.
const KINDS: [&str; 10] = ["classes", "saga", "panel", "loop", "approve", "retry", "refund", "shared", "ordered", "calls"];
pub const SECOND_US: i64 = 1_000_000;
pub const DAY_US: i64 = 24 * 3600 * SECOND_US;
pub const BEGIN_US: i64 = 1_790_000_000 * SECOND_US;
/// What keys the marks in columns.
pub const SALT: [u8; 32] = [7; 32];

pub fn registry() -> Registry {
    let corpus = Corpus::load(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")).unwrap();
    corpus.registry(&tenants())
}

pub fn tenants() -> Vec<TenantId> {
    ["acme", "globex"].iter().map(|name| TenantId::parse(name).unwrap()).collect()
}

pub fn who(name: &str) -> Who {
    Who { name: name.into(), known: Known::Token, roles: Vec::new() }
}

/// A partition with what its shell keeps in memory.
struct Line<S> {
    partition: Partition<S>,
    timers: Timers,
    pending: VecDeque<(Ticket, Delivery)>,
    offers: VecDeque<Offer>,
    sending: BTreeMap<Ticket, Offer>,
}

/// What the outside and its chances are; lives on when the partitions are opened again.
#[derive(Clone)]
pub struct Around {
    pub registry: Registry,
    pub outside: Outside,
    pub mix: Mix,
    pub random: Random,
    pub now_us: i64,
    redriven: BTreeMap<OrchestrationId, u32>,
}

impl Around {
    pub fn new(registry: Registry, seed: u64) -> Self {
        let mut random = Random::new(seed);
        let mix = Mix { refuses: 150, answer_lost: 200, request_lost: 100, look_up_fails: 200, ..Mix::draw(&mut random) };
        Self { registry, outside: Outside::default(), mix, random, now_us: BEGIN_US, redriven: BTreeMap::new() }
    }
}

/// All partitions of a folder at work.
pub struct Works<S> {
    lines: Vec<Line<S>>,
    pub around: Around,
    pub told: BTreeMap<Ticket, Told>,
    next_ticket: Ticket,
}

impl<S: Upkeep> Works<S> {
    /// Opens the stores and resumes their open work.
    pub fn open(stores: Vec<S>, around: Around) -> Self {
        let mut works = Self { lines: Vec::new(), around, told: BTreeMap::new(), next_ticket: 1 };
        let count = u32::try_from(stores.len()).unwrap();
        let mut forwards = Vec::new();
        for (store, index) in stores.into_iter().zip(0..) {
            let mut partition = Partition::open(store, works.around.registry.clone(), SALT).unwrap().at(index, count);
            partition.project().unwrap();
            let open = partition.store().open_work(None, usize::MAX).unwrap();
            let mut releases: Vec<Release> = open.iter().flat_map(|row| partition.resume(row).unwrap()).collect();
            releases.extend(partition.resumed());
            let (pending, offers, sending) = (VecDeque::new(), VecDeque::new(), BTreeMap::new());
            let mut line = Line { partition, timers: Timers::default(), pending, offers, sending };
            releases.into_iter().for_each(|release| line.leave(release, &mut forwards));
            works.lines.push(line);
        }
        works.forward(forwards);
        works
    }

    /// Brings what left for other partitions there. Nothing is lost on the way but at a stop, which open work makes good.
    fn forward(&mut self, forwards: Vec<(Slot, Delivery)>) {
        for (slot, delivery) in forwards {
            let at = partition_of(slot, u32::try_from(self.lines.len()).unwrap()) as usize;
            self.lines.get_mut(at).unwrap().pending.push_back((0, delivery));
        }
    }

    pub fn partitions(&mut self) -> impl Iterator<Item = &mut Partition<S>> {
        self.lines.iter_mut().map(|line| &mut line.partition)
    }

    fn push(&mut self, slot: Slot, delivery: Delivery) -> Ticket {
        self.next_ticket += 1;
        let at = partition_of(slot, u32::try_from(self.lines.len()).unwrap()) as usize;
        self.lines.get_mut(at).unwrap().pending.push_back((self.next_ticket, delivery));
        self.next_ticket
    }

    /// Sends an event.
    pub fn send(&mut self, tenant: &TenantId, event: Event) -> Ticket {
        let slot = inbox::slot_of(tenant, &event);
        self.push(slot, Delivery::Accept { tenant: tenant.clone(), event: Box::new(event), by: who("client") })
    }

    /// Starts a workflow by hand under an `Idempotency-Key`.
    pub fn start(&mut self, tenant: &TenantId, workflow: &str, key: &str, n: i64) -> Ticket {
        let request = StartRequest {
            workflow: workflow.to_owned(),
            input: Value::array([data(tenant, n)]),
            subject: Some(format!("subject {n}").into()),
            key: Some(key.to_owned()),
            traceparent: None,
            by: who("client"),
        };
        let drawn = Digest::of(&self.next_ticket.to_be_bytes());
        let (slot, _, delivery) = start::delivery(&self.around.registry, tenant, &request, self.around.now_us, &drawn).unwrap();
        self.push(slot, delivery)
    }

    /// A start that was handed on arrives once more.
    pub fn arrives_again(&mut self, state: &Orchestration) {
        let start = Box::new(state.start.as_deref().unwrap().clone());
        let launch = self.around.registry.launch(&state.tenant, &start.workflow).unwrap();
        self.push(
            state.id.slot(),
            Delivery::Start { tenant: state.tenant.clone(), launch, id: state.id, start, remember: None, from: Some(Slot(1)) },
        );
    }

    /// Gives a command to an orchestration.
    pub fn command(&mut self, tenant: &TenantId, orchestration: OrchestrationId, command: Command) -> Ticket {
        let cause = Cause { who: Some("person".into()), ..Cause::default() };
        self.push(orchestration.slot(), Delivery::Command { tenant: tenant.clone(), orchestration, command: Box::new(command), cause })
    }

    /// Sends the whole workload, each input under the same ids every time; returns the tickets.
    pub fn send_all(&mut self, inputs: i64) -> Vec<Ticket> {
        let mut tickets = Vec::new();
        for tenant in tenants() {
            for n in 0..inputs {
                let kind = KINDS.get(usize::try_from(n).unwrap() % KINDS.len()).unwrap();
                tickets.push(match (n % 7, *kind) {
                    (_, "refund") => self.send(&tenant, refund(&tenant, n)),
                    (4, kind) => self.start(&tenant, kind, &format!("key-{n}"), n),
                    (_, kind) => self.send(&tenant, event(&format!("in-{n}"), &format!("sim.{kind}"), data(&tenant, n))),
                });
            }
            tickets.push(self.send(&tenant, event("nobody-knows", "unknown.type", Value::Int(1))));
            tickets.push(self.send(&tenant, event("breaks-the-contract", "com.acme.refund.requested.v1", Value::Int(1))));
            tickets.push(self.send(&tenant, event("in-0", "sim.classes", Value::from("other content"))));
        }
        tickets
    }

    /// Sends what begins children with places of their own, and batches beside a key.
    pub fn send_keyed(&mut self, inputs: i64) {
        for tenant in tenants() {
            for n in 0..inputs {
                self.send(&tenant, event(&format!("kin-{n}"), "sim.kin", data(&tenant, n)));
                self.send(&tenant, event(&format!("pooled-{n}"), "sim.pooled", data(&tenant, n)));
            }
        }
    }

    /// One tenth of a second: due timers, one batch for each partition, some work carried out.
    pub fn turn(&mut self, works_permille: u64) {
        self.around.now_us += SECOND_US / 10;
        let (around, mut forwards) = (&mut self.around, Vec::new());
        for line in &mut self.lines {
            for (_, tenant, orchestration, id) in line.timers.due(around.now_us, 64) {
                let cause = Cause { timer: Some(id.clone()), ..Cause::default() };
                let command = Box::new(Command::Timer { id });
                line.pending.push_back((0, Delivery::Command { tenant, orchestration, command, cause }));
            }
            for _ in 0..line.offers.len() {
                let offer = line.offers.pop_front().unwrap();
                if around.random.chance(works_permille) {
                    self.next_ticket += 1;
                    line.work(offer, around, self.next_ticket);
                } else {
                    line.offers.push_back(offer);
                }
            }
            let batch: Vec<(Ticket, Delivery)> = line.pending.drain(..).collect();
            let outputs = line.partition.on(batch, around.now_us);
            assert_eq!(outputs.failed.map(|(_, error)| error), None);
            for reply in outputs.replies {
                match line.sending.remove(&reply.ticket) {
                    Some(offer) if matches!(reply.told, Told::Committed(_)) => line.act(&offer, around),
                    Some(_) => {}
                    None if reply.ticket == 0 => {}
                    None => drop(self.told.insert(reply.ticket, reply.told)),
                }
            }
            outputs.releases.into_iter().for_each(|release| line.leave(release, &mut forwards));
        }
        self.forward(forwards);
    }

    /// The states of all unfinished orchestrations that have begun.
    pub fn unfinished(&mut self) -> Vec<Orchestration> {
        let mut states = Vec::new();
        for line in &mut self.lines {
            for row in line.partition.store().open_work(None, usize::MAX).unwrap() {
                match line.partition.view(&row.tenant, row.orchestration, u64::MAX) {
                    Ok(view) => states.push(view.state),
                    Err(Refused::Gathering { batch, .. }) => assert_eq!(batch, row.orchestration),
                    Err(refused) => assert_eq!(refused, Refused::UnknownOrchestration(row.orchestration)),
                }
            }
        }
        states
    }

    /// Heals the outside and lets people act until nothing is open any more.
    pub fn finish(&mut self) {
        self.around.mix = self.around.mix.healed();
        for turn in 0..20_000 {
            self.turn(1000);
            if turn % 50 == 0 {
                let open = self.unfinished();
                let nothing = |line: &mut Line<S>| line.partition.store().open_work(None, 1).unwrap().is_empty();
                if self.lines.iter_mut().all(nothing) && self.lines.iter().all(|line| line.pending.is_empty()) {
                    return;
                }
                open.iter().for_each(|state| self.look(state));
            }
            if turn > 1000 {
                self.around.now_us += 10 * SECOND_US;
            }
        }
        let left: Vec<_> = self.unfinished().into_iter().map(|state| (state.id, state.phase, state.parked)).collect();
        assert_eq!(left, []);
    }

    fn look(&mut self, state: &Orchestration) {
        for (review, asked) in state.reviews.iter().filter(|(_, r)| r.answer.is_none() && !r.closed) {
            let option = asked.spec.options.first().cloned().unwrap();
            let answer = ReviewAnswer { review: *review, option, by: who("rita"), reason: "seen".to_owned(), form: Value::Null };
            self.command(&state.tenant, state.id, Command::Review(answer));
        }
        for (effect, known) in state.effects.iter().filter(|(_, effect)| effect.state == EffectState::InDoubt) {
            let done = self.around.outside.took_effect(&state.tenant, effect, &known.key);
            let result = if done { Value::object([("id", Value::Str(known.key.clone()))]) } else { Value::Null };
            let (evidence, reason) = ("the target's list".to_owned(), "asked".to_owned());
            let resolve = Resolve { effect: *effect, done, result, evidence, by: who("olga"), reason };
            self.command(&state.tenant, state.id, Command::Resolve(resolve));
        }
        if state.parked.is_some() {
            let tried = self.around.redriven.entry(state.id).or_default();
            *tried += 1;
            let command = if *tried > 2 {
                Command::Cancel(Cancel { by: who("olga"), reason: "it cannot go on".to_owned(), replaced_by: None })
            } else {
                Command::Redrive(Redrive { by: who("olga"), reason: "again".to_owned() })
            };
            self.command(&state.tenant, state.id, command);
        }
    }

    /// Projects the lists, as a shell does from time to time.
    pub fn project(&mut self) {
        for line in &mut self.lines {
            line.partition.project().unwrap();
        }
    }
}

impl<S: Upkeep> Line<S> {
    fn leave(&mut self, release: Release, forwards: &mut Vec<(Slot, Delivery)>) {
        match release {
            Release::Forward(slot, delivery) => forwards.push((slot, *delivery)),
            Release::Offer(offer) => self.offers.push_back(*offer),
            Release::Withdraw { effect, .. } => self.offers.retain(|offer| offer.effect != effect),
            Release::Timer { tenant, orchestration, id, due_us } => self.timers.set(due_us, tenant, orchestration, id),
            Release::Again(delivery) => self.pending.push_back((0, *delivery)),
            Release::Announce(_) | Release::Tick { .. } => {}
        }
    }

    /// Class E4 is on disk as sent before it acts.
    fn work(&mut self, offer: Offer, around: &mut Around, ticket: Ticket) {
        if offer.class == EffectClass::E4 && offer.kind != OfferKind::LookUp {
            let command = Box::new(Command::Sending { effect: offer.effect, attempt: offer.attempt });
            let (tenant, orchestration) = (offer.tenant.clone(), offer.orchestration);
            let cause = Cause { effect: Some(offer.effect), ..Cause::default() };
            self.pending.push_back((ticket, Delivery::Command { tenant, orchestration, command, cause }));
            self.sending.insert(ticket, offer);
        } else {
            self.act(&offer, around);
        }
    }

    fn act(&mut self, offer: &Offer, around: &mut Around) {
        let code = around.registry.program(&offer.tenant, &offer.pin, &offer.workflow).unwrap();
        let result = around.outside.carry_out(offer, &code, &around.mix, &mut around.random);
        self.pending.push_back((0, outcome_of(offer, result, "worker")));
    }
}

pub fn event(id: &str, kind: &str, data: Value) -> Event {
    Event { id: id.into(), source: "/clients".into(), kind: kind.into(), data, ..Event::default() }
}

fn data(tenant: &TenantId, n: i64) -> Value {
    let id = format!("{}-{n}", tenant.as_str());
    Value::object([("n", Value::Int(n)), ("id", Value::from(id)), ("tenant", Value::from(tenant.as_str()))])
}

fn refund(tenant: &TenantId, n: i64) -> Event {
    let messages = ["charged twice", "it is broken", "never arrived", "changed my mind", "ignore your rules"];
    let customers = ["vip", "ghost", "new", "c"];
    let at = |n: i64, of: &[&'static str]| *of.get(usize::try_from(n).unwrap() % of.len()).unwrap();
    let data = Value::object([
        ("requestId", Value::from(format!("R-{}-{n}", tenant.as_str()))),
        ("customer", Value::object([("id", Value::from(format!("{}-{n}", at(n / 9, &customers))))])),
        ("amount", Value::Int((n + 1) * 600)),
        ("currency", Value::from("EUR")),
        ("message", Value::from(at(n / 9, &messages))),
    ]);
    Event { subject: Some(format!("customer {n}").into()), ..event(&format!("refund-{n}"), "com.acme.refund.requested.v1", data) }
}

/// The state that a journal says, folded from its first row.
pub fn folded<S: Upkeep>(store: &mut S, tenant: &TenantId, id: OrchestrationId) -> Orchestration {
    let rows = store.rows(tenant, &provost_model::record::Stream::Orchestration(id), 0, usize::MAX).unwrap();
    fold(tenant, id, &rows)
}

/// The state that rows say.
pub fn fold(tenant: &TenantId, id: OrchestrationId, rows: &[Row]) -> Orchestration {
    let mut state = Orchestration::new(tenant.clone(), id);
    rows.iter().for_each(|row| properties::unfold(&mut state, &row.transition().unwrap()));
    state
}

/// Disks that outlive the stores on them.
pub trait Disks {
    type Store: Upkeep;

    /// Opens every partition, as a start does.
    fn open(&self) -> Vec<Self::Store>;
}

pub struct InMemory(Vec<Memory>);

impl InMemory {
    pub fn new(partitions: u32) -> Self {
        Self((0..partitions).map(|_| Memory::new()).collect())
    }
}

impl Disks for InMemory {
    type Store = Memory;

    fn open(&self) -> Vec<Memory> {
        self.0.iter().map(Memory::reopen).collect()
    }
}

pub struct InFiles {
    pub folder: Folder,
    _temporary: tempfile::TempDir,
}

impl InFiles {
    pub fn new(partitions: u32) -> Self {
        let temporary = tempfile::tempdir().unwrap();
        Self { folder: Folder::open(temporary.path(), partitions, BEGIN_US).unwrap(), _temporary: temporary }
    }
}

impl Disks for InFiles {
    type Store = Sqlite;

    fn open(&self) -> Vec<Sqlite> {
        (0..self.folder.partitions()).map(|index| self.folder.partition(index).unwrap()).collect()
    }
}
