//! A data folder with a bundle beside it, the verbs that work on them, and the server that may hold the folder.

use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value as Json;

/// A data folder, a bundle, and the server that may hold the folder; it ends with this.
pub struct Site {
    pub folder: tempfile::TempDir,
    pub server: Option<Child>,
}

impl Drop for Site {
    fn drop(&mut self) {
        self.kill();
    }
}

impl Site {
    pub fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap(), server: None }
    }

    /// With a bundle of workflows, each by its name.
    pub fn with(workflows: &[(&str, &str)]) -> Self {
        let site = Self::new();
        let folder = site.bundle().join("workflows");
        std::fs::create_dir_all(&folder).unwrap();
        for (name, document) in workflows {
            std::fs::write(folder.join(format!("{name}.yaml")), document.trim_start()).unwrap();
        }
        site
    }

    fn bundle(&self) -> PathBuf {
        self.folder.path().join("bundle")
    }

    /// Serves the folder with its bundle applied.
    pub fn serve_bundle(&mut self) {
        self.serve();
        let bundle = self.bundle().display().to_string();
        self.json(&["apply", &bundle, "--reason", "test"]);
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

    /// As with `kill -9`.
    pub fn kill(&mut self) {
        if let Some(mut server) = self.server.take() {
            let _gone = server.kill();
            let _waited = server.wait();
        }
    }

    /// Asks the server to end, which it must do well.
    pub fn stop(&mut self) {
        let mut server = self.server.take().unwrap();
        let asked = Command::new("kill").args(["-s", "TERM", &server.id().to_string()]).status().unwrap();
        assert!(asked.success() && server.wait().unwrap().success());
    }

    /// Sends events as one batch.
    pub fn emit(&self, events: Vec<Json>) -> Output {
        let file = self.folder.path().join("events.json");
        std::fs::write(&file, Json::from(events).to_string()).unwrap();
        self.run(&["emit", &format!("@{}", file.display())])
    }

    /// Every journal decides again to the same bytes.
    pub fn verify(&self) {
        let verified = self.run(&["verify", "--all"]);
        assert!(verified.status.success(), "{}{}", String::from_utf8_lossy(&verified.stdout), String::from_utf8_lossy(&verified.stderr));
    }
}

pub fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !holds() {
        assert!(begun.elapsed() < Duration::from_secs(60), "not in time: {what}");
        std::thread::sleep(Duration::from_millis(50));
    }
}
