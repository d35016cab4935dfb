//! Exceptions that may only shrink: `xtask/tidy-ratchet.toml`.
//!
//! What must stay true: an entry is as tight as the code it excuses. Code that grew past its entry is a finding, and so is an entry
//! that is looser than its code or excuses nothing any more.
//!
//! ```toml
//! [[file]]
//! path = "crates/x/src/y.rs"
//! lines = 812
//! reason = "one table that reads best in one piece"
//!
//! [[function]]
//! path = "crates/x/src/y.rs"
//! name = "table"
//! lines = 96
//! reason = "one match over all kinds"
//!
//! [[name]]
//! path = "crates/x/src/y.rs"
//! name = "instance"
//! reason = "the member's name in RFC 9457"
//! ```

use toml::de::{DeTable, DeValue};

use super::finding::Finding;
use super::manifest::line_at;
use super::tree::Tree;
use super::{lengths, names};

/// Where the exceptions stand.
pub const PATH: &str = "xtask/tidy-ratchet.toml";

/// One exception.
#[derive(Clone, Debug, Default)]
pub struct Exception {
    /// Where the entry stands in the ratchet.
    pub line: usize,
    /// The file that is excused.
    pub path: String,
    /// The function or name that is excused; empty for a file.
    pub name: String,
    /// How long it may be; 0 for a name.
    pub lines: usize,
    reason: String,
}

/// All exceptions.
#[derive(Debug, Default)]
pub struct Ratchet {
    /// Long files.
    pub files: Vec<Exception>,
    /// Long functions.
    pub functions: Vec<Exception>,
    /// Refused names.
    pub names: Vec<Exception>,
    broken: Vec<Finding>,
}

impl Ratchet {
    /// Reads the exceptions of the tree; no file means none.
    pub fn of(tree: &Tree) -> Self {
        let text = tree.text(PATH).unwrap_or_default();
        let mut ratchet = Self::default();
        match DeTable::parse(text) {
            Ok(table) => {
                for (key, value) in table.get_ref() {
                    ratchet.take(text, key.get_ref(), value.get_ref());
                }
            }
            Err(error) => ratchet.broken.push(Finding::new(PATH, 1, format!("cannot be parsed: {}", error.message()))),
        }
        ratchet
    }

    fn take(&mut self, text: &str, key: &str, value: &DeValue<'_>) {
        let list = match key {
            "file" => &mut self.files,
            "function" => &mut self.functions,
            "name" => &mut self.names,
            other => {
                self.broken.push(Finding::new(PATH, 1, format!("`{other}` is not `file`, `function` or `name`")));
                return;
            }
        };
        for entry in value.as_array().into_iter().flatten() {
            let line = line_at(text, entry.span().start);
            match entry.get_ref().as_table().map(|table| read(line, table)) {
                Some(exception) if !exception.path.is_empty() && !exception.reason.is_empty() => list.push(exception),
                Some(_) | None => self.broken.push(Finding::new(PATH, line, "an exception needs `path` and `reason`")),
            }
        }
    }
}

fn read(line: usize, table: &DeTable<'_>) -> Exception {
    let word = |key: &str| table.get(key).and_then(|value| value.get_ref().as_str()).unwrap_or_default().to_owned();
    let lines = table.get("lines").and_then(|value| value.get_ref().as_integer()).and_then(|number| number.as_str().parse().ok());
    Exception { line, path: word("path"), name: word("name"), lines: lines.unwrap_or_default(), reason: word("reason") }
}

/// Finds entries that cannot be read, are looser than the code, or excuse nothing.
pub fn check(tree: &Tree) -> Vec<Finding> {
    let ratchet = Ratchet::of(tree);
    let mut found = ratchet.broken.clone();
    for entry in &ratchet.files {
        found.extend(slack(entry, lengths::file_lines(tree, &entry.path), lengths::FILE_LINES_MAX));
    }
    for entry in &ratchet.functions {
        found.extend(slack(entry, lengths::function_lines(tree, &entry.path, &entry.name), lengths::FUNCTION_LINES_MAX));
    }
    for entry in &ratchet.names {
        if !names::refused(tree).iter().any(|(path, name)| *path == entry.path && name.name == entry.name) {
            found.push(Finding::new(PATH, entry.line, "excuses nothing any more; remove it"));
        }
    }
    found
}

fn slack(entry: &Exception, lines: Option<usize>, lines_max: usize) -> Option<Finding> {
    let message = match lines {
        Some(lines) if lines > lines_max && lines < entry.lines => format!("lower `lines` from {} to {lines}", entry.lines),
        Some(lines) if lines > lines_max => return None,
        Some(_) | None => "excuses nothing any more; remove it".to_owned(),
    };
    Some(Finding::new(PATH, entry.line, message))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn messages(ratchet: &str, lines: usize) -> Vec<String> {
        let source = "//! x\n".to_owned() + &"// y\n".repeat(lines - 1);
        let tree = Tree::with(&[(PATH, ratchet), ("a.rs", &source)]);
        check(&tree).into_iter().map(|finding| format!("{}: {}", finding.line, finding.message)).collect()
    }

    #[test]
    fn an_entry_is_as_tight_as_the_code() {
        let ratchet = "[[file]]\npath = \"a.rs\"\nlines = 800\nreason = \"r\"\n";
        assert_eq!(messages(ratchet, 800), Vec::<String>::new());
        assert_eq!(messages(ratchet, 790), ["1: lower `lines` from 800 to 790"]);
        assert_eq!(messages(ratchet, 700), ["1: excuses nothing any more; remove it"]);
    }

    #[test]
    fn an_entry_says_what_and_why() {
        assert_eq!(messages("[[file]]\npath = \"a.rs\"\n", 2), ["1: an exception needs `path` and `reason`"]);
        assert_eq!(messages("[[fil]]\npath = \"a.rs\"\n", 2), ["1: `fil` is not `file`, `function` or `name`"]);
        assert_eq!(messages("[[name]]\npath = \"a.rs\"\nname = \"x\"\nreason = \"r\"\n", 2), ["1: excuses nothing any more; remove it"]);
    }
}
