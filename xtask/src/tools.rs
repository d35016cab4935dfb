//! The tools a task needs from the machine, and how to get those that are missing.

use crate::failure::Failure;
use crate::process;

/// A program outside this repository.
#[derive(Clone, Copy, Debug)]
pub struct Tool {
    /// What to call it in a message.
    pub name: &'static str,
    /// What it is needed for.
    pub purpose: &'static str,
    /// What to type to get it on Debian.
    pub install: &'static str,
    /// How to ask whether it is there.
    pub probe: Probe,
}

/// How to ask whether a tool is there.
#[derive(Clone, Copy, Debug)]
pub enum Probe {
    /// A subcommand of the cargo that started us.
    Cargo(&'static str),
    /// A program; the variable, when set, names another one to use instead.
    Program(&'static str, &'static str),
}

/// Formats the sources.
pub const RUSTFMT: Tool = Tool {
    name: "rustfmt",
    purpose: "checks how the sources are laid out",
    install: "rustup component add rustfmt",
    probe: Probe::Cargo("fmt"),
};

/// Lints the sources.
pub const CLIPPY: Tool =
    Tool { name: "clippy", purpose: "lints the sources", install: "rustup component add clippy", probe: Probe::Cargo("clippy") };

/// Compiles the C parts of the tree.
pub const C_COMPILER: Tool = Tool {
    name: "cc",
    purpose: "compiles the bundled SQLite, zstd and the cryptography",
    install: "apt-get install -y build-essential",
    probe: Probe::Program("cc", "CC"),
};

/// Fails with every missing tool at once.
pub fn require(tools: &[Tool]) -> Result<(), Failure> {
    let missing: Vec<Tool> = tools.iter().copied().filter(|tool| !is_there(tool)).collect();
    if missing.is_empty() { Ok(()) } else { Err(Failure::Missing(describe(&missing))) }
}

fn is_there(tool: &Tool) -> bool {
    match tool.probe {
        Probe::Cargo(subcommand) => process::answers(&process::cargo(), &[subcommand, "--version"]),
        Probe::Program(program, variable) => {
            let chosen = std::env::var(variable).unwrap_or_else(|_| program.to_owned());
            process::answers(&chosen, &["--version"])
        }
    }
}

fn describe(missing: &[Tool]) -> String {
    let mut text = String::from("tools are missing; install them and try again");
    for tool in missing {
        text.push_str(&format!("\n  `{}` {}: {}", tool.name, tool.purpose, tool.install));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    const ABSENT: Tool = Tool {
        name: "absent",
        purpose: "is never there",
        install: "no way",
        probe: Probe::Program("provost-no-such-program", "PROVOST_NO_SUCH_VARIABLE"),
    };

    #[test]
    fn a_missing_tool_is_named_with_the_way_to_get_it() {
        let said = require(&[ABSENT]).map_err(|failure| failure.to_string());
        assert_eq!(said, Err("tools are missing; install them and try again\n  `absent` is never there: no way".to_owned()));
    }

    #[test]
    fn the_cargo_that_runs_this_test_is_there() {
        assert!(is_there(&Tool { probe: Probe::Program("cargo", "CARGO"), ..ABSENT }));
    }
}
