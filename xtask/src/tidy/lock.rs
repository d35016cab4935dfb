//! The lock file stays small: every package in it is built, trusted and updated.

use super::finding::Finding;
use super::tree::Tree;

const LOCK: &str = "Cargo.lock";

/// The most packages the lock file may hold, ours included.
const PACKAGES_MAX: usize = 550;

/// Finds a lock file that is missing or too large.
pub fn check(tree: &Tree) -> Vec<Finding> {
    let Some(text) = tree.text(LOCK) else {
        return vec![Finding::new(LOCK, 1, "the lock file is missing; commit it")];
    };
    let packages = text.lines().filter(|line| *line == "[[package]]").count();
    if packages <= PACKAGES_MAX {
        return Vec::new();
    }
    vec![Finding::new(LOCK, 1, format!("{packages} packages, {PACKAGES_MAX} are allowed; drop a dependency or a feature"))]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn findings(packages: usize) -> usize {
        check(&Tree::with(&[(LOCK, &"[[package]]\nname = \"x\"\n".repeat(packages))])).len()
    }

    #[test]
    fn five_hundred_and_fifty_packages_are_allowed() {
        assert_eq!((findings(550), findings(551)), (0, 1));
    }

    #[test]
    fn the_lock_is_committed() {
        assert_eq!(check(&Tree::with(&[])).len(), 1);
    }
}
