//! `verify`: decides again from the record and compares byte for byte.
//!
//! What must stay true: every byte of every payload of this engine is compared, and the next row is decided on the state that was decided,
//! which folding equal facts gives too. Not here: the chain, and asking policy again.

use provost_model::record::{Ambient, Command, ENGINE, Fact, Given, Row, Transition};
use provost_model::{OrchestrationId, TenantId};

use crate::code::Code;
use crate::decide::{Decided, Step, decide};
use crate::evolve::evolve;
use crate::state::Orchestration;

/// What a verification found.
#[derive(Clone, Debug)]
pub struct Verified {
    /// The state behind the last row read.
    pub state: Orchestration,
    /// Rows decided again and found equal.
    pub rows_equal: u64,
    /// Facts in them.
    pub facts_equal: u64,
    /// Rows of an earlier behaviour number: folded, not decided again. One that this binary does not know is a difference.
    pub rows_other_engine: u64,
    /// The first difference.
    pub difference: Option<Difference>,
}

/// Where the record and the core disagree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// Sequence of the row's first fact.
    pub sequence: u64,
    /// What differs, for people.
    pub what: String,
}

/// Verifies `rows`, the journal of one orchestration from its first fact.
pub fn verify<'r>(code: &dyn Code, tenant: TenantId, id: OrchestrationId, rows: impl IntoIterator<Item = &'r Row>) -> Verified {
    let state = Orchestration::new(tenant, id);
    let mut found = Verified { state, rows_equal: 0, facts_equal: 0, rows_other_engine: 0, difference: None };
    for row in rows {
        if let Err(what) = verify_row(code, &mut found, row) {
            found.difference = Some(Difference { sequence: row.first_sequence, what });
            return found;
        }
    }
    found
}

fn verify_row(code: &dyn Code, found: &mut Verified, row: &Row) -> Result<(), String> {
    if row.first_sequence != found.state.sequence + 1 {
        return Err(format!("row begins at {}, expected {}", row.first_sequence, found.state.sequence + 1));
    }
    let json = row.json().map_err(|e| e.to_string())?;
    if row.engine == 0 || row.engine > ENGINE {
        return Err(format!("the row names engine {}, and this binary knows 1 to {ENGINE}; ask the binary that wrote it", row.engine));
    }
    if row.engine == ENGINE {
        found.state = decided_again(code, &found.state, row, &json)?;
        found.rows_equal += 1;
        found.facts_equal += u64::from(row.fact_count);
        return Ok(());
    }
    let recorded = counted(row, &json)?;
    for fact in &recorded.facts {
        evolve(&mut found.state, fact, recorded.ambient.now_us);
    }
    found.rows_other_engine += 1;
    Ok(())
}

/// The state behind `row`, if deciding again gives its very bytes. So its facts are read only where they differ.
fn decided_again(code: &dyn Code, state: &Orchestration, row: &Row, json: &[u8]) -> Result<Orchestration, String> {
    let Given { command, ambient } = Given::decode(json).map_err(|e| e.to_string())?;
    let Decided { transition, next } = again(code, state, &command, &ambient)?;
    let bytes = transition.encode().map_err(|e| e.to_string())?;
    if json != bytes.as_slice() || transition.facts.len() as u64 != u64::from(row.fact_count) {
        return Err(first_difference(&counted(row, json)?, &transition));
    }
    Ok(next)
}

/// The transition in a row, if it holds as many facts as the row says.
fn counted(row: &Row, json: &[u8]) -> Result<Transition, String> {
    let recorded = Transition::decode(json).map_err(|e| e.to_string())?;
    if recorded.facts.len() as u64 == u64::from(row.fact_count) {
        return Ok(recorded);
    }
    Err(format!("row says {} facts and holds {}", row.fact_count, recorded.facts.len()))
}

fn again(code: &dyn Code, state: &Orchestration, command: &Command, ambient: &Ambient) -> Result<Decided, String> {
    match decide(code, state, command, ambient) {
        Ok(Step::Commit(decided)) => Ok(*decided),
        Ok(Step::Ask(questions)) => {
            let policy = questions.verdicts.iter().map(|request| format!("policy for `{}` on `{}`", request.action, request.resource.id));
            let shared = questions.admissions.iter().map(|request| format!("shared state for `{}`", request.what));
            let asked: Vec<String> = policy.chain(shared).collect();
            Err(format!("the core asks {}, and the record holds no answer", asked.join(", ")))
        }
        Err(rejected) => Err(format!("the core refuses the recorded command: {rejected}")),
    }
}

fn first_difference(recorded: &Transition, again: &Transition) -> String {
    let facts = recorded.facts.iter().zip(&again.facts).position(|(a, b)| a != b);
    if let Some(at) = facts {
        return format!(
            "fact {} of the row is `{}`, decided again it is `{}`",
            at + 1,
            name(recorded.facts.get(at)),
            name(again.facts.get(at))
        );
    }
    if recorded.facts.len() != again.facts.len() {
        return format!("the row holds {} facts, decided again there are {}", recorded.facts.len(), again.facts.len());
    }
    if recorded.intents != again.intents {
        return "the intents differ".to_owned();
    }
    "the bytes differ".to_owned()
}

fn name(fact: Option<&Fact>) -> String {
    let json = fact.and_then(|fact| serde_json::to_string(fact).ok()).unwrap_or_default();
    json.chars().take(200).collect()
}
