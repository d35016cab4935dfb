//! The measured server: a child process on a folder of its own.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::load::Target;

/// A running server.
pub struct Server {
    child: Child,
    /// Where it is.
    pub target: Target,
    data: PathBuf,
}

/// The files of a data folder.
#[derive(Clone, Debug)]
pub struct Files(PathBuf);

impl Files {
    /// Their size, in bytes, without the write-ahead logs.
    pub fn bytes(&self) -> u64 {
        let entries = std::fs::read_dir(&self.0).into_iter().flatten().flatten();
        let files = entries.filter(|entry| entry.path().extension().is_some_and(|extension| extension == "db"));
        files.filter_map(|entry| entry.metadata().ok()).map(|metadata| metadata.len()).sum()
    }
}

/// A fresh folder beside the system's temporary files.
pub fn fresh(name: &str) -> Result<PathBuf, String> {
    let folder = std::env::temp_dir().join(format!("provost-bench-{}-{name}", std::process::id()));
    let _absent = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).map_err(|e| e.to_string())?;
    Ok(folder)
}

impl Server {
    /// Starts the binary on `data` and waits until it answers.
    pub async fn start(binary: &Path, data: &Path) -> Result<Self, String> {
        std::fs::create_dir_all(data).map_err(|e| e.to_string())?;
        let ready = data.join("ready");
        let _absent = std::fs::remove_file(&ready);
        let child = Command::new(binary)
            .args(["serve", "--listen", "127.0.0.1:0", "--data"])
            .arg(data)
            .arg("--ready-file")
            .arg(&ready)
            .stderr(Stdio::null())
            .spawn()
            .map_err(|e| format!("`{}` does not start: {e}", binary.display()))?;
        let began = Instant::now();
        loop {
            if let Ok(url) = std::fs::read_to_string(&ready)
                && let Some(address) = url.trim().strip_prefix("http://").filter(|address| !address.is_empty())
            {
                return Ok(Self { child, target: Target::new(address)?, data: data.to_owned() });
            }
            if began.elapsed() > Duration::from_secs(60) {
                return Err("the server was not ready within 60 s".to_owned());
            }
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }

    /// Applies a bundle through the command line, with bindings.
    pub fn apply(&self, binary: &Path, bundle: &Path, bind: &[String]) -> Result<(), String> {
        let mut command = Command::new(binary);
        command.arg("apply").arg(bundle).args(["--reason", "benchmark", "--server"]).arg(format!("http://{}", self.target.address()));
        for one in bind {
            command.args(["--bind", one]);
        }
        let done = command.output().map_err(|e| e.to_string())?;
        if done.status.success() { Ok(()) } else { Err(String::from_utf8_lossy(&done.stderr).into_owned()) }
    }

    /// Processor time used so far, in seconds.
    pub fn cpu_s(&self) -> f64 {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.child.id())).unwrap_or_default();
        let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
        let ticks = |at: usize| fields.get(at).and_then(|text| text.parse::<f64>().ok()).unwrap_or(0.0);
        (ticks(11) + ticks(12)) / 100.0
    }

    /// Resident memory, in MiB.
    pub fn rss_mib(&self) -> f64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap_or_default();
        line.split_whitespace().next().and_then(|kib| kib.parse::<f64>().ok()).unwrap_or(0.0) / 1024.0
    }

    /// Bytes it caused to be written to storage so far.
    pub fn written_bytes(&self) -> u64 {
        let io = std::fs::read_to_string(format!("/proc/{}/io", self.child.id())).unwrap_or_default();
        let line = io.lines().find_map(|line| line.strip_prefix("write_bytes:")).unwrap_or_default();
        line.trim().parse().unwrap_or(0)
    }

    /// Its files, also when it has ended.
    pub fn files(&self) -> Files {
        Files(self.data.clone())
    }

    /// SIGKILL.
    pub fn kill(self) {
        drop(self);
    }

    /// SIGTERM, and waits.
    pub fn stop(mut self) {
        if let Ok(pid) = i32::try_from(self.child.id()) {
            terminate(pid);
        }
        // Whoever drops it behind this finds it reaped.
        let _reaped = self.child.wait();
    }
}

impl Drop for Server {
    /// A measurement that fails leaves no server behind.
    fn drop(&mut self) {
        let _gone_already = self.child.kill();
        let _reaped = self.child.wait();
    }
}

#[expect(unsafe_code, reason = "signalling a child by pid has no safe call in std")]
fn terminate(pid: i32) {
    // SAFETY: `kill` takes plain integers; the pid is a child that was not reaped yet.
    unsafe {
        libc::kill(pid, libc::SIGTERM);
    }
}
