//! The whole measurement as a Markdown document: what has to be held, then every figure with its spread, and where it was taken.
//!
//! What must stay true: the document says how it was taken, so nobody takes a short run for a full one. What is absent: what bounds a
//! figure; docs/performance.md argues.

use std::fmt::Write as _;
use std::path::Path;

use crate::Options;
use crate::figures::Figure;
use crate::holds::Hold;

/// The document.
pub fn document(options: &Options, figures: &[Figure], holds: &[Hold]) -> String {
    let mut page = format!(
        "# Figures\n\nWritten by `cargo xtask bench`, not by hand; [performance.md](performance.md) says what bounds them.\n\n{}",
        taken(options)
    );
    page.push_str("\n## What has to be held\n\n| what | hold | reached | of the limit | |\n|---|---|---|---|---|\n");
    holds.iter().for_each(|row| page.push_str(&row.cells()));
    page.push_str("\n## Every figure\n\n| workload | what | median | least to most | of |\n|---|---|---|---|---|\n");
    for figure in figures {
        let (least, most) = figure.spread();
        let (median, of) = (amount(figure.median()), figure.values.len());
        let _infallible = writeln!(
            page,
            "| {} | {} | {median} {} | {} to {} | {of} |",
            figure.workload,
            figure.what,
            figure.unit,
            amount(least),
            amount(most)
        );
    }
    if let Some(picture) = options.plot.as_deref().and_then(Path::file_name) {
        let _infallible =
            writeln!(page, "\n## Growth of files\n\n![Growth of files over finished orchestrations]({})", picture.to_string_lossy());
        page.push_str("\n## Time for each task\n\n![Time for each task over the length of a document or loop](language.svg)\n");
    }
    page
}

/// How and where it was taken.
fn taken(options: &Options) -> String {
    let read = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
    let cpus = std::thread::available_parallelism().map_or(0, usize::from);
    let (cpu, memory) = (read("/proc/cpuinfo"), read("/proc/meminfo"));
    let model = cpu.lines().find_map(|line| line.strip_prefix("model name")).map_or("", |rest| rest.trim_start_matches([' ', '\t', ':']));
    let kib = memory.lines().find_map(|line| line.strip_prefix("MemTotal:")?.split_whitespace().next()?.parse::<u64>().ok());
    let load = read("/proc/loadavg").split_whitespace().next().unwrap_or("?").to_owned();
    let profile = options.provost.parent().and_then(Path::file_name).map_or_else(String::new, |name| name.to_string_lossy().into_owned());
    format!(
        "Profile `{profile}`; {} repetition(s) of at most {} s, {} orchestrations for each line of growth; {cpus} CPUs ({model}), {} GiB, Linux \
         {}; load at the end {load}, the measurement's own included. Client, worker and server share the CPUs.\n",
        options.repetitions,
        options.seconds,
        options.grown,
        kib.unwrap_or(0) / (1024 * 1024),
        read("/proc/sys/kernel/osrelease").trim(),
    )
}

/// Three digits that say something, and no more.
pub fn amount(value: f64) -> String {
    match value.abs() {
        large if large >= 100.0 => thousands(value.round()),
        middle if middle >= 10.0 => format!("{value:.1}"),
        _small => format!("{value:.2}"),
    }
}

fn thousands(value: f64) -> String {
    let digits = format!("{value:.0}");
    let (sign, digits) = digits.strip_prefix('-').map_or(("", digits.as_str()), |rest| ("-", rest));
    let mut out = sign.to_owned();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_short() {
        let shown = [0.0, 0.446, 9.99, 28.04, 250.0, 6_480.4, 1_234_567.0, -1_000.0].map(amount);
        assert_eq!(shown, ["0.00", "0.45", "9.99", "28.0", "250", "6,480", "1,234,567", "-1,000"]);
    }
}
