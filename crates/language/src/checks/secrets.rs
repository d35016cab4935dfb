//! Secrets: those that would be kept, those that are not declared, and those that nothing names.

use std::collections::BTreeSet;
use std::sync::Arc;

use provost_model::program::ExprIx;

use crate::expr::Module;
use crate::finding::{Code, Finding, Log, Severity};
use crate::tables::Origin;

/// What is said about the secrets that the expressions of `module` name.
pub(crate) fn check(module: &Module, origins: &[Origin], kept: &[(ExprIx, Origin)], declared: Option<&[Arc<str>]>) -> Vec<Finding> {
    let kept = kept.iter().filter(|(index, _)| !module.uses_secrets(index.0).is_empty()).map(|(_, origin)| {
        let message =
            "a secret would be kept here: `$secrets` may only stand in the `arguments` of an action or the `with` of a protocol call"
                .to_owned();
        finding(origin, message, "name it where the call is made; it is filled in when the request leaves".to_owned())
    });
    let is_declared = |name: &str| declared.is_none_or(|declared| declared.iter().any(|known| **known == *name));
    let used = used(module).filter(|(_, name)| !is_declared(name)).filter_map(|(index, name)| {
        let origin = origins.get(index as usize)?;
        Some(finding(origin, format!("secret `{name}` is not declared"), format!("declare it: `use: {{ secrets: [ {name} ] }}`")))
    });
    kept.chain(used).collect()
}

fn used(module: &Module) -> impl Iterator<Item = (u32, &String)> {
    (0..module.len() as u32).flat_map(|index| module.uses_secrets(index).iter().map(move |name| (index, name)))
}

fn finding(origin: &Origin, message: String, hint: String) -> Finding {
    let at = origin.inside(1, 1);
    let (file, hint) = (origin.file.clone(), Some(hint));
    Finding {
        code: Code::Secret,
        severity: Severity::Error,
        file,
        line: at.line,
        column: at.column,
        message,
        hint,
        expected: Vec::new(),
        fix: None,
    }
}

/// The secrets that the expressions of `module` name.
pub(crate) fn named(module: &Module) -> BTreeSet<String> {
    used(module).map(|(_, name)| name.clone()).collect()
}

/// Declared secrets that no expression of the document names: each is content that a worker may fetch.
pub(crate) fn unused(declared: &[(Arc<str>, crate::finding::Place)], named: &BTreeSet<String>, log: &Log) {
    for (name, at) in declared.iter().filter(|(name, _)| !named.contains(&**name)) {
        log.warn(
            Code::Unused,
            *at,
            format!("secret `{name}` is declared and never used"),
            "remove it, or name it in the arguments of an action",
        );
    }
}
