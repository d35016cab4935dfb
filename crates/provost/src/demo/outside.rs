//! The outside services: a payments provider that honours keys, and a CRM that does not. They count, and they sync before they answer.
//!
//! What must stay true: a line is on disk before an answer leaves; the same key never pays twice; whether an answer is lost depends on
//! the key alone (and on how many were lost before). What is absent: our own crates, so that nothing here can agree by construction.

use crate::demo::At as _;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use clap::ValueEnum;
use serde_json::{Value as Json, json};

use crate::say::{Failure, note};

/// Largest body taken, in bytes.
const BODY_BYTES_MAX: usize = 1 << 20;
/// One key in so many loses its first answer.
const LOSES_ONE_IN: u64 = 6;

/// Which service.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Kind {
    /// Pays by key: `POST /refunds`, `GET /refunds/{key}`, `POST /refunds/{key}/reverse`.
    Payments,
    /// Closes cases, without key: `POST /cases/{id}/close`.
    Crm,
}

/// Run one outside service of the demonstration until it is killed.
#[derive(Debug, clap::Args)]
pub struct DemoService {
    /// Which.
    #[arg(value_enum)]
    kind: Kind,
    /// Where to listen.
    #[arg(long, default_value = "127.0.0.1:0")]
    listen: SocketAddr,
    /// Written once it answers; holds its URL.
    #[arg(long)]
    ready_file: Option<PathBuf>,
    /// What it did, one JSON line per act, synced before the answer.
    #[arg(long)]
    ledger: PathBuf,
    /// How many payments lose their answer.
    #[arg(long, default_value_t = 0)]
    lose: usize,
    /// The case that is closed without an answer.
    #[arg(long)]
    silent: Option<String>,
    /// How long an act takes.
    #[arg(long, default_value_t = 0)]
    latency_ms: u64,
}

struct Request {
    method: String,
    path: String,
    key: Option<String>,
    body: Vec<u8>,
}

/// What a service does with a connection after a request.
enum Answer {
    /// Answers.
    Says(u16, Json),
    /// Breaks the connection: it acted, and nobody is told.
    Breaks,
    /// Holds the connection until the caller gives up.
    Silence,
}

struct Paid {
    body: Json,
    answer: Json,
}

/// What is on disk, and what follows from it.
struct Ledger {
    file: File,
    paid: BTreeMap<String, Paid>,
    lost: usize,
}

struct Service {
    kind: Kind,
    lose: usize,
    silent: Option<String>,
    latency: Duration,
    ledger: Mutex<Ledger>,
}

impl DemoService {
    /// Serves until killed.
    ///
    /// # Errors
    /// [`Failure`] when the ledger or the address cannot be had.
    pub fn run(self) -> Result<ExitCode, Failure> {
        let failed = |what: &str, e: std::io::Error| Failure::new("demo-service", format!("{what}: {e}"));
        let ledger = Ledger::open(&self.ledger).map_err(|e| failed("the ledger cannot be opened", e))?;
        let listener = TcpListener::bind(self.listen).map_err(|e| failed("the address cannot be listened on", e))?;
        let address = listener.local_addr().map_err(|e| failed("the address is unknown", e))?;
        if let Some(file) = &self.ready_file {
            let unfinished = file.with_extension("unfinished");
            let written = std::fs::write(&unfinished, format!("http://{address}")).and_then(|()| std::fs::rename(&unfinished, file));
            written.map_err(|e| failed("the ready file cannot be written", e))?;
        }
        let latency = Duration::from_millis(self.latency_ms);
        let service = Service { kind: self.kind, lose: self.lose, silent: self.silent, latency, ledger: Mutex::new(ledger) };
        let service = Arc::new(service);
        for stream in listener.incoming().flatten() {
            let service = service.clone();
            std::thread::spawn(move || {
                if let Err(error) = service.serve(&stream) {
                    note(&format!("demo-service: {error}"));
                }
            });
        }
        Ok(ExitCode::SUCCESS)
    }
}

impl Ledger {
    fn open(path: &Path) -> std::io::Result<Self> {
        let file = File::options().create(true).append(true).read(true).open(path)?;
        let mut ledger = Self { file, paid: BTreeMap::new(), lost: 0 };
        for line in lines(path)? {
            if line.at("/act") == "paid" {
                let key = line.at("/key").as_str().unwrap_or_default().to_owned();
                ledger.lost += usize::from(line.at("/lost") == true);
                ledger.paid.insert(key, Paid { body: line.at("/body").clone(), answer: line.at("/answer").clone() });
            }
        }
        Ok(ledger)
    }

    /// On disk when it returns.
    fn write(&mut self, line: &Json) -> std::io::Result<()> {
        self.file.write_all(format!("{line}\n").as_bytes())?;
        self.file.sync_data()
    }
}

/// The lines of a ledger; a torn last line was never answered, and does not count.
///
/// # Errors
/// What the system says.
pub fn lines(path: &Path) -> std::io::Result<Vec<Json>> {
    let text = match std::fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
        Err(error) => return Err(error),
    };
    Ok(text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect())
}

impl Service {
    fn serve(&self, stream: &TcpStream) -> std::io::Result<()> {
        stream.set_nodelay(true)?;
        let mut reader = BufReader::new(stream.try_clone()?);
        let mut writer = stream.try_clone()?;
        while let Some(request) = read_request(&mut reader)? {
            match self.act(&request)? {
                Answer::Says(status, body) => {
                    let body = body.to_string();
                    let head = format!("HTTP/1.1 {status} -\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n", body.len());
                    writer.write_all(format!("{head}{body}").as_bytes())?;
                }
                Answer::Breaks => return Ok(()),
                Answer::Silence => {
                    let _until_the_caller_gives_up = reader.read(&mut [0])?;
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    fn act(&self, request: &Request) -> std::io::Result<Answer> {
        let parts: Vec<&str> = request.path.split('/').skip(1).collect();
        match (self.kind, request.method.as_str(), parts.as_slice()) {
            (Kind::Payments, "POST", ["refunds"]) => self.pay(request),
            (Kind::Payments, "GET", ["refunds", key]) => Ok(match self.ledger().paid.get(*key) {
                Some(paid) => Answer::Says(200, paid.answer.clone()),
                None => Answer::Says(404, json!({ "title": "no refund has this key" })),
            }),
            (Kind::Payments, "POST", ["refunds", key, "reverse"]) => {
                self.ledger().write(&json!({ "act": "reversed", "key": key }))?;
                Ok(Answer::Says(200, json!({ "id": format!("rv_{key}") })))
            }
            (Kind::Crm, "POST", ["cases", case, "close"]) => {
                std::thread::sleep(self.latency);
                self.ledger().write(&json!({ "act": "closed", "case": case }))?;
                let silent = self.silent.as_deref() == Some(*case);
                Ok(if silent { Answer::Silence } else { Answer::Says(200, json!({ "closed": case })) })
            }
            (Kind::Payments | Kind::Crm, _, _) => Ok(Answer::Says(404, json!({ "title": "no such place" }))),
        }
    }

    fn ledger(&self) -> MutexGuard<'_, Ledger> {
        self.ledger.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn pay(&self, request: &Request) -> std::io::Result<Answer> {
        let (Some(key), Ok(body)) = (request.key.clone(), serde_json::from_slice::<Json>(&request.body)) else {
            return Ok(Answer::Says(400, json!({ "title": "a refund needs an Idempotency-Key and a JSON body" })));
        };
        std::thread::sleep(self.latency);
        let mut ledger = self.ledger();
        if let Some(paid) = ledger.paid.get(&key) {
            let (same, answer) = (paid.body == body, paid.answer.clone());
            ledger.write(&json!({ "act": "asked-again", "key": key, "same": same }))?;
            return Ok(if same { Answer::Says(200, answer) } else { Answer::Says(409, json!({ "title": "the key was used otherwise" })) });
        }
        let lost = ledger.lost < self.lose && mark(&key).is_multiple_of(LOSES_ONE_IN);
        let answer = json!({ "id": format!("re_{}", ledger.paid.len() + 1), "state": "paid" });
        ledger.write(&json!({ "act": "paid", "key": key, "body": body, "answer": answer, "lost": lost }))?;
        ledger.lost += usize::from(lost);
        ledger.paid.insert(key, Paid { body, answer: answer.clone() });
        Ok(if lost { Answer::Breaks } else { Answer::Says(201, answer) })
    }
}

/// FNV-1a: the same key, the same mark, on every machine.
fn mark(key: &str) -> u64 {
    key.bytes().fold(0xcbf2_9ce4_8422_2325, |mark, byte| (mark ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

/// One request; `None` when the caller closed.
fn read_request(reader: &mut BufReader<TcpStream>) -> std::io::Result<Option<Request>> {
    let mut first = String::new();
    match reader.read_line(&mut first) {
        Ok(0) => return Ok(None),
        Ok(_) => {}
        Err(error) if error.kind() == std::io::ErrorKind::ConnectionReset => return Ok(None),
        Err(error) => return Err(error),
    }
    let mut words = first.split_whitespace();
    let (method, path) = (words.next().unwrap_or_default().to_owned(), words.next().unwrap_or_default().to_owned());
    let (mut key, mut length) = (None, 0_usize);
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line)? == 0 {
            return Ok(None);
        }
        let Some((name, value)) = line.trim_end().split_once(':') else { break };
        match name.to_ascii_lowercase().as_str() {
            "idempotency-key" => key = Some(value.trim().to_owned()),
            "content-length" => length = value.trim().parse().unwrap_or(0),
            _ => {}
        }
    }
    let mut body = vec![0; length.min(BODY_BYTES_MAX)];
    reader.read_exact(&mut body)?;
    Ok(Some(Request { method, path, key, body }))
}
