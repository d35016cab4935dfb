//! Reading the folder of a bundle, or a lone document.
//!
//! What must stay true: nothing outside the folder is read, whatever links stand in it; only regular files are opened, for anything else
//! might never end; files, depth and bytes have a bound. A data folder that stands in it is no part of it, names that begin with `.` are
//! left out, and folders that no bundle has are named and not read.

use std::fs::{DirEntry, File, FileType};
use std::io::Read as _;
use std::path::{Path, PathBuf};

use provost_runtime::language::{SOURCE_BYTES_MAX, SOURCE_FILES_MAX, Sources, is_bundle_folder, is_part_folder};
use provost_store::Folder;

use crate::say::Failure;

/// Deepest file, in names of its path.
const DEPTH_MAX: usize = 16;
/// Most bytes of all files together.
const ALL_BYTES_MAX: usize = 64 << 20;
/// Most entries that are looked at to see whether a folder that no bundle has holds anything.
const LOOKS_MAX: usize = 4096;

/// Reads a bundle folder, or a lone document, into sources.
///
/// # Errors
/// [`Failure`] when something cannot be read, leads out of the folder, is too much, or the folder is itself a data folder.
pub fn sources(path: &Path) -> Result<Sources, Failure> {
    if path.is_file() {
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        return Ok(Sources::lone(&name, bytes(path)?));
    }
    if Folder::stands_at(path) {
        return Err(Failure::new("data-folder", format!("`{}` is a data folder", path.display()))
            .detail("keep the bundle in a folder of its own; a data folder may stand in it: `--data FOLDER/data`"));
    }
    let mut walk = Walk::of(path)?;
    for entry in entries(path)? {
        // Whatever may be a folder needs the name of one that a bundle has.
        if entry.kind.is_file() || is_bundle_folder(&entry.name) || !entry.at.is_dir() {
            walk.take(entry)?;
        } else if let Some(held) = anything_in(&entry.at) {
            walk.sources.add_unread(&walk.relative(&held));
        }
    }
    Ok(walk.sources)
}

/// Reads the parts of the bundle at `root` and nothing else that may stand there.
///
/// # Errors
/// As [`sources`].
pub fn parts(root: &Path) -> Result<Sources, Failure> {
    let mut walk = Walk::of(root)?;
    for entry in entries(root)?.into_iter().filter(|entry| is_part_folder(&entry.name) && entry.at.is_dir()) {
        walk.take(entry)?;
    }
    Ok(walk.sources)
}

/// The bytes of a file; of one that is larger than any source may be, as many as show that.
///
/// # Errors
/// [`Failure`] when it cannot be read.
pub fn bytes(path: &Path) -> Result<Vec<u8>, Failure> {
    let mut bytes = Vec::new();
    let most = u64::try_from(SOURCE_BYTES_MAX).unwrap_or(u64::MAX).saturating_add(1);
    let read = File::open(path).and_then(|file| file.take(most).read_to_end(&mut bytes));
    read.map(|_| bytes).map_err(|e| unreadable(path, &e))
}

/// What is said of a file or folder that cannot be read.
pub fn unreadable(path: &Path, error: &std::io::Error) -> Failure {
    if error.kind() == std::io::ErrorKind::NotFound {
        return Failure::new("unreadable", format!("there is no folder or file `{}`", path.display()))
            .detail("look for a slip in the path");
    }
    Failure::new("unreadable", format!("`{}` cannot be read: {error}", path.display()))
}

/// An entry of a folder that may be read.
struct Entry {
    name: String,
    at: PathBuf,
    kind: FileType,
}

/// The entries of a folder in order of name, without those that begin with `.`.
fn entries(folder: &Path) -> Result<Vec<Entry>, Failure> {
    let failed = |e: std::io::Error| unreadable(folder, &e);
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(failed)? {
        let entry: DirEntry = entry.map_err(failed)?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if !name.starts_with('.') {
            found.push(Entry { name, at: entry.path(), kind: entry.file_type().map_err(failed)? });
        }
        if found.len() > SOURCE_FILES_MAX {
            return Err(too_much(folder, &format!("has more than {SOURCE_FILES_MAX} entries")));
        }
    }
    found.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(found)
}

/// What was read so far of a folder.
struct Walk {
    top: PathBuf,
    /// The same, without links.
    real: PathBuf,
    sources: Sources,
    bytes: usize,
}

impl Walk {
    fn of(top: &Path) -> Result<Self, Failure> {
        let real = top.canonicalize().map_err(|e| unreadable(top, &e))?;
        Ok(Self { top: top.to_owned(), real, sources: Sources::new(), bytes: 0 })
    }

    /// The name of something below the top among the sources.
    fn relative(&self, at: &Path) -> String {
        at.strip_prefix(&self.top).unwrap_or(at).to_string_lossy().into_owned()
    }

    /// Reads an entry, and everything below it.
    fn take(&mut self, entry: Entry) -> Result<(), Failure> {
        let mut open = vec![entry];
        while let Some(Entry { at, kind, .. }) = open.pop() {
            if kind.is_symlink() {
                self.stays_inside(&at)?;
            }
            let is_file = if kind.is_symlink() { at.is_file() } else { kind.is_file() };
            if kind.is_dir() && self.relative(&at).split(['/', '\\']).count() >= DEPTH_MAX {
                return Err(too_much(&at, &format!("is nested deeper than {DEPTH_MAX}")));
            } else if kind.is_dir() {
                if !Folder::stands_at(&at) {
                    open.extend(entries(&at)?);
                }
            } else if is_file {
                self.file(&at)?;
            } else {
                return Err(Failure::new("no-file", format!("`{}` is no regular file and no folder", at.display()))
                    .detail("put the file itself there, or move it out of the folder; names that begin with `.` are left out"));
            }
        }
        Ok(())
    }

    /// A link may stand for a file of the same folder; one to a folder could lead around in a ring.
    fn stays_inside(&self, at: &Path) -> Result<(), Failure> {
        let leads = at.canonicalize().map_err(|e| unreadable(at, &e))?;
        let what = match leads.starts_with(&self.real) {
            false => "is a link that leads out of the folder",
            true if leads.is_dir() => "is a link to a folder",
            true => return Ok(()),
        };
        Err(Failure::new("link", format!("`{}` {what}", at.display())).detail("put there what it leads to"))
    }

    fn file(&mut self, at: &Path) -> Result<(), Failure> {
        let bytes = bytes(at)?;
        self.bytes += bytes.len();
        if self.sources.len() >= SOURCE_FILES_MAX || self.bytes > ALL_BYTES_MAX {
            let most = format!("holds more than {SOURCE_FILES_MAX} files or {} MiB", ALL_BYTES_MAX >> 20);
            return Err(too_much(&self.top, &most));
        }
        self.sources.add(&self.relative(at), bytes);
        Ok(())
    }
}

/// Something in a folder that no bundle has, if it holds anything but data folders. Looks at so many entries and no further; a folder
/// that cannot be looked into may hold anything.
fn anything_in(top: &Path) -> Option<PathBuf> {
    let (mut open, mut looks) = (vec![top.to_owned()], 0);
    while let Some(at) = open.pop() {
        looks += 1;
        let is_folder = std::fs::symlink_metadata(&at).is_ok_and(|found| found.is_dir());
        if !is_folder || looks > LOOKS_MAX {
            return Some(at);
        }
        if Folder::stands_at(&at) {
            continue;
        }
        match entries(&at) {
            Ok(inside) => open.extend(inside.into_iter().map(|entry| entry.at)),
            Err(_) => return Some(at),
        }
    }
    None
}

fn too_much(at: &Path, what: &str) -> Failure {
    Failure::new("bundle-too-large", format!("`{}` {what}", at.display())).detail("is it the folder of a bundle? keep only its files there")
}
