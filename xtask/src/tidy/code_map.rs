//! ARCHITECTURE.md names every crate that exists, and no crate that does not.

use super::finding::Finding;
use super::tree::Tree;

const MAP: &str = "ARCHITECTURE.md";

/// Finds crates missing on the map and names on the map without a crate.
pub fn check(tree: &Tree) -> Vec<Finding> {
    let map = tree.text(MAP).unwrap_or_default();
    let named = named(map);
    let crates = tree.crates();
    let unnamed = crates.iter().filter(|name| !named.iter().any(|(_, other)| other == *name));
    let mut found: Vec<Finding> =
        unnamed.map(|name| Finding::new(MAP, 1, format!("`crates/{name}` is not on the map; say what it is and what is absent"))).collect();
    for (line, name) in named {
        if !crates.contains(&name) {
            found.push(Finding::new(MAP, line, format!("`crates/{name}` does not exist; remove it from the map")));
        }
    }
    found
}

/// Every `crates/<name>` with its line.
fn named(map: &str) -> Vec<(usize, &str)> {
    let mut found = Vec::new();
    for (index, line) in map.lines().enumerate() {
        for part in line.split("crates/").skip(1) {
            let name = part.split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '-').next().unwrap_or_default();
            if !name.is_empty() {
                found.push((index + 1, name));
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn map_and_folders_agree() {
        let tree = Tree::with(&[
            (MAP, "# Map\n\nAll stand in `crates/`.\n`crates/a`, `crates/gone` and crates/b/src.\n"),
            ("crates/a/Cargo.toml", ""),
            ("crates/b/Cargo.toml", ""),
            ("crates/c/Cargo.toml", ""),
        ]);
        let found: Vec<_> = check(&tree).into_iter().map(|finding| finding.to_string()).collect();
        assert_eq!(
            found,
            [
                "ARCHITECTURE.md:1: `crates/c` is not on the map; say what it is and what is absent",
                "ARCHITECTURE.md:4: `crates/gone` does not exist; remove it from the map"
            ]
        );
    }
}
