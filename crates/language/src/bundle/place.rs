//! What may stand in the folder of a bundle beside its parts, and what is said of anything else.
//!
//! What must stay true: nothing that could be meant as a part is passed over without a word, and a policy never is, however its folder or
//! its ending is spelt. It reads no part.

use super::part::{FOLDERS, PartKind, ending, stem};
use crate::finding::{Code, Finding, Place, Severity, listed};
use crate::nearest::nearest;
use crate::source::Sources;

/// The lock of a bundle.
pub(super) const LOCK: &str = "provost.lock";
/// Files at the root that are no parts.
const FILES: [&str; 2] = ["provost.yaml", LOCK];
/// Folders that hold no parts.
const OTHER_FOLDERS: [&str; 3] = ["bindings", "tests", "docs"];
/// Files that people expect at the root of any folder, without their ending.
const FOR_PEOPLE: [&str; 14] = [
    "AUTHORS",
    "CHANGELOG",
    "CHANGES",
    "CODEOWNERS",
    "CODE_OF_CONDUCT",
    "CONTRIBUTING",
    "CONTRIBUTORS",
    "COPYING",
    "HISTORY",
    "LICENCE",
    "LICENSE",
    "MAINTAINERS",
    "NOTICE",
    "README",
];

/// Whether a bundle has a folder of this name at its root: one of parts, or one that is no part of it.
pub fn is_bundle_folder(name: &str) -> bool {
    folders().any(|known| known == name)
}

fn folders() -> impl Iterator<Item = &'static str> {
    FOLDERS.iter().map(|(known, _)| *known).chain(OTHER_FOLDERS)
}

/// Errors for the folders and files at the root that are neither parts nor plainly something else.
pub(super) fn strangers(sources: &Sources, is_part: impl Fn(&str) -> bool) -> Vec<Finding> {
    let mut findings: Vec<Finding> = Vec::new();
    for path in sources.paths().filter(|path| !path.starts_with('.')) {
        let found = match path.split_once('/') {
            Some((folder, _)) if is_bundle_folder(folder) => None,
            Some((folder, _)) => Some(stranger_folder(folder)),
            None if is_part(path) || FILES.contains(&&**path) || is_for_people(path, sources) => None,
            None => Some(stranger_file(path)),
        };
        findings.extend(found.filter(|found| !findings.contains(found)));
    }
    findings
}

fn stranger_folder(folder: &str) -> Finding {
    let known: Vec<&str> = folders().collect();
    let hint = match nearest(folder, &known) {
        Some(near) => format!("did you mean `{}/`?", near.word),
        None => format!("the folders of a bundle are {}; keep anything else elsewhere, or let its name begin with `.`", listed(&known)),
    };
    finding(&format!("{folder}/"), format!("a bundle has no folder `{folder}/`, and nothing in it would be read"), hint)
}

fn stranger_file(path: &str) -> Finding {
    let known: Vec<&str> = folders().collect();
    let hint = match (nearest(path, &FILES), nearest(stem(path), &known)) {
        (Some(near), _) => format!("did you mean `{}`?", near.word),
        (None, Some(near)) => format!("did you mean a file in `{}/`?", near.word),
        (None, None) => belongs(path),
    };
    finding(path, format!("`{path}` is no part of a bundle, and would not be read"), hint)
}

/// Where a file with the ending of this one belongs.
fn belongs(path: &str) -> String {
    let ending = ending(path).to_lowercase();
    let takes = |(_, endings): &&(&str, &[(&str, PartKind)])| endings.iter().any(|(known, _)| *known == ending);
    let fitting: Vec<&str> = FOLDERS.iter().filter(takes).map(|(known, _)| *known).collect();
    if fitting.is_empty() {
        return "keep it elsewhere, or let its name begin with `.`".to_owned();
    }
    format!("such files stand in {}; a workflow may stand here too, and begins with `document:`", listed(&fitting))
}

fn finding(file: &str, message: String, hint: String) -> Finding {
    let (code, severity) = (Code::Misplaced, Severity::Error);
    let Place { line, column } = Place::START;
    Finding { code, severity, file: file.into(), line, column, message, hint: Some(hint), expected: Vec::new(), fix: None }
}

/// Whether a file at the root is plainly a document for people. An agent is Markdown too; it begins with its front matter.
fn is_for_people(path: &str, sources: &Sources) -> bool {
    let (name, ending) = path.split_once('.').unwrap_or((path, ""));
    let known = FOR_PEOPLE.contains(&name.to_uppercase().as_str());
    let is_text = matches!(ending.to_lowercase().as_str(), "md" | "txt" | "rst" | "adoc");
    (known && (is_text || ending.is_empty())) || (is_text && !sources.text(path).is_some_and(|text| text.starts_with("---")))
}

/// Whether a file that is not read looks as if it were a policy.
pub(super) fn may_be_policy(path: &str) -> bool {
    let ending = ending(path).to_lowercase();
    let is_text = matches!(ending.as_str(), "md" | "txt" | "rst" | "adoc");
    matches!(ending.as_str(), "cedar" | "cedarschema") || (path.starts_with("policies/") && !is_text)
}
