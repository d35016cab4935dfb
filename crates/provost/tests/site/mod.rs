//! A data folder, the verbs that work on it, and the server that may hold it.

use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value as Json;

/// A data folder, and the server that may hold it; it ends with this.
pub struct Site {
    pub folder: tempfile::TempDir,
    pub server: Option<Child>,
}

impl Drop for Site {
    fn drop(&mut self) {
        if let Some(mut server) = self.server.take() {
            let _gone = server.kill();
            let _waited = server.wait();
        }
    }
}

impl Site {
    pub fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap(), server: None }
    }

    pub fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_provost"));
        command.arg("--data").arg(self.data()).args(arguments);
        command
    }

    pub fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    /// Runs a verb that must succeed; its output as JSON.
    pub fn json(&self, arguments: &[&str]) -> Json {
        let output = self.run(&[arguments, &["--output", "json"]].concat());
        let text = String::from_utf8(output.stdout).unwrap();
        assert!(output.status.success(), "{arguments:?}: {text} {}", String::from_utf8_lossy(&output.stderr));
        serde_json::from_str(&text).unwrap_or_else(|e| panic!("{arguments:?}: {e}: {text}"))
    }

    pub fn serve(&mut self) {
        let ready = self.folder.path().join("ready");
        let _may_be_absent = std::fs::remove_file(&ready);
        let mut command = self.command(&["serve", "--listen", "127.0.0.1:0", "--ready-file"]);
        self.server = Some(command.arg(&ready).stderr(Stdio::null()).spawn().unwrap());
        until("the server answers", || ready.exists());
    }

    /// Ends the server by a signal: whether it ended well.
    pub fn end(&mut self, signal: &str) -> bool {
        let mut server = self.server.take().unwrap();
        let asked = Command::new("kill").args(["-s", signal, &server.id().to_string()]).status().unwrap();
        let ended = server.wait().unwrap();
        asked.success() && ended.success()
    }
}

pub fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !holds() {
        assert!(begun.elapsed() < Duration::from_secs(60), "not in time: {what}");
        std::thread::sleep(Duration::from_millis(50));
    }
}
