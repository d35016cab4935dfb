//! Every foreign crate is declared once for the workspace, used by a member, and has a line of reason in docs/dependencies.md.

use std::collections::BTreeSet;

use super::finding::Finding;
use super::manifest::{Dependency, Section};
use super::tree::Tree;

const REASONS: &str = "docs/dependencies.md";
const WORKSPACE: &str = "Cargo.toml";

/// Finds dependencies without a reason, a use or a declaration, and reasons without a dependency.
pub fn check(tree: &Tree) -> Vec<Finding> {
    let declared = declared(tree);
    let reasons = reasons(tree.text(REASONS).unwrap_or_default());
    let mut found = Vec::new();
    let mut used = BTreeSet::new();
    // `fuzz/` is a workspace of its own, which nothing of this one builds.
    for manifest in tree.manifests().iter().filter(|manifest| !manifest.path.starts_with("fuzz/")) {
        for dependency in manifest.dependencies.iter().filter(|d| d.section != Section::Workspace) {
            used.insert(dependency.name.as_str());
            if is_foreign(dependency) && !declared.iter().any(|other| other.name == dependency.name) {
                let message = format!("`{}` is not declared in [workspace.dependencies]; add it there", dependency.name);
                found.push(Finding::new(&manifest.path, dependency.line, message));
            }
        }
    }
    for dependency in &declared {
        if !used.contains(dependency.name.as_str()) {
            found.push(Finding::new(WORKSPACE, dependency.line, format!("no member uses `{}`; remove it", dependency.name)));
        }
        if !reasons.iter().any(|(_, name)| *name == dependency.name) {
            found.push(Finding::new(
                WORKSPACE,
                dependency.line,
                format!("`{}` has no line in {REASONS}; say why it is here", dependency.name),
            ));
        }
    }
    found.extend(stale_reasons(&declared, &reasons));
    found
}

fn declared(tree: &Tree) -> Vec<&Dependency> {
    let root = tree.manifests().iter().filter(|manifest| manifest.path == WORKSPACE);
    root.flat_map(|manifest| &manifest.dependencies).filter(|d| d.section == Section::Workspace && is_foreign(d)).collect()
}

fn is_foreign(dependency: &Dependency) -> bool {
    !dependency.name.starts_with("provost")
}

/// The names at the start of list entries that give a reason, with their lines.
fn reasons(text: &str) -> Vec<(usize, &str)> {
    let entries = text.lines().enumerate().filter_map(|(index, line)| {
        let (name, reason) = line.strip_prefix("- `")?.split_once("`:")?;
        (!reason.trim().is_empty()).then_some((index + 1, name))
    });
    entries.collect()
}

fn stale_reasons(declared: &[&Dependency], reasons: &[(usize, &str)]) -> Vec<Finding> {
    let mut found = Vec::new();
    let mut seen = BTreeSet::new();
    for (line, name) in reasons {
        if !declared.iter().any(|dependency| dependency.name == *name) {
            found.push(Finding::new(REASONS, *line, format!("`{name}` is not in [workspace.dependencies]; remove the line")));
        }
        if !seen.insert(name) {
            found.push(Finding::new(REASONS, *line, format!("`{name}` has two lines; keep one")));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn messages(workspace: &str, member: &str, reasons: &str) -> Vec<String> {
        let tree = Tree::with(&[(WORKSPACE, workspace), ("crates/a/Cargo.toml", member), (REASONS, reasons)]);
        check(&tree).into_iter().map(|finding| finding.to_string()).collect()
    }

    #[test]
    fn declared_used_and_explained_is_fine() {
        let workspace = "[workspace.dependencies]\nprovost-model = { path = \"x\" }\nserde = \"1\"\n";
        assert_eq!(
            messages(workspace, "[dev-dependencies]\nserde.workspace = true\n", "# Title\n- `serde`: json.\n"),
            Vec::<String>::new()
        );
    }

    #[test]
    fn each_missing_part_is_said() {
        let workspace = "[workspace.dependencies]\nserde = \"1\"\ncsv = \"1\"\n";
        let member = "[dependencies]\nserde.workspace = true\nrand = \"1\"\n";
        assert_eq!(
            messages(workspace, member, "- `csv`: tables.\n- `old`: gone.\n- `csv`: again.\n- `serde`:\n"),
            [
                "crates/a/Cargo.toml:3: `rand` is not declared in [workspace.dependencies]; add it there",
                "Cargo.toml:2: `serde` has no line in docs/dependencies.md; say why it is here",
                "Cargo.toml:3: no member uses `csv`; remove it",
                "docs/dependencies.md:2: `old` is not in [workspace.dependencies]; remove the line",
                "docs/dependencies.md:3: `csv` has two lines; keep one",
            ]
        );
    }
}
