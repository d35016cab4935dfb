//! Findings: what is wrong with sources, where, and how to put it right.
//!
//! What must stay true: a code never changes its meaning and has a page `docs/errors/<CODE>.md`; lines and columns count from 1 and
//! columns count characters; a fix is only there if the source holds what it replaces. It prints nothing; [`render`] and
//! [`render_for`] make the text a terminal may show.

mod render;

use std::cell::RefCell;
use std::fmt::Write as _;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

pub use render::{Paint, render, render_for};

use crate::source::Sources;

macro_rules! codes {
    ($($name:ident = $code:literal, $doc:literal;)*) => {
        /// The stable code of a finding.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum Code {
            $(#[doc = $doc] #[serde(rename = $code)] $name,)*
        }

        impl Code {
            /// Every code, in order.
            pub const ALL: &'static [Code] = &[$(Code::$name),*];

            /// The code as written, e.g. `PV1010`.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$name => $code),* }
            }

            /// What it means, in one line.
            pub fn meaning(self) -> &'static str {
                match self { $(Self::$name => $doc),* }
            }
        }
    };
}

codes! {
    Syntax = "PV1001", "The file is not YAML 1.2.";
    NotUtf8 = "PV1002", "The file is not UTF-8.";
    TooLarge = "PV1003", "The file is larger or nested deeper than allowed.";
    DuplicateKey = "PV1004", "A key stands twice in one mapping.";
    Yaml = "PV1005", "The file uses a part of YAML that Provost does not read.";
    Number = "PV1006", "A number cannot be held exactly.";
    UnknownKey = "PV1010", "A key is not known in this place.";
    MissingKey = "PV1011", "A key that must be there is missing.";
    WrongType = "PV1012", "A value has the wrong type.";
    WrongValue = "PV1013", "A value is not one of the allowed ones.";
    TaskShape = "PV1020", "A list item is not exactly one named task of one kind.";
    DuplicateName = "PV1021", "A name stands twice in one list.";
    UnknownTarget = "PV1022", "`then` names no task of the same list.";
    UnknownReference = "PV1023", "A name refers to nothing.";
    Ambiguous = "PV1024", "A bare name fits several versions.";
    Duration = "PV1025", "A duration cannot be read.";
    Expression = "PV1026", "An expression does not compile.";
    Schema = "PV1027", "A schema is not valid, too large, or points outside the bundle.";
    Variable = "PV1028", "A name cannot be a variable.";
    Dsl = "PV1030", "The document is written for another version of the language.";
    Refused = "PV1031", "The profile refuses this for good.";
    NotYet = "PV1032", "This is correct but cannot be executed yet.";
    Action = "PV1040", "An action's file contradicts itself.";
    Rules = "PV1041", "A rules table cannot be read.";
    Agent = "PV1042", "An agent's file cannot be read.";
    DuplicatePart = "PV1043", "Two parts of a bundle have the same name and version.";
    NoWorkflow = "PV1044", "There is no workflow to compile.";
    ForkConflict = "PV1045", "Two branches of a fork export the same key.";
    Secret = "PV1046", "A secret stands where it may not, or is not declared.";
    Policy = "PV1047", "A policy, or the schema of policies, cannot be read.";
    Misplaced = "PV1050", "A file or folder stands where no bundle has one.";
    Lock = "PV1051", "`provost.lock` cannot be read.";
    NoKey = "PV2001", "An action that moves money out has no business key.";
    ContextDropped = "PV2002", "An export drops keys of the context.";
    NotEvaluated = "PV2003", "A text holds `${` but is not evaluated.";
    Unused = "PV2004", "Something is declared and never used.";
    Ignored = "PV2005", "A file of the bundle is not read.";
    UntrustedKey = "PV2006", "A business key is computed, and no contract labels anything trusted.";
    EveryEvent = "PV2007", "A listener is offered every event of the tenant.";
    Unreachable = "PV2020", "A task is never reached.";
    NoField = "PV2021", "An expression reads a field that nothing provides.";
    NoOutput = "PV2022", "A field of an answer is read, and no contract promises it.";
    NoClass = "PV2023", "An action says no class.";
    NoLimit = "PV2024", "A loop has no limit of its own.";
    Unasked = "PV2025", "A policy names something that nothing asks about.";
    SameId = "PV2026", "Every orchestration sends an event under the same id.";
    Unanswered = "PV2027", "A question to policy names an action that nothing knows.";
    OtherLock = "PV2030", "`provost.lock` is that of other parts.";
    VersionReused = "PV2040", "A workflow's name and version have other content already.";
}

impl std::fmt::Display for Code {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

/// How bad a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Nothing is compiled.
    Error,
    /// It compiles, but look.
    Warning,
}

/// A place in a file; both count from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    /// The line.
    pub line: u32,
    /// The column, in characters.
    pub column: u32,
}

impl Place {
    /// The start of a file.
    pub const START: Place = Place { line: 1, column: 1 };
}

/// One thing that is wrong, or should be looked at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// Which rule.
    pub code: Code,
    /// How bad.
    pub severity: Severity,
    /// The file, as named in the sources.
    pub file: Arc<str>,
    /// The line, from 1.
    pub line: u32,
    /// The column in characters, from 1.
    pub column: u32,
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
    /// What could stand here: the known words, or one phrase.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub expected: Vec<String>,
    /// The change that puts it right, where there is no doubt about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fix: Option<Fix>,
}

/// A change at the place of a finding.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fix {
    /// What stands there now.
    pub replace: String,
    /// What should stand there.
    pub with: String,
}

impl Finding {
    /// Whether this finding stops compilation.
    pub fn is_error(&self) -> bool {
        self.severity == Severity::Error
    }
}

/// Whether any of them stops compilation.
pub fn any_error(findings: &[Finding]) -> bool {
    findings.iter().any(Finding::is_error)
}

/// Brings findings into the order in which they are said: by file, line and column, each once.
pub(crate) fn settle_order(findings: &mut Vec<Finding>) {
    findings.sort_by(|a, b| (&a.file, a.line, a.column, a.code, &a.message).cmp(&(&b.file, b.line, b.column, b.code, &b.message)));
    findings.dedup();
}

/// Drops every fix whose text is not what the source holds at its place (quotes before it aside), and moves past those quotes.
pub(crate) fn settle_fixes(findings: &mut [Finding], sources: &Sources) {
    for finding in findings {
        let Some(fix) = &finding.fix else { continue };
        let line = sources.text(&finding.file).and_then(|text| text.lines().nth(finding.line.saturating_sub(1) as usize));
        let rest: String = line.unwrap_or_default().chars().skip(finding.column.saturating_sub(1) as usize).collect();
        let bare = rest.strip_prefix(['"', '\'']).map_or((rest.as_str(), 0), |inside| (inside, 1));
        // The whole word, or `1` would be taken for `1.0`.
        let ends = |rest: &str| rest.chars().next().is_none_or(|c| !(c.is_alphanumeric() || matches!(c, '.' | '_' | '-' | '+')));
        if !bare.0.strip_prefix(fix.replace.as_str()).is_some_and(ends) {
            finding.fix = None;
        } else if bare.1 == 1 {
            let quote: String = rest.chars().take(1).collect();
            finding.fix = Some(Fix { replace: format!("{quote}{}", fix.replace), with: format!("{quote}{}", fix.with) });
        }
    }
}

/// Collects findings of one file while it is read.
#[derive(Debug)]
pub(crate) struct Log {
    file: Arc<str>,
    found: RefCell<Vec<Finding>>,
}

/// Most findings kept for one file; more help nobody.
const FINDINGS_MAX: usize = 200;
/// Most words kept of what was expected.
const EXPECTED_MAX: usize = 40;

impl Log {
    pub(crate) fn new(file: &str) -> Self {
        Self { file: file.into(), found: RefCell::default() }
    }

    pub(crate) fn file(&self) -> &Arc<str> {
        &self.file
    }

    pub(crate) fn error(&self, code: Code, at: Place, message: impl Into<String>) {
        self.push(code, Severity::Error, at, message.into(), None);
    }

    pub(crate) fn error_hint(&self, code: Code, at: Place, message: impl Into<String>, hint: impl Into<String>) {
        self.push(code, Severity::Error, at, message.into(), Some(hint.into()));
    }

    pub(crate) fn warn(&self, code: Code, at: Place, message: impl Into<String>, hint: impl Into<String>) {
        self.push(code, Severity::Warning, at, message.into(), Some(hint.into()));
    }

    /// A value that is not what was expected.
    pub(crate) fn unexpected(&self, code: Code, at: Place, message: String, expected: &str, hint: Option<String>, fix: Option<Fix>) {
        let finding = Finding { hint, expected: vec![expected.to_owned()], fix, ..self.finding(code, Severity::Error, at, message) };
        self.keep(finding);
    }

    /// An unknown `word`, with the nearest known one.
    pub(crate) fn unknown(&self, code: Code, at: Place, message: impl Into<String>, word: &str, known: &[&str]) {
        let near = crate::nearest::nearest(word, known);
        let hint = near.map(|near| format!("did you mean `{}`?", near.word));
        let hint = hint.or_else(|| (!known.is_empty()).then(|| format!("known here: {}", listed(known))));
        let fix = near.filter(|near| near.sure).map(|near| Fix { replace: word.to_owned(), with: near.word.to_owned() });
        let expected = known.iter().take(EXPECTED_MAX).map(|word| (*word).to_owned()).collect();
        self.keep(Finding { hint, expected, fix, ..self.finding(code, Severity::Error, at, message.into()) });
    }

    fn finding(&self, code: Code, severity: Severity, at: Place, message: String) -> Finding {
        let (file, expected) = (self.file.clone(), Vec::new());
        Finding { code, severity, file, line: at.line, column: at.column, message, hint: None, expected, fix: None }
    }

    fn push(&self, code: Code, severity: Severity, at: Place, message: String, hint: Option<String>) {
        self.keep(Finding { hint, ..self.finding(code, severity, at, message) });
    }

    fn keep(&self, finding: Finding) {
        let mut found = self.found.borrow_mut();
        if found.len() < FINDINGS_MAX && !found.contains(&finding) {
            found.push(finding);
        }
    }

    /// What was found elsewhere of the same file.
    pub(crate) fn extend(&self, findings: impl IntoIterator<Item = Finding>) {
        findings.into_iter().for_each(|finding| self.keep(finding));
    }

    /// How many errors there are so far.
    pub(crate) fn errors(&self) -> usize {
        self.found.borrow().iter().filter(|finding| finding.is_error()).count()
    }

    /// What was found so far, in one file that is read several times.
    pub(crate) fn findings(&self) -> Vec<Finding> {
        self.found.borrow().clone()
    }

    /// All that was found.
    pub(crate) fn into_findings(self) -> Vec<Finding> {
        self.found.into_inner()
    }
}

/// Words for a message: `a`, `b` and 4 more.
pub(crate) fn listed(words: &[&str]) -> String {
    const SHOWN: usize = 14;
    let mut out = words.iter().take(SHOWN).map(|w| format!("`{w}`")).collect::<Vec<_>>().join(", ");
    if words.len() > SHOWN {
        let _infallible = write!(out, " and {} more", words.len() - SHOWN);
    }
    out
}
