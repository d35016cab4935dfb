//! The processes of the demonstration: two outside services and the server, each a child of this one.
//!
//! What must stay true: the server is ended by SIGKILL only while the story runs; every child ends with this process.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::client::{Client, Target};
use crate::say::Failure;

/// Longest wait for a child to answer.
const READY_MAX: Duration = Duration::from_secs(30);

/// A child that is killed when it is dropped.
pub struct Process {
    child: Child,
    /// Its URL.
    pub url: String,
}

impl Process {
    /// SIGKILL, and gone when it returns.
    pub fn kill(&mut self) {
        let _already_gone = self.child.kill();
        let _status = self.child.wait();
    }

    /// SIGTERM, and gone when it returns: the server drains.
    pub fn stop(&mut self) {
        let asked = Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status();
        let began = Instant::now();
        while asked.as_ref().is_ok_and(std::process::ExitStatus::success) && began.elapsed() < Duration::from_secs(10) {
            if !matches!(self.child.try_wait(), Ok(None)) {
                return;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        self.kill();
    }
}

impl Stage {
    /// Where the outside services are, by the names of the bundle.
    pub fn destinations(&self) -> BTreeMap<String, String> {
        [("payments", &self.payments.url), ("crm", &self.crm.url)].map(|(name, url)| (name.to_owned(), url.clone())).into()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Everything that runs.
pub struct Stage {
    folder: PathBuf,
    /// Takes the payments.
    pub payments: Process,
    /// Closes the cases.
    pub crm: Process,
    /// The server.
    pub server: Process,
    /// Speaks to the server of the moment.
    pub client: Arc<Client>,
}

fn failed(what: &str, e: &dyn std::fmt::Display) -> Failure {
    Failure::new("demo", format!("{what}: {e}"))
}

/// Where a service keeps what it did.
pub fn ledger(folder: &Path, name: &str) -> PathBuf {
    folder.join("outside").join(format!("{name}.jsonl"))
}

async fn spawn(folder: &Path, name: &str, arguments: &[String]) -> Result<Process, Failure> {
    let ready = folder.join("outside").join(format!("{name}.url"));
    let _absent = std::fs::remove_file(&ready);
    let log = std::fs::File::options().create(true).append(true).open(folder.join("outside").join(format!("{name}.log")));
    let log = log.map_err(|e| failed("the log cannot be opened", &e))?;
    let program = std::env::current_exe().map_err(|e| failed("the own program is unknown", &e))?;
    let mut command = Command::new(program);
    command.args(arguments).arg("--ready-file").arg(&ready).stdin(Stdio::null()).stdout(Stdio::null()).stderr(log);
    let mut child = command.spawn().map_err(|e| failed(&format!("`{name}` cannot be started"), &e))?;
    let began = Instant::now();
    loop {
        if let Some(url) = std::fs::read_to_string(&ready).ok().filter(|url| !url.is_empty()) {
            return Ok(Process { child, url });
        }
        if !matches!(child.try_wait(), Ok(None)) || began.elapsed() > READY_MAX {
            let _already_gone = child.kill();
            let _status = child.wait();
            return Err(Failure::new("demo", format!("`{name}` did not start"))
                .detail(format!("look into {}", folder.join("outside").join(format!("{name}.log")).display())));
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

async fn server(folder: &Path) -> Result<(Process, Arc<Client>), Failure> {
    let data = folder.display().to_string();
    let process = spawn(folder, "server", &["serve", "--data", &data, "--listen", "127.0.0.1:0"].map(str::to_owned)).await?;
    let target = Target { server: Some(process.url.clone()), data: folder.to_owned(), token: None };
    let client = Arc::new(target.connect().await?);
    Ok((process, client))
}

/// Starts an outside service, at its old address where it has one.
///
/// # Errors
/// [`Failure`] when it does not start.
pub async fn outside(folder: &Path, name: &str, more: &[&str]) -> Result<Process, Failure> {
    let before = std::fs::read_to_string(folder.join("outside").join(format!("{name}.url"))).unwrap_or_default();
    let listen = before.trim().strip_prefix("http://").unwrap_or("127.0.0.1:0").to_owned();
    let ledger = ledger(folder, name).display().to_string();
    let mut arguments: Vec<String> = ["demo-service", name, "--ledger", &ledger, "--listen", &listen].map(str::to_owned).to_vec();
    arguments.extend(more.iter().map(|argument| (*argument).to_owned()));
    spawn(folder, name, &arguments).await
}

impl Stage {
    /// Starts everything in `folder`.
    ///
    /// # Errors
    /// [`Failure`] when something does not start.
    pub async fn set(folder: &Path, lose: usize) -> Result<Self, Failure> {
        std::fs::create_dir_all(folder.join("outside")).map_err(|e| failed("the folder cannot be made", &e))?;
        let payments = outside(folder, "payments", &["--lose", &lose.to_string(), "--latency-ms", "40"]).await?;
        let crm = outside(folder, "crm", &["--silent", super::SILENT_CASE, "--latency-ms", "1"]).await?;
        let (server, client) = server(folder).await?;
        Ok(Self { folder: folder.to_owned(), payments, crm, server, client })
    }

    /// Where everything is kept.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Starts the server again.
    ///
    /// # Errors
    /// [`Failure`] when it does not come back.
    pub async fn raise(&mut self) -> Result<(), Failure> {
        let (server, client) = server(&self.folder).await?;
        (self.server, self.client) = (server, client);
        Ok(())
    }
}
