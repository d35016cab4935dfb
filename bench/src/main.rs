//! The benchmark: closed loops of clients against the real binary over loopback, beside the machine's own limits taken in the same run.
//!
//! What must stay true: every loop is bounded in count and time; figures are medians with their spread; one JSON line per figure. What is
//! absent: what bounds a figure (docs/performance.md argues).

mod documents;
mod figures;
mod growth;
mod holds;
mod language;
mod limits;
mod load;
mod outside;
mod plot;
mod programs;
mod replay;
mod server;
mod table;
mod waiting;
mod waits;
mod workloads;

use clap::Parser as _;

use crate::figures::Figure;
use crate::holds::Hold;

/// What to measure, with which binary.
#[derive(Clone, Debug, clap::Parser)]
struct Options {
    /// The `provost` binary.
    #[arg(long)]
    provost: std::path::PathBuf,
    /// The folder of the bundle `bench`.
    #[arg(long)]
    bundle: std::path::PathBuf,
    /// Only these: limits, append, gate, fold, verify, w1, w3, w4, w5, language.
    #[arg(long, value_delimiter = ',')]
    workload: Vec<String>,
    /// Repetitions of each figure.
    #[arg(long, default_value_t = 3)]
    repetitions: u32,
    /// Longest measured loop, in seconds.
    #[arg(long, default_value_t = 8)]
    seconds: u64,
    /// Waiting orchestrations of the crash workload, one crash for each number.
    #[arg(long, value_delimiter = ',', default_value = "10000,100000")]
    waiting: Vec<u32>,
    /// Orchestrations of each measurement of growth.
    #[arg(long, default_value_t = 5_000)]
    grown: u64,
    /// A peer's command, run before and after ours; it says JSON lines.
    #[arg(long)]
    beside: Option<String>,
    /// Where the growth of files is drawn, as SVG; `language.svg` comes beside it.
    #[arg(long)]
    plot: Option<std::path::PathBuf>,
    /// Where the tables are written, as Markdown.
    #[arg(long)]
    table: Option<std::path::PathBuf>,
    /// Exit 1 also when a measured row is not held.
    #[arg(long)]
    must_hold: bool,
    /// How long a clean build of the binary took, in seconds.
    #[arg(long)]
    build_s: Option<f64>,
    /// JSON lines only.
    #[arg(long)]
    json: bool,
}

/// The allocator of the binary that ships: fold and verify are measured in this process.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> std::process::ExitCode {
    let options = Options::parse();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    let measured = match runtime {
        Ok(runtime) => runtime.block_on(workloads::run(&options)),
        Err(error) => Err(error.to_string()),
    };
    match measured.and_then(|figures| told(&options, &figures)) {
        Ok(true) => std::process::ExitCode::SUCCESS,
        Ok(false) => std::process::ExitCode::FAILURE,
        Err(error) => {
            say(&format!("{}\n", serde_json::json!({ "ok": false, "error": error })));
            let _closed = std::io::Write::write_all(&mut std::io::stderr(), format!("bench: {error}\n").as_bytes());
            std::process::ExitCode::FAILURE
        }
    }
}

/// Says everything; the answer is whether what was asked for held.
fn told(options: &Options, figures: &[Figure]) -> Result<bool, String> {
    let holds = holds::rows(figures, options.build_s);
    if let Some(file) = &options.table {
        std::fs::write(file, table::document(options, figures, &holds)).map_err(|e| format!("`{}`: {e}", file.display()))?;
    }
    let wrong: Vec<&str> = figures.iter().filter(|figure| figure.is_wrong()).map(|figure| figure.what.as_str()).collect();
    let not_held: Vec<&str> = holds.iter().filter(|row| row.is_missed()).map(Hold::what).collect();
    let ok = wrong.is_empty() && (not_held.is_empty() || !options.must_hold);
    print(options, figures, &holds, &serde_json::json!({ "ok": ok, "wrong": wrong, "not_held": not_held }));
    Ok(ok)
}

fn print(options: &Options, figures: &[Figure], holds: &[Hold], verdict: &serde_json::Value) {
    let mut out = String::new();
    if options.json {
        figures.iter().for_each(|figure| out.push_str(&format!("{}\n", figure.json())));
        holds.iter().for_each(|row| out.push_str(&format!("{}\n", row.json())));
    } else {
        figures.iter().for_each(|figure| out.push_str(&figure.line()));
        out.push('\n');
        holds.iter().for_each(|row| out.push_str(&row.line()));
    }
    let (figures, holds): (Vec<_>, Vec<_>) = (figures.iter().map(Figure::json).collect(), holds.iter().map(Hold::json).collect());
    let mut summary = serde_json::json!({ "figures": figures, "holds": holds, "build_s": options.build_s });
    if let (Some(summary), Some(verdict)) = (summary.as_object_mut(), verdict.as_object()) {
        summary.extend(verdict.clone());
    }
    out.push_str(&format!("{summary}\n"));
    say(&out);
}

fn say(text: &str) {
    let _closed = std::io::Write::write_all(&mut std::io::stdout(), text.as_bytes());
}
