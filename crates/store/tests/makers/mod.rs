//! SQLite in folders that go away with the test.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use provost_store::conformance::Maker;
use provost_store::sqlite::Partition;
use provost_store::{Sqlite, StoreError};

/// SQLite in a folder of its own.
pub struct Files(tempfile::TempDir);

impl Files {
    /// An empty folder.
    pub fn fresh() -> Self {
        Self(tempfile::tempdir().unwrap())
    }
}

impl Maker for Files {
    type Store = Sqlite;

    fn open(&mut self) -> Result<Sqlite, StoreError> {
        Sqlite::open(&self.0.path().join("partition-000.db"), Partition { index: 0, count: 1, created_at_us: 0 })
    }
}
