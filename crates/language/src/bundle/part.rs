//! Which file of a folder is which part of a bundle.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::place;
use crate::finding::{Code, Finding, Log, Place, listed};
use crate::source::Sources;
use crate::yaml::load;

/// Kinds of parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PartKind {
    /// `contracts/*.json|yaml`.
    Contract,
    /// `actions/*.yaml`.
    Action,
    /// `agents/*.md`.
    Agent,
    /// `rules/*.yaml|csv`.
    Rules,
    /// `sources/*.yaml`.
    Source,
    /// `features/*.yaml`.
    Feature,
    /// `workflows/*.yaml`, or a file beside them that begins with `document:`.
    Workflow,
    /// `apis/**/*.json|yaml`: OpenAPI documents.
    Api,
    /// `policies/*.cedar`.
    Policy,
    /// `policies/*.cedarschema`.
    PolicySchema,
    /// `catalogs/CATALOG/functions/NAME/VERSION/function.yaml`.
    Function,
}

/// The folders of parts, and which endings are which part there.
pub(super) const FOLDERS: [(&str, &[(&str, PartKind)]); 10] = [
    ("apis", &[("json", PartKind::Api), ("yaml", PartKind::Api), ("yml", PartKind::Api)]),
    ("contracts", &[("json", PartKind::Contract), ("yaml", PartKind::Contract), ("yml", PartKind::Contract)]),
    ("actions", &[("yaml", PartKind::Action), ("yml", PartKind::Action)]),
    ("agents", &[("md", PartKind::Agent)]),
    ("rules", &[("yaml", PartKind::Rules), ("yml", PartKind::Rules), ("csv", PartKind::Rules)]),
    ("sources", &[("yaml", PartKind::Source), ("yml", PartKind::Source)]),
    ("features", &[("yaml", PartKind::Feature), ("yml", PartKind::Feature)]),
    ("workflows", &[("yaml", PartKind::Workflow), ("yml", PartKind::Workflow), ("json", PartKind::Workflow)]),
    ("policies", &[("cedar", PartKind::Policy), ("cedarschema", PartKind::PolicySchema)]),
    ("catalogs", &[("yaml", PartKind::Function), ("yml", PartKind::Function)]),
];

/// Whether parts of a bundle stand in a folder of this name.
pub fn is_part_folder(name: &str) -> bool {
    FOLDERS.iter().any(|(known, _)| *known == name)
}

/// A file with its kind.
pub(super) struct File<'s> {
    pub(super) path: &'s Arc<str>,
    pub(super) stem: &'s str,
    pub(super) kind: PartKind,
    pub(super) bytes: &'s [u8],
}

/// The files of a bundle, sorted by kind.
pub(super) struct Plan<'s> {
    sources: &'s Sources,
    files: Vec<File<'s>>,
}

/// Sorts the files of a folder into parts.
pub(super) fn plan<'s>(sources: &'s Sources, findings: &mut Vec<Finding>) -> Plan<'s> {
    // One file in a folder is not alone: what its folder is called decides.
    let lone = sources.paths().count() == 1;
    let mut files = Vec::new();
    for (path, bytes) in sources.iter() {
        let kind = if lone && is_document(path) && !path.contains('/') { Some(PartKind::Workflow) } else { kind_of(path, bytes, findings) };
        if let Some(kind) = kind {
            files.push(File { path, stem: stem(path), kind, bytes });
        }
    }
    findings.extend(place::strangers(sources, |path| files.iter().any(|file| **file.path == *path)));
    Plan { sources, files }
}

fn is_document(path: &str) -> bool {
    matches!(ending(path), "yaml" | "yml" | "json")
}

pub(super) fn ending(path: &str) -> &str {
    path.rsplit('/').next().and_then(|name| name.rsplit_once('.')).map_or("", |(_, ending)| ending)
}

pub(super) fn stem(path: &str) -> &str {
    let name = path.rsplit('/').next().unwrap_or(path);
    name.rsplit_once('.').map_or(name, |(stem, _)| stem)
}

fn kind_of(path: &Arc<str>, bytes: &[u8], findings: &mut Vec<Finding>) -> Option<PartKind> {
    let hidden = path.split('/').any(|name| name.starts_with('.'));
    let Some((folder, _)) = path.split_once('/') else {
        let document = !hidden && matches!(ending(path), "yaml" | "yml") && &**path != "provost.yaml";
        return (document && begins_with_document(path, bytes)).then_some(PartKind::Workflow);
    };
    let (_, endings) = FOLDERS.iter().find(|(known, _)| *known == folder).filter(|_| !hidden)?;
    let found = endings.iter().find(|(known, _)| *known == ending(path)).map(|(_, kind)| *kind);
    if found.is_none() && stem(path) != "README" {
        let log = Log::new(path);
        let wanted: Vec<&str> = endings.iter().map(|(known, _)| *known).collect();
        let hint = format!("in `{folder}/` files end with {}", listed(&wanted));
        match place::may_be_policy(path) {
            true => log.error_hint(Code::Misplaced, Place::START, format!("`{path}` may be a policy, and would not be read"), hint),
            false => log.warn(Code::Ignored, Place::START, format!("`{path}` is not read"), hint),
        }
        findings.extend(log.into_findings());
    }
    found
}

/// A file beside the folders is a workflow if it says so; anything else there is none of our business.
fn begins_with_document(path: &str, bytes: &[u8]) -> bool {
    load(bytes, 1, &Log::new(path)).is_some_and(|root| root.member("document").is_some())
        || std::str::from_utf8(bytes).is_ok_and(|text| text.lines().any(|line| line.starts_with("document:")))
}

impl<'s> Plan<'s> {
    /// Files of one kind, in order of path. Policies come with their schemas.
    pub(super) fn files(&self, kind: PartKind) -> impl Iterator<Item = &File<'s>> {
        self.files.iter().filter(move |file| file.kind == kind || (kind == PartKind::Policy && file.kind == PartKind::PolicySchema))
    }

    /// Texts of the policy files with this ending.
    pub(super) fn texts(&self, ending: &str) -> Vec<(Arc<str>, Arc<str>)> {
        let policies = self.files(PartKind::Policy).filter(|file| file.path.ends_with(ending));
        policies.filter_map(|file| Some((file.path.clone(), Arc::from(std::str::from_utf8(file.bytes).ok()?)))).collect()
    }

    /// Files under `bindings/`.
    pub(super) fn bindings(&self) -> impl Iterator<Item = (&Arc<str>, &[u8])> {
        self.sources.iter().filter(|(path, _)| path.starts_with("bindings/") && matches!(ending(path), "yaml" | "yml"))
    }

    /// Files under `tests/`.
    pub(super) fn tests(&self) -> Vec<(Arc<str>, Arc<[u8]>)> {
        let tests = self.sources.iter().filter(|(path, _)| path.starts_with("tests/"));
        tests.map(|(path, bytes)| (path.clone(), bytes.into())).collect()
    }

    /// The path of the only file, or of the whole folder: to hang a finding about the whole on.
    pub(super) fn whole(&self) -> &str {
        let mut paths = self.sources.paths();
        match (paths.next(), paths.next()) {
            (Some(only), None) => only,
            (_, _) => ".",
        }
    }

    /// The text of `provost.lock`, where there is one.
    pub(super) fn lock(&self) -> Option<std::borrow::Cow<'_, str>> {
        self.sources.bytes(place::LOCK).map(String::from_utf8_lossy)
    }
}
