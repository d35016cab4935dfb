//! `cargo xtask test`: formatting, lints, house rules and every test of the workspace, in this order.
//!
//! What must stay true: a broken part does not hide the next one; all that failed is said once more at the end, with the command
//! that repeats it. The house rules run inside, so nobody forgets them.

use std::io::{Write, stdout};
use std::path::Path;
use std::time::Instant;

use clap::Args;

use crate::Outcome;
use crate::failure::Failure;
use crate::{process, tidy, tools};

/// How to test.
#[derive(Debug, Args)]
pub struct Options {
    /// Skip formatting and lints.
    #[arg(long)]
    fast: bool,
}

/// One part of the test: what it is called and the cargo arguments that carry it out.
struct Part {
    name: &'static str,
    cargo: &'static [&'static str],
}

const FORMAT: Part = Part { name: "format", cargo: &["fmt", "--all", "--check"] };
const LINTS: Part = Part { name: "lints", cargo: &["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"] };
const TESTS: Part = Part { name: "tests", cargo: &["test", "--workspace", "--no-fail-fast"] };

/// Checks and tests everything.
pub fn run(options: &Options) -> Result<Outcome, Failure> {
    let root = process::root()?;
    let mut failed = Vec::new();
    if options.fast {
        tools::require(&[tools::C_COMPILER])?;
    } else {
        tools::require(&[tools::RUSTFMT, tools::CLIPPY, tools::C_COMPILER])?;
        carry_out(&root, &FORMAT, &mut failed)?;
        carry_out(&root, &LINTS, &mut failed)?;
    }
    writeln!(stdout(), "== tidy: cargo xtask tidy")?;
    if tidy::run(&tidy::Options::default())? == Outcome::Broken {
        failed.push("tidy: cargo xtask tidy".to_owned());
    }
    carry_out(&root, &TESTS, &mut failed)?;
    conclude(&failed)
}

fn carry_out(root: &Path, part: &Part, failed: &mut Vec<String>) -> Result<(), Failure> {
    let label = format!("{}: cargo {}", part.name, part.cargo.join(" "));
    writeln!(stdout(), "== {label}")?;
    let begun = Instant::now();
    let passed = process::passes(root, &process::cargo(), part.cargo)?;
    writeln!(stdout(), "== {}: {} after {} s", part.name, if passed { "held" } else { "broken" }, begun.elapsed().as_secs())?;
    if !passed {
        failed.push(label);
    }
    Ok(())
}

fn conclude(failed: &[String]) -> Result<Outcome, Failure> {
    let mut out = stdout();
    if failed.is_empty() {
        writeln!(out, "everything held")?;
        return Ok(Outcome::Held);
    }
    writeln!(out, "{} broken; repeat with:", failed.len())?;
    for label in failed {
        writeln!(out, "  {label}")?;
    }
    Ok(Outcome::Broken)
}
