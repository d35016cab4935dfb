//! Every file of `corpus/control` is one journal: commands in their order, and the facts or the refusal each must give. The facts are
//! golden: their JSON is for ever.
#![expect(clippy::disallowed_methods, reason = "the cases are files")]
#![expect(clippy::unwrap_used, reason = "a corpus that cannot be read is a failed test")]

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use provost_control::{Control, ControlCommand, ControlFact, ControlTransition, decide};
use provost_model::TenantId;
use provost_model::record::{Cause, Head, Place, Row, Stream};
use serde::Deserialize;
use serde_json::Value as Json;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    #[serde(rename = "why")]
    _why: String,
    tenant: TenantId,
    steps: Vec<Wished>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wished {
    now_us: i64,
    command: Json,
    #[serde(default)]
    facts: Option<Vec<Json>>,
    #[serde(default)]
    refused: Option<String>,
}

fn cases() -> Vec<(String, Case)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../corpus/control");
    let mut cases: Vec<(String, Case)> = fs::read_dir(root)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .map(|path| (path.file_name().unwrap().to_string_lossy().into_owned(), serde_json::from_slice(&fs::read(path).unwrap()).unwrap()))
        .collect();
    cases.sort_by(|a, b| a.0.cmp(&b.0));
    cases
}

/// One step: what comes out must be what the file says, byte for byte; refusals change nothing and say something.
fn check(at: &str, control: &mut Control, wished: &Wished) -> Option<ControlTransition> {
    let command: ControlCommand = serde_json::from_value(wished.command.clone()).unwrap();
    match decide(control, &command, wished.now_us) {
        Ok(facts) => {
            let written: Vec<Json> = facts.iter().map(|fact| serde_json::to_value(fact).unwrap()).collect();
            assert_eq!(Some(&written), wished.facts.as_ref(), "{at}");
            facts.iter().for_each(|fact| control.evolve(fact));
            assert!(facts.is_empty() || decide(control, &command, wished.now_us).is_err() || again(control, &command, wished), "{at}");
            Some(ControlTransition { command: Some(command), facts })
        }
        Err(refused) => {
            assert_eq!(Some(refused.code()), wished.refused.as_deref(), "{at}: {refused}");
            assert!((400..500).contains(&refused.status()), "{at}");
            let message = refused.to_string();
            assert!(!message.contains("hunter2") && message.len() < 1_000, "{at}: {message}");
            assert!(!message.ends_with('.') && !message.contains('\n'), "{at}: {message}");
            None
        }
    }
}

/// Whether the same command again changes nothing.
fn again(control: &Control, command: &ControlCommand, wished: &Wished) -> bool {
    decide(control, command, wished.now_us).is_ok_and(|facts| facts.is_empty())
}

#[test]
fn journals_come_out_as_written_and_fold_back_from_their_rows() {
    let mut kinds = BTreeSet::new();
    for (name, case) in cases() {
        let mut control = Control::new(case.tenant.clone());
        let place = Place { tenant: &case.tenant, stream: &Stream::Control, epoch: 1 };
        let (mut head, mut rows) = (Head::EMPTY, Vec::new());
        for (step, wished) in (1..).zip(&case.steps) {
            let transition = check(&format!("{name} step {step}"), &mut control, wished);
            if let Some(transition) = transition.filter(|transition| !transition.facts.is_empty()) {
                let json = transition.encode().unwrap();
                let count = u32::try_from(transition.facts.len()).unwrap();
                let row = Row::seal(place, head, Cause::default(), wished.now_us, count, &json);
                head = row.head();
                rows.push((row, transition));
            }
        }
        let mut folded = Control::new(case.tenant.clone());
        for (row, transition) in &rows {
            let read = ControlTransition::decode(&row.json().unwrap()).unwrap();
            assert_eq!(read, *transition, "{name}");
            assert_eq!(decide(&folded, read.command.as_ref().unwrap(), row.recorded_at_us).unwrap(), read.facts, "{name}");
            read.facts.iter().for_each(|fact| folded.evolve(fact));
            kinds.extend(read.facts.iter().map(kind));
        }
        assert_eq!(folded, control, "{name}");
        assert!(folded.guard().is_ok() && folded.policy_set().is_ok(), "{name}");
    }
    assert_eq!(kinds.len(), 8, "a golden file for every kind of fact: {kinds:?}");
}

/// The name a fact is stored under. A new kind does not compile here until it is listed, and then needs a case.
fn kind(fact: &ControlFact) -> &'static str {
    match fact {
        ControlFact::TenantCreated { .. } => "tenant_created",
        ControlFact::BundlePublished { .. } => "bundle_published",
        ControlFact::WorkflowActivated { .. } => "workflow_activated",
        ControlFact::BindingSet { .. } => "binding_set",
        ControlFact::GuardSet { .. } => "guard_set",
        ControlFact::PoliciesSet { .. } => "policies_set",
        ControlFact::PrincipalCreated { .. } => "principal_created",
        ControlFact::PrincipalRevoked { .. } => "principal_revoked",
    }
}

#[test]
fn what_the_command_says_in_bulk_is_stored_once() {
    let (_, case) = cases().into_iter().find(|(name, _)| name == "policies.json").unwrap();
    let mut control = Control::new(case.tenant.clone());
    let transitions = case.steps.iter().take(2).map(|wished| check("policies", &mut control, wished).unwrap());
    let json = String::from_utf8(transitions.last().unwrap().encode().unwrap()).unwrap();
    assert_eq!(json.matches("orchestration.read").count(), 1, "{json}");
}

#[test]
fn damaged_and_foreign_rows_are_errors() {
    for wrong in ["", "{}", r#"{"facts":[{"tenant_abolished":{}}]}"#, r#"{"facts":[{"guard_set":{"revision":1}}]}"#] {
        let error = ControlTransition::decode(wrong.as_bytes()).unwrap_err();
        assert_eq!(error.code(), "CONTROL_ROW", "{wrong}");
    }
}
