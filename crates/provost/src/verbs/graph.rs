//! `provost graph`.

use std::path::PathBuf;
use std::process::ExitCode;

use provost_model::Program;
use provost_runtime::language::{Finding, graph, render};

use crate::say::{Failure, data, note};
use crate::verbs::check;

/// Draw a workflow as SVG, or as Mermaid text.
///
/// Shows the tasks with their kinds, where control goes, what changes something outside (with its class) and where people are asked. The
/// drawing stands by itself: no script, no font and no image from elsewhere.
#[derive(Debug, clap::Args)]
pub struct Graph {
    /// The bundle folder or workflow document.
    path: PathBuf,
    /// Which workflow, where the bundle has several.
    #[arg(long)]
    workflow: Option<String>,
    /// The form of the drawing.
    #[arg(long, value_enum, default_value = "svg")]
    format: Format,
    /// The file to write; standard output if there is none.
    #[arg(long)]
    out: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    Svg,
    Mermaid,
}

impl Graph {
    /// Draws.
    pub fn run(&self) -> Result<ExitCode, Failure> {
        let read = check::read(&self.path)?;
        let Some(bundle) = &read.checked.bundle else {
            let errors: Vec<Finding> = read.checked.findings.iter().filter(|finding| finding.is_error()).cloned().collect();
            note(&render(&errors, &read.sources));
            return Err(Failure::new("findings", format!("`{}` has errors, so there is nothing to draw", self.path.display()))
                .detail("`provost check` shows them"));
        };
        // A lone document means the workflow it holds, whatever else its bundle has.
        let part = read.document.as_ref().and_then(|path| bundle.lock.parts.iter().find(|part| *part.path == **path));
        let name = self.workflow.clone().or_else(|| part.map(|part| part.name.to_string()));
        let program = self.chosen(name.as_deref(), &bundle.workflows)?;
        let text = match self.format {
            Format::Svg => graph::svg(program),
            Format::Mermaid => graph::mermaid(program),
        };
        match &self.out {
            Some(path) => {
                let written = std::fs::write(path, text);
                written.map_err(|e| Failure::new("unwritable", format!("`{}` cannot be written: {e}", path.display())))?;
            }
            None => data(text.trim_end()),
        }
        Ok(ExitCode::SUCCESS)
    }

    fn chosen<'p>(&self, name: Option<&str>, workflows: &'p [Program]) -> Result<&'p Program, Failure> {
        let names = || workflows.iter().map(|program| format!("`{}`", program.name)).collect::<Vec<_>>().join(", ");
        match (name, workflows) {
            (None, [only]) => Ok(only),
            (None, _) => Err(Failure::new("which-workflow", format!("`{}` has several workflows", self.path.display()))
                .detail(format!("name one with `--workflow`: {}", names()))),
            (Some(name), _) => workflows.iter().find(|program| *program.name == *name).ok_or_else(|| {
                Failure::new("no-workflow", format!("there is no workflow `{name}`")).detail(format!("there are {}", names()))
            }),
        }
    }
}
