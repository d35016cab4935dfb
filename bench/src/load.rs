//! A closed loop over keep-alive connections: each client sends, waits for the answer, sends again.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::Request;
use hyper::client::conn::http1::SendRequest;
use hyper_util::rt::TokioIo;

/// A server's address.
#[derive(Clone, Debug)]
pub struct Target {
    address: SocketAddr,
}

impl Target {
    /// From `host:port`.
    pub fn new(address: &str) -> Result<Self, String> {
        Ok(Self { address: address.parse().map_err(|_| format!("`{address}` is no address"))? })
    }

    /// `host:port`.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// One connection.
    pub async fn connect(&self) -> Result<Connection, String> {
        let stream = tokio::net::TcpStream::connect(self.address).await.map_err(|e| e.to_string())?;
        stream.set_nodelay(true).map_err(|e| e.to_string())?;
        let (sender, driver) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.map_err(|e| e.to_string())?;
        tokio::spawn(driver);
        Ok(Connection { sender })
    }
}

/// A keep-alive connection.
pub struct Connection {
    sender: SendRequest<Full<Bytes>>,
}

impl Connection {
    /// Sends one request; status and body of the answer.
    pub async fn send(&mut self, method: &str, path: &str, body: Bytes, prefer: bool) -> Result<(u16, Bytes), String> {
        let mut request =
            Request::builder().method(method).uri(path).header("host", "localhost").header("content-type", "application/json");
        if prefer {
            request = request.header("prefer", "wait=30");
        }
        let request = request.body(Full::new(body)).map_err(|e| e.to_string())?;
        self.sender.ready().await.map_err(|e| e.to_string())?;
        let answer = self.sender.send_request(request).await.map_err(|e| e.to_string())?;
        let status = answer.status().as_u16();
        let body = answer.into_body().collect().await.map_err(|e| e.to_string())?.to_bytes();
        Ok((status, body))
    }
}

/// What a loop measured.
#[derive(Clone, Debug, Default)]
pub struct Measured {
    /// Finished requests per second.
    pub rate: f64,
    /// Median latency, in milliseconds.
    pub p50_ms: f64,
    /// 99th percentile of latency, in milliseconds.
    pub p99_ms: f64,
    /// How many were finished.
    pub count: u64,
    /// How many were refused or failed.
    pub errors: u64,
}

/// Runs `clients` clients until `most` requests were sent or `limit` passed. `body` gets the number of the request.
pub async fn closed_loop(
    target: &Target,
    clients: u32,
    most: u64,
    limit: Duration,
    path: &str,
    body: impl Fn(u64) -> Bytes + Send + Sync + 'static,
) -> Result<Measured, String> {
    let (next, errors, body) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)), Arc::new(body));
    let mut connections = Vec::new();
    for _ in 0..clients {
        connections.push(target.connect().await?);
    }
    let began = Instant::now();
    let mut tasks = Vec::new();
    for mut connection in connections {
        let (next, errors, body, path) = (next.clone(), errors.clone(), body.clone(), path.to_owned());
        tasks.push(tokio::spawn(async move {
            let mut latencies: Vec<u32> = Vec::new();
            while began.elapsed() < limit {
                let number = next.fetch_add(1, Ordering::Relaxed);
                if number >= most {
                    break;
                }
                let sent = Instant::now();
                match connection.send("POST", &path, body(number), true).await {
                    Ok((200..=299, _)) => latencies.push(u32::try_from(sent.elapsed().as_micros()).unwrap_or(u32::MAX)),
                    Ok(_) | Err(_) => {
                        errors.fetch_add(1, Ordering::Relaxed);
                    }
                }
            }
            latencies
        }));
    }
    let mut all: Vec<u32> = Vec::new();
    for task in tasks {
        all.extend(task.await.map_err(|e| e.to_string())?);
    }
    let took = began.elapsed().as_secs_f64();
    all.sort_unstable();
    let at = |share: f64| all.get(((all.len() as f64) * share) as usize).or(all.last()).map_or(0.0, |us| f64::from(*us) / 1000.0);
    Ok(Measured {
        rate: all.len() as f64 / took,
        p50_ms: at(0.5),
        p99_ms: at(0.99),
        count: all.len() as u64,
        errors: errors.load(Ordering::Relaxed),
    })
}
