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
}

impl Mix {
    /// What `random` draws: each kind of fault is on in about half of the seeds.
    pub fn draw(random: &mut Random) -> Self {
        let jumps = random.chance(300);
        let mut rate = |most: u64| if random.chance(500) { random.below(most) + 1 } else { 0 };
        let (crash, commit_fails, disk_full, loss, twice) = (rate(60), rate(30), rate(60), rate(200), rate(200));
        let (worker_dies, zombie, refuses, answer_lost) = (rate(150), rate(150), rate(300), rate(250));
        let (request_lost, look_up_fails, cancels) = (rate(200), rate(300), rate(60));
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
        }
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
            ..self.clone()
        }
    }
}
