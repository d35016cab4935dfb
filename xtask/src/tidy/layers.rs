//! Left never sees right: which of our crates a crate may use, and which foreign ones it must not.
//!
//! The table is ARCHITECTURE.md's. Dev-dependencies may be wider: a test may look at anything.

use super::finding::Finding;
use super::manifest::{Manifest, Section};
use super::tree::Tree;

/// One crate and its borders.
struct Layer {
    name: &'static str,
    ours: &'static [&'static str],
    /// Foreign crates that would break a promise of this one, each with what it must stay free of.
    refused: &'static [(&'static str, &'static str)],
}

/// Crates that bring clocks, threads, randomness or IO.
const PURE: &[(&str, &str)] = &[
    ("async-nats", "IO"),
    ("axum", "IO"),
    ("crossbeam-channel", "threads"),
    ("fastrand", "randomness"),
    ("futures", "async"),
    ("getrandom", "randomness"),
    ("hyper", "IO"),
    ("libc", "IO"),
    ("rand", "randomness"),
    ("rayon", "threads"),
    ("reqwest", "IO"),
    ("rusqlite", "IO"),
    ("tempfile", "IO"),
    ("tokio", "async"),
    ("tracing", "logging"),
];

/// Crates that open a database.
const NO_DATABASE: &[(&str, &str)] = &[("deadpool-postgres", "databases"), ("rusqlite", "databases"), ("tokio-postgres", "databases")];

/// Crates that call providers and tools.
const NO_CLIENT: &[(&str, &str)] = &[("axum", "HTTP handlers"), ("reqwest", "calls to the outside")];

/// Crates that serve HTTP; a feature may ask for them.
const NO_SERVER: &[(&str, &str)] = &[("axum", "server frameworks"), ("hyper", "server frameworks"), ("tower-http", "server frameworks")];

const LAYERS: &[Layer] = &[
    Layer { name: "model", ours: &[], refused: PURE },
    Layer { name: "language", ours: &["model"], refused: PURE },
    Layer { name: "engine", ours: &["model", "language"], refused: PURE },
    Layer { name: "policy", ours: &["model"], refused: PURE },
    Layer { name: "telemetry", ours: &["model"], refused: NO_DATABASE },
    Layer { name: "store", ours: &["model", "telemetry"], refused: NO_CLIENT },
    Layer { name: "control", ours: &["model", "language", "policy", "telemetry"], refused: PURE },
    Layer { name: "runtime", ours: &["model", "language", "engine", "policy", "control", "store", "telemetry"], refused: NO_CLIENT },
    Layer { name: "api", ours: &["model"], refused: NO_SERVER },
    Layer { name: "worker", ours: &["model", "api", "policy", "telemetry"], refused: NO_DATABASE },
    Layer { name: "server", ours: &["model", "policy", "api", "control", "runtime", "store", "telemetry"], refused: NO_DATABASE },
    Layer {
        name: "sim",
        ours: &["model", "language", "engine", "policy", "telemetry", "store", "control", "runtime", "api", "worker"],
        refused: &[("tokio", "async: the simulator drives the machines itself")],
    },
    Layer {
        name: "provost",
        ours: &["model", "language", "engine", "policy", "telemetry", "store", "control", "runtime", "api", "worker", "server", "sim"],
        refused: NO_DATABASE,
    },
];

/// Finds dependencies across a border.
pub fn check(tree: &Tree) -> Vec<Finding> {
    let mut found = Vec::new();
    for manifest in tree.manifests() {
        let Some(name) = manifest.folder() else { continue };
        let layer = LAYERS.iter().find(|layer| layer.name == name);
        match layer {
            Some(layer) if manifest.path.starts_with("crates/") => found.extend(check_crate(manifest, layer)),
            None if manifest.path.starts_with("crates/") => {
                found.push(Finding::new(
                    &manifest.path,
                    1,
                    format!("`{name}` has no row in the table of layers; add it in xtask/src/tidy/layers.rs"),
                ));
            }
            Some(_) | None => found.extend(check_beside(manifest)),
        }
    }
    found
}

fn check_crate(manifest: &Manifest, layer: &Layer) -> Vec<Finding> {
    let mut found = Vec::new();
    for dependency in manifest.dependencies.iter().filter(|dependency| dependency.section != Section::Dev) {
        let refused = layer.refused.iter().find(|(name, _)| *name == dependency.name);
        if let Some((_, what)) = refused.filter(|_| !dependency.optional) {
            let message = format!("`{}` must stay free of {what}; `{}` brings it", layer.name, dependency.name);
            found.push(Finding::new(&manifest.path, dependency.line, message));
        }
        if let Some(ours) = dependency.name.strip_prefix("provost-").filter(|ours| !layer.ours.contains(ours)) {
            let message = format!("`{}` must not use `{ours}`; it may use {}", layer.name, list(layer.ours));
            found.push(Finding::new(&manifest.path, dependency.line, message));
        }
    }
    found
}

/// Packages beside `crates/` use the binary, not its parts.
fn check_beside(manifest: &Manifest) -> Vec<Finding> {
    let ours = manifest.dependencies.iter().filter(|dependency| {
        let normal = matches!(dependency.section, Section::Normal | Section::Build);
        normal && manifest.path == "xtask/Cargo.toml" && dependency.name.starts_with("provost")
    });
    ours.map(|dependency| Finding::new(&manifest.path, dependency.line, "`xtask` uses none of our crates; start the binary instead"))
        .collect()
}

fn list(names: &[&str]) -> String {
    if names.is_empty() { "none of ours".to_owned() } else { format!("`{}`", names.join("`, `")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn messages(path: &str, manifest: &str) -> Vec<String> {
        check(&Tree::with(&[(path, manifest)])).into_iter().map(|finding| finding.to_string()).collect()
    }

    #[test]
    fn a_crate_uses_only_what_its_row_allows() {
        let manifest = "[dependencies]\nprovost-model.workspace = true\nprovost-engine.workspace = true\n[dev-dependencies]\nprovost-runtime.workspace = true\n";
        assert_eq!(
            messages("crates/store/Cargo.toml", manifest),
            ["crates/store/Cargo.toml:3: `store` must not use `engine`; it may use `model`, `telemetry`"]
        );
        assert_eq!(messages("crates/runtime/Cargo.toml", manifest), Vec::<String>::new());
    }

    #[test]
    fn the_core_stays_free_of_io_except_in_tests() {
        let manifest = "[dependencies]\ntokio.workspace = true\n[dev-dependencies]\ntempfile.workspace = true\n";
        assert_eq!(
            messages("crates/engine/Cargo.toml", manifest),
            ["crates/engine/Cargo.toml:2: `engine` must stay free of async; `tokio` brings it"]
        );
    }

    #[test]
    fn a_feature_may_ask_for_a_server() {
        assert_eq!(
            messages("crates/api/Cargo.toml", "[dependencies]\naxum = { workspace = true, optional = true }\n"),
            Vec::<String>::new()
        );
        assert_eq!(messages("crates/api/Cargo.toml", "[dependencies]\naxum = { workspace = true }\n").len(), 1);
    }

    #[test]
    fn a_new_crate_needs_a_row() {
        assert_eq!(messages("crates/extra/Cargo.toml", "").len(), 1);
    }

    #[test]
    fn xtask_uses_none_of_ours() {
        assert_eq!(messages("xtask/Cargo.toml", "[dependencies]\nserde = \"1\"\nprovost-sim.workspace = true\n").len(), 1);
    }

    #[test]
    fn the_table_has_no_circle() {
        for (index, layer) in LAYERS.iter().enumerate() {
            for name in layer.ours {
                let below = LAYERS.iter().position(|other| other.name == *name);
                assert!(below.is_some_and(|below| below < index), "`{}` uses `{name}`, which stands to its right", layer.name);
            }
        }
    }
}
