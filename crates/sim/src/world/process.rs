//! Processes: they take batches, die at a commit, stand still while another one takes over, start again; their disks cannot be read for
//! a while, their lists cannot be written, their clocks jump, and now and then everything but their journals is derived again.

use std::collections::BTreeSet;

use provost_store::{Fault, Lists as _};

use super::{BEGIN_US, FAULTS_US, Happening, JUMP_US, SECOND_US, World};
use crate::cells::{MOMENTS, Moment, kind_of};
use crate::machine::Turned;
use crate::properties::lifecycle;

/// Longest time in which a disk cannot be read, in microseconds.
const DARK_US_MAX: i64 = 15 * SECOND_US;

/// What is planned around the commit of one batch.
struct Plan {
    commit: Fault,
    moment: Option<Moment>,
    snapshot: Option<Moment>,
    unreadable: u64,
    blind: u64,
}

impl World {
    pub(super) fn turn(&mut self, machine: usize) {
        if self.random.chance(self.mix.pauses) {
            return self.pause(machine);
        }
        self.darken(machine);
        let (clock_us, plan, batch_max) = (self.clock_us(machine), self.plan(), self.mix.batch_max);
        let Some(m) = self.machines.get_mut(machine) else { return };
        m.busy = false;
        let batch = m.up.iter().flat_map(|up| up.pending.iter().take(batch_max));
        let kinds: BTreeSet<&'static str> = batch.map(|(_, delivery)| kind_of(delivery)).collect();
        m.plan(|planned| {
            (planned.commit, planned.snapshot, planned.snapshots, planned.blind) = (plan.commit, fault_at(plan.snapshot), 0, plan.blind);
            planned.unreadable = planned.unreadable.max(plan.unreadable);
        });
        let before = m.disk.lag().map(|lag| lag.last).unwrap_or_default();
        let turned = m.turn(batch_max, clock_us, plan.moment == Some(Moment::After) || plan.snapshot == Some(Moment::After));
        let written = m.disk.lag().map(|lag| lag.last).unwrap_or_default() > before;
        let (mut snapshots, mut struck) = (0, None);
        m.plan(|planned| {
            (snapshots, struck) = (planned.snapshots, planned.strike.moment.take());
            (planned.commit, planned.snapshot, planned.blind) = (Fault::None, Fault::None, 0);
        });
        match turned {
            Turned::Idle => {}
            Turned::Died => {
                if let Some(moment) = plan.snapshot.filter(|_| snapshots > 0) {
                    self.cells.count("snapshot", moment);
                }
                if let Some(moment) = plan.moment.or(struck).filter(|moment| *moment == Moment::Before || written) {
                    kinds.iter().for_each(|kind| self.cells.count(kind, moment));
                }
                self.die(machine);
            }
            Turned::Told(told, refused) => {
                told.into_iter().for_each(|(ticket, told)| self.told(machine, ticket, told));
                self.carry(machine);
                self.wake(machine, if refused { 200_000 } else { 300 });
            }
        }
    }

    /// What happens to the next commit and around it.
    fn plan(&mut self) -> Plan {
        let (commit, moment) = self.planned();
        let unreadable = u64::from(self.random.chance(self.mix.reads_fail));
        let blind = if self.random.chance(self.mix.blind) { 1 + self.random.below(4) } else { 0 };
        let snapshot = if self.random.chance(self.mix.crash * 4) { self.random.pick(&MOMENTS).copied() } else { None };
        Plan { commit, moment, snapshot, unreadable, blind }
    }

    fn planned(&mut self) -> (Fault, Option<Moment>) {
        if self.random.chance(self.mix.crash) {
            let moment = self.random.pick(&MOMENTS).copied();
            return (fault_at(moment), moment);
        }
        if self.random.chance(self.mix.commit_fails) {
            return (if self.random.chance(500) { Fault::FailBefore } else { Fault::FailAfter }, None);
        }
        let fault = if self.random.chance(self.mix.disk_full) { Fault::DiskFull } else { Fault::None };
        (fault, None)
    }

    /// From now on, and for a while, a disk cannot be read.
    fn darken(&mut self, machine: usize) {
        if !self.random.chance(self.mix.dark) {
            return;
        }
        let after_us = self.random.between(SECOND_US / 5, DARK_US_MAX);
        if let Some(m) = self.machines.get(machine) {
            m.plan(|planned| planned.dark = true);
        }
        self.at(after_us, Happening::Light(machine));
    }

    pub(super) fn light(&mut self, machine: usize) {
        if let Some(m) = self.machines.get(machine) {
            m.plan(|planned| planned.dark = false);
        }
    }

    /// The process stands still; another one takes its partition over, and then it wakes up.
    fn pause(&mut self, machine: usize) {
        let Some(up) = self.machines.get_mut(machine).and_then(|m| m.up.take()) else { return };
        self.paused.push((machine, Some(up)));
        let after_us = self.random.between(SECOND_US / 2, 60 * SECOND_US);
        self.at(after_us, Happening::Wake(self.paused.len() - 1));
        self.die(machine);
    }

    pub(super) fn wake_paused(&mut self, at: usize) {
        let Some((machine, Some(mut up))) = self.paused.get_mut(at).map(|(machine, up)| (*machine, up.take())) else { return };
        let told = up.wake(self.clock_us(machine));
        told.into_iter().for_each(|(ticket, told)| self.told(machine, ticket, told));
    }

    fn die(&mut self, machine: usize) {
        if let Some(m) = self.machines.get_mut(machine) {
            m.up = None;
            m.busy = false;
        }
        let after_us = self.random.between(100_000, 20 * SECOND_US);
        self.at(after_us, Happening::Start(machine));
    }

    pub(super) fn start(&mut self, machine: usize) {
        let (rebuilds, breaks_off) = (self.random.chance(self.mix.rebuilds), self.random.below(4));
        let now_us = self.now_us;
        let Some(m) = self.machines.get_mut(machine) else { return };
        if m.up.is_none() {
            if rebuilds && let Err(what) = m.rebuild(now_us, breaks_off) {
                self.violations.push(("rebuild", what));
            }
            let Some(m) = self.machines.get_mut(machine) else { return };
            if !m.start(&self.corpus_registry, (u32::try_from(machine).unwrap_or(0), self.mix.machines)) {
                if !m.is_dark() {
                    self.violations.push(("starts", format!("machine {machine} does not start again")));
                }
                return self.at(SECOND_US, Happening::Start(machine));
            }
        }
        if let Some(m) = self.machines.get_mut(machine) {
            lifecycle::follow(&mut m.disk, &self.corpus_registry, &mut self.followed);
        }
        self.carry(machine);
        self.wake(machine, 100);
    }

    pub(super) fn tick(&mut self, machine: usize) {
        let clock_us = self.clock_us(machine);
        if let Some(m) = self.machines.get_mut(machine) {
            m.tick(clock_us);
        }
        self.carry(machine);
        self.project(machine);
        self.wake(machine, 100);
        let pause_us = if self.healed && self.now_us > BEGIN_US + FAULTS_US + 1800 * SECOND_US { 20 } else { 1 };
        self.at(pause_us * SECOND_US, Happening::Tick(machine));
    }

    /// Lists follow the commits; the write that brings them there fails, or the process dies around it.
    fn project(&mut self, machine: usize) {
        let (mut moment, mut fault) = (None, Fault::None);
        if self.random.chance(self.mix.lists_fail) {
            moment = if self.random.chance(500) { self.random.pick(&MOMENTS).copied() } else { None };
            let fails = self.random.pick(&[Fault::FailBefore, Fault::FailAfter, Fault::DiskFull]).copied().unwrap_or_default();
            fault = if moment.is_some() { fault_at(moment) } else { fails };
        }
        let Some(m) = self.machines.get_mut(machine).filter(|m| m.up.is_some()) else { return };
        let mut written = 0;
        m.plan(|planned| (planned.lists, planned.lists_written) = (fault, 0));
        let lives = m.project() && moment != Some(Moment::After);
        m.plan(|planned| (planned.lists, written) = (Fault::None, planned.lists_written));
        if lives {
            return;
        }
        if let Some(moment) = moment.filter(|_| written > 0) {
            self.cells.count("lists", moment);
        }
        self.die(machine);
    }

    pub(super) fn jump(&mut self, machine: usize) {
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
}

/// How a write is told to die at a moment; after it, nothing needs to be told.
fn fault_at(moment: Option<Moment>) -> Fault {
    match moment {
        Some(Moment::Before) => Fault::CrashBefore,
        Some(Moment::Inside) => Fault::Crash,
        Some(Moment::After) | None => Fault::None,
    }
}
