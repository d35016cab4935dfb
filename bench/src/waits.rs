//! Long loops of durable runs, and what a waiting timer takes of memory, in the server itself.
//!
//! What must stay true: memory is the difference of what is resident before and after further timers, while the server holds as many
//! orchestrations in memory as it ever does; what fills caches of a fixed size is told apart from what each timer adds.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;

use crate::Options;
use crate::figures::{Figure, figure};
use crate::server::{Server, fresh};
use crate::workloads::path;

/// Timers that are there before memory is looked at: more than a server keeps orchestrations folded.
const BEFORE: u64 = 40_000;
/// Timers that are added.
const ADDED: u64 = 100_000;
/// How many start at the same time.
const AT_ONCE: u32 = 64;
/// How long the server may take to bring its lists up to the journals.
const SETTLES: Duration = Duration::from_secs(2);

/// A loop of durable runs in process: milliseconds for 100 and for 10,000 items.
pub async fn loops(options: &Options) -> Result<Vec<Figure>, String> {
    let server = Server::start(&options.provost, &fresh("loops")?).await?;
    server.apply(&options.provost, &options.bundle, &[])?;
    let mut connection = server.target.connect().await?;
    let (mut short, mut long) = (Vec::new(), Vec::new());
    for repetition in 0..=options.repetitions {
        for (items, times, took) in [(100_u32, 20_u32, &mut short), (10_000, 1, &mut long)] {
            let began = Instant::now();
            for _ in 0..times {
                let body = Bytes::from(serde_json::json!({ "input": { "items": (0..items).collect::<Vec<_>>() } }).to_string());
                let (status, answer) = connection.send("POST", &path("loop"), body, true).await?;
                if status != 200 {
                    return Err(format!("a loop of {items} answered {status}: {}", String::from_utf8_lossy(&answer)));
                }
            }
            // The first round warms up.
            if repetition > 0 {
                took.push(began.elapsed().as_secs_f64() * 1e6 / f64::from(items * times));
            }
        }
    }
    server.stop();
    let ratio = long.iter().zip(&short).map(|(long, short)| long / short).collect();
    Ok(vec![
        figure("language", "loop of 100 durable runs, each", "us", short),
        figure("language", "loop of 10000 durable runs, each", "us", long),
        figure("language", "loop of durable runs: one of 10,000 over one of 100", "", ratio),
    ])
}

/// What 100,000 further waiting timers take of the server's memory, in bytes each: the first ones, with which the page caches of the
/// partitions fill, and those behind them.
pub async fn timers(options: &Options) -> Result<Vec<Figure>, String> {
    let (mut filling, mut further) = (Vec::new(), Vec::new());
    for _ in 0..options.repetitions {
        let data = fresh("timers")?;
        let server = Server::start(&options.provost, &data).await?;
        server.apply(&options.provost, &options.bundle, &[])?;
        start_all(&server, BEFORE).await?;
        for values in [&mut filling, &mut further] {
            let before = server.rss_mib();
            start_all(&server, ADDED).await?;
            values.push((server.rss_mib() - before) * 1_048_576.0 / ADDED as f64);
        }
        server.stop();
        let _left = std::fs::remove_dir_all(&data);
    }
    Ok(vec![
        figure("language", "100,000 timers behind 40,000, caches filling: resident, each", "B", filling),
        figure("language", "a waiting timer: resident", "B", further),
    ])
}

/// Starts `count` orchestrations that wait for a day, and lets the server settle.
async fn start_all(server: &Server, count: u64) -> Result<(), String> {
    let next = Arc::new(AtomicU64::new(0));
    let mut tasks = Vec::new();
    for _ in 0..AT_ONCE {
        let (mut connection, next) = (server.target.connect().await?, next.clone());
        tasks.push(tokio::spawn(async move {
            while next.fetch_add(1, Ordering::Relaxed) < count {
                let (status, answer) = connection.send("POST", &path("day"), Bytes::from_static(b"{}"), false).await?;
                if status != 202 {
                    return Err(format!("a start answered {status}: {}", String::from_utf8_lossy(&answer)));
                }
            }
            Ok::<_, String>(())
        }));
    }
    for task in tasks {
        task.await.map_err(|e| e.to_string())??;
    }
    tokio::time::sleep(SETTLES).await;
    Ok(())
}
