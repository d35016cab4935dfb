//! Checkpoints beside the writer: a second connection copies the write-ahead log back every 50 ms while there is something to copy.
//!
//! What must stay true: it never blocks the writer (PASSIVE) and an error of it loses nothing, the log only grows. Not here: the
//! writer's own RESTART beyond [`WAL_BYTES_MAX`].

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};

use super::schema;
use crate::error::StoreError;

/// Above this size of the write-ahead log the writer itself makes room, in bytes.
pub(super) const WAL_BYTES_MAX: u64 = 64 << 20;
/// How often it looks, in milliseconds.
const EVERY_MS: u64 = 50;

/// What writer and checkpoints tell each other.
#[derive(Debug, Default)]
struct Signs {
    /// Something was committed since the last checkpoint.
    grown: AtomicBool,
    /// Frames in the log when it was last looked at.
    frames: AtomicU64,
}

/// The thread and its connection; dropping it ends both.
#[derive(Debug)]
pub(super) struct Checkpointer {
    signs: Arc<Signs>,
    stop: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Checkpointer {
    pub(super) fn start(path: &Path) -> Result<Self, StoreError> {
        let connection = schema::connect(path, OpenFlags::empty())?;
        let signs = Arc::new(Signs::default());
        let (stop, stopped) = channel();
        let seen = Arc::clone(&signs);
        let thread = std::thread::Builder::new()
            .name("checkpoint".to_owned())
            .spawn(move || run(&connection, &seen, &stopped))
            .map_err(|e| StoreError::Io { path: path.display().to_string(), what: e.to_string() })?;
        Ok(Self { signs, stop: Some(stop), thread: Some(thread) })
    }

    /// The writer committed.
    pub(super) fn grown(&self) {
        self.signs.grown.store(true, Ordering::Relaxed);
    }

    /// Whether the writer has to make room itself.
    pub(super) fn overgrown(&self) -> bool {
        self.signs.frames.load(Ordering::Relaxed) * u64::from(schema::PAGE_BYTES) > WAL_BYTES_MAX
    }

    /// The writer made room.
    pub(super) fn restarted(&self) {
        self.signs.frames.store(0, Ordering::Relaxed);
    }
}

impl Drop for Checkpointer {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let _ended = thread.join();
        }
    }
}

fn run(connection: &Connection, signs: &Signs, stopped: &Receiver<()>) {
    while stopped.recv_timeout(Duration::from_millis(EVERY_MS)) == Err(RecvTimeoutError::Timeout) {
        if signs.grown.swap(false, Ordering::Relaxed) {
            match frames(connection, "PRAGMA wal_checkpoint(PASSIVE)") {
                Ok(frames) => signs.frames.store(frames, Ordering::Relaxed),
                Err(_full_or_busy) => signs.grown.store(true, Ordering::Relaxed),
            }
        }
    }
}

/// Runs a checkpoint and returns the frames in the log.
pub(super) fn frames(connection: &Connection, pragma: &'static str) -> rusqlite::Result<u64> {
    let logged: i64 = connection.query_row(pragma, [], |row| row.get(1))?;
    Ok(u64::try_from(logged).unwrap_or(0))
}
