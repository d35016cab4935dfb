//! Hostile workflows on the real compiler, partition and engine, in virtual time, beside neighbours of the same partition.
//!
//! What must stay true: a hostile document is refused when it is published, or what it starts is stopped by a counted limit; whatever it
//! does, three neighbours (one that waits while it goes on, one that begins in the same batch behind it, one that begins after it) end with
//! their right output, and the journals, decided again, come out byte for byte. Counted, not timed: facts, rows, bytes, orchestrations.
//! What is absent: sockets, threads and files.

mod case;

use std::collections::BTreeMap;
use std::sync::Arc;

use provost_engine::{Orchestration, Phase};
use provost_language::{Code, Compiled, Sources, compile};
use provost_model::record::{Attempted, Ending, Stream};
use provost_model::{Event, OrchestrationId, Problem, Value};
use provost_runtime::{Binding, Done, Hands, Offer};

use crate::conformance::run::Run;
use crate::conformance::{Failure, Setting};

pub use case::{Case, Ends, Sent, cases};

/// Most findings of one bundle.
const FINDINGS_MAX: usize = 1000;
/// Most facts of others in front of a neighbour that begins in the same batch behind them.
const FACTS_BEFORE_MAX: u64 = 4096;

const NEIGHBOURS: [(&str, &str); 2] = [
    ("quick", "- a: { set: { n: '${ .n + 1 }' } }\n  - b: { set: { n: '${ .n * 2 }' } }\n"),
    ("sleeper", "- a: { set: { n: '${ .n + 1 }' } }\n  - w: { wait: { seconds: 1 } }\n  - b: { set: { n: '${ .n * 2 }' } }\n"),
];

/// What a case came to, counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counted {
    /// Findings, where it was refused.
    pub findings: u64,
    /// Facts of all journals.
    pub facts: u64,
    /// Bytes of all rows, as stored.
    pub bytes: u64,
    /// Orchestrations, without the neighbours.
    pub orchestrations: u64,
    /// Facts of others before the end of the neighbour that began behind the case in one batch.
    pub facts_before: u64,
}

/// Nobody answers what no case scripts.
struct Nobody;

impl Hands for Nobody {
    fn at_once(&self, _: &Offer, _: &Compiled) -> Option<Attempted> {
        None
    }

    fn carry_out(&self, _: Offer, _: Arc<Compiled>, _: Arc<Binding>, done: Done) {
        let problem = Problem::standard("communication", 503, "nobody answers here");
        done(Attempted::Failed { problem, retry: false, retry_after_ms: None }, 0);
    }
}

/// Runs a case.
///
/// # Errors
/// What did not end as the case says, or harmed a neighbour.
pub fn judge(case: &Case) -> Result<Counted, String> {
    match &case.ends {
        Ends::Refused(code) => refused(&case.sources, code),
        Ends::Faults(_) | Ends::Gives(_) | Ends::Completes | Ends::Waits => ran(case),
    }
}

fn refused(sources: &Sources, code: &str) -> Result<Counted, String> {
    let checked = compile(sources);
    let errors: Vec<Code> = checked.findings.iter().filter(|finding| finding.is_error()).map(|finding| finding.code).collect();
    if checked.bundle.is_some() || !errors.iter().any(|error| error.as_str() == code) {
        let shown: Vec<String> =
            checked.findings.iter().take(5).map(|f| format!("{} {}:{} {}", f.code, f.line, f.column, f.message)).collect();
        return Err(format!("it is not refused with {code}: {shown:?}"));
    }
    if checked.findings.len() > FINDINGS_MAX {
        return Err(format!("{} findings", checked.findings.len()));
    }
    Ok(Counted { findings: checked.findings.len() as u64, ..Counted::default() })
}

fn ran(case: &Case) -> Result<Counted, String> {
    let setting =
        Setting { hands: Arc::new(Nobody), destinations: BTreeMap::new(), parts: Sources::new(), documents: Sources::new(), echo: None };
    let mut sources = case.sources.clone();
    // Everything is allowed: what stops a case must not be that nobody allowed it.
    sources.add("policies/all.cedar", b"permit (principal, action, resource);".to_vec());
    for (name, tasks) in NEIGHBOURS {
        let heading = format!("document: {{ dsl: '1.0.3', namespace: neighbour, name: {name}, version: '1.0.0' }}\n");
        sources.add(&format!("workflows/{name}.yaml"), format!("{heading}do:\n  {tasks}").into_bytes());
    }
    let mut run = Run::publish(&setting, &sources, "case", &[]).map_err(said)?;
    run.plan = case.answers.iter().map(|(name, says)| (name.to_string(), says.iter().cloned().collect())).collect();
    let input = || Value::object([("n", Value::Int(20))]);
    let sleeper = run.begin("sleeper", input()).map_err(said)?;
    let hostile = case.input.clone().map(|input| run.begin("case", input)).transpose().map_err(said)?;
    let beside = run.begin("quick", input()).map_err(said)?;
    run.advance(0).map_err(said)?;
    send(&mut run, &case.events)?;
    match case.seconds {
        Some(seconds) => run.advance(seconds.saturating_mul(1_000_000)),
        None => run.pass(),
    }
    .map_err(said)?;
    let after = run.begin("quick", input()).map_err(said)?;
    run.advance(0).map_err(said)?;
    let neighbours = [("before", sleeper), ("beside", beside), ("after", after)];
    for (which, id) in neighbours {
        unharmed(&mut run, which, id)?;
    }
    let ours: Vec<OrchestrationId> = neighbours.iter().map(|(_, id)| *id).collect();
    let others: Vec<OrchestrationId> = run.ids().map_err(said)?.into_iter().filter(|id| !ours.contains(id)).collect();
    if let Some(id) = hostile.or(others.first().copied()) {
        ended(&run.state(id).map_err(said)?, &case.ends)?;
    }
    let counted = count(&mut run, beside, others.len() as u64)?;
    bounded(case, &counted)?;
    run.verify().map_err(said)?;
    Ok(counted)
}

fn said(failure: Failure) -> String {
    match failure {
        Failure::Refused(findings) => {
            let errors = findings.iter().filter(|finding| finding.is_error()).take(5);
            let shown: Vec<String> = errors.map(|f| format!("{} {}:{} {}", f.code, f.line, f.column, f.message)).collect();
            format!("the document is refused: {shown:?}")
        }
        Failure::Command { code, why } => format!("refused with `{code}`: {why}"),
        Failure::Step(why) | Failure::Absent(why) | Failure::Elsewhere { why, .. } | Failure::Broken(why) => why,
    }
}

/// A flood may be refused; it must only be answered.
fn send(run: &mut Run<'_>, events: &[Sent]) -> Result<(), String> {
    for sent in events {
        for _ in 0..sent.times {
            let (id, data) = (run.event_id().into(), sent.data.clone());
            let event = Event { id, source: "/hostile".into(), kind: sent.kind.clone(), data, ..Event::default() };
            match run.event(event) {
                Ok(_) | Err(Failure::Command { .. }) => {}
                Err(failure) => return Err(said(failure)),
            }
        }
    }
    Ok(())
}

fn unharmed(run: &mut Run<'_>, which: &str, id: OrchestrationId) -> Result<(), String> {
    let state = run.state(id).map_err(said)?;
    let wanted = Value::object([("n", Value::Int(42))]);
    let well = state.phase == Phase::Ended(Ending::Completed) && state.output == wanted;
    if well { Ok(()) } else { Err(format!("the neighbour {which} is {:?} with {}", state.phase, state.output)) }
}

fn ended(state: &Orchestration, ends: &Ends) -> Result<(), String> {
    let problem = state.problem.as_deref().or(state.parked.as_ref().map(|parked| &parked.problem));
    let completed = state.phase == Phase::Ended(Ending::Completed);
    let so = match ends {
        Ends::Faults(code) => problem.is_some_and(|problem| *problem.code() == **code),
        Ends::Gives(output) => completed && state.output == *output,
        Ends::Completes => completed,
        Ends::Waits => state.phase == Phase::Running && state.parked.is_none(),
        Ends::Refused(_) => false,
    };
    let problem = problem.map(|problem| problem.to_value().to_string()).unwrap_or_default();
    let shown: String = format!("{:?} {problem} {}", state.phase, state.output).chars().take(600).collect();
    if so { Ok(()) } else { Err(format!("it does not end as {ends:?}: {shown}")) }
}

fn count(run: &mut Run<'_>, beside: OrchestrationId, orchestrations: u64) -> Result<Counted, String> {
    let mut counted = Counted { orchestrations, ..Counted::default() };
    for row in run.feed().map_err(said)? {
        if row.stream == Stream::Orchestration(beside) {
            counted.facts_before = counted.facts;
        }
        counted.facts += u64::from(row.fact_count);
        counted.bytes += row.payload.len() as u64;
    }
    Ok(counted)
}

fn bounded(case: &Case, counted: &Counted) -> Result<(), String> {
    for (what, many, most) in [
        ("facts", counted.facts, case.facts_max),
        ("bytes of rows", counted.bytes, case.bytes_max),
        ("orchestrations", counted.orchestrations, case.orchestrations_max),
        ("facts before a neighbour", counted.facts_before, FACTS_BEFORE_MAX),
    ] {
        if many > most {
            return Err(format!("{many} {what} are more than {most}"));
        }
    }
    Ok(())
}
