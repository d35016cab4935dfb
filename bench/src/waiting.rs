//! W4: orchestrations that wait for a person, kill -9, ready again, all released; each has one effect outside before and one after.
//!
//! What must stay true: what was done is counted by the outside service alone.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use provost_model::OrchestrationId;

use crate::Options;
use crate::figures::{Figure, figure};
use crate::load::{Connection, Target};
use crate::outside::Outside;
use crate::server::{Server, fresh};
use crate::workloads::{path, start_body};

/// How many start or release at the same time.
const AT_ONCE: u32 = 64;
/// Longest wait for all of them, each way.
const LIMIT: Duration = Duration::from_secs(240);
/// Where the workflow asks the person.
const ASKS_AT: &str = "approve";

/// One crash with `waiting` waiting orchestrations.
pub async fn w4(options: &Options, waiting: u32) -> Result<Vec<Figure>, String> {
    let run = Run::begin(options, waiting).await?;
    let mut figures = Vec::new();
    let (server, ids) = run.fill(&mut figures).await?;
    let written = server.written_bytes();
    server.kill();
    let server = run.ready_again(&mut figures).await?;
    run.release(&server, &ids, &mut figures).await?;
    tokio::time::sleep(Duration::from_secs(1)).await;
    let per = |bytes: u64| bytes as f64 / f64::from(waiting) / 1024.0;
    figures.push(run.one("written to storage per orchestration", "KiB", per(written + server.written_bytes())));
    let files = server.files();
    server.stop();
    figures.push(run.one("growth of files per orchestration", "KiB", per(files.bytes())));
    let _left = std::fs::remove_dir_all(&run.place);
    Ok(figures)
}

struct Run<'o> {
    options: &'o Options,
    waiting: u32,
    place: PathBuf,
    outside: Outside,
}

impl<'o> Run<'o> {
    async fn begin(options: &'o Options, waiting: u32) -> Result<Self, String> {
        let place = fresh("w4")?;
        let outside = Outside::open(&place.join("effects.log")).await?;
        Ok(Self { options, waiting, place, outside })
    }

    fn one(&self, what: &str, unit: &'static str, value: f64) -> Figure {
        figure("w4", format!("{} waiting: {what}", self.waiting), unit, vec![value])
    }

    /// Starts all and waits until each has had its first effect.
    async fn fill(&self, figures: &mut Vec<Figure>) -> Result<(Server, Vec<OrchestrationId>), String> {
        let server = Server::start(&self.options.provost, &self.place.join("folder")).await?;
        server.apply(&self.options.provost, &self.options.bundle, &[format!("effects={}", self.outside.url)])?;
        figures.push(self.one("resident at none", "MiB", server.rss_mib()));
        let began = Instant::now();
        let ids = start_all(&server.target, u64::from(self.waiting)).await?;
        figures.push(self.one("accepted", "1/s", f64::from(self.waiting) / began.elapsed().as_secs_f64()));
        self.until("pre", began).await;
        figures.push(self.one("all waiting after", "s", began.elapsed().as_secs_f64()));
        tokio::time::sleep(Duration::from_secs(2)).await;
        figures.push(self.one("resident", "MiB", server.rss_mib()));
        let idle = server.cpu_s();
        tokio::time::sleep(Duration::from_secs(2)).await;
        figures.push(self.one("idle", "cores", (server.cpu_s() - idle) / 2.0));
        Ok((server, ids))
    }

    /// Starts the server again; ready is when a new orchestration of ten steps has finished.
    async fn ready_again(&self, figures: &mut Vec<Figure>) -> Result<Server, String> {
        let killed = Instant::now();
        let server = Server::start(&self.options.provost, &self.place.join("folder")).await?;
        let mut connection = server.target.connect().await?;
        let (status, answer) = connection.send("POST", &path("ten-steps"), start_body(), true).await?;
        if status != 200 {
            return Err(format!("the first orchestration after the kill answered {status}: {}", String::from_utf8_lossy(&answer)));
        }
        figures.push(self.one("ready after kill -9", "s", killed.elapsed().as_secs_f64()));
        figures.push(self.one("resident after restart", "MiB", server.rss_mib()));
        Ok(server)
    }

    /// Answers every review; done is when each has had its second effect.
    async fn release(&self, server: &Server, ids: &[OrchestrationId], figures: &mut Vec<Figure>) -> Result<(), String> {
        let (began, cpu) = (Instant::now(), server.cpu_s());
        release_all(&server.target, ids).await?;
        let answered = began.elapsed().as_secs_f64();
        self.until("post", began).await;
        let done = began.elapsed().as_secs_f64();
        tokio::time::sleep(Duration::from_secs(1)).await;
        let (waiting, pre, post) = (u64::from(self.waiting), self.outside.counted("pre"), self.outside.counted("post"));
        figures.push(self.one("answers", "1/s", waiting as f64 / answered));
        figures.push(self.one("all done after", "s", done));
        figures.push(self.one("released", "1/s", post.distinct as f64 / done));
        figures.push(self.one("released, server", "cores", (server.cpu_s() - cpu) / done));
        figures.push(self.one("resident at the end", "MiB", server.rss_mib()));
        for (word, counted) in [("pre", pre), ("post", post)] {
            figures.push(self.one(&format!("{word} lost"), "", waiting.saturating_sub(counted.distinct) as f64));
            figures.push(self.one(&format!("{word} doubled"), "", counted.doubled as f64));
        }
        figures.push(self.one("sent again under the same key", "", self.outside.repeated() as f64));
        Ok(())
    }

    async fn until(&self, word: &str, began: Instant) {
        while self.outside.counted(word).distinct < u64::from(self.waiting) && began.elapsed() < LIMIT {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

async fn start_all(target: &Target, count: u64) -> Result<Vec<OrchestrationId>, String> {
    let next = Arc::new(AtomicU64::new(0));
    let mut tasks = Vec::new();
    for _ in 0..AT_ONCE {
        let (mut connection, next) = (target.connect().await?, next.clone());
        tasks.push(tokio::spawn(async move {
            let mut ids = Vec::new();
            loop {
                let number = next.fetch_add(1, Ordering::Relaxed);
                if number >= count {
                    return Ok::<_, String>(ids);
                }
                ids.push(start(&mut connection, number).await?);
            }
        }));
    }
    let mut ids = Vec::new();
    for task in tasks {
        ids.extend(task.await.map_err(|e| e.to_string())??);
    }
    Ok(ids)
}

async fn start(connection: &mut Connection, number: u64) -> Result<OrchestrationId, String> {
    let body = Bytes::from(format!(r#"{{"input":{{"id":"{number}"}}}}"#));
    let (status, answer) = connection.send("POST", &path("approval"), body, false).await?;
    let json: serde_json::Value = serde_json::from_slice(&answer).unwrap_or_default();
    let id = json.get("id").and_then(serde_json::Value::as_str).and_then(|id| id.parse().ok());
    id.filter(|_| status == 202).ok_or_else(|| format!("a start answered {status}: {}", String::from_utf8_lossy(&answer)))
}

async fn release_all(target: &Target, ids: &[OrchestrationId]) -> Result<(), String> {
    let (next, ids) = (Arc::new(AtomicUsize::new(0)), Arc::new(ids.to_vec()));
    let mut tasks = Vec::new();
    for _ in 0..AT_ONCE {
        let (mut connection, next, ids) = (target.connect().await?, next.clone(), ids.clone());
        tasks.push(tokio::spawn(async move {
            while let Some(id) = ids.get(next.fetch_add(1, Ordering::Relaxed)) {
                let body = serde_json::json!({ "orchestration": id, "option": "approve", "reason": "measured" }).to_string();
                let asked = format!("/v1/reviews/{}", id.review(ASKS_AT, "0"));
                let (status, answer) = connection.send("POST", &asked, body.into(), false).await?;
                if status != 200 {
                    return Err(format!("an answer to a review answered {status}: {}", String::from_utf8_lossy(&answer)));
                }
            }
            Ok(())
        }));
    }
    for task in tasks {
        task.await.map_err(|e| e.to_string())??;
    }
    Ok(())
}
