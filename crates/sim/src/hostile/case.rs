//! Cases of hostile documents as they are written in `corpus/hostile/`: small texts that grow by repetition.
//!
//! What must stay true: a case that cannot be read is an error, never a pass. The form is in `corpus/hostile/README.md`.

use std::sync::Arc;

use provost_language::{Sources, read_value};
use provost_model::Value;
use provost_model::value::parse;

use crate::conformance::said::{Said, plan};

/// What stands above a workflow that a case writes without it.
const HEADING: &str = "document: { dsl: '1.0.3', namespace: hostile, name: case, version: '1.0.0' }\n";
/// How often texts are gone through for names of repetitions inside repetitions.
const ROUNDS: usize = 4;
/// Largest text a repetition makes, in bytes: a case that is larger is a mistake.
const TEXT_BYTES_MAX: usize = 32 << 20;

/// What comes of each attempt, by the name of the action.
type Answers = Vec<(Arc<str>, Vec<Said>)>;

/// How a case is to end.
#[derive(Clone, Debug, PartialEq)]
pub enum Ends {
    /// The document is refused with this code.
    Refused(Arc<str>),
    /// The orchestration ends with this error, or is parked by it.
    Faults(Arc<str>),
    /// It completes with this output: what it tried did nothing.
    Gives(Value),
    /// It completes, with whatever output.
    Completes,
    /// It waits: what it does next is bounded by time or by somebody else.
    Waits,
}

/// An event that comes in, perhaps many times.
#[derive(Clone, Debug)]
pub struct Sent {
    /// Its type.
    pub kind: Arc<str>,
    /// What it says.
    pub data: Value,
    /// How often.
    pub times: i64,
}

/// A case.
#[derive(Clone, Debug)]
pub struct Case {
    /// What it is called.
    pub name: Arc<str>,
    /// What it tries to exhaust.
    pub kind: Arc<str>,
    /// The bundle.
    pub sources: Sources,
    /// How it is to end.
    pub ends: Ends,
    /// What the workflow is started with; `None` where only events or times start it.
    pub input: Option<Value>,
    /// What comes in once it has started.
    pub events: Vec<Sent>,
    /// By name: what comes of each attempt outside.
    pub answers: Answers,
    /// How far time passes, in seconds; as far as something happens where none is said.
    pub seconds: Option<i64>,
    /// Most facts of all journals together.
    pub facts_max: u64,
    /// Most orchestrations.
    pub orchestrations_max: u64,
    /// Most bytes of all rows together, as stored.
    pub bytes_max: u64,
}

/// The cases of a file.
///
/// # Errors
/// The first case that cannot be read, and why.
pub fn cases(text: &str) -> Result<Vec<Case>, String> {
    let file =
        read_value(text).map_err(|findings| findings.iter().map(|f| format!("line {}: {}", f.line, f.message)).collect::<String>())?;
    let list = file.as_array().ok_or("a file of cases is a list")?;
    list.iter().map(|written| case(written).map_err(|why| format!("{why} in {}", written.member("name").unwrap_or(&Value::Null)))).collect()
}

const KNOWN: [&str; 14] =
    ["name", "kind", "repeat", "workflow", "files", "input", "inputText", "starts", "events", "answers", "seconds", "ends", "most", "why"];

fn case(written: &Value) -> Result<Case, String> {
    let members = written.as_object().ok_or("a case is a mapping")?;
    if let Some((key, _)) = members.iter().find(|(key, _)| !KNOWN.contains(&&***key)) {
        return Err(format!("`{key}` is not known"));
    }
    let repeats = repeats(written)?;
    let grown = |text: &str| grow(text, &repeats);
    let mut sources = Sources::new();
    if let Some(workflow) = written.member("workflow") {
        let workflow = grown(workflow.as_str().ok_or("`workflow` is no text")?)?;
        let headed = workflow.starts_with("document:") || workflow.contains("\ndocument:");
        let heading = if headed { "" } else { HEADING };
        sources.add("workflows/case.yaml", format!("{heading}{workflow}").into_bytes());
    }
    for (path, content) in written.member("files").and_then(Value::as_object).into_iter().flat_map(|files| files.iter()) {
        sources.add(&grown(path)?, grown(content.as_str().ok_or("a file is no text")?)?.into_bytes());
    }
    let most = |key: &str, usual: u64| {
        written.member("most").and_then(|most| most.member(key)).and_then(Value::as_int).map_or(usual, i64::unsigned_abs)
    };
    Ok(Case {
        name: text(written, "name")?,
        kind: text(written, "kind")?,
        sources,
        ends: ends(written.member("ends").ok_or("it does not say how it ends")?)?,
        input: input(written, &repeats)?,
        events: list(written, "events").iter().map(sent).collect::<Result<_, _>>()?,
        answers: answers(written, &repeats)?,
        seconds: written.member("seconds").and_then(Value::as_int),
        facts_max: most("facts", 50_000),
        orchestrations_max: most("orchestrations", 4),
        bytes_max: most("bytes", 16 << 20),
    })
}

fn text(written: &Value, key: &str) -> Result<Arc<str>, String> {
    written.member(key).and_then(Value::as_str).map(Arc::from).ok_or_else(|| format!("`{key}` is missing"))
}

fn list<'v>(written: &'v Value, key: &str) -> &'v [Value] {
    written.member(key).and_then(Value::as_array).unwrap_or_default()
}

fn ends(written: &Value) -> Result<Ends, String> {
    if let Some(word) = written.as_str() {
        return match word {
            "completes" => Ok(Ends::Completes),
            "waits" => Ok(Ends::Waits),
            other => Err(format!("`{other}` is no end")),
        };
    }
    let (key, value) = written.as_object().and_then(|map| map.iter().next()).ok_or("`ends` says nothing")?;
    let word = || value.as_str().map(Arc::from).ok_or_else(|| format!("`{key}` needs a word"));
    match &**key {
        "refused" => word().map(Ends::Refused),
        "faults" => word().map(Ends::Faults),
        "gives" => Ok(Ends::Gives(value.clone())),
        other => Err(format!("`{other}` is no end")),
    }
}

fn input(written: &Value, repeats: &[(String, String)]) -> Result<Option<Value>, String> {
    if written.member("starts").and_then(Value::as_bool) == Some(false) {
        return Ok(None);
    }
    match written.member("inputText").and_then(Value::as_str) {
        Some(text) => parse(grow(text, repeats)?.as_bytes()).map(Some).map_err(|error| format!("the input: {error}")),
        None => Ok(Some(written.member("input").cloned().unwrap_or_default())),
    }
}

fn sent(written: &Value) -> Result<Sent, String> {
    let times = written.member("times").and_then(Value::as_int).unwrap_or(1);
    Ok(Sent { kind: text(written, "type")?, data: written.member("data").cloned().unwrap_or_default(), times })
}

fn answers(written: &Value, repeats: &[(String, String)]) -> Result<Answers, String> {
    let named = written.member("answers").and_then(Value::as_object).into_iter().flat_map(|map| map.iter());
    named
        .map(|(name, lines)| {
            let lines = lines.as_str().ok_or("an answer is no text")?;
            plan(&grow(lines, repeats)?).map(|said| (name.clone(), said)).map_err(|failure| format!("{failure:?}"))
        })
        .collect()
}

/// `repeat: { NAME: { text, times, between } }`: what `<NAME>` stands for. `#` in a text is the number of its turn.
fn repeats(written: &Value) -> Result<Vec<(String, String)>, String> {
    let named = written.member("repeat").and_then(Value::as_object).into_iter().flat_map(|map| map.iter());
    named
        .map(|(name, repeat)| {
            let once = repeat.member("text").and_then(Value::as_str).ok_or("a repetition has a `text`")?;
            let times = repeat.member("times").and_then(Value::as_int).ok_or("a repetition says how many `times`")?;
            let between = repeat.member("between").and_then(Value::as_str).unwrap_or_default();
            let turns: Vec<String> = (0..times).map(|turn| once.replace('#', &turn.to_string())).collect();
            Ok((format!("<{name}>"), turns.join(between)))
        })
        .collect()
}

fn grow(text: &str, repeats: &[(String, String)]) -> Result<String, String> {
    let mut grown = text.to_owned();
    for _ in 0..ROUNDS {
        for (mark, stands_for) in repeats {
            if grown.contains(mark.as_str()) {
                grown = grown.replace(mark.as_str(), stands_for);
            }
            if grown.len() > TEXT_BYTES_MAX {
                return Err(format!("its text grows beyond {TEXT_BYTES_MAX} bytes"));
            }
        }
    }
    Ok(grown)
}
