//! From SQLite's errors to the store's, with the file's name.

use std::fmt;
use std::path::Path;

use rusqlite::ErrorCode;

use crate::error::StoreError;

/// The system could not grow the shared-memory file: the disk is full.
const IOERR_SHMSIZE: i32 = 4874;

/// The file an error belongs to.
#[derive(Clone, Debug)]
pub(super) struct Place(String);

impl Place {
    pub(super) fn new(path: &Path) -> Self {
        Self(path.display().to_string())
    }

    /// The store's error for one of SQLite's.
    pub(super) fn fault(&self, error: rusqlite::Error) -> StoreError {
        let path = self.0.clone();
        match &error {
            rusqlite::Error::SqliteFailure(failure, _) => match failure.code {
                ErrorCode::DiskFull => StoreError::Full { path },
                ErrorCode::SystemIoFailure if failure.extended_code == IOERR_SHMSIZE => StoreError::Full { path },
                ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase => StoreError::Damaged { path, what: error.to_string() },
                ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked => StoreError::Locked { path, holder: "another connection".to_owned() },
                ErrorCode::TypeMismatch | ErrorCode::ConstraintViolation => StoreError::Damaged { path, what: error.to_string() },
                _ => StoreError::Io { path, what: error.to_string() },
            },
            rusqlite::Error::FromSqlConversionFailure(..)
            | rusqlite::Error::IntegralValueOutOfRange(..)
            | rusqlite::Error::InvalidColumnType(..)
            | rusqlite::Error::QueryReturnedNoRows
            | rusqlite::Error::Utf8Error(..) => StoreError::Damaged { path, what: error.to_string() },
            _ => StoreError::Io { path, what: error.to_string() },
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Stored bytes that cannot be read.
pub(super) fn damaged(place: &Place, what: String) -> StoreError {
    StoreError::Damaged { path: place.to_string(), what }
}
