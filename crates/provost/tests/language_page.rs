//! `docs/language.md`: every example is written into a folder and run there against a server, and prints what the page says.
//!
//! A fence with a path holds that file; a fence `console` holds commands after `$ ` and what they print. `…` stands for anything. The
//! address of the page's service is replaced by that of one started here, which answers with what it was sent.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod target;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

const PAGE_ADDRESS: &str = "127.0.0.1:7500";
/// How many examples the page has at least.
const EXAMPLES_MIN: usize = 21;
const SECRET: &str = "open sesame";

/// One example of the page.
#[derive(Default)]
struct Example {
    title: String,
    files: BTreeMap<String, String>,
    /// Commands and what they print.
    commands: Vec<(String, String)>,
}

fn page() -> Vec<Example> {
    let text = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/language.md")).unwrap();
    let mut examples: Vec<Example> = Vec::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        if let Some(title) = line.strip_prefix("## ") {
            examples.push(Example { title: title.to_owned(), ..Example::default() });
        } else if let Some(fence) = line.strip_prefix("```") {
            let body: Vec<&str> = lines.by_ref().take_while(|line| *line != "```").collect();
            let example = examples.last_mut().unwrap();
            match fence.split_once(' ') {
                Some((_, path)) => drop(example.files.insert(path.to_owned(), body.join("\n") + "\n")),
                None => example.commands.extend(commands(fence, &body)),
            }
        }
    }
    examples
}

fn commands(fence: &str, body: &[&str]) -> Vec<(String, String)> {
    assert_eq!(fence, "console", "a fence has a path or is a console");
    let mut commands: Vec<(String, String)> = Vec::new();
    for line in body {
        match line.strip_prefix("$ ") {
            Some(command) => commands.push((command.to_owned(), String::new())),
            None => *commands.last_mut().map(|(_, printed)| printed).unwrap() += &format!("{line}\n"),
        }
    }
    commands
}

/// A server on a folder, ended with the example.
struct Server(Child);

impl Drop for Server {
    fn drop(&mut self) {
        let _ended = self.0.kill();
        let _ended = self.0.wait();
    }
}

fn serve(folder: &Path) -> Server {
    let secrets = folder.join(".secrets");
    std::fs::create_dir_all(&secrets).unwrap();
    std::fs::write(secrets.join("desk-token"), SECRET).unwrap();
    let ready = folder.join(".ready");
    let mut command = Command::new(env!("CARGO_BIN_EXE_provost"));
    command.args(["serve", "--listen", "127.0.0.1:0", "--ready-file", ".ready", "--secrets", ".secrets"]);
    let child = command.current_dir(folder).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let server = Server(child);
    let begun = Instant::now();
    while !ready.exists() {
        assert!(begun.elapsed() < Duration::from_secs(60), "the server does not answer");
        std::thread::sleep(Duration::from_millis(20));
    }
    server
}

/// Standard output of a command in a folder, and whatever it said beside that.
fn printed(command: &str, folder: &Path) -> (String, String) {
    let bin = PathBuf::from(env!("CARGO_BIN_EXE_provost"));
    let path = format!("{}:{}", bin.parent().unwrap().display(), std::env::var("PATH").unwrap());
    let output = Command::new("timeout").args(["90", "sh", "-c", command]).current_dir(folder).env("PATH", path).output().unwrap();
    (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap())
}

/// Line by line; `…` is whatever stands in its place.
fn same(printed: &str, expected: &str) -> bool {
    let fits = |(printed, expected): (&str, &str)| match expected.split_once('…') {
        Some((before, after)) => printed.len() >= before.len() + after.len() && printed.starts_with(before) && printed.ends_with(after),
        None => printed == expected,
    };
    printed.lines().count() == expected.lines().count() && printed.lines().zip(expected.lines()).all(fits)
}

fn run(example: &Example, address: &str) -> Vec<String> {
    let folder = tempfile::tempdir().unwrap();
    for (path, text) in &example.files {
        let path = folder.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    let (said, wrong) = printed("provost check .", folder.path());
    let mut faults = Vec::new();
    if !said.starts_with("ok ") || !wrong.trim().is_empty() {
        faults.push(format!("{}: check says\n{said}{wrong}", example.title));
    }
    let server = serve(folder.path());
    for (command, expected) in &example.commands {
        let (said, beside) = printed(&command.replace(PAGE_ADDRESS, address), folder.path());
        if !same(&said, expected) {
            faults.push(format!("{}:\n$ {command}\nprinted\n{said}{beside}", example.title));
        }
    }
    drop(server);
    faults
}

#[test]
fn every_example_does_what_the_page_says() {
    let examples = page();
    let runnable = examples.iter().filter(|example| !example.files.is_empty());
    assert!(runnable.clone().count() >= EXAMPLES_MIN, "{}", runnable.count());
    assert!(runnable.clone().all(|example| !example.commands.is_empty()), "every example runs");
    let url = target::target(|body| body);
    let address = url.trim_start_matches("http://");
    let faults: Vec<String> = runnable.flat_map(|example| run(example, address)).collect();
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn a_difference_is_seen() {
    assert!(same("a1b\nc\n", "a…b\nc\n") && same("", ""));
    for (printed, expected) in [("a\n", "b\n"), ("a\nb\n", "a\n"), ("", "a\n"), ("ac\n", "a…b\n"), ("ab\n", "ab…b\n")] {
        assert!(!same(printed, expected), "{printed:?} {expected:?}");
    }
}
