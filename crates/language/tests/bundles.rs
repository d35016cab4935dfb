//! The bundles of this repository compile without a finding, and are what they claim to be.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a missing file or finding is a failed test")]
#![expect(clippy::disallowed_methods, reason = "the test reads the folders that the crate must not")]

mod support;

use provost_language::{Bundle, Compiled, Sources, compile, program_digest, render};
use provost_model::program::{EffectClass, TaskKind};

fn bundle(name: &str) -> (Sources, Bundle) {
    let sources = support::folder(&support::root().join("bundles").join(name));
    let checked = compile(&sources);
    assert!(checked.findings.is_empty(), "{name}:\n{}", render(&checked.findings, &sources));
    (sources, checked.bundle.unwrap())
}

#[test]
fn hello_agent() {
    let (_, bundle) = bundle("hello-agent");
    let program = bundle.workflow("hello").unwrap();
    assert_eq!(program.tasks.len(), 3);
    let agent = &program.agents["sorter@0"];
    assert_eq!((agent.examples.len(), agent.input.is_some(), agent.output.is_some()), (3, true, true));
    assert!(agent.prompt.ends_with("{{ input.message }}"));
}

#[test]
fn refund_triage() {
    let (sources, bundle) = bundle("refund-triage");
    let program = bundle.workflow("refund-triage").unwrap();
    assert_eq!(program.pin, bundle.digest);
    assert_eq!(program.limits.tasks, 200);
    assert!(program.starts_on.as_ref().unwrap().contract.is_some());
    let keys: Vec<&str> = program.actions.keys().map(|key| &**key).collect();
    assert_eq!(keys, ["crm.close-case@1", "payments.refund@1", "payments.reverse-refund@1"]);
    let refund = &program.actions["payments.refund@1"];
    assert_eq!(refund.undo.as_deref(), Some("payments.reverse-refund@1"));
    assert_eq!((refund.class, refund.money_out), (EffectClass::E1, true));
    assert_eq!(refund.review.as_ref().unwrap().queue.as_ref(), "refunds-l2");
    assert_eq!(program.agents.len(), 4);
    assert_eq!(bundle.policies.len(), 1);
    assert_eq!(bundle.tests.len(), 3);
    assert!(bundle.contracts.contains_key("com.acme.refund.requested.v1"));
    let names: Vec<&str> = program.root.iter().map(|index| &*program.task(*index).unwrap().name).collect();
    assert_eq!(names, ["intake", "screen", "path", "accept", "panel", "record", "settle", "close", "announce"]);
    let settle = program.tasks.iter().find(|task| &*task.name == "refund").unwrap();
    assert_eq!(&*settle.pointer, "/do/6/settle/try/0/refund");
    assert!(matches!(&settle.kind, TaskKind::Act(act) if act.key.is_some() && act.because.is_some()));
    let lent = support::root().join("../shared/examples/refund-triage.yaml");
    if lent.exists() {
        assert_eq!(sources.bytes("workflows/refund-triage.yaml").unwrap(), std::fs::read(lent).unwrap());
    }
}

#[test]
fn bench() {
    let (_, bundle) = bundle("bench");
    let names: Vec<&str> = bundle.workflows.iter().map(|program| &*program.name).collect();
    assert_eq!(names, ["approval", "day", "fan", "loop", "ten-effects", "ten-external", "ten-pure", "ten-steps"]);
    assert_eq!(bundle.workflow("fan").unwrap().tasks.len(), 1001);
    assert_eq!(&*bundle.workflow("ten-external").unwrap().agents["step-external@1"].queue, "bench");
}

#[test]
fn a_stored_program_loads_without_its_sources() {
    let (_, bundle) = bundle("refund-triage");
    let program = bundle.workflows[0].clone();
    let stored = serde_json::to_vec(&program).unwrap();
    let read: provost_model::Program = serde_json::from_slice(&stored).unwrap();
    assert_eq!(read, program);
    assert_eq!(program_digest(&read).unwrap(), program_digest(&program).unwrap());
    let compiled = Compiled::new(read).unwrap();
    assert_eq!(compiled.expressions.len(), program.expressions.len());
    fn shared<T: Send + Sync>(_: &T) {}
    shared(&compiled);
}

#[test]
fn a_lock_is_read_again() {
    let (_, bundle) = bundle("refund-triage");
    let text = bundle.lock.to_text();
    assert_eq!(provost_language::Lock::from_text(&text).unwrap(), bundle.lock);
    assert!(text.contains("agents/fraud-analyst.md") && !text.contains("tests/"));
}

#[test]
fn order_of_files_does_not_matter_and_bytes_do() {
    let (sources, first) = bundle("refund-triage");
    let mut files: Vec<(String, Vec<u8>)> = sources.iter().map(|(path, bytes)| (path.to_string(), bytes.to_vec())).collect();
    for round in 0..files.len() {
        files.rotate_left(1);
        if round % 2 == 0 {
            files.reverse();
        }
        let again = compile(&files.iter().cloned().collect::<Sources>()).bundle.unwrap();
        assert_eq!(again, first);
        assert_eq!(serde_json::to_vec(&again.workflows).unwrap(), serde_json::to_vec(&first.workflows).unwrap());
    }
    for (path, bytes) in &mut files {
        if path == "policies/refund.cedar" {
            bytes.push(b'\n');
        }
    }
    let changed = compile(&files.iter().cloned().collect::<Sources>()).bundle.unwrap();
    assert_ne!(changed.digest, first.digest);
    files.retain(|(path, _)| !path.starts_with("tests/"));
    assert_eq!(compile(&files.into_iter().collect::<Sources>()).bundle.unwrap().digest, changed.digest);
}
