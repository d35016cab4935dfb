//! The files of the repository as the checks see them: texts by path, Rust files parsed once.
//!
//! What must stay true: paths are sorted and relative to the root, with `/`. What is absent: version control; a fresh file is
//! checked before it is committed, and an exported tree can be checked too.

use std::fs;
use std::path::Path;

use proc_macro2::TokenStream;

use super::finding::Finding;
use super::manifest::Manifest;
use super::outline::Outline;
use crate::failure::Failure;

/// Folders that hold nothing of ours.
const SKIPPED: &[&str] = &[".git", ".provost", ".venv", "__pycache__", "node_modules", "target"];

/// Endings of files that are read as text.
const TEXT: &[&str] = &[
    "cedar",
    "cedarschema",
    "css",
    "csv",
    "feature",
    "html",
    "js",
    "json",
    "jsonl",
    "lock",
    "md",
    "py",
    "rs",
    "sh",
    "snap",
    "sql",
    "toml",
    "ts",
    "txt",
    "yaml",
    "yml",
];

/// A file read as text.
pub struct Text {
    /// Path from the root.
    pub path: String,
    /// All of it.
    pub text: String,
}

/// A Rust file, parsed.
pub struct Rust {
    /// Path from the root.
    pub path: String,
    /// All of it.
    pub text: String,
    /// Its tokens, comments left out.
    pub tokens: TokenStream,
    /// What it declares.
    pub outline: Outline,
}

/// The files of the repository.
#[derive(Default)]
pub struct Tree {
    texts: Vec<Text>,
    rust: Vec<Rust>,
    manifests: Vec<Manifest>,
    broken: Vec<Finding>,
}

impl Tree {
    /// Reads every text file below `root`.
    pub fn read(root: &Path) -> Result<Self, Failure> {
        let mut texts = Vec::new();
        read_folder(root, "", &mut texts)?;
        Ok(Self::of(texts))
    }

    /// A tree of these files.
    pub fn of(mut texts: Vec<Text>) -> Self {
        texts.sort_by(|left, right| left.path.cmp(&right.path));
        let mut tree = Self::default();
        for file in &texts {
            if file.path.ends_with(".rs") {
                match parse(file) {
                    Ok(rust) => tree.rust.push(rust),
                    Err(finding) => tree.broken.push(finding),
                }
            } else if file.path == "Cargo.toml" || file.path.ends_with("/Cargo.toml") {
                match Manifest::parse(&file.path, &file.text) {
                    Ok(manifest) => tree.manifests.push(manifest),
                    Err(finding) => tree.broken.push(finding),
                }
            }
        }
        tree.texts = texts;
        tree.mark_test_files();
        tree
    }

    /// A tree for a test.
    #[cfg(test)]
    pub fn with(files: &[(&str, &str)]) -> Self {
        Self::of(files.iter().map(|(path, text)| Text { path: (*path).to_owned(), text: (*text).to_owned() }).collect())
    }

    /// Every text file.
    pub fn texts(&self) -> &[Text] {
        &self.texts
    }

    /// Every Rust file that could be parsed.
    pub fn rust(&self) -> &[Rust] {
        &self.rust
    }

    /// Every `Cargo.toml`.
    pub fn manifests(&self) -> &[Manifest] {
        &self.manifests
    }

    /// The text of the file at `path`.
    pub fn text(&self, path: &str) -> Option<&str> {
        self.texts.iter().find(|file| file.path == path).map(|file| file.text.as_str())
    }

    /// The names of the folders in `crates/`, sorted.
    pub fn crates(&self) -> Vec<&str> {
        let members = self.manifests.iter().filter(|manifest| manifest.path.starts_with("crates/"));
        let mut names: Vec<&str> = members.filter_map(Manifest::folder).collect();
        names.sort_unstable();
        names
    }

    fn mark_test_files(&mut self) {
        let mut modules: Vec<String> = Vec::new();
        for file in &self.rust {
            modules.extend(file.outline.test_modules.iter().map(|module| format!("{}/{module}", module_folder(&file.path))));
        }
        for file in &mut self.rust {
            let by_place = file.path.split('/').any(|part| matches!(part, "tests" | "tests.rs" | "benches"));
            let by_module = modules
                .iter()
                .any(|module| file.path.strip_prefix(module.as_str()).is_some_and(|rest| rest == ".rs" || rest.starts_with('/')));
            if by_place || by_module {
                file.outline.mark_as_test();
            }
        }
    }
}

/// Files that could not be parsed.
pub fn check(tree: &Tree) -> Vec<Finding> {
    tree.broken.clone()
}

/// Where the modules that a file declares have their files.
fn module_folder(path: &str) -> &str {
    let stem = path.strip_suffix(".rs").unwrap_or(path);
    match stem.rsplit_once('/') {
        Some((folder, "lib" | "main" | "mod")) => folder,
        Some(_) | None => stem,
    }
}

fn parse(file: &Text) -> Result<Rust, Finding> {
    let broken = |line: usize, reason: String| Finding::new(&file.path, line, format!("cannot be parsed: {reason}"));
    let tokens: TokenStream = file.text.parse().map_err(|e: proc_macro2::LexError| broken(e.span().start().line, e.to_string()))?;
    let syntax: syn::File = syn::parse2(tokens.clone()).map_err(|e| broken(e.span().start().line, e.to_string()))?;
    let outline = Outline::of(&syntax);
    Ok(Rust { path: file.path.clone(), text: file.text.clone(), tokens, outline })
}

fn read_folder(folder: &Path, prefix: &str, texts: &mut Vec<Text>) -> Result<(), Failure> {
    let unreadable = |path: &Path, source| Failure::Read { path: path.to_path_buf(), source };
    for entry in fs::read_dir(folder).map_err(|source| unreadable(folder, source))? {
        let entry = entry.map_err(|source| unreadable(folder, source))?;
        let kind = entry.file_type().map_err(|source| unreadable(&entry.path(), source))?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let path = format!("{prefix}{name}");
        if kind.is_dir() && !SKIPPED.contains(&name.as_str()) {
            read_folder(&entry.path(), &format!("{path}/"), texts)?;
        } else if kind.is_file() && is_text(&path) {
            // A file named as text whose bytes are not UTF-8 is a test's input, not a text.
            match fs::read_to_string(entry.path()) {
                Ok(text) => texts.push(Text { path, text }),
                Err(error) if error.kind() == std::io::ErrorKind::InvalidData => {}
                Err(error) => return Err(unreadable(&entry.path(), error)),
            }
        }
    }
    Ok(())
}

fn is_text(path: &str) -> bool {
    path.starts_with(".ci/") || path.rsplit_once('.').is_some_and(|(_, ending)| TEXT.contains(&ending))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_test_module_in_its_own_file_is_test_code() {
        let tree = Tree::with(&[
            ("crates/a/src/lib.rs", "#[cfg(test)]\nmod checks;\nmod parts;"),
            ("crates/a/src/checks.rs", "fn f() {}"),
            ("crates/a/src/checks/more.rs", "fn f() {}"),
            ("crates/a/src/parts.rs", "#[cfg(test)]\nmod checks;\nfn f() {}"),
            ("crates/a/src/parts/checks.rs", "fn f() {}"),
            ("crates/a/src/checksum.rs", "fn f() {}"),
            ("crates/a/tests/it.rs", "fn f() {}"),
        ]);
        let tests: Vec<_> = tree.rust().iter().filter(|file| file.outline.is_test(3)).map(|file| file.path.as_str()).collect();
        assert_eq!(
            tests,
            ["crates/a/src/checks.rs", "crates/a/src/checks/more.rs", "crates/a/src/parts/checks.rs", "crates/a/tests/it.rs"]
        );
    }

    #[test]
    fn what_cannot_be_parsed_is_said_with_its_line() {
        let tree = Tree::with(&[("crates/a/src/lib.rs", "fn f() {}\nfn {"), ("crates/a/Cargo.toml", "[package\n")]);
        assert_eq!(super::super::finding::places(&check(&tree)), ["crates/a/Cargo.toml:1", "crates/a/src/lib.rs:2"]);
    }
}
