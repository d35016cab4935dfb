//! The data folder: `format.json`, a lock, one file per partition, and `blobs/`.
//!
//! What must stay true: one process at a time; a rebuild that was broken off is finished before anything else opens the folder; the number of partitions is chosen at creation; all files exist before `format.json` says
//! so, hence a partition's file that is missing later is a loss and never made anew; a newer format is refused untouched.

use std::fs::{DirBuilder, File, OpenOptions, TryLockError};
use std::io::{Read, Seek, Write};
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use serde::{Deserialize, Serialize};

use crate::blobs::Blobs;
use crate::error::StoreError;
use crate::sqlite::{Partition, Sqlite};

/// The layout's format.
const FORMAT: u32 = 1;
/// Most partitions: one per slot.
const PARTITIONS_MAX: u32 = provost_model::limits::SLOTS as u32;
/// Stands in the folder while its derived tables are incomplete.
const UNFINISHED_FILE: &str = "rebuild.unfinished";
/// Most bytes read from `lock` and `format.json`.
const SMALL_BYTES_MAX: u64 = 4096;

/// What `format.json` says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Layout {
    format: u32,
    partitions: u32,
    created_at_us: i64,
}

/// A data folder held by this process.
#[derive(Debug)]
pub struct Folder {
    path: PathBuf,
    layout: Layout,
    blobs: Blobs,
    /// Held until the folder is dropped.
    _lock: File,
}

impl Folder {
    /// Whether a data folder stands at `path`, be it one that is just being made. Only looks.
    pub fn stands_at(path: &Path) -> bool {
        let lies = |name: &str| path.join(name).is_file();
        partition_path(path, 0).is_file() && (lies("format.json") || lies("lock"))
    }

    /// Opens a data folder, or creates it with `partitions` at the time `now_us` (microseconds UTC). An existing folder keeps its number.
    ///
    /// # Errors
    /// `Locked` while another process has it, `Newer`, `Damaged`, `Lost`, `Full` or `Io`.
    pub fn open(path: &Path, partitions: u32, now_us: i64) -> Result<Self, StoreError> {
        // What is recorded is nobody's but the owner's; a folder that is there keeps the rights that somebody gave it.
        DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(|e| io(path, &e))?;
        let mut lock = lock(path)?;
        if exists(&path.join(UNFINISHED_FILE))? {
            return Err(StoreError::Rebuilding { path: path.display().to_string() });
        }
        let file = path.join("format.json");
        let layout = if exists(&file)? {
            known_layout(path, &file)?
        } else {
            let size = partitions.clamp(1, PARTITIONS_MAX);
            create(path, &file, Layout { format: FORMAT, partitions: size, created_at_us: now_us })?
        };
        note_holder(path, &mut lock)?;
        Ok(Self::held(path, layout, lock))
    }

    /// Opens an existing data folder to derive its tables again, also one where that was broken off.
    ///
    /// # Errors
    /// `Absent` where there is none, `Lost` where only its layout is gone, else as [`Folder::open`].
    pub fn open_to_rebuild(path: &Path) -> Result<Self, StoreError> {
        let file = path.join("format.json");
        if !exists(&file)? {
            unused(path, &file)?;
            return Err(StoreError::Absent { path: path.display().to_string() });
        }
        let mut lock = lock(path)?;
        let layout = known_layout(path, &file)?;
        note_holder(path, &mut lock)?;
        Ok(Self::held(path, layout, lock))
    }

    /// Notes durably that derived tables are incomplete from here on: nothing but a rebuild opens the folder until
    /// [`Folder::end_rebuild`].
    ///
    /// # Errors
    /// `Full` or `Io`.
    pub fn begin_rebuild(&self) -> Result<(), StoreError> {
        write_whole(&self.path, &self.path.join(UNFINISHED_FILE), b"run `provost rebuild` again\n")
    }

    /// Notes that every derived table is whole again.
    ///
    /// # Errors
    /// `Io`.
    pub fn end_rebuild(&self) -> Result<(), StoreError> {
        let file = self.path.join(UNFINISHED_FILE);
        std::fs::remove_file(&file).map_err(|e| io(&file, &e))?;
        sync_folder(&self.path)
    }

    /// Makes the tables that a partition's file lacks, empty; returns their names. A journal is never made anew.
    ///
    /// # Errors
    /// `Damaged`, `Lost` where the file or its journal is missing, `Newer`, `Full` or `Io`.
    pub fn restore_tables(&self, index: u32) -> Result<Vec<String>, StoreError> {
        let path = self.partition_path(index);
        if exists(&path)? {
            return Sqlite::restore_tables(&path, self.layout.partition(index));
        }
        Err(missing(&path))
    }

    fn held(path: &Path, layout: Layout, lock: File) -> Self {
        Self { path: path.to_owned(), layout, blobs: Blobs::of_folder(path), _lock: lock }
    }

    /// How many partitions the folder has.
    pub fn partitions(&self) -> u32 {
        self.layout.partitions
    }

    /// Where the folder is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Opens one partition's file.
    ///
    /// # Errors
    /// `Damaged`, `Lost` where it is missing, `Newer`, `Full` or `Io`.
    pub fn partition(&self, index: u32) -> Result<Sqlite, StoreError> {
        let path = self.partition_path(index);
        if exists(&path)? {
            return Sqlite::open(&path, self.layout.partition(index));
        }
        Err(missing(&path))
    }

    /// The name of a partition's file.
    pub fn partition_path(&self, index: u32) -> PathBuf {
        partition_path(&self.path, index)
    }

    /// The folder's blobs.
    pub fn blobs(&self) -> Blobs {
        self.blobs.clone()
    }
}

impl Layout {
    fn partition(&self, index: u32) -> Partition {
        Partition { index, count: self.partitions, created_at_us: self.created_at_us }
    }
}

fn partition_path(folder: &Path, index: u32) -> PathBuf {
    folder.join(format!("partition-{index:03}.db"))
}

fn exists(path: &Path) -> Result<bool, StoreError> {
    path.try_exists().map_err(|e| io(path, &e))
}

fn missing(path: &Path) -> StoreError {
    lost(path, "it is not there")
}

fn lost(path: &Path, what: impl Into<String>) -> StoreError {
    StoreError::Lost { path: path.display().to_string(), what: what.into() }
}

fn lock(folder: &Path) -> Result<File, StoreError> {
    let path = folder.join("lock");
    let opened = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&path);
    let mut file = opened.map_err(|e| io(&path, &e))?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            let pid = read_small(&mut file).ok().filter(|pid| !pid.is_empty());
            let holder = pid.map_or_else(|| "pid unknown".to_owned(), |pid| format!("pid {}", pid.trim()));
            return Err(StoreError::Locked { path: folder.display().to_string(), holder });
        }
        Err(TryLockError::Error(error)) => return Err(io(&path, &error)),
    }
    Ok(file)
}

/// Says in the lock who holds it; the first thing that is written to a folder.
fn note_holder(folder: &Path, lock: &mut File) -> Result<(), StoreError> {
    let noted = lock.set_len(0).and_then(|()| lock.rewind()).and_then(|()| write!(lock, "{}", std::process::id()));
    noted.map_err(|e| io(&folder.join("lock"), &e))
}

/// Reads the layout and looks at every partition's format before anything is written: a newer folder stays as it was.
fn known_layout(folder: &Path, file: &Path) -> Result<Layout, StoreError> {
    let layout = read_layout(file)?;
    (0..layout.partitions).map(|index| partition_path(folder, index)).try_for_each(|path| Sqlite::refuse_newer(&path))?;
    Ok(layout)
}

fn read_small(file: &mut File) -> std::io::Result<String> {
    let mut text = String::new();
    file.rewind()?;
    file.take(SMALL_BYTES_MAX).read_to_string(&mut text)?;
    Ok(text)
}

fn read_layout(path: &Path) -> Result<Layout, StoreError> {
    #[derive(Deserialize)]
    struct Version {
        format: u32,
    }
    let mut file = File::open(path).map_err(|e| io(path, &e))?;
    let text = read_small(&mut file).map_err(|e| lost(path, e.to_string()))?;
    let version: Version = serde_json::from_str(&text).map_err(|e| lost(path, e.to_string()))?;
    if version.format > FORMAT {
        return Err(StoreError::Newer { path: path.display().to_string(), found: version.format, known: FORMAT });
    }
    let layout: Layout = serde_json::from_str(&text).map_err(|e| lost(path, e.to_string()))?;
    if (1..=PARTITIONS_MAX).contains(&layout.partitions) {
        Ok(layout)
    } else {
        Err(lost(path, format!("it says {} partitions, 1 to {PARTITIONS_MAX} are possible", layout.partitions)))
    }
}

/// Creates every partition's file, then writes `format.json`. What a creation left that was broken off is taken away first.
fn create(folder: &Path, path: &Path, layout: Layout) -> Result<Layout, StoreError> {
    unused(folder, path)?.iter().try_for_each(|file| std::fs::remove_file(file).map_err(|e| io(file, &e)))?;
    for index in 0..layout.partitions {
        drop(Sqlite::open(&partition_path(folder, index), layout.partition(index))?);
    }
    let text = serde_json::to_vec(&layout).map_err(|e| StoreError::Io { path: path.display().to_string(), what: e.to_string() })?;
    write_whole(folder, path, &text)?;
    Ok(layout)
}

/// The partition files of a folder without the layout at `path`: of a creation that was broken off. One in use has lost its layout.
fn unused(folder: &Path, path: &Path) -> Result<Vec<PathBuf>, StoreError> {
    let mut found = Vec::new();
    for file in (0..PARTITIONS_MAX).map(|index| partition_path(folder, index)) {
        if !exists(&file)? {
            break;
        }
        if !Sqlite::is_unused(&file)? {
            return Err(lost(path, "it is not there beside partition files in use"));
        }
        found.push(file);
    }
    Ok(found)
}

/// Writes a file under another name, syncs it, renames it and syncs its folder.
pub(crate) fn write_whole(folder: &Path, path: &Path, bytes: &[u8]) -> Result<(), StoreError> {
    static WRITES: AtomicU64 = AtomicU64::new(0);
    let unfinished = path.with_extension(format!("{}.unfinished", WRITES.fetch_add(1, Ordering::Relaxed)));
    let written = File::create(&unfinished)
        .and_then(|mut file| file.write_all(bytes).and_then(|()| file.sync_all()))
        .and_then(|()| std::fs::rename(&unfinished, path));
    if let Err(error) = written {
        let _may_be_absent = std::fs::remove_file(&unfinished);
        return Err(io(path, &error));
    }
    sync_folder(folder)
}

/// Makes a folder's entries durable.
pub(crate) fn sync_folder(folder: &Path) -> Result<(), StoreError> {
    File::open(folder).and_then(|handle| handle.sync_all()).map_err(|e| io(folder, &e))
}

/// The store's error for one of the system's.
pub(crate) fn io(path: &Path, error: &std::io::Error) -> StoreError {
    let path = path.display().to_string();
    match error.kind() {
        std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded => StoreError::Full { path },
        _ => StoreError::Io { path, what: error.to_string() },
    }
}
