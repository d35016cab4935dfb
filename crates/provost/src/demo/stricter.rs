//! What if the policy had been stricter: the recorded questions are asked again, of the policy that decided and of a stricter one.
//!
//! What must stay true: the questions are those of the record, made again by the core; both policies are really asked; nothing is changed.

use std::collections::BTreeMap;

use provost_engine::asked;
use provost_language::{Compiled, Sources, compile};
use provost_model::record::Transition;
use provost_model::{Answer, OrchestrationId, TenantId};
use provost_policy::{Entities, Guard, Judge, PolicySet};
use provost_runtime::Binding;
use provost_runtime::registry::enriched;

use super::people::every;
use super::stage::Stage;
use super::story::text;
use super::{At as _, BUNDLE};
use crate::say::Failure;

/// The rule that changes: what needs no person.
const RULE: (&str, &str) = ("context.arguments.amount <= 25000", "context.arguments.amount <= 10000");
const FILE: &str = "policies/refund.cedar";

/// What a stricter policy would have said.
#[derive(Debug, Default)]
pub struct Stricter {
    /// Questions in the record.
    pub asked: usize,
    /// Questions on which the policy that decided says today what it said then.
    pub equal: usize,
    /// Verdicts that the stricter policy turns, by what they turn from and to.
    pub flips: BTreeMap<String, usize>,
}

impl Stricter {
    /// How many verdicts turn.
    pub fn flipped(&self) -> usize {
        self.flips.values().sum()
    }
}

/// The stricter rule, as people read it.
pub fn rule() -> String {
    format!("`small-refund` up to 100.00 instead of 250.00 ({FILE})")
}

/// Asks both policies every question of the record.
///
/// # Errors
/// [`Failure`] when a journal cannot be read or decided again.
pub async fn ask(stage: &Stage) -> Result<Stricter, Failure> {
    let failed = |what: String| Failure::new("demo", what);
    let mut sources = Sources::new();
    BUNDLE.iter().for_each(|(path, body)| sources.add(path, body.as_bytes().to_vec()));
    let program = compile(&sources).bundle.and_then(|bundle| bundle.workflows.first().cloned());
    let code = program.and_then(|program| Compiled::new(program).ok()).ok_or_else(|| failed("the bundle does not compile".to_owned()))?;
    let binding = Binding { revision: 1, destinations: stage.destinations() };
    let (decided, stricter) = (policy(|text| text.to_owned())?, policy(|text| text.replace(RULE.0, RULE.1))?);
    let mut found = Stricter::default();
    for item in every(stage).await? {
        let id: OrchestrationId = text(item.at("/id")).parse().map_err(|e| failed(format!("an id is none: {e}")))?;
        let journal = stage.client.get(&format!("/v1/orchestrations/{id}/journal")).await?;
        let rows = journal.at("/rows").as_array().into_iter().flatten();
        let transitions: Result<Vec<Transition>, _> =
            rows.map(|row| Transition::decode(row.at("/payload").to_string().as_bytes())).collect();
        let transitions = transitions.map_err(|e| failed(e.to_string()))?;
        for (request, recorded) in asked(&code, TenantId::local(), id, &transitions).map_err(failed)? {
            let request = enriched(&binding, &request).unwrap_or(request);
            let (then, now) = (answer(&decided, &request), answer(&stricter, &request));
            found.asked += 1;
            found.equal += usize::from(then == recorded.answer);
            if now != recorded.answer {
                let turn = format!("{} -> {}", word(recorded.answer), word(now));
                *found.flips.entry(turn).or_default() += 1;
            }
        }
    }
    Ok(found)
}

fn policy(change: impl Fn(&str) -> String) -> Result<PolicySet, Failure> {
    let text = BUNDLE.iter().find(|(path, _)| *path == FILE).map(|(_, text)| change(text)).unwrap_or_default();
    PolicySet::parse(&[(FILE, &text)], None).map_err(|findings| Failure::new("demo", format!("{findings:?}")))
}

fn answer(policies: &PolicySet, request: &provost_model::PolicyRequest) -> Answer {
    let judge = Judge { bundle: policies, tenant: provost_policy::tenant_default(), guard: &Guard::default() };
    judge.judge(request, Entities::none()).answer
}

fn word(answer: Answer) -> &'static str {
    match answer {
        Answer::Allow => "allow",
        Answer::Review => "review",
        Answer::Deny => "deny",
    }
}
