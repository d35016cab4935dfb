//! The workloads by name, and W1 and W3 of the baselines: ten steps in closed loops, and a fork.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use provost_model::Value;
use provost_model::record::Attempted;
use provost_worker::Work;
use provost_worker::client::{WorkerConfig, serve};

use crate::figures::{Figure, figure};
use crate::load::closed_loop;
use crate::server::{Server, fresh};
use crate::{Options, growth, language, limits, programs, replay, waiting};

/// Every workload, in the order they run.
pub const ALL: [&str; 10] = ["limits", "append", "gate", "fold", "verify", "w1", "w3", "w4", "w5", "language"];

/// Measures what was asked for.
pub async fn run(options: &Options) -> Result<Vec<Figure>, String> {
    let asked = |name: &str| options.workload.is_empty() || options.workload.iter().any(|one| one == name);
    if let Some(unknown) = options.workload.iter().find(|name| !ALL.contains(&name.as_str())) {
        return Err(format!("`{unknown}` is no workload; choose {}", ALL.join(", ")));
    }
    let (mut figures, mut peer) = (Vec::new(), Vec::new());
    if let Some(command) = &options.beside {
        programs::beside(command, &mut peer)?;
    }
    for name in ALL.into_iter().filter(|name| asked(name)) {
        match name {
            "limits" => figures.extend(physical(options).await?),
            "append" => figures.extend(programs::append(options)?),
            "gate" => figures.extend(programs::gate(options)?),
            "fold" => figures.extend(replay::replay(options, true, asked("verify")).await?),
            "verify" if !asked("fold") => figures.extend(replay::replay(options, false, true).await?),
            "w1" => figures.extend(w1(options).await?),
            "w3" => figures.extend(w3(options).await?),
            "w4" => {
                for count in &options.waiting {
                    figures.extend(waiting::w4(options, *count).await?);
                }
            }
            "w5" => figures.extend(growth::w5(options).await?),
            "language" => {
                if !asked("w3") {
                    figures.extend(w3(options).await?);
                }
                figures.extend(language::language(options).await?);
            }
            _measured_with_fold => {}
        }
    }
    if let Some(command) = &options.beside {
        programs::beside(command, &mut peer)?;
    }
    figures.extend(peer);
    Ok(figures)
}

async fn physical(options: &Options) -> Result<Vec<Figure>, String> {
    let mut figures = Vec::new();
    for writers in [1, 4] {
        let values: Result<Vec<f64>, String> = (0..options.repetitions).map(|_| limits::appends(writers, Duration::from_secs(2))).collect();
        figures.push(figure("limits", format!("4 KiB append + fdatasync, {writers} writer(s)"), "1/s", values?));
    }
    figures.push(figure("limits", "HTTP exchange that does nothing, 1 in flight, p50".to_owned(), "us", exchanges(options).await?));
    Ok(figures)
}

/// What one exchange over a kept connection takes where the server has nothing to do, in microseconds: the median of each repetition.
async fn exchanges(options: &Options) -> Result<Vec<f64>, String> {
    let server = Server::start(&options.provost, &fresh("limits")?).await?;
    let mut connection = server.target.connect().await?;
    let mut medians = Vec::new();
    for _ in 0..options.repetitions {
        let (mut took, began) = (Vec::new(), Instant::now());
        while began.elapsed() < Duration::from_secs(1) {
            let sent = Instant::now();
            connection.send("GET", "/healthz", Bytes::new(), false).await?;
            took.push(sent.elapsed());
        }
        took.sort_unstable();
        medians.extend(took.get(took.len() / 2).map(|median| median.as_secs_f64() * 1e6));
    }
    server.stop();
    Ok(medians)
}

/// What a start of a bench workflow sends.
pub fn start_body() -> Bytes {
    Bytes::from_static(br#"{"input":{"n":1}}"#)
}

/// Where a workflow is started.
pub fn path(workflow: &str) -> String {
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
        let serving: Vec<_> = (0..workers).map(|n| worker(server.target.address().to_string(), n, stop.clone())).collect();
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
            let _ended = one.join();
        }
        server.stop();
    }
    Ok(figures)
}

/// An external worker that answers at once, until `stop`: a thread with a runtime of its own, as a process of its own would be.
pub fn worker(address: String, number: u32, stop: Arc<AtomicBool>) -> std::thread::JoinHandle<()> {
    std::thread::spawn(move || {
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
        if let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_all().build() {
            let _stopped = runtime.block_on(serve(&config, answer, move || stop.load(Ordering::Relaxed)));
        }
    })
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
