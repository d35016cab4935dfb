//! What policy was asked: the questions behind a journal's verdicts, made again by the core from the record.
//!
//! A record holds each verdict with its question's digest; deciding again without the verdicts gives the questions themselves, so that
//! another policy can be asked what it would have said. Nothing is changed and nothing leaves.

use provost_model::record::{Ambient, Transition};
use provost_model::{OrchestrationId, PolicyRequest, TenantId, Verdict};

use crate::code::Code;
use crate::decide::{Step, decide};
use crate::evolve::evolve;
use crate::state::Orchestration;

/// Every question to policy in a journal, in order, with the verdict that was recorded.
///
/// # Errors
/// What does not fit, when the record is not one that this core decides again.
pub fn asked(
    code: &dyn Code,
    tenant: TenantId,
    id: OrchestrationId,
    transitions: &[Transition],
) -> Result<Vec<(PolicyRequest, Verdict)>, String> {
    let (mut state, mut found) = (Orchestration::new(tenant, id), Vec::new());
    for recorded in transitions {
        let mut ambient = Ambient { verdicts: Vec::new(), ..recorded.ambient.clone() };
        loop {
            match decide(code, &state, &recorded.command, &ambient) {
                Ok(Step::Commit(_)) => break,
                Ok(Step::Ask(questions)) => {
                    if !questions.admissions.is_empty() {
                        return Err("the record holds no answer of shared state".to_owned());
                    }
                    for request in questions.verdicts {
                        let digest = request.digest();
                        let verdict = recorded.ambient.verdicts.iter().find(|verdict| verdict.request == digest).cloned();
                        let verdict = verdict.ok_or_else(|| format!("the record holds no verdict on `{}`", request.action))?;
                        ambient.verdicts.push(verdict.clone());
                        found.push((request, verdict));
                    }
                }
                Err(rejected) => return Err(format!("the core refuses the recorded command: {rejected}")),
            }
        }
        for fact in &recorded.facts {
            evolve(&mut state, fact, recorded.ambient.now_us);
        }
    }
    Ok(found)
}
