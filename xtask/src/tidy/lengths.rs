//! Files and functions stay short: 700 lines a file, 70 a function outside tests.

use super::finding::Finding;
use super::ratchet::Ratchet;
use super::tree::{Rust, Tree};

/// The most lines a file may have.
pub const FILE_LINES_MAX: usize = 700;

/// The most lines a function outside tests may have, from its signature to its brace.
pub const FUNCTION_LINES_MAX: usize = 70;

/// Finds what is too long and not excused by the ratchet.
pub fn check(tree: &Tree) -> Vec<Finding> {
    let ratchet = Ratchet::of(tree);
    let mut found = Vec::new();
    for file in tree.rust() {
        let excused = ratchet.files.iter().find(|entry| entry.path == file.path).map_or(FILE_LINES_MAX, |entry| entry.lines);
        let lines = file.text.lines().count();
        if lines > excused {
            found.push(Finding::new(&file.path, excused + 1, format!("the file has {lines} lines, {excused} are allowed; split it")));
        }
        found.extend(long_functions(file, &ratchet));
    }
    found
}

fn long_functions(file: &Rust, ratchet: &Ratchet) -> Vec<Finding> {
    let mut found = Vec::new();
    for function in &file.outline.functions {
        let excuse = ratchet.functions.iter().find(|entry| entry.path == file.path && entry.name == function.name);
        let allowed = excuse.map_or(FUNCTION_LINES_MAX, |entry| entry.lines);
        if function.lines > allowed && !file.outline.is_test(function.line) {
            let message = format!("`{}` has {} lines, {allowed} are allowed; split it", function.name, function.lines);
            found.push(Finding::new(&file.path, function.line, message));
        }
    }
    found
}

/// How long the file is.
pub fn file_lines(tree: &Tree, path: &str) -> Option<usize> {
    tree.rust().iter().find(|file| file.path == path).map(|file| file.text.lines().count())
}

/// How long the longest function of this name in the file is.
pub fn function_lines(tree: &Tree, path: &str, name: &str) -> Option<usize> {
    let file = tree.rust().iter().find(|file| file.path == path)?;
    file.outline.functions.iter().filter(|function| function.name == name).map(|function| function.lines).max()
}

#[cfg(test)]
mod tests {
    use super::super::finding::places;
    use super::super::ratchet;
    use super::*;

    fn function(lines: usize) -> String {
        format!("//! x\nfn long() {{\n{}}}\n", "    f();\n".repeat(lines - 2))
    }

    #[test]
    fn seventy_lines_are_allowed_and_one_more_is_not() {
        assert_eq!(places(&check(&Tree::with(&[("a.rs", &function(70))]))), Vec::<String>::new());
        assert_eq!(places(&check(&Tree::with(&[("a.rs", &function(71))]))), ["a.rs:2"]);
    }

    #[test]
    fn tests_may_be_long() {
        assert_eq!(places(&check(&Tree::with(&[("crates/a/tests/a.rs", &function(100))]))), Vec::<String>::new());
    }

    #[test]
    fn the_ratchet_excuses_up_to_its_lines() {
        let entry = "[[function]]\npath = \"a.rs\"\nname = \"long\"\nlines = 80\nreason = \"r\"\n";
        assert_eq!(places(&check(&Tree::with(&[("a.rs", &function(80)), (ratchet::PATH, entry)]))), Vec::<String>::new());
        assert_eq!(places(&check(&Tree::with(&[("a.rs", &function(81)), (ratchet::PATH, entry)]))), ["a.rs:2"]);
    }

    #[test]
    fn a_file_has_seven_hundred_lines_at_most() {
        let source = |lines: usize| "// x\n".repeat(lines);
        assert_eq!(places(&check(&Tree::with(&[("a.rs", &source(700))]))), Vec::<String>::new());
        assert_eq!(places(&check(&Tree::with(&[("a.rs", &source(701))]))), ["a.rs:701"]);
    }
}
