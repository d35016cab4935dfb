//! The language in numbers: publishing, a choice, and whether long documents and long loops cost the same for each task as short ones.
//!
//! What must stay true: what is called a run is decided and encoded as a partition does it, and must end completed.

use std::hint::black_box;
use std::path::Path;
use std::time::{Duration, Instant};

use provost_engine::{Orchestration, Step, decide};
use provost_language::Compiled;
use provost_model::record::{Ambient, Command, Start};
use provost_model::{Digest, OrchestrationId, Slot, TenantId, Value, Who};

use crate::documents::{list, published, repeated, switches, two_kib, varied};
use crate::figures::{Figure, figure};
use crate::plot::{LANGUAGE, Line, chart};
use crate::{Options, waits};

/// Tasks of the document that is published.
const PUBLISHED: usize = 204;
/// Choices of the document that chooses.
const CHOICES: usize = 200;
/// Lengths of documents and loops; the last is held against the first.
const LENGTHS: [usize; 7] = [100, 500, 1_000, 2_500, 5_000, 7_500, 10_000];
/// Shortest time of one repetition.
const LEAST: Duration = Duration::from_millis(400);

/// All of it; time over length is drawn too where plots were asked for.
pub async fn language(options: &Options) -> Result<Vec<Figure>, String> {
    let mut figures = vec![publish(options)?, choice(options)?];
    let lines = linear(options, &mut figures)?;
    if let Some(file) = options.plot.as_deref().and_then(Path::parent) {
        let file = file.join("language.svg");
        std::fs::write(&file, chart(&LANGUAGE, &lines)).map_err(|e| format!("`{}`: {e}", file.display()))?;
    }
    figures.extend(waits::loops(options).await?);
    figures.extend(waits::timers(options).await?);
    Ok(figures)
}

fn publish(options: &Options) -> Result<Figure, String> {
    let text = varied(PUBLISHED);
    let took = repetitions(options, || published(&text).map(black_box).map(drop))?;
    Ok(figure("language", "publish: check and compile 200 tasks", "ms", took.iter().map(|s| s * 1e3).collect()))
}

fn choice(options: &Options) -> Result<Figure, String> {
    let (code, document) = (published(&switches(CHOICES))?, two_kib());
    let took = repetitions(options, || run(&code, &document))?;
    Ok(figure("language", "a switch on a document of 2 KiB", "us", took.iter().map(|s| s * 1e6 / CHOICES as f64).collect()))
}

/// Microseconds a task, for each length: publishing a list, running it, running a loop.
fn linear(options: &Options, figures: &mut Vec<Figure>) -> Result<Vec<Line>, String> {
    let mut lines = Vec::new();
    for (name, what) in [("publish, list", Work::Publish), ("run, list", Work::List), ("run, loop", Work::Loop)] {
        let (mut points, mut short, mut long) = (Vec::new(), Vec::new(), Vec::new());
        for length in LENGTHS {
            let took = per_task(options, what, length)?;
            let shown = figure("language", format!("{name} of {length}, each task"), "us", took.clone());
            points.push((length as f64, shown.median()));
            if length == LENGTHS[0] || length == 10_000 {
                figures.push(shown);
            }
            (short, long) = if short.is_empty() { (took, long) } else { (short, took) };
        }
        let ratio = long.iter().zip(&short).map(|(long, short)| long / short).collect();
        figures.push(figure("language", format!("{name}: a task of 10,000 over one of 100"), "", ratio));
        lines.push(Line { name: name.to_owned(), points });
    }
    Ok(lines)
}

/// What is done with a document.
#[derive(Clone, Copy, Debug)]
enum Work {
    Publish,
    List,
    Loop,
}

fn per_task(options: &Options, work: Work, length: usize) -> Result<Vec<f64>, String> {
    let text = if matches!(work, Work::Loop) { repeated(length) } else { list(length) };
    let code = published(&text)?;
    let took = match work {
        Work::Publish => repetitions(options, || published(&text).map(black_box).map(drop))?,
        Work::List | Work::Loop => repetitions(options, || run(&code, &Value::Null))?,
    };
    Ok(took.iter().map(|s| s * 1e6 / length as f64).collect())
}

/// Seconds of one `work`, as the mean of as many as a repetition needs.
fn repetitions(options: &Options, work: impl Fn() -> Result<(), String>) -> Result<Vec<f64>, String> {
    work()?;
    let one = || {
        let (began, mut count) = (Instant::now(), 0_u32);
        while began.elapsed() < LEAST {
            work()?;
            count += 1;
        }
        Ok(began.elapsed().as_secs_f64() / f64::from(count.max(1)))
    };
    (0..options.repetitions).map(|_| one()).collect()
}

/// Runs `code` to its end in memory: every transition is decided and encoded.
fn run(code: &Compiled, input: &Value) -> Result<(), String> {
    let tenant = TenantId::local();
    let mut state = Orchestration::new(tenant, OrchestrationId::mint(1, Slot(1), &[b"bench"]));
    let mut command = Command::Start(start(code, input));
    let ambient = Ambient { now_us: 1_000_000, ..Ambient::default() };
    while !state.is_ended() {
        match decide(code, &state, &command, &ambient).map_err(|e| e.to_string())? {
            Step::Commit(decided) => {
                black_box(decided.transition.encode().map_err(|e| e.to_string())?);
                state = decided.next;
            }
            Step::Ask(_) => return Err("a document without policy asks policy".to_owned()),
        }
        command = Command::Continue;
    }
    match &state.problem {
        None => Ok(()),
        Some(problem) => Err(format!("{}: {}", problem.title, problem.detail)),
    }
}

fn start(code: &Compiled, input: &Value) -> Start {
    Start {
        workflow: code.program.name.clone(),
        version: code.program.version.clone(),
        pin: Digest::from_bytes([0; 32]),
        binding: 0,
        input: input.clone(),
        labels: provost_model::Labels::new(),
        event: None,
        subject: None,
        hops: 0,
        origin: None,
        traceparent: None,
        order: None,
        concurrency: None,
        batch: None,
        events: Vec::new(),
        parent: None,
        by: Who::system(),
    }
}
