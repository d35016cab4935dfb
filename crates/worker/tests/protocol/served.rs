//! A server on loopback that keeps what it is asked and answers as it is told.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// A request as it arrived.
#[derive(Clone, Debug, Default)]
pub struct Seen {
    /// Method, target and version.
    pub line: String,
    /// The other lines of the head.
    pub head: Vec<String>,
    /// The body.
    pub body: String,
}

impl Seen {
    /// A header by its name in lower case.
    pub fn header(&self, name: &str) -> Option<String> {
        let pairs = self.head.iter().filter_map(|line| line.split_once(": "));
        pairs.into_iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.to_owned())
    }
}

/// An answer.
#[derive(Clone, Debug)]
pub struct Reply {
    /// 0 never answers, 1 resets the connection, 2 breaks off inside the body.
    pub status: u16,
    pub kind: &'static str,
    /// Whole lines.
    pub headers: String,
    pub body: Vec<u8>,
    pub chunked: bool,
}

impl Reply {
    pub const SILENT: Self = Self::never(0);
    pub const RESET: Self = Self::never(1);
    pub const CUT: Self = Self::never(2);

    const fn never(status: u16) -> Self {
        Self { status, kind: "", headers: String::new(), body: Vec::new(), chunked: false }
    }

    pub fn json(body: &str) -> Self {
        Self { status: 200, kind: "application/json", headers: String::new(), body: body.as_bytes().to_vec(), chunked: false }
    }

    pub fn redirect(to: &str) -> Self {
        Self { status: 302, headers: format!("location: {to}\r\n"), ..Self::json("") }
    }
}

/// A server; it ends with this.
pub struct Served {
    pub url: String,
    seen: Arc<Mutex<Vec<Seen>>>,
    accepting: JoinHandle<()>,
}

impl Served {
    /// How often it was asked.
    pub fn seen(&self) -> usize {
        self.seen.lock().unwrap().len()
    }

    /// What it was asked last.
    pub fn last(&self) -> Seen {
        self.seen.lock().unwrap().last().unwrap().clone()
    }

    /// Everything it was asked.
    pub fn all(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }

    /// Stops listening; its address, where nobody is now.
    pub async fn closed(self) -> String {
        self.accepting.abort();
        while !self.accepting.is_finished() {
            tokio::task::yield_now().await;
        }
        self.url.clone()
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

/// Serves `answer`.
pub async fn serve(answer: impl Fn(&Seen) -> Reply + Send + Sync + 'static) -> Served {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let seen = Arc::new(Mutex::new(Vec::new()));
    let (keep, answer) = (seen.clone(), Arc::new(answer));
    let accepting = tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let (keep, answer) = (keep.clone(), answer.clone());
            tokio::spawn(async move { one(stream, &keep, &*answer).await });
        }
    });
    Served { url, seen, accepting }
}

async fn one(mut stream: TcpStream, keep: &Mutex<Vec<Seen>>, answer: &(dyn Fn(&Seen) -> Reply + Send + Sync)) {
    let (mut request, mut piece) = (Vec::new(), [0; 4096]);
    let seen = loop {
        let Ok(n) = stream.read(&mut piece).await else { return };
        if n == 0 {
            return;
        }
        request.extend_from_slice(piece.get(..n).unwrap());
        let text = String::from_utf8_lossy(&request).into_owned();
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let length = head.lines().find_map(|line| line.to_ascii_lowercase().strip_prefix("content-length: ")?.parse::<usize>().ok());
        if body.len() >= length.unwrap_or(0) {
            let mut lines = head.lines().map(str::to_owned);
            break Seen { line: lines.next().unwrap_or_default(), head: lines.collect(), body: body.to_owned() };
        }
    };
    keep.lock().unwrap().push(seen.clone());
    let reply = answer(&seen);
    match reply.status {
        0 => tokio::time::sleep(Duration::from_secs(20)).await,
        1 => stream.set_zero_linger().unwrap(),
        2 => {
            let _gone = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\nconnection: close\r\n\r\n{\"half\":").await;
        }
        status => {
            let length = if reply.chunked {
                "transfer-encoding: chunked\r\n".to_owned()
            } else {
                format!("content-length: {}\r\n", reply.body.len())
            };
            let head = format!("HTTP/1.1 {status} X\r\ncontent-type: {}\r\n{length}connection: close\r\n{}\r\n", reply.kind, reply.headers);
            let chunk = format!("{:x}\r\n", reply.body.len());
            let (before, after) = if reply.chunked { (chunk.as_str(), "\r\n0\r\n\r\n") } else { ("", "") };
            let _gone = stream.write_all(&[format!("{head}{before}").as_bytes(), &reply.body, after.as_bytes()].concat()).await;
            let _gone = stream.shutdown().await;
        }
    }
}
