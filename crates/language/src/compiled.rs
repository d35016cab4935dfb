//! A program ready to run: its expressions and contracts compiled once, shared between threads.
//!
//! What must stay true: everything is made from the [`Program`] alone, so work that is running can be loaded again from the stored
//! program without its sources.

use std::collections::BTreeSet;
use std::sync::Arc;

use provost_model::program::{ExprIx, Expression, TaskKind, Template};
use provost_model::{Digest, Program};

use crate::checks;
use crate::contract::{ContractError, Contracts};
use crate::expr::{ExprError, ExprErrorKind, Module, Source};
use crate::finding::{Code, Finding, Severity};
use crate::tables::Origin;

/// A program with everything that is compiled from it.
pub struct Compiled {
    /// The program.
    pub program: Arc<Program>,
    /// Its expressions, by [`provost_model::program::ExprIx`].
    pub expressions: Module,
    /// Its schemas, by [`provost_model::program::SchemaIx`].
    pub contracts: Contracts,
    /// Whether anything in the program is decided or hidden by labels; if not, none are kept while it runs.
    pub keeps_labels: bool,
}

impl std::fmt::Debug for Compiled {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Compiled").field("name", &self.program.name).field("pin", &self.program.pin).finish_non_exhaustive()
    }
}

/// Why a stored program cannot be loaded.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CompileError {
    /// An expression does not compile.
    #[error("expression {index} of the program does not compile: {detail}; check the bundle again with this version")]
    Expression {
        /// Which one.
        index: u32,
        /// Why.
        detail: String,
    },
    /// A schema does not compile.
    #[error("a schema of the program does not compile: {0}; check the bundle again with this version")]
    Contract(#[from] ContractError),
}

impl CompileError {
    /// The stable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Expression { .. } => "program-expression",
            Self::Contract(_) => "program-contract",
        }
    }
}

impl Compiled {
    /// Compiles a program.
    ///
    /// # Errors
    /// [`CompileError`] if an expression or schema does not compile: never for a program this version made.
    pub fn new(program: impl Into<Arc<Program>>) -> Result<Self, CompileError> {
        let program = program.into();
        let contracts = Contracts::compile(&program)?;
        let expressions = module(&program.expressions).map_err(|errors| {
            let first = errors.into_iter().next();
            let (index, detail) = first.map(|error| (error.index, error.detail)).unwrap_or_default();
            CompileError::Expression { index, detail }
        })?;
        let keeps_labels = decides_on_labels(&program);
        Ok(Self { program, expressions, contracts, keeps_labels })
    }
}

/// Whether somebody may not see something, a business key is computed, an argument must be trusted, or another workflow is run that may do either.
fn decides_on_labels(program: &Program) -> bool {
    let computed = |template: &Option<Template>| template.as_ref().is_some_and(|template| !matches!(template, Template::Literal(_)));
    let keyed = program.tasks.iter().any(|task| matches!(&task.kind, TaskKind::Act(act) if computed(&act.key)));
    let runs = program.tasks.iter().any(|task| matches!(task.kind, TaskKind::Run(_)));
    program.marks_anything() || keyed || runs || program.actions.values().any(|action| !program.trusted_places(action.arguments).is_empty())
}

/// Digest of a program: of its JSON as stored.
///
/// # Errors
/// Only if the program cannot be written as JSON, which none that was compiled does.
pub fn program_digest(program: &Program) -> Result<Digest, serde_json::Error> {
    serde_json::to_vec(program).map(|bytes| Digest::of(&bytes))
}

fn module(expressions: &[Expression]) -> Result<Module, Vec<ExprError>> {
    let names: Vec<Vec<&str>> = expressions.iter().map(|e| e.variables.iter().map(|name| &**name).collect()).collect();
    let sources: Vec<Source<'_>> = expressions.iter().zip(&names).map(|(e, names)| Source { text: &e.source, names }).collect();
    Module::compile(&sources)
}

/// What is checked of expressions once all are read.
pub(crate) struct Expressions<'e> {
    pub(crate) expressions: &'e [Expression],
    /// Where each was first read.
    pub(crate) origins: &'e [Origin],
    /// Those that name `$secrets` and whose result does not leave at once.
    pub(crate) kept: &'e [(ExprIx, Origin)],
    /// The names in `use.secrets`, where they are known.
    pub(crate) secrets: Option<&'e [Arc<str>]>,
}

/// Findings for the expressions that do not compile, and for secrets that are not declared or stand where they may not; and the secrets
/// that are named, where that is known.
pub(crate) fn check_expressions(read: &Expressions<'_>) -> (Vec<Finding>, Option<BTreeSet<String>>) {
    match module(read.expressions) {
        Ok(module) => (checks::secrets::check(&module, read.origins, read.kept, read.secrets), Some(checks::secrets::named(&module))),
        Err(errors) => {
            let mut findings = beside(read, &errors);
            findings.extend(errors.into_iter().filter_map(|error| wrong(read.origins, error)));
            (findings, None)
        }
    }
}

/// Findings for the expressions of a document that does not compile for other reasons: only what is wrong with them wherever they stand. A
/// variable may be unknown because what declares it could not be read.
pub(crate) fn certain(read: &Expressions<'_>) -> Vec<Finding> {
    let errors = module(read.expressions).err().unwrap_or_default();
    let mut findings = beside(read, &errors);
    let certain = errors.into_iter().filter(|error| error.kind != ExprErrorKind::Variable);
    findings.extend(certain.filter_map(|error| wrong(read.origins, error)));
    findings
}

/// What is said about the secrets in those expressions that have no error.
fn beside(read: &Expressions<'_>, errors: &[ExprError]) -> Vec<Finding> {
    let wrong: BTreeSet<u32> = errors.iter().map(|error| error.index).collect();
    let right: Vec<u32> = (0..read.expressions.len() as u32).filter(|index| !wrong.contains(index)).collect();
    let at = |index: &u32| Some((read.expressions.get(*index as usize)?.clone(), read.origins.get(*index as usize)?.clone()));
    let (expressions, origins): (Vec<Expression>, Vec<Origin>) = right.iter().filter_map(at).unzip();
    let kept = read.kept.iter().filter_map(|(index, origin)| {
        let place = right.binary_search(&index.0).ok()?;
        Some((ExprIx(u32::try_from(place).ok()?), origin.clone()))
    });
    let kept: Vec<(ExprIx, Origin)> = kept.collect();
    module(&expressions).map(|module| checks::secrets::check(&module, &origins, &kept, read.secrets)).unwrap_or_default()
}

/// The finding of an expression that does not compile.
fn wrong(origins: &[Origin], error: ExprError) -> Option<Finding> {
    let origin = origins.get(error.index as usize)?;
    let at = origin.inside(error.line, error.column);
    let (file, hint) = (origin.file.clone(), (!error.hint.is_empty()).then_some(error.hint));
    Some(Finding {
        code: Code::Expression,
        severity: Severity::Error,
        file,
        line: at.line,
        column: at.column,
        message: error.detail,
        hint,
        expected: Vec::new(),
        fix: None,
    })
}
