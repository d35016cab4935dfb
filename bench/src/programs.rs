//! Other programs that measure: the crates' own cost programs, and a peer's script beside ours.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use serde_json::Value as Json;

use crate::Options;
use crate::figures::{Figure, figure};
use crate::limits::log_rows;
use crate::server::fresh;

/// Rows of one commit.
const BATCH: u32 = 64;
/// Bytes of a row in the plain log: the payload's JSON of the cost program, and 80 bytes of ids, chain and times.
const ROW_BYTES: usize = 680;

/// Journal append and a plain growing file in turn: the same rows, batch and writers.
pub fn append(options: &Options) -> Result<Vec<Figure>, String> {
    let program = beside_us(options, "append_cost")?;
    let seconds = options.seconds.min(3);
    let (mut ours, mut plain) = ([Vec::new(), Vec::new()], [Vec::new(), Vec::new()]);
    for _ in 0..options.repetitions {
        for (rates, writers) in plain.iter_mut().zip([1, 4]) {
            rates.push(log_rows(writers, BATCH as usize, ROW_BYTES, Duration::from_secs(seconds))?);
        }
        let folder = fresh("append")?;
        let said = output(Command::new(&program).arg(&folder).args([seconds.to_string(), BATCH.to_string()]))?;
        for (rates, line) in ours.iter_mut().zip(said.lines()) {
            rates.push(number_behind(line, "rows/s").ok_or_else(|| format!("no rows/s in `{line}`"))?);
        }
        let _left = std::fs::remove_dir_all(&folder);
    }
    let ([ours_1, ours_4], [plain_1, plain_4]) = (ours, plain);
    Ok(vec![
        figure("append", "journal, 1 partition, batch 64", "rows/s", ours_1),
        figure("append", "journal, 4 partitions, batch 64", "rows/s", ours_4),
        figure("append", "plain log, 1 file, batch 64", "rows/s", plain_1),
        figure("append", "plain log, 4 files, batch 64", "rows/s", plain_4),
    ])
}

fn number_behind(line: &str, name: &str) -> Option<f64> {
    let mut words = line.split_whitespace();
    words.find(|word| *word == name)?;
    words.next()?.parse().ok()
}

/// The policy gate's own cost program.
pub fn gate(options: &Options) -> Result<Vec<Figure>, String> {
    let program = beside_us(options, "gate_cost")?;
    let mut figures: Vec<Figure> = Vec::new();
    for _ in 0..options.repetitions {
        let said = output(Command::new(&program).arg("20000"))?;
        for json in said.lines().filter_map(|line| serde_json::from_str::<Json>(line).ok()) {
            let way = json.get("way").and_then(Json::as_str).unwrap_or_default();
            for (key, name) in [("p50_us", "p50"), ("p99_us", "p99")] {
                let value = json.get(key).and_then(Json::as_f64).ok_or("the gate's cost has another form")?;
                add(&mut figures, "gate", format!("{way}, {name}"), "us", value);
            }
        }
    }
    Ok(figures)
}

fn add(figures: &mut Vec<Figure>, workload: &'static str, what: String, unit: &'static str, value: f64) {
    match figures.iter_mut().find(|figure| figure.what == what) {
        Some(figure) => figure.values.push(value),
        None => figures.push(figure(workload, what, unit, vec![value])),
    }
}

/// What a figure of a peer's JSON line is called here: its work, how many were in flight, the key, our name, the unit, the factor.
type Named = (&'static str, Option<u64>, &'static str, &'static str, &'static str, f64);

const PEERS: [Named; 13] = [
    ("W1", Some(1), "wf_s", "10 steps, 1 in flight", "orch/s", 1.0),
    ("W1", Some(1), "p50_ms", "10 steps, 1 in flight, p50", "ms", 1.0),
    ("W1", Some(1), "p99_ms", "10 steps, 1 in flight, p99", "ms", 1.0),
    ("W1", Some(64), "wf_s", "10 steps, 64 in flight", "orch/s", 1.0),
    ("W1", Some(512), "wf_s", "10 steps, 512 in flight", "orch/s", 1.0),
    ("W3", None, "wall_s", "fork of 1,000 branches", "ms", 1000.0),
    ("cold", None, "first_workflow_done_s", "cold start to the first finished workflow", "ms", 1000.0),
    ("W5-disk", None, "disk_growth_per_wf", "growth of files", "KiB", 1.0 / 1024.0),
    ("W5-wait", None, "rss_waiting", "resident with all waiting", "MiB", 1.0),
    ("W4", None, "n", "waiting", "", 1.0),
    ("W4", None, "ready_s", "ready after kill -9", "s", 1.0),
    ("W4", None, "all_done_s", "all done after", "s", 1.0),
    ("W4", None, "sig_rps", "answers", "1/s", 1.0),
];

/// Runs a peer's command and adds what it says, JSON line by JSON line, to `figures`.
pub fn beside(command: &str, figures: &mut Vec<Figure>) -> Result<(), String> {
    let said = output(Command::new("sh").args(["-c", command]))?;
    let before = figures.iter().map(|figure| figure.values.len()).sum::<usize>();
    for json in said.lines().filter_map(|line| serde_json::from_str::<Json>(line).ok()) {
        peer_line(&json, figures);
    }
    if figures.iter().map(|figure| figure.values.len()).sum::<usize>() == before {
        return Err(format!("`{command}` said no figure that is known here: JSON lines with `work`, `conc`, `wf_s`, `p50_ms`"));
    }
    Ok(())
}

fn peer_line(json: &Json, figures: &mut Vec<Figure>) {
    let (work, conc) = (json.get("work").and_then(Json::as_str), json.get("conc").and_then(Json::as_u64));
    for (of, at, key, name, unit, factor) in PEERS {
        if work == Some(of)
            && (at.is_none() || at == conc)
            && let Some(value) = json.get(key).and_then(Json::as_f64)
        {
            add(figures, "beside", name.to_owned(), unit, value * factor);
        }
    }
}

/// A cost program, built beside the benchmark.
fn beside_us(options: &Options, name: &str) -> Result<std::path::PathBuf, String> {
    let folder = options.provost.parent().unwrap_or(Path::new("."));
    let program = folder.join("examples").join(name);
    if program.exists() { Ok(program) } else { Err(format!("`{}` is not built; `cargo xtask bench` builds it", program.display())) }
}

fn output(command: &mut Command) -> Result<String, String> {
    let done = command.stdin(Stdio::null()).stderr(Stdio::inherit()).output().map_err(|e| format!("{command:?}: {e}"))?;
    if !done.status.success() {
        return Err(format!("{command:?} ended with {}", done.status));
    }
    Ok(String::from_utf8_lossy(&done.stdout).into_owned())
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

    use super::*;

    #[test]
    fn a_peers_lines_become_figures_with_their_repetitions() {
        let mut figures = Vec::new();
        let said = "printf '%s\\n' 'no json' '{\"work\":\"W1\",\"conc\":512,\"wf_s\":1200,\"p50_ms\":300}' \
                    '{\"work\":\"W1\",\"conc\":512,\"wf_s\":1300}' '{\"work\":\"W3\",\"wall_s\":0.43}'";
        beside(said, &mut figures).unwrap();
        let shown: Vec<(&str, Vec<f64>)> = figures.iter().map(|f| (f.what.as_str(), f.values.clone())).collect();
        assert_eq!(shown, [("10 steps, 512 in flight", vec![1200.0, 1300.0]), ("fork of 1,000 branches", vec![430.0])]);
        assert!(beside("true", &mut figures).is_err());
        assert!(beside("false", &mut figures).is_err());
    }

    #[test]
    fn a_number_is_read_behind_its_name() {
        assert_eq!(number_behind("partitions 4  batch 64  rows/s 163000  bytes/row 330", "rows/s"), Some(163_000.0));
        assert_eq!(number_behind("rows/s", "rows/s"), None);
    }
}
