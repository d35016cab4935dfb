//! `provost start --wait` that is killed while it waits: `last` names what it had started.
#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

const HELLO: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../bundles/hello-agent");

fn provost(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_provost"));
    command.arg("--data").arg(folder).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

#[test]
fn last_names_what_was_started_before_the_wait_was_killed() {
    let folder = tempfile::tempdir().unwrap();
    let mut waiting =
        provost(folder.path()).args(["start", HELLO, "--input", r#"{"message":"I was charged twice"}"#, "--wait"]).spawn().unwrap();
    let last = folder.path().join("last");
    let began = Instant::now();
    while std::fs::read_to_string(&last).unwrap_or_default().is_empty() && began.elapsed() < Duration::from_secs(15) {
        std::thread::sleep(Duration::from_millis(20));
    }
    assert!(waiting.try_wait().unwrap().is_none(), "it still waits: the workflow pauses for 20 s");
    waiting.kill().unwrap();
    waiting.wait().unwrap();

    let shown = provost(folder.path()).args(["get", "last"]).output().unwrap();
    assert!(shown.status.success(), "{}", String::from_utf8_lossy(&shown.stderr));
    let shown: serde_json::Value = serde_json::from_slice(&shown.stdout).unwrap();
    assert_eq!(shown.get("id").and_then(|id| id.as_str()), Some(std::fs::read_to_string(&last).unwrap().as_str()));
    assert_ne!(shown.get("status").and_then(|status| status.as_str()), Some("completed"));
}
