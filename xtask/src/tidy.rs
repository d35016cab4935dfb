//! `cargo xtask tidy`: the house rules as checks over the files of this repository.
//!
//! What must stay true: a check is one file with one function from the tree to its findings, and one line in [`CHECKS`]; all
//! findings are said at once, each with file and line. What is absent: fixing anything, starting programs, the network.

mod attributes;
mod bans;
mod code_map;
mod dependencies;
mod error_pages;
mod finding;
mod headers;
mod layers;
mod lengths;
mod lock;
mod manifest;
mod names;
mod outline;
mod panics;
mod ratchet;
mod texts;
mod tokens;
mod tree;
mod unfinished;

use std::collections::BTreeMap;
use std::io::{Write, stdout};
use std::time::Instant;

use clap::Args;
use serde::Serialize;

use crate::Outcome;
use crate::failure::Failure;
use crate::process;
use finding::Finding;
use tree::Tree;

/// How to tidy.
#[derive(Debug, Default, Args)]
pub struct Options {
    /// One JSON object per finding, and a summary as the last line.
    #[arg(long)]
    json: bool,
}

/// A house rule: its name and what breaks it.
struct Check {
    name: &'static str,
    find: fn(&Tree) -> Vec<Finding>,
}

const CHECKS: &[Check] = &[
    Check { name: "attributes", find: attributes::check },
    Check { name: "bans", find: bans::check },
    Check { name: "code-map", find: code_map::check },
    Check { name: "dependencies", find: dependencies::check },
    Check { name: "error-pages", find: error_pages::check },
    Check { name: "headers", find: headers::check },
    Check { name: "layers", find: layers::check },
    Check { name: "lengths", find: lengths::check },
    Check { name: "lock", find: lock::check },
    Check { name: "names", find: names::check },
    Check { name: "panics", find: panics::check },
    Check { name: "parse", find: tree::check },
    Check { name: "ratchet", find: ratchet::check },
    Check { name: "texts", find: texts::check },
    Check { name: "unfinished", find: unfinished::check },
];

/// The last line of `--json`.
#[derive(Debug, Serialize)]
struct Summary {
    task: &'static str,
    ok: bool,
    files: usize,
    rust_lines: usize,
    findings: usize,
    by_check: BTreeMap<&'static str, usize>,
    elapsed_ms: u128,
}

/// Checks the house rules and says what breaks them.
pub fn run(options: &Options) -> Result<Outcome, Failure> {
    let begun = Instant::now();
    let tree = Tree::read(&process::root()?)?;
    let mut by_check = BTreeMap::new();
    let mut out = stdout().lock();
    for check in CHECKS {
        let mut findings = (check.find)(&tree);
        findings.sort();
        for finding in &findings {
            if options.json {
                writeln!(out, "{}", finding.to_json(check.name))?;
            } else {
                writeln!(out, "{finding} [{}]", check.name)?;
            }
        }
        by_check.insert(check.name, findings.len());
    }
    let summary = summarise(&tree, by_check, begun.elapsed().as_millis());
    if options.json {
        writeln!(out, "{}", serde_json::to_string(&summary).map_err(std::io::Error::from)?)?;
    } else {
        writeln!(out, "tidy: {} findings in {} files, {} ms", summary.findings, summary.files, summary.elapsed_ms)?;
    }
    Ok(if summary.ok { Outcome::Held } else { Outcome::Broken })
}

fn summarise(tree: &Tree, by_check: BTreeMap<&'static str, usize>, elapsed_ms: u128) -> Summary {
    let findings = by_check.values().sum();
    Summary {
        task: "tidy",
        ok: findings == 0,
        files: tree.texts().len(),
        rust_lines: tree.rust().iter().map(|file| file.text.lines().count()).sum(),
        findings,
        by_check,
        elapsed_ms,
    }
}
