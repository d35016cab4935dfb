//! What can go wrong at the store's port, with a stable code and what to do.

use provost_model::record::{FORMAT, Head, Row, RowError, Stream};
use provost_model::{OrchestrationId, TenantId};

/// Why the store could not do what it was asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// The disk has no room; nothing of the call was kept.
    #[error("the disk of `{path}` is full; nothing of this commit was kept")]
    Full {
        /// The file.
        path: String,
    },
    /// Reading, writing or syncing failed; after a write its outcome is unknown until the store is read again.
    #[error("`{path}` could not be read or written: {what}")]
    Io {
        /// The file or folder.
        path: String,
        /// What the system said.
        what: String,
    },
    /// Stored bytes are not what was written.
    #[error("`{path}` is damaged or not a Provost file: {what}")]
    Damaged {
        /// The file.
        path: String,
        /// What was found.
        what: String,
    },
    /// A file that nothing else can bring back is missing, or its bytes are not what was written.
    #[error("`{path}` is missing or damaged: {what}")]
    Lost {
        /// The file.
        path: String,
        /// What was found.
        what: String,
    },
    /// A row of a journal is not what was written.
    #[error("the journal of {} in tenant `{tenant}` is damaged at sequence {sequence}: {what}", Shown(stream))]
    DamagedRow {
        /// The owner.
        tenant: TenantId,
        /// Whose journal.
        stream: Box<Stream>,
        /// The row's first sequence.
        sequence: u64,
        /// What was found.
        what: String,
    },
    /// Somebody else holds the folder or file.
    #[error("data folder `{path}` is in use by another provost ({holder})")]
    Locked {
        /// The folder or file.
        path: String,
        /// Who holds it, such as `pid 4711`.
        holder: String,
    },
    /// Its derived tables are incomplete: a rebuild was broken off.
    #[error("the rebuild of data folder `{path}` was broken off; its tables are incomplete")]
    Rebuilding {
        /// The folder.
        path: String,
    },
    /// There is no data folder.
    #[error("there is no data folder at `{path}`")]
    Absent {
        /// Where one was looked for.
        path: String,
    },
    /// Written by a newer Provost.
    #[error("`{path}` has format {found}, this binary reads up to {known}")]
    Newer {
        /// The file.
        path: String,
        /// Its format.
        found: u32,
        /// The newest format this binary reads.
        known: u32,
    },
    /// The writer's epoch is not the partition's: another writer took it over.
    #[error("this writer has epoch {ours}, the partition has epoch {current}")]
    Stale {
        /// The epoch that wanted to write.
        ours: u64,
        /// The partition's.
        current: u64,
    },
    /// A journal does not stand where its writer thought.
    #[error("the journal of {} in tenant `{tenant}` stands at {}, not at {}", Shown(stream), found.sequence, expected.sequence)]
    Conflict {
        /// The owner.
        tenant: TenantId,
        /// Whose journal.
        stream: Box<Stream>,
        /// Where the writer thought it stands.
        expected: Box<Head>,
        /// Where it stands.
        found: Box<Head>,
    },
    /// Something is larger than its limit.
    #[error("{what} has {size} {unit}, at most {max} fit")]
    TooLarge {
        /// What is too large.
        what: &'static str,
        /// Its size.
        size: usize,
        /// The limit.
        max: usize,
        /// What is counted.
        unit: &'static str,
    },
    /// An entry that contradicts itself; a mistake of the caller.
    #[error("a row cannot be committed: {what}")]
    Malformed {
        /// What does not fit.
        what: &'static str,
    },
    /// An orchestration that has not ended cannot be retired.
    #[error("orchestration `{0}` has not ended and cannot be retired")]
    Unfinished(OrchestrationId),
    /// A retired orchestration takes no more rows.
    #[error("orchestration `{0}` is past its retention and takes no more rows")]
    Retired(OrchestrationId),
}

impl StoreError {
    /// The stable code.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Full { .. } => "STORE_FULL",
            Self::Io { .. } => "STORE_IO",
            Self::Damaged { .. } | Self::Lost { .. } | Self::DamagedRow { .. } => "STORE_DAMAGED",
            Self::Locked { .. } => "STORE_LOCKED",
            Self::Rebuilding { .. } => "STORE_REBUILDING",
            Self::Absent { .. } => "STORE_ABSENT",
            Self::Newer { .. } => "STORE_NEWER",
            Self::Stale { .. } => "STORE_STALE",
            Self::Conflict { .. } => "STORE_CONFLICT",
            Self::TooLarge { .. } => "STORE_TOO_LARGE",
            Self::Malformed { .. } => "STORE_MALFORMED",
            Self::Unfinished(_) => "STORE_UNFINISHED",
            Self::Retired(_) => "STORE_RETIRED",
        }
    }

    /// What to say of a row that cannot be read.
    pub fn unreadable(row: &Row, error: &RowError) -> Self {
        match error {
            RowError::Format(found) => Self::Newer {
                path: format!("the journal of {} at sequence {}", Shown(&row.stream).to_string().trim_matches('`'), row.first_sequence),
                found: u32::from(*found),
                known: u32::from(FORMAT),
            },
            RowError::Payload(_) | RowError::Codec(_) => Self::damaged_row(row, error.to_string()),
        }
    }

    /// A row whose bytes can be read but say nothing that can be.
    pub fn damaged_row(row: &Row, what: String) -> Self {
        Self::DamagedRow { tenant: row.tenant.clone(), stream: Box::new(row.stream.clone()), sequence: row.first_sequence, what }
    }

    /// What to do.
    pub const fn hint(&self) -> &'static str {
        match self {
            Self::Full { .. } => "free space on that disk; work resumes by itself at the next try",
            Self::Io { .. } => "look at the disk and its permissions, then start again; acknowledged work is kept",
            Self::Damaged { .. } => {
                "run `provost rebuild`: it makes every table but the journals anew, or names the file that only a backup brings back"
            }
            Self::Lost { .. } => "restore that file from a backup; a rebuild cannot make it anew",
            Self::DamagedRow { .. } => "restore that partition's file from a backup; other journals are served as before",
            Self::Locked { .. } => "stop the other server or choose another folder with `--data`",
            Self::Rebuilding { .. } => "run `provost rebuild` again; journals are untouched",
            Self::Absent { .. } => "name another folder with `--data`",
            Self::Newer { .. } => "use a newer binary",
            Self::Stale { .. } => "stop this writer; the newer one goes on",
            Self::Conflict { .. } => "drop the partition's memory, read the journal again and decide anew",
            Self::TooLarge { .. } => "store large values as blobs and split large batches",
            Self::Malformed { .. } => "report this as a bug with the journal's id",
            Self::Unfinished(_) => "cancel it or wait for its end",
            Self::Retired(_) => "start a new orchestration",
        }
    }

    /// Whether the same call may succeed later without anybody changing the program.
    pub const fn retry(&self) -> bool {
        match self {
            Self::Full { .. } | Self::Io { .. } => true,
            Self::Damaged { .. }
            | Self::Lost { .. }
            | Self::DamagedRow { .. }
            | Self::Locked { .. }
            | Self::Rebuilding { .. }
            | Self::Absent { .. }
            | Self::Newer { .. }
            | Self::Stale { .. }
            | Self::Conflict { .. }
            | Self::TooLarge { .. }
            | Self::Malformed { .. }
            | Self::Unfinished(_)
            | Self::Retired(_) => false,
        }
    }
}

/// A journal's name as messages show it.
pub(crate) struct Shown<'s>(pub &'s Stream);

impl std::fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.0 {
            Stream::Orchestration(id) => write!(f, "`{id}`"),
            Stream::Inbox(slot) => write!(f, "inbox slot {}", slot.0),
            Stream::Control => f.write_str("the control journal"),
        }
    }
}
