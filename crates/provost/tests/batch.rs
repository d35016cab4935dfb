//! Batches on a real server that is killed while they are gathered: every event in one batch, in its order, and the answer leads to it.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test fails by panicking")]

use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value as Json, json};

/// Keys; their batches live in all four partitions.
const KEYS: usize = 6;
/// Events of each key: two full batches and a part of one.
const EACH: usize = 7;

const WORKFLOW: &str = "
document: { dsl: '1.0.3', namespace: test, name: collect, version: '1.0.0', metadata: { provost: {
  batch: { size: 3, wait: PT3S, key: .customer }, order: '.[0].customer' } } }
schedule: { on: { one: { with: { type: test.part } } } }
do: [ { keep: { set: { parts: '${ [.[].part] }', customers: '${ [.[].customer] | unique }' } } } ]
";

/// A data folder, and the server that may hold it.
struct Site {
    folder: tempfile::TempDir,
    server: Option<Child>,
}

impl Drop for Site {
    fn drop(&mut self) {
        self.kill();
    }
}

impl Site {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let workflows = folder.path().join("bundle/workflows");
        std::fs::create_dir_all(&workflows).unwrap();
        std::fs::write(workflows.join("collect.yaml"), WORKFLOW.trim_start()).unwrap();
        Self { folder, server: None }
    }

    fn bundle(&self) -> PathBuf {
        self.folder.path().join("bundle")
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_provost"));
        command.arg("--data").arg(self.folder.path().join("data")).args(arguments);
        command
    }

    fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    fn json(&self, arguments: &[&str]) -> Json {
        let output = self.run(&[arguments, &["--output", "json"]].concat());
        let text = String::from_utf8(output.stdout).unwrap();
        assert!(output.status.success(), "{arguments:?}: {text} {}", String::from_utf8_lossy(&output.stderr));
        serde_json::from_str(&text).unwrap_or_else(|e| panic!("{arguments:?}: {e}: {text}"))
    }

    fn serve(&mut self) {
        let ready = self.folder.path().join("ready");
        let _may_be_absent = std::fs::remove_file(&ready);
        let mut command = self.command(&["serve", "--listen", "127.0.0.1:0", "--ready-file"]);
        self.server = Some(command.arg(&ready).stderr(Stdio::null()).spawn().unwrap());
        until("the server answers", || ready.exists());
    }

    /// As with `kill -9`.
    fn kill(&mut self) {
        if let Some(mut server) = self.server.take() {
            let _gone = server.kill();
            let _waited = server.wait();
        }
    }

    /// Sends one event of each key, and gives the ids under which their batches are named.
    fn emit(&self, part: usize) -> Option<Vec<String>> {
        let events: Vec<Json> = (0..KEYS)
            .map(|key| {
                let data = json!({ "customer": format!("c-{key}"), "part": part });
                json!({ "specversion": "1.0", "id": format!("{part}-{key}"), "source": "/tests", "type": "test.part", "data": data })
            })
            .collect();
        let file = self.folder.path().join("events.json");
        std::fs::write(&file, Json::from(events).to_string()).unwrap();
        let output = self.run(&["emit", &format!("@{}", file.display())]);
        let answers: Json = serde_json::from_slice(&output.stdout).ok().filter(|_| output.status.success())?;
        let ids = answers.as_array()?.iter().map(|answer| Some(answer["batches"][0]["id"].as_str()?.to_owned()));
        ids.collect()
    }
}

fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !holds() {
        assert!(begun.elapsed() < Duration::from_secs(60), "not in time: {what}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn every_event_is_in_one_batch_whatever_dies() {
    let mut site = Site::new();
    site.serve();
    let bundle = site.bundle().display().to_string();
    site.json(&["apply", &bundle, "--reason", "test"]);
    let mut named: Vec<Vec<String>> = Vec::new();
    for part in 0..EACH {
        let mut ids = None;
        until("the events are taken", || {
            ids = site.emit(part);
            ids.is_some()
        });
        named.push(ids.unwrap());
        match part {
            // Acknowledged, and on its way to its batch at most.
            0 | 3 => {
                site.kill();
                site.serve();
            }
            // Everything but the journals is derived again, while batches are open.
            4 => {
                site.kill();
                assert!(site.run(&["rebuild"]).status.success());
                site.serve();
            }
            _ => {}
        }
    }
    assert_eq!(site.emit(0).unwrap(), named[0], "an event that comes again has the same answer");
    for key in 0..KEYS {
        let mut taken: Vec<(String, Vec<usize>)> = Vec::new();
        for ids in &named {
            let mut shown = Json::Null;
            until("the batch of each event ends", || {
                let output = site.run(&["get", &ids[key], "--output", "json"]);
                shown = serde_json::from_slice(&output.stdout).unwrap_or_default();
                shown["status"] == "completed"
            });
            assert_eq!(shown["output"]["customers"], json!([format!("c-{key}")]), "{shown}");
            let parts = shown["output"]["parts"].as_array().unwrap().iter().map(|part| part.as_u64().unwrap() as usize).collect();
            let batch = (shown["id"].as_str().unwrap().to_owned(), parts);
            if !taken.contains(&batch) {
                taken.push(batch);
            }
        }
        let mut parts: Vec<usize> = taken.iter().flat_map(|(_, parts)| parts.clone()).collect();
        assert!(taken.iter().all(|(_, parts)| parts.len() <= 3), "{taken:?}");
        parts.sort_unstable();
        assert_eq!(parts, (0..EACH).collect::<Vec<_>>(), "each event is in one batch: {taken:?}");
        let explained = String::from_utf8(site.run(&["explain", &taken[0].0]).stdout).unwrap();
        assert!(explained.contains("gathered, closed by its"), "{explained}");
    }
    site.kill();
    let verified = site.run(&["verify", "--all"]);
    assert!(verified.status.success(), "{}{}", String::from_utf8_lossy(&verified.stdout), String::from_utf8_lossy(&verified.stderr));
}
