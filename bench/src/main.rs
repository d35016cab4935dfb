//! The benchmark: closed loops of clients against the real binary over loopback, beside the machine's own limits taken in the same run.
//!
//! What must stay true: every loop is bounded in count and time; figures are medians with their spread; one JSON line per figure. What is
//! absent: a verdict (docs/performance.md argues).

mod limits;
mod load;
mod server;
mod workloads;

use clap::Parser as _;

/// What to measure, with which binary.
#[derive(Clone, Debug, clap::Parser)]
struct Options {
    /// The `provost` binary.
    #[arg(long)]
    provost: std::path::PathBuf,
    /// The folder of the bundle `bench`.
    #[arg(long)]
    bundle: std::path::PathBuf,
    /// Only these: limits, w1, w3, w4, w5.
    #[arg(long, value_delimiter = ',', default_value = "limits,w1,w3,w4,w5")]
    workload: Vec<String>,
    /// Repetitions of each figure.
    #[arg(long, default_value_t = 3)]
    repetitions: u32,
    /// Longest measured loop, in seconds.
    #[arg(long, default_value_t = 8)]
    seconds: u64,
    /// Waiting orchestrations of the crash workload.
    #[arg(long, default_value_t = 10_000)]
    waiting: u32,
    /// JSON lines only.
    #[arg(long)]
    json: bool,
}

fn main() -> std::process::ExitCode {
    let options = Options::parse();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    let measured = match runtime {
        Ok(runtime) => runtime.block_on(workloads::run(&options)),
        Err(error) => Err(error.to_string()),
    };
    match measured {
        Ok(figures) => {
            print(&figures, options.json);
            std::process::ExitCode::SUCCESS
        }
        Err(error) => {
            let _closed = std::io::Write::write_all(&mut std::io::stderr(), format!("bench: {error}\n").as_bytes());
            std::process::ExitCode::FAILURE
        }
    }
}

/// One measured figure: its repetitions in order.
#[derive(Clone, Debug)]
pub(crate) struct Figure {
    /// The workload.
    workload: String,
    /// What was measured.
    what: String,
    /// In what.
    unit: &'static str,
    /// Each repetition.
    values: Vec<f64>,
}

impl Figure {
    fn median(&self) -> f64 {
        let mut sorted = self.values.clone();
        sorted.sort_by(f64::total_cmp);
        sorted.get(sorted.len() / 2).copied().unwrap_or(0.0)
    }

    fn spread(&self) -> (f64, f64) {
        let least = self.values.iter().copied().fold(f64::INFINITY, f64::min);
        (least, self.values.iter().copied().fold(0.0, f64::max))
    }
}

fn print(figures: &[Figure], json: bool) {
    let mut out = String::new();
    for figure in figures {
        let (least, most) = figure.spread();
        if !json {
            let (workload, what, unit) = (&figure.workload, &figure.what, figure.unit);
            out.push_str(&format!("{workload:8} {what:52} {:>12.2} {unit:10} ({least:.2}..{most:.2})\n", figure.median()));
        }
        let line = serde_json::json!({
            "workload": figure.workload, "what": figure.what, "unit": figure.unit, "median": figure.median(), "min": least, "max": most,
        });
        if json {
            out.push_str(&format!("{line}\n"));
        }
    }
    let all: Vec<_> = figures
        .iter()
        .map(|f| serde_json::json!({ "what": format!("{} {}", f.workload, f.what), "median": f.median(), "unit": f.unit }))
        .collect();
    out.push_str(&format!("{}\n", serde_json::json!({ "figures": all })));
    let _closed = std::io::Write::write_all(&mut std::io::stdout(), out.as_bytes());
}
