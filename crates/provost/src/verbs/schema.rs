//! `provost schema`.

use std::process::ExitCode;

use provost_runtime::language::schema::{SchemaKind, text};

use crate::say::{Failure, data};

/// Print the JSON Schema of a kind of file, for editors: workflow, agent, rules, action, source, feature, contract, bindings, test or lock.
#[derive(Debug, clap::Args)]
pub struct Schema {
    /// The kind.
    kind: String,
}

impl Schema {
    /// Prints.
    pub fn run(&self) -> Result<ExitCode, Failure> {
        let found = SchemaKind::ALL.into_iter().find(|kind| kind.word() == self.kind);
        let kind = found.ok_or_else(|| {
            let words: Vec<&str> = SchemaKind::ALL.into_iter().map(SchemaKind::word).collect();
            Failure::new("no-schema", format!("there is no schema `{}`", self.kind)).detail(format!("there are {}", words.join(", ")))
        })?;
        data(text(kind).trim_end());
        Ok(ExitCode::SUCCESS)
    }
}

#[cfg(test)]
mod tests {
    use clap::Args as _;

    use super::*;

    #[test]
    fn the_help_names_every_kind() {
        let help = Schema::augment_args(clap::Command::new("schema")).get_about().map(ToString::to_string).unwrap_or_default();
        for kind in SchemaKind::ALL {
            assert!(help.contains(kind.word()), "{} is not in `{help}`", kind.word());
        }
    }
}
