//! Every Rust file opens with `//!`: what it is, what must stay true, what it does not do.

use super::finding::Finding;
use super::tree::Tree;

/// Finds files that do not open with a module doc.
pub fn check(tree: &Tree) -> Vec<Finding> {
    let silent = tree.rust().iter().filter(|file| {
        let opening = file.text.lines().next().and_then(|line| line.strip_prefix("//!"));
        opening.is_none_or(|doc| doc.trim().is_empty())
    });
    silent.map(|file| Finding::new(&file.path, 1, "open with `//!` and say what this file is")).collect()
}

#[cfg(test)]
mod tests {
    use super::super::finding::places;
    use super::*;

    #[test]
    fn a_file_opens_with_its_doc() {
        let tree = Tree::with(&[("a.rs", "//! A.\n"), ("b.rs", "// b\n//! B.\n"), ("c.rs", "//!\n"), ("d.rs", ""), ("e.md", "x")]);
        assert_eq!(places(&check(&tree)), ["b.rs:1", "c.rs:1", "d.rs:1"]);
    }
}
