//! An outside service that carries out and writes down: one line of its ledger for each key it was sent.
//!
//! What must stay true: it honours a key, as its action's class says, and counts what was sent again under one; a line that comes under
//! two keys is carried out twice and seen twice.

use std::collections::{BTreeMap, HashSet};
use std::io::{BufWriter, Write as _};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;

/// What the service answers to everything.
const ANSWER: &[u8] = b"{\"ok\":true,\"id\":\"r-1\"}";

/// The service and its ledger.
#[derive(Clone)]
pub struct Outside {
    /// Where it is.
    pub url: String,
    ledger: Arc<Mutex<Ledger>>,
}

struct Ledger {
    file: BufWriter<std::fs::File>,
    lines: BTreeMap<String, u32>,
    keys: HashSet<String>,
    repeated: u64,
}

/// What stands in the ledger under one word.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counted {
    /// Different lines.
    pub distinct: u64,
    /// Lines beyond the first of each.
    pub doubled: u64,
}

impl Outside {
    /// Listens on loopback; the ledger is the file at `path`.
    pub async fn open(path: &Path) -> Result<Self, String> {
        let file = BufWriter::new(std::fs::File::create(path).map_err(|e| e.to_string())?);
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.map_err(|e| e.to_string())?;
        let url = format!("http://{}", listener.local_addr().map_err(|e| e.to_string())?);
        let outside =
            Self { url, ledger: Arc::new(Mutex::new(Ledger { file, lines: BTreeMap::new(), keys: HashSet::new(), repeated: 0 })) };
        let serving = outside.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let _without_delay = stream.set_nodelay(true);
                tokio::spawn(serving.clone().serve(stream));
            }
        });
        Ok(outside)
    }

    async fn serve(self, stream: tokio::net::TcpStream) {
        let service = service_fn(move |request: hyper::Request<hyper::body::Incoming>| {
            let outside = self.clone();
            async move {
                let key = request.headers().get("idempotency-key").and_then(|key| key.to_str().ok()).map(str::to_owned);
                let body = request.into_body().collect().await.map(|body| body.to_bytes()).unwrap_or_default();
                outside.carry_out(key, &body);
                Ok::<_, std::convert::Infallible>(hyper::Response::new(Full::new(Bytes::from_static(ANSWER))))
            }
        });
        let _closed = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
    }

    fn carry_out(&self, key: Option<String>, body: &[u8]) {
        let json: serde_json::Value = serde_json::from_slice(body).unwrap_or_default();
        let line = json.get("line").and_then(serde_json::Value::as_str).unwrap_or("other").to_owned();
        let mut ledger = self.ledger.lock().unwrap_or_else(PoisonError::into_inner);
        if key.is_some_and(|key| !ledger.keys.insert(key)) {
            ledger.repeated += 1;
            return;
        }
        let _kept_in_memory_too = writeln!(ledger.file, "{line}");
        *ledger.lines.entry(line).or_default() += 1;
    }

    /// Requests under a key that had been carried out already.
    pub fn repeated(&self) -> u64 {
        self.ledger.lock().unwrap_or_else(PoisonError::into_inner).repeated
    }

    /// What stands in the ledger in lines that begin with `word`.
    pub fn counted(&self, word: &str) -> Counted {
        let ledger = self.ledger.lock().unwrap_or_else(PoisonError::into_inner);
        let (from, behind) = (format!("{word} "), format!("{word}!"));
        ledger.lines.range(from..behind).fold(Counted::default(), |counted, (_, times)| Counted {
            distinct: counted.distinct + 1,
            doubled: counted.doubled + u64::from(times.saturating_sub(1)),
        })
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

    use super::*;

    #[tokio::test]
    async fn the_ledger_tells_distinct_doubled_and_repeated_apart() {
        let folder = crate::server::fresh("ledger").unwrap();
        let outside = Outside::open(&folder.join("effects.log")).await.unwrap();
        let sent = [("a", "pre 1"), ("b", "pre 2"), ("c", "pre 2"), ("d", "post 1"), ("d", "post 1")];
        for (key, line) in sent {
            outside.carry_out(Some(key.to_owned()), format!(r#"{{"line":"{line}"}}"#).as_bytes());
        }
        outside.carry_out(None, b"{");
        assert_eq!(outside.counted("pre"), Counted { distinct: 2, doubled: 1 });
        assert_eq!(outside.counted("post"), Counted { distinct: 1, doubled: 0 });
        assert_eq!(outside.repeated(), 1);
        std::fs::remove_dir_all(folder).unwrap();
    }
}
