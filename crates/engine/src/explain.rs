//! `explain`: one orchestration told for the person on call, from its journal alone.
//!
//! What must stay true: nothing is evaluated or asked again; payloads are not shown, but opinions and decisions are; every command it
//! names can be typed. It prints nothing itself: [`render`] gives text.

mod happened;
mod once;
mod stands;
mod text;

use std::sync::Arc;

use provost_model::marks::Sight;
use provost_model::program::{EffectClass, protocol};
use provost_model::record::{Behind, EffectState, Ending, Row, Transition};
use provost_model::{Digest, OrchestrationId, Program, TenantId, Verdict};
use serde::{Deserialize, Serialize};

use crate::evolve::evolve;
use crate::redact;
use crate::state::{Orchestration, Phase};

pub use text::{one_line, render};

/// An orchestration, explained.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Explanation {
    /// Its id.
    pub id: OrchestrationId,
    /// Workflow and version.
    pub workflow: String,
    /// What it is about.
    pub subject: Option<String>,
    /// Its owner.
    pub tenant: TenantId,
    /// How it stands, in capitals.
    pub status: String,
    /// What matters, in sentences.
    pub summary: Vec<String>,
    /// What happened, in order.
    pub happened: Vec<Line>,
    /// Why it stands, where it does.
    pub why: Vec<String>,
    /// Which versions decided.
    pub versions: Vec<String>,
    /// What was sent, or will be.
    pub sent: Vec<Sent>,
    /// What can be typed.
    pub commands: Vec<String>,
}

/// One line of what happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    /// When, in microseconds UTC.
    pub at_us: i64,
    /// The fact's sequence.
    pub sequence: u64,
    /// `event`, `agent`, `decide`, `verdict`, `review`, `effect`, ….
    pub kind: String,
    /// What.
    pub text: String,
    /// The id that belongs to it.
    pub reference: String,
}

/// One effect towards the outside.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sent {
    /// The action.
    pub name: String,
    /// The authored key, or `–`.
    pub business_key: String,
    /// The key the target saw, shortened.
    pub key: String,
    /// Fingerprint of its arguments, shortened.
    pub arguments: String,
    /// How often it was tried.
    pub tries: u32,
    /// Where it stands.
    pub state: String,
    /// The destination's name.
    pub destination: String,
}

/// A journal on its way to an explanation.
struct Story<'s> {
    program: &'s Program,
    state: Orchestration,
    lines: Vec<Line>,
    verdicts: Vec<Verdict>,
}

/// What an explanation takes from elsewhere than the journal.
#[derive(Clone, Copy, Debug, Default)]
pub struct Now<'n> {
    /// The time, in microseconds UTC.
    pub at_us: i64,
    /// Whom it waits for under its concurrency key, as it stands now; where that is not known, as it stood when it began to wait.
    pub behind: Option<&'n Behind>,
    /// How far whoever asks sees.
    pub sight: Sight,
}

/// Explains the journal `rows` of an orchestration of `program`.
///
/// # Errors
/// What a row says that cannot be read.
pub fn explain(program: &Program, tenant: TenantId, id: OrchestrationId, rows: &[Row], now: Now<'_>) -> Result<Explanation, String> {
    let mut story = Story { program, state: Orchestration::new(tenant.clone(), id), lines: Vec::new(), verdicts: Vec::new() };
    for row in rows {
        let transition: Transition = redact::seen(row, now.sight).map_err(|e| format!("at sequence {}: {e}", row.first_sequence))?;
        for fact in &transition.facts {
            evolve(&mut story.state, fact, transition.ambient.now_us);
            happened::tell(&mut story, fact, &transition);
        }
        story.verdicts.extend(transition.ambient.verdicts);
    }
    if let (Some(behind), Some(_)) = (now.behind, &story.state.behind) {
        story.state.behind = Some(Arc::new(behind.clone()));
    }
    let (start, now_us) = (story.state.start.clone(), now.at_us);
    Ok(Explanation {
        id,
        workflow: format!("{} {}", program.name, program.version),
        subject: start.as_ref().and_then(|start| start.subject.as_ref()).map(ToString::to_string),
        tenant,
        status: stands::status(&story.state, now_us),
        summary: stands::summary(&story),
        why: stands::why(&story, now_us),
        versions: versions(&story, rows),
        sent: sent(&story),
        commands: stands::commands(&story),
        happened: story.lines,
    })
}

fn versions(story: &Story<'_>, rows: &[Row]) -> Vec<String> {
    let program = story.program;
    let start = story.state.start.as_deref();
    let pin = start.map_or_else(String::new, |start| start.pin.short());
    let mut lines = vec![format!("bundle {pin}…   binding #{}", start.map_or(0, |start| start.binding))];
    if let Some(last) = story.verdicts.last() {
        let set = |digest: &Digest| digest.short();
        lines.push(format!("policies {}…   tenant's {}…   guard #{}", set(&last.bundle), set(&last.tenant), last.guard));
    }
    let used: std::collections::BTreeSet<&str> =
        story.lines.iter().filter(|line| line.kind == "agent").map(|line| line.text.split(':').next().unwrap_or_default()).collect();
    let agents: Vec<String> =
        program.agents.values().filter(|spec| used.contains(&*spec.name)).map(|spec| format!("{} {}", spec.name, spec.version)).collect();
    if !agents.is_empty() {
        lines.push(format!("agents {}", agents.join(" · ")));
    }
    let engines: std::collections::BTreeSet<(u16, u16)> = rows.iter().map(|row| (row.format, row.engine)).collect();
    lines.extend(engines.iter().map(|(format, engine)| format!("record format {format}, engine {engine}")));
    lines
}

fn sent(story: &Story<'_>) -> Vec<Sent> {
    let outside = story.state.effects.values().filter(|effect| effect.class != EffectClass::E0);
    outside
        .map(|effect| Sent {
            name: effect.name.split('@').next().unwrap_or_default().to_owned(),
            business_key: effect.business_key.as_ref().map_or_else(|| "–".to_owned(), ToString::to_string),
            key: effect.key.chars().take(13).collect(),
            arguments: effect.fingerprint.short(),
            tries: effect.attempt,
            state: state_word(effect.state).to_owned(),
            destination: destination(story, effect),
        })
        .collect()
}

/// Where an effect went: the destination's name, or the origin of a call that the workflow writes out.
fn destination(story: &Story<'_>, effect: &crate::state::Effect) -> String {
    let Some(spec) = story.program.actions.get(&effect.name) else { return String::new() };
    match (&spec.http, &spec.call) {
        (Some(http), _) => http.destination.to_string(),
        (None, Some(_)) => protocol::origins(&effect.arguments).into_iter().next().unwrap_or_default(),
        (None, None) => String::new(),
    }
}

/// The word for where an effect stands.
fn state_word(state: EffectState) -> &'static str {
    match state {
        EffectState::Intended => "on its way",
        EffectState::Sent => "sent",
        EffectState::Waiting => "waits to retry",
        EffectState::Claiming => "waits for its key",
        EffectState::Asked => "being asked",
        EffectState::Done => "done",
        EffectState::Failed => "failed",
        EffectState::InDoubt => "in doubt",
        EffectState::Conflict => "conflict",
        EffectState::Abandoned => "given up",
    }
}

/// Whether it is over, and how.
fn ending(state: &Orchestration) -> Option<Ending> {
    match state.phase {
        Phase::Ended(ending) => Some(ending),
        Phase::New | Phase::Running | Phase::Cancelling { .. } => None,
    }
}
