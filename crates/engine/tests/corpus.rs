//! The engine's corpus: every case of a file in `corpus/tasks/` is a workflow and a script of what happens to it and what must be so.
//!
//! After every decided transition the fold, the bytes and the snapshot are checked; at the end the journal is decided again, as it is
//! and with each kind of forgery in it. The upstream conformance scenarios run through the same world.
#![expect(clippy::disallowed_methods, reason = "tests read the folders that the crate must not")]

#[path = "corpus/ctk.rs"]
mod ctk;
#[path = "corpus/life.rs"]
mod life;
#[path = "corpus/script.rs"]
mod script;
#[path = "corpus/tamper.rs"]
mod tamper;
#[path = "corpus/world.rs"]
mod world;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use provost_language::{Compiled, Sources, compile, render};

/// What went wrong, for people.
type Failure = String;

/// How many cases run at a time.
const THREADS: usize = 4;

/// The smallest number of cases: a corpus that was not found is no success.
const CASES_MIN: usize = 787;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Adds every file below `path` to `sources`.
fn add_folder(path: &Path, sources: &mut Sources) -> Result<(), Failure> {
    let mut folders = vec![path.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).map_err(|e| format!("{}: {e}", folder.display()))? {
            let at = entry.map_err(|e| e.to_string())?.path();
            if at.is_dir() {
                folders.push(at);
                continue;
            }
            let name = at.strip_prefix(path).map_err(|e| e.to_string())?.to_string_lossy().into_owned();
            sources.add(&name, std::fs::read(&at).map_err(|e| e.to_string())?);
        }
    }
    Ok(())
}

/// A workflow of `sources`, compiled; the first where none is named.
fn compiled(sources: &Sources, workflow: Option<&str>) -> Result<Compiled, Failure> {
    let checked = compile(sources);
    let bundle = checked.bundle.ok_or_else(|| render(&checked.findings, sources))?;
    let found = workflow.map_or(bundle.workflows.first(), |name| bundle.workflow(name));
    let program = found.ok_or("there is no such workflow")?.clone();
    Compiled::new(program).map_err(|e| e.to_string())
}

/// One case of a file: its name, its workflow if it brings one, its script.
struct Case {
    name: String,
    workflow: Option<String>,
    script: String,
}

/// The cases of one file: a heading, a block of YAML, a block of text each.
fn cases(path: &Path) -> Result<Vec<Case>, Failure> {
    let text = std::fs::read_to_string(path).map_err(|e| format!("{}: {e}", path.display()))?;
    let task = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let sections = text.split("\n## ").skip(1);
    sections
        .map(|section| {
            let name = format!("{task}/{}", section.lines().next().unwrap_or_default().trim());
            let block = |kind: &str| section.split_once(&format!("\n```{kind}\n")).and_then(|(_, rest)| rest.split_once("\n```"));
            let script = block("text").ok_or_else(|| format!("{name}: it has no script"))?.0.to_owned();
            Ok(Case { name, workflow: block("yaml").map(|(workflow, _)| workflow.to_owned()), script })
        })
        .collect()
}

/// Runs one case: its workflow with the parts that all cases share, or one of a bundle, then its script.
fn check(case: &Case) -> Result<(), Failure> {
    let mut sources = Sources::new();
    let code = if let Some(workflow) = &case.workflow {
        add_folder(&root().join("corpus/tasks/parts"), &mut sources)?;
        let heading = "document: { dsl: '1.0.3', namespace: corpus, name: case, version: '1.0.0' }\n";
        let heading = if workflow.starts_with("document:") { "" } else { heading };
        sources.add("workflows/case.yaml", format!("{heading}{workflow}\n").into_bytes());
        compiled(&sources, Some("case"))?
    } else {
        let named = case.script.lines().find_map(|line| line.strip_prefix("bundle ")).and_then(|rest| rest.split_once(' '));
        let (bundle, workflow) = named.ok_or("it has neither a workflow nor a bundle")?;
        add_folder(&root().join(bundle), &mut sources)?;
        compiled(&sources, Some(workflow))?
    };
    script::run(code, &case.script)
}

/// Every failure of a list of named checks, at once.
fn all(checks: impl Iterator<Item = (String, Result<(), Failure>)>) -> Result<usize, Failure> {
    let (mut ran, mut failures) = (0, Vec::new());
    for (name, result) in checks {
        ran += 1;
        failures.extend(result.err().map(|failure| format!("{name}: {failure}")));
    }
    if failures.is_empty() { Ok(ran) } else { Err(format!("{} of {ran} failed\n{}", failures.len(), failures.join("\n"))) }
}

/// A panic is a failure of its case.
fn caught(run: impl FnOnce() -> Result<(), Failure>) -> Result<(), Failure> {
    catch_unwind(AssertUnwindSafe(run)).unwrap_or_else(|_| Err("it panicked".to_owned()))
}

#[test]
fn every_case_holds() -> Result<(), Failure> {
    let only = std::env::var("CASE").ok();
    let entries = std::fs::read_dir(root().join("corpus/tasks")).map_err(|e| e.to_string())?;
    let mut files: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    files.retain(|path| path.extension().is_some_and(|ending| ending == "md") && !path.ends_with("README.md"));
    files.sort();
    let mut found = files.iter().map(|path| cases(path)).collect::<Result<Vec<_>, _>>()?.into_iter().flatten().collect::<Vec<_>>();
    found.retain(|case| only.as_ref().is_none_or(|only| case.name.starts_with(only)));
    let names: std::collections::BTreeSet<&str> = found.iter().map(|case| case.name.as_str()).collect();
    if names.len() != found.len() {
        return Err("two cases have one name".to_owned());
    }
    let shares: Vec<_> = (0..THREADS).map(|share| found.iter().skip(share).step_by(THREADS)).collect();
    let results = std::thread::scope(|scope| {
        let running: Vec<_> =
            shares.into_iter().map(|share| scope.spawn(|| all(share.map(|case| (case.name.clone(), caught(|| check(case))))))).collect();
        running.into_iter().map(|thread| thread.join().unwrap_or_else(|_| Err("a thread died".to_owned()))).collect::<Vec<_>>()
    });
    let failures: Vec<Failure> = results.iter().filter_map(|result| result.as_ref().err().cloned()).collect();
    if !failures.is_empty() {
        return Err(failures.join("\n"));
    }
    let ran: usize = results.into_iter().flatten().sum();
    if only.is_none() && ran < CASES_MIN { Err(format!("only {ran} cases were found")) } else { Ok(()) }
}

#[test]
fn upstream_scenarios_without_a_network_hold() -> Result<(), Failure> {
    ctk::run(&root().join("../shared/conformance/open-workflow/ctk/features"))
}
