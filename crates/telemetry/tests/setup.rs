//! The process-wide part: a process of its own sets telemetry up, logs, panics and is read from outside.
#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use std::process::Command;

use provost_telemetry::{Config, setup};

const CANARY: &str = "canary-0c4d27";
const CHILD: &str = "PROVOST_TELEMETRY_CHILD";

/// What the child does: everything that goes to stderr comes from here.
fn child() {
    let _telemetry = setup(&Config::default()).unwrap();
    assert_eq!(setup(&Config::default()).err().unwrap().code(), "TELEMETRY_TWICE");
    tracing::info!(target: "provost", "ready");
    let secret = String::from(CANARY);
    assert!(std::thread::spawn(move || assert!(secret.is_empty(), "a payload in a panic: {secret}")).join().is_err());
}

#[test]
fn a_process_logs_json_and_its_panics_tell_only_their_place() {
    if std::env::var_os(CHILD).is_some() {
        return child();
    }
    let this = "a_process_logs_json_and_its_panics_tell_only_their_place";
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", this, "--nocapture"]).env(CHILD, "1").env_remove("RUST_BACKTRACE");
    let output = command.output().unwrap();
    assert!(output.status.success());
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert!(!stderr.contains(CANARY), "{stderr}");
    let lines: Vec<serde_json::Value> = stderr.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let messages: Vec<&str> = lines.iter().filter_map(|line| line.get("message")?.as_str()).collect();
    assert_eq!(messages.len(), 2, "{stderr}");
    assert_eq!(messages.first(), Some(&"ready"));
    assert!(messages.iter().any(|message| message.starts_with("a panic at ") && message.contains("setup.rs:")), "{stderr}");
}
