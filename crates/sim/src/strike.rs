//! One fault at one commit point, for the exhaustive pass.
//!
//! What must stay true: commits are counted across restarts; a strike fires once, or for a bounded time when the disk is full.

use provost_store::Fault;

use crate::cells::Moment;

/// How long a full disk stays full, in tried commits.
const FULL_COMMITS: u64 = 4;
/// How many reads fail behind a commit of which nobody knows whether it is on disk.
const BLIND_READS: u64 = 3;

/// What happens at the commit point.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Blow {
    /// The process dies before it.
    CrashBefore,
    /// The process dies inside it: it is on disk, and nobody was told that it is.
    CrashInside,
    /// The process dies after it: it was answered, and nothing left yet.
    CrashAfter,
    /// It fails and is not on disk.
    Fails,
    /// It fails and is on disk.
    FailsDurable,
    /// It fails, is not on disk, and for a while the disk cannot be read either.
    FailsBlind,
    /// It fails, is on disk, and for a while the disk cannot be read either.
    FailsDurableBlind,
    /// It fails, is on disk, the disk cannot be read for a moment, and the next one fails and is not on disk.
    FailsTwice,
    /// The disk is full for a while.
    DiskFull,
}

/// Every blow.
pub const BLOWS: [Blow; 9] = [
    Blow::CrashBefore,
    Blow::CrashInside,
    Blow::CrashAfter,
    Blow::Fails,
    Blow::FailsDurable,
    Blow::FailsBlind,
    Blow::FailsDurableBlind,
    Blow::FailsTwice,
    Blow::DiskFull,
];

impl Blow {
    /// Where the process dies by it.
    const fn moment(self) -> Option<Moment> {
        match self {
            Self::CrashBefore => Some(Moment::Before),
            Self::CrashInside => Some(Moment::Inside),
            Self::CrashAfter => Some(Moment::After),
            Self::Fails | Self::FailsDurable | Self::FailsBlind | Self::FailsDurableBlind | Self::FailsTwice | Self::DiskFull => None,
        }
    }
}

/// A counter of commits, and the one to strike.
#[derive(Clone, Debug, Default)]
pub struct Strike {
    /// Commits tried so far.
    pub commits: u64,
    /// Which commit, counted from 1, and how.
    pub at: Option<(u64, Blow)>,
    /// Whether it has fired.
    pub fired: bool,
    /// Where the process dies by it; taken by whoever counts that.
    pub moment: Option<Moment>,
    answered: bool,
}

impl Strike {
    /// What happens to the next commit; `blind` is set to the reads that fail behind it.
    pub fn next(&mut self, blind: &mut u64) -> Fault {
        self.commits += 1;
        let Some((at, blow)) = self.at else { return Fault::None };
        let through = match blow {
            Blow::DiskFull => at + FULL_COMMITS,
            Blow::FailsTwice => at + 2,
            Blow::CrashBefore | Blow::CrashInside | Blow::CrashAfter => at + 1,
            Blow::Fails | Blow::FailsDurable | Blow::FailsBlind | Blow::FailsDurableBlind => at + 1,
        };
        if self.commits < at || self.commits >= through {
            return Fault::None;
        }
        self.fired = true;
        self.moment = blow.moment();
        match blow {
            Blow::CrashBefore => Fault::CrashBefore,
            Blow::CrashInside => Fault::Crash,
            Blow::CrashAfter => {
                self.answered = true;
                Fault::None
            }
            Blow::Fails => Fault::FailBefore,
            Blow::FailsDurable => Fault::FailAfter,
            Blow::FailsBlind | Blow::FailsDurableBlind => {
                *blind = BLIND_READS;
                if blow == Blow::FailsBlind { Fault::FailBefore } else { Fault::FailAfter }
            }
            Blow::FailsTwice if self.commits > at => Fault::FailBefore,
            Blow::FailsTwice => {
                *blind = 1;
                Fault::FailAfter
            }
            Blow::DiskFull => Fault::DiskFull,
        }
    }

    /// Whether the process dies now, after its commit was answered; asked once.
    pub fn is_answered(&mut self) -> bool {
        std::mem::take(&mut self.answered)
    }
}
