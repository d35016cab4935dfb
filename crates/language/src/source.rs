//! The sources of a bundle: relative paths and bytes, handed in by the caller. This crate reads no file itself.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Largest single source, in bytes.
pub const SOURCE_BYTES_MAX: usize = 1 << 20;
/// Most files of a bundle.
pub const SOURCE_FILES_MAX: usize = 4096;

/// Files by path (relative, `/` between names), in order of path.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sources {
    files: BTreeMap<Arc<str>, Arc<[u8]>>,
    /// Paths that are there and were not read.
    unread: BTreeSet<Arc<str>>,
}

impl Sources {
    /// No file.
    pub fn new() -> Self {
        Self::default()
    }

    /// A lone workflow document.
    pub fn lone(path: &str, bytes: impl Into<Arc<[u8]>>) -> Self {
        let mut sources = Self::new();
        sources.add(path, bytes);
        sources
    }

    /// Adds a file; `\` in the path becomes `/`, a leading `./` goes.
    pub fn add(&mut self, path: &str, bytes: impl Into<Arc<[u8]>>) {
        let path = path.replace('\\', "/");
        self.files.insert(path.trim_start_matches("./").into(), bytes.into());
    }

    /// Says that there is a file of this path, which was not read: no bundle has its folder.
    pub fn add_unread(&mut self, path: &str) {
        self.unread.insert(path.replace('\\', "/").into());
    }

    /// The paths of files that were not read.
    pub fn unread(&self) -> impl Iterator<Item = &Arc<str>> {
        self.unread.iter()
    }

    /// The paths of every file, those that were not read too, each once.
    pub(crate) fn paths(&self) -> impl Iterator<Item = &Arc<str>> {
        self.files.keys().chain(&self.unread)
    }

    /// The bytes of a file.
    pub fn bytes(&self, path: &str) -> Option<&[u8]> {
        self.files.get(path).map(|bytes| &**bytes)
    }

    /// The text of a file, if it is UTF-8.
    pub fn text(&self, path: &str) -> Option<&str> {
        self.bytes(path).and_then(|bytes| std::str::from_utf8(bytes).ok())
    }

    /// The files in order of path.
    pub fn iter(&self) -> impl Iterator<Item = (&Arc<str>, &[u8])> {
        self.files.iter().map(|(path, bytes)| (path, &**bytes))
    }

    /// How many files there are.
    pub fn len(&self) -> usize {
        self.files.len()
    }

    /// Whether there is no file.
    pub fn is_empty(&self) -> bool {
        self.files.is_empty()
    }
}

impl<P: AsRef<str>, B: Into<Arc<[u8]>>> FromIterator<(P, B)> for Sources {
    fn from_iter<I: IntoIterator<Item = (P, B)>>(files: I) -> Self {
        let mut sources = Self::new();
        for (path, bytes) in files {
            sources.add(path.as_ref(), bytes);
        }
        sources
    }
}
