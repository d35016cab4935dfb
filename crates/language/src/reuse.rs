//! A name and a version should mean one content: the warning where they mean two.
//!
//! What must stay true: it only says so, and refuses nothing. Which bundles there are, and whether their content is another, is for
//! whoever keeps them.

use provost_model::Digest;

use crate::bundle::{Bundle, PartKind};
use crate::finding::{Code, Finding, Log, Place};
use crate::source::Sources;
use crate::yaml::load;

/// The warning that the bundle `pin` holds other content under the name and version of this workflow; `None` where `bundle` has no such
/// workflow.
pub fn reused(bundle: &Bundle, sources: &Sources, workflow: &str, (pin, is_active): (Digest, bool)) -> Option<Finding> {
    let program = bundle.workflow(workflow)?;
    let is_its_file = |part: &&crate::Part| part.kind == PartKind::Workflow && *part.name == *workflow;
    let file = bundle.lock.parts.iter().find(is_its_file).map(|part| &*part.path).unwrap_or_default();
    let log = Log::new(file);
    let been = if is_active { "is active" } else { "was published before" };
    let message = format!("`{workflow}` `{}` {been} with other content, in `{pin}`", program.version);
    let hint = format!("raise `document.version`; `provost diff {pin} FOLDER` shows what differs");
    log.warn(Code::VersionReused, place(sources, file), message, hint);
    log.into_findings().pop()
}

/// Where the version of a document stands.
fn place(sources: &Sources, file: &str) -> Place {
    let root = sources.text(file).and_then(|text| load(text.as_bytes(), 1, &Log::new(file)));
    let version = root.as_ref().and_then(|root| root.member("document")?.member("version"));
    version.map_or(Place::START, |version| version.at)
}
