//! The mix of faults and work that one seed draws: swarm testing, so that no fault hides behind another.

use crate::random::Random;

/// How likely each fault is, in thousandths, and how much work there is.
#[derive(Clone, Debug)]
pub struct Mix {
    /// Partitions, one machine each.
    pub machines: u32,
    /// Events that clients send.
    pub inputs: u64,
    /// Most deliveries of one batch.
    pub batch_max: usize,
    /// Commits around which the machine dies.
    pub crash: u64,
    /// Commits that fail.
    pub commit_fails: u64,
    /// Commits that find the disk full.
    pub disk_full: u64,
    /// Messages lost on the way.
    pub loss: u64,
    /// Messages that arrive twice.
    pub twice: u64,
    /// Longest way of a message, in microseconds.
    pub way_us_max: i64,
    /// Work whose worker dies before it acts.
    pub worker_dies: u64,
    /// Reports that come after the lease.
    pub zombie: u64,
    /// Requests that the target refuses, or answers with 429.
    pub refuses: u64,
    /// Requests that take effect and whose answer is lost.
    pub answer_lost: u64,
    /// Requests that are lost before the target.
    pub request_lost: u64,
    /// Look-ups that fail.
    pub look_up_fails: u64,
    /// Looks of a person that cancel something.
    pub cancels: u64,
    /// Whether clocks jump.
    pub jumps: bool,
    /// Reads that fail, one for a batch.
    pub reads_fail: u64,
    /// Failed commits behind which the disk cannot be read for a while.
    pub blind: u64,
    /// Batches before which the process is paused and another one takes its partition over.
    pub pauses: u64,
    /// Unanswered requests that take effect only later, inside the time in which the target settles.
    pub settles_late: u64,
    /// Reports that take most of a lease.
    pub slow: u64,
    /// Batches from which on a disk cannot be read for a while.
    pub dark: u64,
    /// Writes of lists that fail or around which the process dies.
    pub lists_fail: u64,
    /// Starts before which everything but the journals is derived again.
    pub rebuilds: u64,
    /// Kinds of work: one bit each.
    pub kinds: u64,
}

impl Mix {
    /// What `random` draws: each kind of fault is on in about half of the seeds.
    pub fn draw(random: &mut Random) -> Self {
        let jumps = random.chance(300);
        let mut rate = |most: u64| if random.chance(500) { random.below(most) + 1 } else { 0 };
        let (crash, commit_fails, disk_full, loss, twice) = (rate(60), rate(60), rate(60), rate(200), rate(200));
        let (worker_dies, zombie, refuses, answer_lost) = (rate(150), rate(150), rate(300), rate(250));
        let (request_lost, look_up_fails, cancels) = (rate(200), rate(300), rate(60));
        // Where clocks jump, the time in which a target settles may be over at once.
        let (reads_fail, blind, pauses, slow) = (rate(60), rate(900), rate(30), rate(400));
        let (dark, lists_fail, rebuilds) = (rate(10), rate(40), rate(200));
        let settles_late = if jumps { 0 } else { rate(600) };
        Self {
            machines: u32::try_from(random.between(1, 3)).unwrap_or(1),
            inputs: 4 + random.below(14),
            batch_max: if random.chance(300) { 1 } else { 16 },
            crash,
            commit_fails,
            disk_full,
            loss,
            twice,
            way_us_max: if random.chance(300) { 5_000_000 } else { 40_000 },
            worker_dies,
            zombie,
            refuses,
            answer_lost,
            request_lost,
            look_up_fails,
            cancels,
            jumps,
            reads_fail,
            blind,
            pauses,
            settles_late,
            slow,
            dark,
            lists_fail,
            rebuilds,
            // In half of the seeds everything is mixed; the others see few kinds, and each of them often.
            kinds: if random.chance(500) { u64::MAX } else { random.bits() & random.bits() },
        }
    }

    /// One machine or several, and nothing goes wrong by itself.
    pub fn quiet(machines: u32, inputs: u64) -> Self {
        let mut none = Self::draw(&mut Random::new(0)).healed();
        (none.machines, none.inputs, none.batch_max, none.kinds) = (machines, inputs, 16, u64::MAX);
        none
    }

    /// Without any fault: what a healed world has.
    #[must_use]
    pub fn healed(&self) -> Self {
        Self {
            crash: 0,
            commit_fails: 0,
            disk_full: 0,
            loss: 0,
            twice: 0,
            way_us_max: 10_000,
            worker_dies: 0,
            zombie: 0,
            refuses: 0,
            answer_lost: 0,
            request_lost: 0,
            look_up_fails: 0,
            cancels: 0,
            jumps: false,
            reads_fail: 0,
            blind: 0,
            pauses: 0,
            settles_late: 0,
            slow: 0,
            dark: 0,
            lists_fail: 0,
            rebuilds: 0,
            ..self.clone()
        }
    }
}
