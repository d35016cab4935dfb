//! The store: journals, open work, what was seen, lists, snapshots and blobs of one partition behind one small port.
//!
//! What must stay true: a commit is whole or absent and on disk when it returns; only the newest epoch writes; a journal grows at the
//! head its writer saw; every table but the journals and the tombstones can be deleted and derived again.
//! What is absent: judgement. The store never reads a payload, asks no policy and keeps no clock.

pub mod batch;
pub mod blobs;
pub mod conformance;
pub mod error;
pub mod faulty;
pub mod folder;
pub mod memory;
pub mod port;
pub mod sqlite;
pub mod upkeep;
pub mod verify;

pub use batch::{Batch, Derived, Entry, Needs, OpenChange, OpenWork, Query, Seen, Snapshot, Status, Summary, Tombstone};
pub use blobs::{BlobRef, Blobs};
pub use error::StoreError;
pub use faulty::{Fault, FaultyStore, Op};
pub use folder::Folder;
pub use memory::Memory;
pub use port::Store;
pub use sqlite::Sqlite;
pub use upkeep::{Depth, Forgotten, Lag, Lists, SeenCursor, Sizes, Upkeep};
pub use verify::{Chains, Damage, VerifyError, verify_all, verify_chain};
