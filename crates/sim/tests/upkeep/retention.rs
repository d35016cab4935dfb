//! Old work leaves by rule, whole, and only where nothing is open; on both stores, in virtual time, with crashes in the middle.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use provost_engine::{Orchestration, Phase};
use provost_model::program::EffectClass;
use provost_model::record::{Attempted, Cancel, Command, EffectKind, EffectState, Head, Resolve, Stream};
use provost_model::{EffectId, OrchestrationId, TenantId, Value};
use provost_runtime::retention::Passed;
use provost_runtime::{
    Binding, Compiled, Done, Hands, InboxFact, Offer, Plane, Refused, Registry, Retention, RetentionConfig, Told, inbox, partition_of,
    rebuild,
};
use provost_store::{Fault, FaultyStore, Lists as _, Memory, Op, Query, Store, Tombstone, Upkeep, verify_all};

use crate::works::{Around, BEGIN_US, DAY_US, Disks, InFiles, InMemory, SALT, SECOND_US, Works, folded, registry, tenants, who};

const PARTITIONS: u32 = 2;
const INPUTS: i64 = 42;
/// Most orchestrations of one pass.
const PASS_MAX: u64 = 4;

type Key = (TenantId, OrchestrationId);
type States = BTreeMap<Key, (Orchestration, Head, i64)>;

/// Retention machines, one for each partition.
fn machines(registry: &Registry, config: RetentionConfig) -> Vec<Retention> {
    (0..PARTITIONS).map(|_| Retention::new(config, registry.clone())).collect()
}

/// Passes until every partition ended a round; what they came to.
fn round<S: Upkeep>(works: &mut Works<S>, machines: &mut [Retention]) -> Result<Passed, Refused> {
    let mut total = Passed::default();
    let mut over = BTreeSet::new();
    for _ in 0..2000 {
        works.around.now_us += SECOND_US / 5;
        let now_us = works.around.now_us;
        for (at, (partition, machine)) in works.partitions().zip(machines.iter_mut()).enumerate() {
            let passed = machine.on(partition, now_us)?;
            assert!(passed.retired <= PASS_MAX, "a pass held the partition up: {passed:?}");
            total.retired += passed.retired;
            total.rows += passed.rows;
            total.held += passed.held;
            total.forgotten += passed.forgotten;
            total.keys += passed.keys;
            over.extend(passed.round_over.then_some(at));
        }
        if over.len() == machines.len() {
            return Ok(total);
        }
    }
    Err(Refused::Internal("a round has no end".to_owned()))
}

/// Every journal of an orchestration: its state, its head, when its last row was recorded.
fn states<D: Disks>(disks: &D) -> States {
    let mut states = States::new();
    for mut store in disks.open() {
        let rows = store.feed(0, usize::MAX).unwrap();
        for (_, row) in rows {
            let Stream::Orchestration(id) = row.stream else { continue };
            states.entry((row.tenant.clone(), id)).or_insert_with(|| (folded(&mut store, &row.tenant, id), row.head(), 0));
            let entry = states.get_mut(&(row.tenant.clone(), id)).unwrap();
            (entry.1, entry.2) = (row.head(), row.recorded_at_us);
        }
    }
    states
}

fn tombstone<D: Disks>(disks: &D, (tenant, id): &Key) -> Option<Tombstone> {
    disks.open().iter_mut().find_map(|store| store.tombstone(tenant, id).unwrap())
}

fn is_in_doubt(state: &Orchestration) -> bool {
    state.effects.values().any(|effect| effect.state == EffectState::InDoubt)
}

/// Ended work of every kind, some that ended in doubt, some that goes on; the row committed last belongs to what goes on.
fn lived<D: Disks>(disks: &D, registry: &Registry) -> Around {
    lived_from(disks, registry, BEGIN_US)
}

fn lived_from<D: Disks>(disks: &D, registry: &Registry, begin_us: i64) -> Around {
    let mut around = Around::new(registry.clone(), 4);
    around.now_us = begin_us;
    (around.mix.refuses, around.mix.answer_lost) = (60, 350);
    let mut works = Works::open(disks.open(), around);
    works.send_all(INPUTS);
    (0..900).for_each(|_| works.turn(500));
    let doubtful: Vec<Orchestration> = works.unfinished().into_iter().filter(is_in_doubt).collect();
    assert!(doubtful.len() > 4, "{} are in doubt", doubtful.len());
    for state in doubtful.iter().skip(2) {
        let cancel = Cancel { by: who("olga"), reason: "not wanted".to_owned(), replaced_by: None };
        works.command(&state.tenant, state.id, Command::Cancel(cancel));
    }
    (0..2000).for_each(|_| works.turn(500));
    works.send_all(INPUTS + 7);
    (0..5).for_each(|_| works.turn(0));
    works.project();
    works.around.clone()
}

/// Whether the rule lets an orchestration go: ended, nothing in doubt.
fn may_leave(state: &Orchestration) -> bool {
    state.is_ended() && state.parked.is_none() && !is_in_doubt(state)
}

fn old_work_leaves<D: Disks>(disks: &D) {
    let registry = registry();
    let mut around = lived(disks, &registry);
    let before = states(disks);
    let endings: BTreeSet<String> = before.values().map(|(state, ..)| format!("{:?}", state.phase)).collect();
    assert!(endings.len() >= 3, "{endings:?}");
    let held = before.values().filter(|(state, ..)| state.is_ended() && !may_leave(state)).count() as u64;
    let open = before.values().filter(|(state, ..)| !state.is_ended()).count();
    assert!(held > 1 && open > 5, "{held} ended in doubt, {open} are open");

    around.now_us += 29 * DAY_US;
    let mut machines_of = machines(&registry, RetentionConfig::default());
    let mut works = Works::open(disks.open(), around);
    assert_eq!(round(&mut works, &mut machines_of).unwrap().retired, 0, "something left early");
    // Between two passes the partition takes its work: what timers of 29 days ago brought is committed now. A command that comes too
    // late brings an ended one into memory, where it must not stay.
    for (tenant, id) in before.keys() {
        works.command(tenant, *id, Command::Sending { effect: EffectId::mint(0, id.slot(), &[]), attempt: 1 });
    }
    (0..20).for_each(|_| works.turn(0));
    works.around.now_us += 2 * DAY_US;
    let passed = round(&mut works, &mut machines_of).unwrap();
    assert!(passed.retired > 40 && passed.rows > 200 && passed.forgotten > 50, "{passed:?}");
    assert!(passed.held >= held, "{passed:?}");

    for (key, (state, head, ended_us)) in &before {
        let Some(kept) = tombstone(disks, key) else {
            assert!(!may_leave(state), "{} stayed", key.1);
            continue;
        };
        assert!(may_leave(state), "{} left", key.1);
        let start = state.start.as_ref().unwrap();
        assert_eq!((kept.head, kept.pin, kept.ended_us), (*head, start.pin, *ended_us));
        assert_eq!(format!("{:?}", state.phase).to_lowercase(), format!("ended({})", kept.outcome.as_str()));
        let outside = state.effects.values().filter(|e| e.kind != EffectKind::Agent && e.class != EffectClass::E0);
        assert_eq!(kept.effect_keys.len(), if kept.keys_until_us > works.around.now_us { outside.count() } else { 0 });
    }
    gone_is_answered(&mut works, disks, &before);
    settled_ones_leave(works, disks, &mut machines_of, &before);
}

/// What an end left in doubt is settled by a person, and leaves when its time is over again.
fn settled_ones_leave<D: Disks>(mut works: Works<D::Store>, disks: &D, machines_of: &mut [Retention], before: &States) {
    let doubtful: Vec<&Orchestration> =
        before.values().map(|(state, ..)| state).filter(|state| state.is_ended() && is_in_doubt(state)).collect();
    assert!(doubtful.len() > 1, "{} ended in doubt", doubtful.len());
    for state in &doubtful {
        for effect in state.effects.in_doubt() {
            let (evidence, reason, by) = ("the target's list".to_owned(), "asked".to_owned(), who("olga"));
            let resolve = Resolve { effect: *effect, done: true, result: Value::Null, evidence, by, reason };
            works.command(&state.tenant, state.id, Command::Resolve(resolve));
        }
    }
    (0..20).for_each(|_| works.turn(0));
    let left = |state: &Orchestration| tombstone(disks, &(state.tenant.clone(), state.id)).is_some();
    for (days, gone) in [(1, false), (31, true)] {
        works.around.now_us += days * DAY_US;
        // The row committed last belongs to what goes on.
        works.send_all(INPUTS + 9);
        (0..20).for_each(|_| works.turn(0));
        round(&mut works, machines_of).unwrap();
        for state in &doubtful {
            assert_eq!(left(state), gone, "{} after {days} days", state.id);
        }
    }
    works.finish();
}

/// Whoever asks for a retired one hears that, and nothing else suffers.
fn gone_is_answered<D: Disks>(works: &mut Works<D::Store>, disks: &D, before: &States) {
    let (tenant, id) = before.keys().find(|key| tombstone(disks, key).is_some()).unwrap().clone();
    let kept = tombstone(disks, &(tenant.clone(), id)).unwrap();
    let mut answers = 0;
    for partition in works.partitions() {
        let refused = partition.view(&tenant, id, u64::MAX).unwrap_err();
        assert!(partition.journal(&tenant, &Stream::Orchestration(id), 0).unwrap().is_empty());
        assert!(
            partition.store().list(&Query::newest(tenant.clone(), usize::MAX)).unwrap().iter().all(|listed| listed.orchestration != id)
        );
        if let Refused::Retired(shown) = &refused {
            assert_eq!((**shown == kept, refused.code(), refused.status()), (true, "retired", 410));
            assert!(refused.to_string().contains("is past its retention: it was"), "{refused}");
            answers += 1;
        }
    }
    assert_eq!(answers, 1);
    let ticket = works.command(&tenant, id, Command::Cancel(Cancel { by: who("olga"), reason: "too late".to_owned(), replaced_by: None }));
    works.arrives_again(&before.get(&(tenant.clone(), id)).unwrap().0);
    works.turn(0);
    assert!(matches!(works.told.get(&ticket), Some(Told::Refused(Refused::Retired(_)))), "{:?}", works.told.get(&ticket));
}

#[test]
fn old_work_leaves_the_oracle() {
    old_work_leaves(&InMemory::new(PARTITIONS));
}

#[test]
fn old_work_leaves_the_files() {
    old_work_leaves(&InFiles::new(PARTITIONS));
}

/// A crash around the `n`-th retirement: the orchestration is there whole or gone whole, and the next start goes on to the same end.
fn crash_in_the_middle<D: Disks>(disks: &D, fault: Fault, undisturbed: &BTreeMap<Key, Tombstone>) {
    let registry = registry();
    let mut around = lived(disks, &registry);
    let before = states(disks);
    around.now_us += 31 * DAY_US;
    let mut crashes = 0;
    loop {
        let faulty = disks.open().into_iter().map(|store| FaultyStore::new(store, plan(fault))).collect();
        let mut works = Works::open(faulty, around.clone());
        let ended = round(&mut works, &mut machines(&registry, RetentionConfig::default()));
        around = works.around.clone();
        drop(works);
        for (key, (state, head, _)) in &states(disks) {
            let (was, stood, _) = before.get(key).unwrap();
            assert_eq!((tombstone(disks, key), state, head), (None, was, stood));
        }
        if ended.is_ok() {
            break;
        }
        crashes += 1;
        assert!(crashes < 100, "every start crashed");
    }
    assert!(crashes > 5, "{crashes} crashes");
    assert_eq!(&tombstones(disks, &before), undisturbed);
}

fn tombstones<D: Disks>(disks: &D, before: &States) -> BTreeMap<Key, Tombstone> {
    let left = before.keys().filter_map(|key| Some((key.clone(), tombstone(disks, key)?)));
    // The keys go at another moment of virtual time where crashes took some.
    left.map(|(key, kept)| (key, Tombstone { effect_keys: Vec::new(), ..kept })).collect()
}

fn plan(fault: Fault) -> impl FnMut(&Op<'_>) -> Fault + Send {
    let mut retired = 0;
    move |op| {
        retired += u32::from(*op == Op::Write("retire"));
        if retired == 3 { fault } else { Fault::None }
    }
}

#[test]
fn a_crash_around_a_retirement_loses_nothing() {
    let (disks, registry) = (InMemory::new(PARTITIONS), registry());
    let mut around = lived(&disks, &registry);
    let before = states(&disks);
    around.now_us += 31 * DAY_US;
    let mut works = Works::open(disks.open(), around);
    round(&mut works, &mut machines(&registry, RetentionConfig::default())).unwrap();
    drop(works);
    let undisturbed = tombstones(&disks, &before);
    assert!(undisturbed.len() > 40);
    for fault in [Fault::CrashBefore, Fault::Crash, Fault::FailAfter, Fault::DiskFull] {
        crash_in_the_middle(&InMemory::new(PARTITIONS), fault, &undisturbed);
        if matches!(fault, Fault::CrashBefore | Fault::Crash) {
            crash_in_the_middle(&InFiles::new(PARTITIONS), fault, &undisturbed);
        }
    }
}

#[test]
fn a_rebuild_keeps_what_retention_left() {
    let (disks, registry) = (InFiles::new(PARTITIONS), registry());
    let mut around = lived(&disks, &registry);
    around.now_us += 31 * DAY_US;
    let before = states(&disks);
    let mut works = Works::open(disks.open(), around);
    let passed = round(&mut works, &mut machines(&registry, RetentionConfig::default())).unwrap();
    works.project();
    let now_us = works.around.now_us;
    drop(works);
    let shown = |disks: &InFiles| {
        let mut all = Vec::new();
        for mut store in disks.open() {
            let lists: Vec<_> = tenants().into_iter().flat_map(|tenant| store.list(&Query::newest(tenant, usize::MAX)).unwrap()).collect();
            all.push((store.open_work(None, usize::MAX).unwrap(), lists, store.lag().unwrap().last));
        }
        (all, tombstones(disks, &before))
    };
    let kept = shown(&disks);
    assert_eq!(kept.1.len() as u64, passed.retired);
    for mut store in disks.open() {
        let chains = verify_all(&mut store).unwrap();
        assert!(chains.is_sound(), "what is left of a partition whose orchestrations were retired is no damage: {chains:?}");
        store.claim().unwrap();
        rebuild::partition(&mut store, &chains, &SALT, now_us, &mut |_| {}).unwrap();
    }
    assert_eq!(shown(&disks), kept);
    // The time of a partition is that of its last row, which never leaves.
    let last_us = states(&disks).values().map(|(_, _, recorded_us)| *recorded_us).max().unwrap();
    assert!(Works::open(disks.open(), Around::new(registry, 1)).partitions().any(|partition| partition.now_us() >= last_us));
}

#[test]
fn the_last_row_of_a_partition_stays_because_it_tells_the_time() {
    let (disks, registry) = (InMemory::new(PARTITIONS), registry());
    let mut works = Works::open(disks.open(), Around::new(registry.clone(), 6));
    works.send_all(INPUTS);
    works.finish();
    for n in 0..16 {
        works.start(tenants().first().unwrap(), "classes", &format!("last-{n}"), n);
    }
    works.finish();
    works.project();
    let before = states(&disks);
    let last_us = |store: &mut Memory| store.feed(0, usize::MAX).unwrap().last().unwrap().1.recorded_at_us;
    let times: Vec<i64> = disks.open().iter_mut().map(last_us).collect();
    works.around.now_us += 40 * DAY_US;
    let passed = round(&mut works, &mut machines(&registry, RetentionConfig::default())).unwrap();
    drop(works);
    assert_eq!(before.len() as u64 - passed.retired, u64::from(PARTITIONS));
    let mut opened = Works::open(disks.open(), Around::new(registry, 6));
    assert_eq!(opened.partitions().map(|partition| partition.now_us()).collect::<Vec<_>>(), times);
}

#[test]
fn a_damaged_journal_is_evidence_and_stays() {
    let (disks, registry) = (InFiles::new(PARTITIONS), registry());
    let mut around = lived(&disks, &registry);
    let before = states(&disks);
    let ((tenant, id), _) =
        before.iter().find(|(_, (state, ..))| state.phase == Phase::Ended(provost_model::record::Ending::Completed)).unwrap();
    for index in 0..PARTITIONS {
        let file = rusqlite::Connection::open(disks.folder.partition_path(index)).unwrap();
        let changed = "UPDATE journal SET recorded_at_us = recorded_at_us + 1 WHERE tenant = ?1 AND stream = ?2 AND first_sequence > 1";
        file.execute(changed, (tenant.as_str(), Stream::Orchestration(*id).stored())).unwrap();
    }
    around.now_us += 31 * DAY_US;
    let mut works = Works::open(disks.open(), around);
    let passed = round(&mut works, &mut machines(&registry, RetentionConfig::default())).unwrap();
    assert!(passed.retired > 40 && passed.held > 0, "{passed:?}");
    assert_eq!(tombstone(&disks, &(tenant.clone(), *id)), None);
    assert!(states(&disks).contains_key(&(tenant.clone(), *id)));
}

#[test]
fn a_business_key_is_answered_from_its_journal_as_long_as_it_is_held() {
    let (disks, registry) = (InMemory::new(PARTITIONS), registry());
    let mut around = lived(&disks, &registry);
    let before = states(&disks);
    let holds = |key: &&Key| before.get(key).unwrap().0.effects.values().any(|effect| effect.business_key.is_some());
    let hour = RetentionConfig { keep_ms: Some(3_600_000) };
    around.now_us += DAY_US / 2;
    let mut works = Works::open(disks.open(), around);
    assert!(round(&mut works, &mut machines(&registry, hour)).unwrap().retired > 20);
    assert_eq!(tombstones(&disks, &before).keys().filter(holds).count(), 0);
    works.around.now_us += DAY_US;
    round(&mut works, &mut machines(&registry, hour)).unwrap();
    assert!(tombstones(&disks, &before).keys().filter(holds).count() > 5);
}

#[test]
fn kept_for_ever_means_that_only_answers_are_forgotten() {
    let (disks, registry) = (InMemory::new(PARTITIONS), registry());
    let mut around = lived(&disks, &registry);
    let before = states(&disks);
    around.now_us += 4000 * DAY_US;
    let mut works = Works::open(disks.open(), around);
    let passed = round(&mut works, &mut machines(&registry, RetentionConfig::for_ever())).unwrap();
    assert_eq!((passed.retired, passed.forgotten > 50), (0, true));
    assert_eq!(states(&disks).len(), before.len());
}

#[test]
fn a_start_under_a_key_stays_as_long_as_the_key_is_remembered() {
    let (disks, registry) = (InMemory::new(PARTITIONS), registry());
    let mut around = lived(&disks, &registry);
    around.now_us += 3 * DAY_US;
    let before = states(&disks);
    let mut works = Works::open(disks.open(), around);
    let mut machines = machines(&registry, RetentionConfig::days(2));
    assert!(round(&mut works, &mut machines).unwrap().retired > 20);
    let tickets = works.send_all(INPUTS);
    works.turn(0);
    let mut keyed = 0;
    for ticket in tickets {
        if let Some(Told::Started { id, duplicate }) = works.told.get(&ticket) {
            assert!(*duplicate && before.keys().any(|key| key.1 == *id), "{id} was started again");
            keyed += u32::from(states(&disks).keys().any(|key| key.1 == *id));
        }
    }
    assert!(keyed > 5, "{keyed}");
}

/// What the answers to gathered events named, and the batch that each of them leads to.
fn gathered<S: Upkeep>(works: &mut Works<S>) -> BTreeMap<Key, OrchestrationId> {
    let mut found = BTreeMap::new();
    for partition in works.partitions() {
        for (_, row) in partition.store().feed(0, usize::MAX).unwrap() {
            let Stream::Inbox(_) = row.stream else { continue };
            for fact in inbox::decode(&row.json().unwrap()).unwrap() {
                if let InboxFact::Gathered { batch, event, .. } = fact {
                    found.insert((row.tenant.clone(), event), batch);
                }
            }
        }
    }
    found
}

#[test]
fn ids_that_were_answered_for_a_batch_lead_to_it_for_ever() {
    let (disks, registry) = (InMemory::new(PARTITIONS), registry());
    let mut works = Works::open(disks.open(), Around::new(registry.clone(), 4));
    works.send_keyed(9);
    works.finish();
    works.project();
    let named = gathered(&mut works);
    assert!(named.iter().filter(|((_, id), batch)| id != *batch).count() > 5, "{named:?}");
    let all_lead = |works: &mut Works<Memory>| {
        for ((tenant, id), batch) in &named {
            let at = partition_of(id.slot(), PARTITIONS) as usize;
            assert_eq!(works.partitions().nth(at).unwrap().meant(tenant, *id).unwrap(), *batch);
        }
    };
    all_lead(&mut works);
    works.around.now_us += 4000 * DAY_US;
    let forgotten = round(&mut works, &mut machines(&registry, RetentionConfig::for_ever())).unwrap().forgotten;
    assert!(forgotten > 5, "{forgotten}");
    all_lead(&mut works);
    assert!(round(&mut works, &mut machines(&registry, RetentionConfig::default())).unwrap().retired > 5);
    all_lead(&mut works);
    let (around, now_us) = (works.around.clone(), works.around.now_us);
    drop(works);
    for mut store in disks.open() {
        let chains = verify_all(&mut store).unwrap();
        store.claim().unwrap();
        rebuild::partition(&mut store, &chains, &SALT, now_us, &mut |_| {}).unwrap();
    }
    all_lead(&mut Works::open(disks.open(), around));
}

/// Nobody works: what is offered stays where it is.
struct Idle;

impl Hands for Idle {
    fn at_once(&self, _: &Offer, _: &Compiled) -> Option<Attempted> {
        None
    }

    fn carry_out(&self, _: Offer, _: Arc<Compiled>, _: Arc<Binding>, _: Done) {}
}

#[test]
fn the_shell_lets_old_work_go_by_its_own_clock() {
    let (disks, registry) = (InFiles::new(PARTITIONS), registry());
    lived_from(&disks, &registry, provost_runtime::now_us() - 40 * DAY_US);
    let before = states(&disks);
    let partitions = Plane::open(&disks.folder, &registry, SALT).unwrap();
    let plane = Plane::start(
        partitions,
        registry,
        Arc::new(Idle),
        provost_runtime::Observer::quiet(),
        RetentionConfig::default(),
        SALT,
        disks.folder.blobs(),
    )
    .unwrap();
    let leave = before.values().filter(|(state, ..)| may_leave(state)).count();
    let begun = std::time::Instant::now();
    while tombstones(&disks, &before).len() < leave {
        assert!(begun.elapsed() < std::time::Duration::from_secs(30), "not in time");
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    plane.stop();
    assert_eq!(plane.failure(), None);
    assert!(before.iter().all(|(key, (state, ..))| may_leave(state) || tombstone(&disks, key).is_none()));
}
