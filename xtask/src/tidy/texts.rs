//! Texts work on every machine: no absolute path of somebody's machine, no carriage returns, no blanks at the end of a line.
//!
//! Inputs of tests in `corpus/` may hold any line ending.

use super::finding::Finding;
use super::tree::{Text, Tree};

/// Folders at the root of a machine that mean nothing on another one; written without the last `/`, so that this file passes.
const MACHINE: &[&str] = &["/work", "/tmp/t", "/root", "/home", "/Users"];

/// Endings of texts written by people, where blanks at the end of a line are noise.
const TRIMMED: &[&str] = &[".md", ".rs", ".sh", ".toml", ".yaml", ".yml"];

/// Finds machine paths, carriage returns and blanks at the end of lines.
pub fn check(tree: &Tree) -> Vec<Finding> {
    tree.texts().iter().flat_map(check_file).collect()
}

fn check_file(file: &Text) -> Vec<Finding> {
    let mut found = Vec::new();
    let corpus = file.path.split('/').any(|part| part == "corpus");
    let trimmed = TRIMMED.iter().any(|ending| file.path.ends_with(ending)) && !corpus;
    for (index, line) in file.text.split('\n').enumerate() {
        let mut say = |message: String| found.push(Finding::new(&file.path, index + 1, message));
        let (line, carriage_return) = line.strip_suffix('\r').map_or((line, false), |line| (line, true));
        if carriage_return && !corpus {
            say("the line ends with a carriage return; use `\\n`".to_owned());
        }
        if trimmed && line.ends_with([' ', '\t']) {
            say("blanks at the end of the line; remove them".to_owned());
        }
        if let Some(path) = MACHINE.iter().find(|path| names_path(line, path)) {
            say(format!("`{path}/` is a path of one machine; name the file from the root of the repository"));
        }
    }
    found
}

/// Whether the line names something below `path`, as a path of its own and not as the end of a longer one.
fn names_path(line: &str, path: &str) -> bool {
    line.match_indices(path).any(|(at, _)| {
        let before = line.get(..at).and_then(|text| text.chars().next_back());
        let after = line.get(at + path.len()..).unwrap_or_default();
        after.starts_with('/') && !before.is_some_and(|letter| letter.is_alphanumeric() || "._-/}~$*".contains(letter))
    })
}

#[cfg(test)]
mod tests {
    use super::super::finding::places;
    use super::*;

    fn found(path: &str, text: &str) -> Vec<String> {
        places(&check(&Tree::with(&[(path, text)])))
    }

    #[test]
    fn machine_paths_are_found_and_routes_are_not() {
        let text = format!("see {0}/x\n/v1{0}/claims\n`{1}/y`\n{0}day\n./{0}/x\n", "/work", "/tmp/t");
        assert_eq!(found("a.md", &text), ["a.md:1", "a.md:3"]);
    }

    #[test]
    fn line_ends_are_clean() {
        assert_eq!(found("a.md", "x \ny\r\nz\n\t\n"), ["a.md:1", "a.md:2", "a.md:4"]);
        assert_eq!(found("a.csv", "x \n"), Vec::<String>::new());
        assert_eq!(found("corpus/rules/a.csv", "x\r\n"), Vec::<String>::new());
    }
}
