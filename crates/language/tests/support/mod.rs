//! Reads folders for tests; the crate itself reads none.

#![expect(clippy::disallowed_methods, reason = "tests read the folders that the crate must not")]

use std::path::{Path, PathBuf};

use provost_language::Sources;

/// The root of the repository.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// A folder as sources.
pub fn folder(path: &Path) -> Sources {
    let mut sources = Sources::new();
    add(path, path, &mut sources);
    sources
}

fn add(root: &Path, folder: &Path, sources: &mut Sources) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            add(root, &path, sources);
        } else {
            let name = path.strip_prefix(root).unwrap().to_str().unwrap().to_owned();
            sources.add(&name, std::fs::read(&path).unwrap());
        }
    }
}
