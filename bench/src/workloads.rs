//! W1 to W5 of the baselines, on Provost.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use provost_model::Value;
use provost_model::record::Attempted;
use provost_worker::Work;
use provost_worker::client::{WorkerConfig, serve};

use crate::load::{Target, closed_loop};
use crate::server::{Server, fresh};
use crate::{Figure, Options, limits};

/// Measures what was asked for.
pub async fn run(options: &Options) -> Result<Vec<Figure>, String> {
    let mut figures = Vec::new();
    for workload in &options.workload {
        match workload.as_str() {
            "limits" => figures.extend(physical(options)?),
            "w1" => figures.extend(w1(options).await?),
            "w3" => figures.extend(w3(options).await?),
            "w4" => figures.extend(w4(options).await?),
            "w5" => figures.extend(w5(options).await?),
            other => return Err(format!("`{other}` is no workload; choose limits, w1, w3, w4 or w5")),
        }
    }
    Ok(figures)
}

fn figure(workload: &str, what: impl Into<String>, unit: &'static str, values: Vec<f64>) -> Figure {
    Figure { workload: workload.to_owned(), what: what.into(), unit, values }
}

fn physical(options: &Options) -> Result<Vec<Figure>, String> {
    let mut figures = Vec::new();
    for writers in [1, 4] {
        let values: Result<Vec<f64>, String> = (0..options.repetitions).map(|_| limits::appends(writers, Duration::from_secs(2))).collect();
        figures.push(figure("limits", format!("4 KiB append + fdatasync, {writers} writer(s)"), "1/s", values?));
    }
    Ok(figures)
}

fn start_body() -> Bytes {
    Bytes::from_static(br#"{"input":{"n":1}}"#)
}

fn path(workflow: &str) -> String {
    format!("/v1/workflows/{workflow}/orchestrations")
}

/// Ten steps: pure in one commit, in process each durable, and through an external worker.
async fn w1(options: &Options) -> Result<Vec<Figure>, String> {
    let mut figures = Vec::new();
    let limit = Duration::from_secs(options.seconds);
    for (workflow, name, workers) in [
        ("ten-pure", "10 pure tasks, one commit", 0),
        ("ten-steps", "10 in-process tasks", 0),
        ("ten-external", "10 tasks, HTTP worker", 2),
    ] {
        let server = Server::start(&options.provost, &fresh("w1")?).await?;
        server.apply(&options.provost, &options.bundle, &[])?;
        let stop = Arc::new(AtomicBool::new(false));
        let serving: Vec<_> = (0..workers).map(|n| tokio::spawn(worker(server.target.address().to_string(), n, stop.clone()))).collect();
        closed_loop(&server.target, 32, 300, limit, &path(workflow), |_| start_body()).await?;
        for clients in [1_u32, 64, 512] {
            let most = if clients == 1 { 1_000 } else { 200_000 };
            let (mut rates, mut p50s, mut p99s, mut cores) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
            for _ in 0..options.repetitions {
                let (cpu, began) = (server.cpu_s(), Instant::now());
                let measured = closed_loop(&server.target, clients, most, limit, &path(workflow), |_| start_body()).await?;
                if measured.errors > 0 {
                    return Err(format!("{workflow} at {clients}: {} errors", measured.errors));
                }
                rates.push(measured.rate);
                p50s.push(measured.p50_ms);
                p99s.push(measured.p99_ms);
                cores.push((server.cpu_s() - cpu) / began.elapsed().as_secs_f64());
            }
            figures.push(figure("w1", format!("{name}, {clients} in flight"), "orch/s", rates));
            figures.push(figure("w1", format!("{name}, {clients} in flight, p50"), "ms", p50s));
            figures.push(figure("w1", format!("{name}, {clients} in flight, p99"), "ms", p99s));
            figures.push(figure("w1", format!("{name}, {clients} in flight, server"), "cores", cores));
        }
        stop.store(true, Ordering::Relaxed);
        for one in serving {
            let _ended = one.await;
        }
        server.stop();
    }
    Ok(figures)
}

async fn worker(address: String, number: u32, stop: Arc<AtomicBool>) {
    let config = WorkerConfig {
        server: format!("http://{address}"),
        worker: format!("bench-{number}"),
        queues: vec!["bench".to_owned()],
        capacity: 256,
        wait_ms: 500,
        token: None,
    };
    let value = Value::object([("step", Value::Int(1)), ("pad", Value::from("x".repeat(180)))]);
    let answer = move |_: &Work| Attempted::Done { value: value.clone(), reference: None, usage: None, dropped_bytes: None };
    let _stopped = serve(&config, answer, move || stop.load(Ordering::Relaxed)).await;
}

/// A fork of 1,000 branches.
async fn w3(options: &Options) -> Result<Vec<Figure>, String> {
    let server = Server::start(&options.provost, &fresh("w3")?).await?;
    server.apply(&options.provost, &options.bundle, &[])?;
    let mut connection = server.target.connect().await?;
    let mut values = Vec::new();
    for _ in 0..options.repetitions.max(3) {
        let began = Instant::now();
        let (status, body) = connection.send("POST", &path("fan"), start_body(), true).await?;
        if status != 200 {
            return Err(format!("the fan answered {status}: {}", String::from_utf8_lossy(&body)));
        }
        values.push(began.elapsed().as_secs_f64() * 1000.0);
    }
    server.stop();
    Ok(vec![figure("w3", "fork of 1,000 branches", "ms", values)])
}

/// An outside service that counts lines.
async fn counter() -> Result<(String, Arc<AtomicU64>, Arc<AtomicU64>), String> {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.map_err(|e| e.to_string())?;
    let address = listener.local_addr().map_err(|e| e.to_string())?;
    let (pre, post) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
    let (count_pre, count_post) = (pre.clone(), post.clone());
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let (pre, post) = (count_pre.clone(), count_post.clone());
            let service = service_fn(move |request: hyper::Request<hyper::body::Incoming>| {
                let (pre, post) = (pre.clone(), post.clone());
                async move {
                    let body = request.into_body().collect().await.map(|b| b.to_bytes()).unwrap_or_default();
                    let counted = if body.windows(5).any(|w| w == b"\"pre ") { &pre } else { &post };
                    counted.fetch_add(1, Ordering::Relaxed);
                    Ok::<_, std::convert::Infallible>(hyper::Response::new(Full::new(Bytes::from_static(b"{\"ok\":true}"))))
                }
            });
            tokio::spawn(hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service));
        }
    });
    Ok((format!("http://{address}"), pre, post))
}

/// Waiting orchestrations, kill -9, ready again, all released.
async fn w4(options: &Options) -> Result<Vec<Figure>, String> {
    let (effects, pre, post) = counter().await?;
    let data = fresh("w4")?;
    let server = Server::start(&options.provost, &data).await?;
    server.apply(&options.provost, &options.bundle, &[format!("effects={effects}")])?;
    let before = server.rss_mib();
    let waiting = u64::from(options.waiting);
    let began = Instant::now();
    let limit = Duration::from_secs(180);
    start_waiting(&server.target, waiting, limit).await?;
    while pre.load(Ordering::Relaxed) < waiting && began.elapsed() < limit {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let all_waiting = began.elapsed().as_secs_f64();
    tokio::time::sleep(Duration::from_secs(2)).await;
    let resident = server.rss_mib();
    server.kill();
    let killed = Instant::now();
    let server = Server::start(&options.provost, &data).await?;
    let mut connection = server.target.connect().await?;
    let (status, _) = connection.send("POST", &path("ten-steps"), start_body(), true).await?;
    let ready = killed.elapsed().as_secs_f64();
    if status != 200 {
        return Err(format!("the first orchestration after the kill answered {status}"));
    }
    let doubled = pre.load(Ordering::Relaxed).saturating_sub(waiting);
    let lost = waiting.saturating_sub(pre.load(Ordering::Relaxed));
    let after = server.rss_mib();
    server.stop();
    let _left = std::fs::remove_dir_all(&data);
    let _released_by_reviews = post;
    let what = |text: &str| format!("{waiting} waiting: {text}");
    Ok(vec![
        figure("w4", what("all waiting after"), "s", vec![all_waiting]),
        figure("w4", what("resident before"), "MiB", vec![before]),
        figure("w4", what("resident"), "MiB", vec![resident]),
        figure("w4", what("ready after kill -9"), "s", vec![ready]),
        figure("w4", what("resident after restart"), "MiB", vec![after]),
        figure("w4", what("effects lost"), "", vec![lost as f64]),
        figure("w4", what("effects doubled"), "", vec![doubled as f64]),
    ])
}

async fn start_waiting(target: &Target, count: u64, limit: Duration) -> Result<(), String> {
    let next = Arc::new(AtomicU64::new(0));
    let began = Instant::now();
    let mut tasks = Vec::new();
    for _ in 0..64 {
        let (mut connection, next) = (target.connect().await?, next.clone());
        tasks.push(tokio::spawn(async move {
            loop {
                let number = next.fetch_add(1, Ordering::Relaxed);
                if number >= count || began.elapsed() > limit {
                    return Ok::<(), String>(());
                }
                let body = Bytes::from(format!(r#"{{"input":{{"id":"{number}"}}}}"#));
                let (status, answer) = connection.send("POST", &path("approval"), body, false).await?;
                if status != 202 {
                    return Err(format!("a start answered {status}: {}", String::from_utf8_lossy(&answer)));
                }
            }
        }));
    }
    for task in tasks {
        task.await.map_err(|e| e.to_string())??;
    }
    Ok(())
}

/// Growth of files, and cold start to the first finished orchestration.
async fn w5(options: &Options) -> Result<Vec<Figure>, String> {
    let mut figures = Vec::new();
    let (mut growth, mut cold) = (Vec::new(), Vec::new());
    for _ in 0..options.repetitions {
        let data = fresh("w5")?;
        let began = Instant::now();
        let server = Server::start(&options.provost, &data).await?;
        server.apply(&options.provost, &options.bundle, &[])?;
        server.stop();
        let _first_use = began.elapsed();
        let began = Instant::now();
        let server = Server::start(&options.provost, &data).await?;
        let mut connection = server.target.connect().await?;
        connection.send("POST", &path("ten-steps"), start_body(), true).await?;
        cold.push(began.elapsed().as_secs_f64() * 1000.0);
        let before = server.file_bytes();
        let measured = closed_loop(&server.target, 64, 5_000, Duration::from_secs(60), &path("ten-steps"), |_| start_body()).await?;
        tokio::time::sleep(Duration::from_secs(1)).await;
        let target = server.data.clone();
        server.stop();
        let after: u64 = std::fs::read_dir(&target)
            .into_iter()
            .flatten()
            .flatten()
            .filter(|e| e.path().extension().is_some_and(|x| x == "db"))
            .filter_map(|e| e.metadata().ok())
            .map(|m| m.len())
            .sum();
        growth.push(after.saturating_sub(before) as f64 / measured.count.max(1) as f64 / 1024.0);
        let _left = std::fs::remove_dir_all(&data);
    }
    figures.push(figure("w5", "cold start to the first finished orchestration", "ms", cold));
    figures.push(figure("w5", "growth of files per finished 10-task orchestration", "KiB", growth));
    Ok(figures)
}
