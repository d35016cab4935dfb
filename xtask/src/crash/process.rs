//! The processes of the crash test, and the signals it sends them.

use std::fs::File;
use std::io::Error;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// Longest wait for a process to be ready.
const READY_MAX: Duration = Duration::from_secs(60);

/// A child of the killer; gone at the latest when it is dropped.
pub struct Process {
    child: Child,
    /// Where it listens.
    pub url: String,
}

impl Process {
    /// Starts the binary and waits for its ready file.
    pub fn start(binary: &Path, place: &Path, name: &str, arguments: &[&str]) -> Result<Self, Error> {
        let ready = place.join(format!("{name}.url"));
        let _absent = std::fs::remove_file(&ready);
        let log = File::options().create(true).append(true).open(place.join(format!("{name}.log")))?;
        let mut command = Command::new(binary);
        command.args(arguments).arg("--ready-file").arg(&ready).stdin(Stdio::null()).stdout(Stdio::null()).stderr(log);
        let mut child = command.spawn()?;
        let began = Instant::now();
        loop {
            if let Some(url) = std::fs::read_to_string(&ready).ok().filter(|url| !url.is_empty()) {
                return Ok(Self { child, url });
            }
            if began.elapsed() > READY_MAX || !matches!(child.try_wait(), Ok(None)) {
                let _gone = (child.kill(), child.wait());
                return Err(Error::other(format!("`{name}` did not start; its log is beside {}", ready.display())));
            }
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    /// Whether it still runs.
    pub fn runs(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// Sends a signal by name.
    pub fn signal(&self, name: &str) -> Result<(), Error> {
        let sent = Command::new("kill").args([&format!("-{name}"), &self.child.id().to_string()]).status()?;
        if sent.success() { Ok(()) } else { Err(Error::other(format!("SIG{name} could not be sent"))) }
    }

    /// SIGKILL, and gone when it returns.
    pub fn kill(&mut self) {
        let _gone = (self.child.kill(), self.child.wait());
    }

    /// SIGTERM, and gone when it returns.
    pub fn stop(&mut self) -> Result<(), Error> {
        self.signal("TERM")?;
        self.child.wait().map(drop)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}

/// A server over a data folder, with its two outside services.
pub struct Site {
    /// The binary.
    pub binary: PathBuf,
    /// Ledgers, logs and ready files.
    pub place: PathBuf,
    /// The data folder.
    pub folder: PathBuf,
    _outside: [Process; 2],
    /// The server.
    pub server: Process,
}

impl Site {
    /// Starts all three and applies the bundle.
    pub fn open(root: &Path, binary: &Path, place: &Path, folder: &Path) -> Result<Self, Error> {
        std::fs::create_dir_all(place)?;
        let (paid, closed) = (place.join("payments.jsonl").display().to_string(), place.join("crm.jsonl").display().to_string());
        let payments = ["demo-service", "payments", "--ledger", &paid, "--lose", "1000000", "--latency-ms", "3"];
        let payments = Process::start(binary, place, "payments", &payments)?;
        let crm = Process::start(binary, place, "crm", &["demo-service", "crm", "--ledger", &closed, "--latency-ms", "1"])?;
        let server = serve(binary, place, folder)?;
        let (pay, close) = (format!("payments={}", payments.url), format!("crm={}", crm.url));
        let bundle = root.join("bundles/refund-triage").display().to_string();
        let arguments = ["apply", &bundle, "--bind", &pay, "--bind", &close, "--reason", "the crash test", "--server", &server.url];
        let applied = Command::new(binary).args(arguments).stdout(Stdio::null()).stderr(Stdio::null()).status()?;
        if !applied.success() {
            return Err(Error::other("the bundle was not taken"));
        }
        Ok(Self { binary: binary.to_owned(), place: place.to_owned(), folder: folder.to_owned(), _outside: [payments, crm], server })
    }

    /// Starts the server again over the same folder.
    pub fn restart(&mut self) -> Result<(), Error> {
        self.server = serve(&self.binary, &self.place, &self.folder)?;
        Ok(())
    }
}

fn serve(binary: &Path, place: &Path, folder: &Path) -> Result<Process, Error> {
    let data = folder.display().to_string();
    Process::start(binary, place, "server", &["serve", "--data", &data, "--listen", "127.0.0.1:0"])
}
