//! Bundles: a folder of workflows, agents, rules, actions, contracts and policies, checked, compiled and locked as one.
//!
//! What must stay true: the same files give the same digest, lock and programs whatever their order; `tests/`, `bindings/`, the lock
//! itself and files for people are not in the digest, and nothing else may stand there; policies are handed on as text, another crate reads
//! them.

mod bindings;
mod lock;
mod part;
mod place;

use std::collections::BTreeMap;
use std::sync::Arc;

use provost_model::{Digest, Program, Value};

pub use lock::{Lock, LockError, Part};
pub use part::{PartKind, is_part_folder};
pub use place::is_bundle_folder;

use crate::checks;
use crate::compiled;
use crate::finding::{Code, Finding, Log, Place, any_error, settle_fixes, settle_order};
use crate::library::{Known, Library, action, agent, api, contract, feature, function, rules, source};
use crate::source::{SOURCE_FILES_MAX, Sources};
use crate::tables::Tables;
use crate::workflow;
use crate::yaml::load;

/// A compiled bundle.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bundle {
    /// Digest of all its parts: the pin.
    pub digest: Digest,
    /// Every part with its digest: `provost.lock`.
    pub lock: Lock,
    /// Its workflows, in order of name.
    pub workflows: Vec<Program>,
    /// Cedar policies: path and text.
    pub policies: Vec<(Arc<str>, Arc<str>)>,
    /// Cedar schemas: path and text.
    pub policy_schemas: Vec<(Arc<str>, Arc<str>)>,
    /// Contracts of events, by event type.
    pub contracts: BTreeMap<Arc<str>, Value>,
    /// Files under `tests/`: path and bytes.
    pub tests: Vec<(Arc<str>, Arc<[u8]>)>,
}

impl Bundle {
    /// The workflow called `name`.
    pub fn workflow(&self, name: &str) -> Option<&Program> {
        self.workflows.iter().find(|program| &*program.name == name)
    }
}

/// What became of sources: the bundle unless there are errors, and every finding.
#[derive(Clone, Debug)]
pub struct Checked {
    /// The bundle; `None` if any finding is an error.
    pub bundle: Option<Bundle>,
    /// Errors and warnings in order of file, line and column.
    pub findings: Vec<Finding>,
}

impl Checked {
    /// What another crate found in the same sources. With an error among it there is no bundle.
    pub fn extend(&mut self, findings: impl IntoIterator<Item = Finding>) {
        self.findings.extend(findings);
        settle_order(&mut self.findings);
        if any_error(&self.findings) {
            self.bundle = None;
        }
    }
}

/// The Cedar files of a bundle folder: path and text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PolicyFiles {
    /// Policies.
    pub policies: Vec<(Arc<str>, Arc<str>)>,
    /// Schemas.
    pub schemas: Vec<(Arc<str>, Arc<str>)>,
}

/// The Cedar files among `sources`, whatever else is wrong there. One that is no UTF-8 is left out; compiling says so.
pub fn policy_files(sources: &Sources) -> PolicyFiles {
    let plan = part::plan(sources, &mut Vec::new());
    PolicyFiles { policies: plan.texts(".cedar"), schemas: plan.texts(".cedarschema") }
}

/// Checks and compiles a bundle folder, or a lone workflow document.
pub fn compile(sources: &Sources) -> Checked {
    let mut reader =
        Reader { findings: Vec::new(), library: Library::default(), parts: Vec::new(), documents: Vec::new(), headings: Vec::new() };
    let plan = part::plan(sources, &mut reader.findings);
    if sources.len() > SOURCE_FILES_MAX {
        let log = Log::new(".");
        log.error(Code::TooLarge, Place::START, format!("{} files are more than the limit of {SOURCE_FILES_MAX}", sources.len()));
        reader.findings.extend(log.into_findings());
    } else {
        reader.read_all(&plan);
        for (path, bytes) in plan.bindings() {
            reader.findings.extend(bindings::check(path, bytes));
        }
    }
    let mut checked = reader.finish(&plan);
    settle_fixes(&mut checked.findings, sources);
    checked
}

struct Reader {
    findings: Vec<Finding>,
    library: Library,
    parts: Vec<Part>,
    /// Workflow documents, to be compiled when everything they may name was read.
    documents: Vec<(Arc<str>, crate::yaml::Node)>,
    /// What each document calls itself: its path, the name, and where that is written.
    headings: Vec<(Arc<str>, Arc<str>, Place)>,
}

impl Reader {
    fn read_all(&mut self, plan: &part::Plan<'_>) {
        // Contracts first: agents and actions name them.
        for kind in [
            PartKind::Contract,
            PartKind::Api,
            PartKind::Action,
            PartKind::Agent,
            PartKind::Rules,
            PartKind::Source,
            PartKind::Feature,
            PartKind::Function,
            PartKind::Workflow,
            PartKind::Policy,
        ] {
            for file in plan.files(kind) {
                let log = Log::new(file.path);
                if let Some((name, version)) = self.read(file, &log) {
                    let digest = Digest::of(file.bytes);
                    self.parts.push(Part { path: file.path.clone(), kind, name, version, digest });
                }
                self.findings.extend(log.into_findings());
            }
        }
        for action in self.library.actions.iter() {
            let log = Log::new(&action.part.file);
            action.part.check_undo(&action.key, &self.library, &log);
            self.findings.extend(log.into_findings());
        }
    }

    /// Reads one part and puts it on its shelf; its name and version.
    fn read(&mut self, file: &part::File<'_>, log: &Log) -> Option<(Arc<str>, Option<Arc<str>>)> {
        let (bytes, stem) = (file.bytes, file.stem);
        let taken = |named: &crate::library::Named, added: bool| {
            if !added {
                let message = format!("there is another `{}` of major version {}", named.name, named.major);
                log.error_hint(Code::DuplicatePart, Place::START, message, "change the name or the major version of one of them");
            }
        };
        match file.kind {
            PartKind::Contract => {
                let contract = contract::read(bytes, file.path, stem, log)?;
                self.one_contract_per_event(&contract, log);
                let name = contract.name.clone();
                self.library.contracts.push(contract);
                Some((name, None))
            }
            PartKind::Api => {
                let api = api::read(bytes, file.path, log)?;
                let version = api.version.clone();
                self.library.apis.push(api);
                Some((file.path.clone(), Some(version)))
            }
            PartKind::Action => {
                let (named, action) = action::read(bytes, stem, &self.library, log)?;
                let version = action.version().clone();
                taken(&named, self.library.actions.add(&named.name, named.major, action));
                Some((named.name, Some(version)))
            }
            PartKind::Agent => {
                let (named, agent) = agent::read(bytes, stem, &self.library, log)?;
                let version = agent.version().clone();
                taken(&named, self.library.agents.add(&named.name, named.major, agent));
                Some((named.name, Some(version)))
            }
            PartKind::Rules => {
                let read = if file.path.ends_with(".csv") { rules::read_csv } else { rules::read_yaml };
                let (named, table) = read(bytes, stem, log)?;
                let version = table.version().clone();
                taken(&named, self.library.rules.add(&named.name, named.major, table));
                Some((named.name, Some(version)))
            }
            PartKind::Source => {
                let (named, source) = source::read(bytes, stem, log)?;
                let version = source.version().clone();
                taken(&named, self.library.sources.add(&named.name, named.major, source));
                Some((named.name, Some(version)))
            }
            PartKind::Feature => {
                let (named, feature) = feature::read(bytes, stem, &self.library, log)?;
                let version = feature.version().clone();
                taken(&named, self.library.features.add(&named.name, named.major, feature));
                Some((named.name, Some(version)))
            }
            PartKind::Function => {
                let (path, function) = function::read(bytes, file.path, log)?;
                let (name, version) = (function.name.clone(), function.version.clone());
                self.library.functions.insert(path, function);
                Some((name, Some(version)))
            }
            PartKind::Workflow => self.read_workflow(file, log),
            PartKind::Policy | PartKind::PolicySchema => {
                if std::str::from_utf8(bytes).is_err() {
                    log.error_hint(Code::NotUtf8, Place::START, "the file is not UTF-8", "save it as UTF-8");
                }
                Some((stem.into(), None))
            }
        }
    }

    fn read_workflow(&mut self, file: &part::File<'_>, log: &Log) -> Option<(Arc<str>, Option<Arc<str>>)> {
        let root = load(file.bytes, 1, log)?;
        let quiet = Log::new(file.path);
        let node = root.member("document");
        let heading = node.and_then(|node| workflow::heading(node, &quiet));
        let at = node.and_then(|node| node.member("name")).map_or(Place::START, |name| name.at);
        self.documents.push((file.path.clone(), root));
        let heading = heading?;
        let (namespace, name, version) = (heading.namespace.clone(), heading.name.clone(), heading.version.clone());
        self.headings.push((file.path.clone(), name.clone(), at));
        self.library.workflows.push(Known { namespace, name, version });
        Some((heading.name, Some(heading.version)))
    }

    fn one_contract_per_event(&self, contract: &contract::Contract, log: &Log) {
        let same = |other: &&contract::Contract| other.event.is_some() && other.event == contract.event;
        if let Some(other) = self.library.contracts.iter().find(same) {
            let event = contract.event.as_deref().unwrap_or_default();
            let message = format!("`{}` is the contract of `{event}` already", other.path);
            log.error_hint(Code::DuplicatePart, Place::START, message, "keep one contract per event type");
        }
    }

    fn finish(mut self, plan: &part::Plan<'_>) -> Checked {
        self.parts.sort_by(|a, b| a.path.cmp(&b.path));
        let lock = Lock::of(std::mem::take(&mut self.parts));
        self.findings.extend(plan.lock().and_then(|text| lock::against(&text, &lock)));
        let mut workflows = Vec::new();
        let mut questions = Vec::new();
        for (path, root) in &self.documents {
            let log = Log::new(path);
            let built = workflow::compile(root, &self.library, lock.bundle, &log);
            self.findings.extend(log.into_findings());
            match built {
                Ok(built) => {
                    self.findings.extend(checked(path, &built));
                    questions.extend(built.places.questions.iter().map(|(action, at)| (path.clone(), action.clone(), *at)));
                    workflows.push((path.clone(), built.program));
                }
                Err(unbuilt) => self.findings.extend(unbuilt.certain()),
            }
        }
        self.findings.extend(self.library.functions.values().flat_map(|function| function.log.findings()));
        self.findings.extend(self.library_expressions());
        crate::link::keys(&mut workflows);
        if workflows.len() == self.documents.len() {
            self.findings.extend(unasked(plan, &workflows));
        }
        self.findings.extend(unanswered(plan, &self.library, &questions));
        self.findings.extend(distinct(&self.headings));
        if self.documents.is_empty() && !any_error(&self.findings) {
            let log = Log::new(plan.whole());
            let hint = "write one under `workflows/`, `NAME.yaml`; it begins with `document:`";
            log.error_hint(Code::NoWorkflow, Place::START, "there is no workflow here", hint);
            self.findings.extend(log.into_findings());
        }
        settle_order(&mut self.findings);
        let failed = any_error(&self.findings);
        workflows.sort_by(|(_, a), (_, b)| (&a.name, &a.namespace).cmp(&(&b.name, &b.namespace)));
        let bundle = (!failed).then(|| Bundle {
            digest: lock.bundle,
            lock,
            workflows: workflows.into_iter().map(|(_, program)| program).collect(),
            policies: plan.texts(".cedar"),
            policy_schemas: plan.texts(".cedarschema"),
            contracts: self.library.contracts.into_iter().filter_map(|contract| Some((contract.event?, contract.schema))).collect(),
            tests: plan.tests(),
        });
        Checked { bundle, findings: self.findings }
    }

    /// Expressions of agents and rules that no workflow names are checked too.
    fn library_expressions(&self) -> Vec<Finding> {
        let mut tables = Tables::default();
        for agent in self.library.agents.iter() {
            agent.part.compile(&mut tables);
        }
        for table in self.library.rules.iter() {
            table.part.compile(&mut tables);
        }
        for source in self.library.sources.iter() {
            source.part.compile(&mut tables);
        }
        let Tables { expressions, expression_origins: origins, kept, .. } = &tables;
        compiled::check_expressions(&compiled::Expressions { expressions, origins, kept, secrets: Some(&[]) }).0
    }
}

/// What is found in a compiled workflow once its expressions compile too.
fn checked(path: &Arc<str>, built: &workflow::Built) -> Vec<Finding> {
    let program = &built.program;
    let secrets: Vec<Arc<str>> = built.secrets.iter().map(|(name, _)| name.clone()).collect();
    let read =
        compiled::Expressions { expressions: &program.expressions, origins: &built.origins, kept: &built.kept, secrets: Some(&secrets) };
    let (mut findings, named) = compiled::check_expressions(&read);
    let log = Log::new(path);
    if let Some(named) = named {
        checks::secrets::unused(&built.secrets, &named, &log);
    }
    if any_error(&findings) {
        findings.extend(log.into_findings());
        return findings;
    }
    checks::expressions(program, &built.places, &log);
    findings.extend(log.into_findings());
    findings
}

/// Policies about what no workflow of the bundle asks.
fn unasked(plan: &part::Plan<'_>, workflows: &[(Arc<str>, Program)]) -> Vec<Finding> {
    let asked = checks::policies::Asked::of(workflows.iter().map(|(_, program)| program));
    let files = plan.texts(".cedar");
    let logs = files.iter().map(|(path, text)| {
        let log = Log::new(path);
        checks::policies::check(&asked, text, &log);
        log
    });
    logs.flat_map(Log::into_findings).collect()
}

/// Questions to policy about an action that the bundle does not have and no policy names.
fn unanswered(plan: &part::Plan<'_>, library: &Library, questions: &[(Arc<str>, Arc<str>, Place)]) -> Vec<Finding> {
    let texts = plan.texts(".cedar");
    let known = checks::policies::answered(library, &texts);
    let logs = questions.iter().filter(|(_, action, _)| !known.contains(&**action)).map(|(path, action, at)| {
        let log = Log::new(path);
        checks::policies::unanswered(action, &known, *at, &log);
        log
    });
    logs.flat_map(Log::into_findings).collect()
}

/// Workflows of one bundle have names of their own.
fn distinct(headings: &[(Arc<str>, Arc<str>, Place)]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (nth, (path, name, at)) in headings.iter().enumerate() {
        let earlier = headings.iter().take(nth).find(|(_, other, _)| other == name);
        if let Some((other, _, _)) = earlier {
            let log = Log::new(path);
            let message = format!("`{other}` is also called `{name}`");
            log.error_hint(Code::DuplicatePart, *at, message, "give each workflow of a bundle a name of its own");
            findings.extend(log.into_findings());
        }
    }
    findings
}
