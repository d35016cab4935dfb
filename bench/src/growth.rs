//! W5: growth of files per finished orchestration, and cold start to the first finished one.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use crate::figures::{Figure, figure};
use crate::load::closed_loop;
use crate::outside::Outside;
use crate::plot::{Line, chart};
use crate::server::{Server, fresh};
use crate::workloads::{path, start_body, worker};
use crate::{Options, plot};

/// Points of a line of the plot.
const POINTS: u64 = 10;
/// Longest time for one point.
const POINT: Duration = Duration::from_secs(20);

/// Growth and cold start; the growth is drawn too where that was asked for.
pub async fn w5(options: &Options) -> Result<Vec<Figure>, String> {
    let mut figures = vec![figure("w5", "cold start to the first finished orchestration", "ms", cold(options).await?)];
    let mut lines = Vec::new();
    for (workflow, what) in
        [("ten-steps", "growth, in process"), ("ten-external", "growth, external"), ("ten-effects", "growth, external with effects")]
    {
        let mut grown = Vec::new();
        for repetition in 0..options.repetitions {
            let line = grow(options, workflow, what).await?;
            let (count, bytes) = line.points.last().copied().unwrap_or((1.0, 0.0));
            grown.push(bytes / count.max(1.0) / 1024.0);
            if repetition == 0 {
                lines.push(line);
            }
        }
        figures.push(figure("w5", what, "KiB", grown));
    }
    if let Some(file) = &options.plot {
        std::fs::write(file, chart(&plot::GROWTH, &lines)).map_err(|e| format!("`{}`: {e}", file.display()))?;
    }
    Ok(figures)
}

async fn cold(options: &Options) -> Result<Vec<f64>, String> {
    let mut taken = Vec::new();
    for _ in 0..options.repetitions {
        let data = fresh("cold")?;
        let server = Server::start(&options.provost, &data).await?;
        server.apply(&options.provost, &options.bundle, &[])?;
        server.stop();
        let began = Instant::now();
        let server = Server::start(&options.provost, &data).await?;
        let (status, _) = server.target.connect().await?.send("POST", &path("ten-steps"), start_body(), true).await?;
        taken.push(began.elapsed().as_secs_f64() * 1000.0);
        server.stop();
        if status != 200 {
            return Err(format!("the first orchestration answered {status}"));
        }
        let _left = std::fs::remove_dir_all(&data);
    }
    Ok(taken)
}

/// Finished orchestrations and the bytes they added; the last point is taken behind a clean stop, with everything in the files.
async fn grow(options: &Options, workflow: &str, what: &str) -> Result<Line, String> {
    let place = fresh("growth")?;
    let outside = Outside::open(&place.join("effects.log")).await?;
    let server = Server::start(&options.provost, &place.join("folder")).await?;
    server.apply(&options.provost, &options.bundle, &[format!("effects={}", outside.url)])?;
    let stop = Arc::new(AtomicBool::new(false));
    let serving = worker(server.target.address().to_string(), 0, stop.clone());
    let (files, mut points, mut done) = (server.files(), vec![(0.0, 0.0)], 0_u64);
    let before = files.bytes();
    for _ in 0..POINTS {
        let first = done;
        let body = move |n| format!(r#"{{"input":{{"id":"{}","n":1}}}}"#, first + n).into();
        let measured = closed_loop(&server.target, 64, options.grown / POINTS, POINT, &path(workflow), body).await?;
        if measured.errors > 0 {
            return Err(format!("{workflow}: {} errors", measured.errors));
        }
        done += measured.count;
        points.push((done as f64, files.bytes().saturating_sub(before) as f64));
    }
    stop.store(true, Ordering::Relaxed);
    let _ended = serving.join();
    server.stop();
    if let Some(last) = points.last_mut() {
        last.1 = files.bytes().saturating_sub(before) as f64;
    }
    let _left = std::fs::remove_dir_all(&place);
    Ok(Line { name: what.to_owned(), points })
}
