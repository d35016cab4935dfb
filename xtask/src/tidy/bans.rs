//! The pure crates hold one list of banned types and methods, word for word the same.
//!
//! The compiler's linter reads `clippy.toml` per crate and cannot include another file, so the list stands in each.

use super::finding::Finding;
use super::tree::Tree;

/// The crates without clocks, randomness, threads and IO.
const PURE: &[&str] = &["control", "engine", "language", "model", "policy"];

/// Finds pure crates whose list is missing or differs from the engine's.
pub fn check(tree: &Tree) -> Vec<Finding> {
    let path = |name: &str| format!("crates/{name}/clippy.toml");
    let wanted: Vec<&str> = tree.text(&path("engine")).map(bans).unwrap_or_default();
    let mut found = Vec::new();
    for name in PURE {
        let held: Vec<&str> = tree.text(&path(name)).map(bans).unwrap_or_default();
        if held.is_empty() {
            found.push(Finding::new(&path(name), 1, "the list of banned types and methods is missing; copy the engine's"));
        } else if let Some(ban) = wanted.iter().find(|ban| !held.contains(ban)) {
            found.push(Finding::new(&path(name), 1, format!("the engine's list also has `{ban}`; hold the same list")));
        } else if let Some(ban) = held.iter().find(|ban| !wanted.contains(ban)) {
            found.push(Finding::new(&path(name), 1, format!("the engine's list does not have `{ban}`; hold the same list")));
        }
    }
    found
}

fn bans(text: &str) -> Vec<&str> {
    text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')).collect()
}

#[cfg(test)]
mod tests {
    use super::super::finding::places;
    use super::*;

    const LIST: &str = "# Why.\ndisallowed-types = [\n  { path = \"a::B\" },\n]\n";

    #[test]
    fn a_list_that_is_missing_shorter_or_longer_is_found() {
        let longer = LIST.replace("]\n", "  { path = \"a::C\" },\n]\n");
        let tree = Tree::with(&[
            ("crates/engine/clippy.toml", LIST),
            ("crates/control/clippy.toml", "# Other words.\ndisallowed-types = [\n  { path = \"a::B\" },\n]\n"),
            ("crates/language/clippy.toml", "disallowed-types = [\n]\n"),
            ("crates/model/clippy.toml", &longer),
        ]);
        assert_eq!(places(&check(&tree)), ["crates/language/clippy.toml:1", "crates/model/clippy.toml:1", "crates/policy/clippy.toml:1"]);
    }
}
