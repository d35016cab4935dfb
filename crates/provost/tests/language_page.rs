//! `docs/language.md`: every example is written into a folder and run there as the page says, and prints what the page says.
//!
//! A fence with a path holds that file; a fence `sh` what runs beside the example, the server last; a fence `console` commands after `$ ` and
//! what they print. `…` stands for anything. The page's own service is started, and its address replaced by the one that it got.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

const PAGE_ADDRESS: &str = "127.0.0.1:7500";
/// How many examples the page has at least.
const EXAMPLES_MIN: usize = 24;
/// The page's service.
const STUB: &str = "stub.py";
/// What a line that starts a server begins with.
const SERVE: &str = "provost serve";

/// One example of the page.
#[derive(Default)]
struct Example {
    title: String,
    files: BTreeMap<String, String>,
    /// What runs beside it, line by line.
    beside: Vec<String>,
    /// Commands and what they print.
    commands: Vec<(String, String)>,
}

fn page() -> Vec<Example> {
    let text = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/language.md")).unwrap();
    // What stands before the first example is one of its own.
    let mut examples: Vec<Example> = vec![Example::default()];
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        if let Some(title) = line.strip_prefix("## ") {
            examples.push(Example { title: title.to_owned(), ..Example::default() });
        } else if let Some(fence) = line.strip_prefix("```") {
            let body: Vec<&str> = lines.by_ref().take_while(|line| *line != "```").collect();
            let example = examples.last_mut().unwrap();
            match fence.split_once(' ') {
                Some((_, path)) => drop(example.files.insert(path.to_owned(), body.join("\n") + "\n")),
                None if fence == "sh" => example.beside.extend(body.iter().map(|line| (*line).to_owned())),
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

/// A process that ends with its example.
struct Beside(Child);

impl Drop for Beside {
    fn drop(&mut self) {
        let _ended = self.0.kill();
        let _ended = self.0.wait();
    }
}

/// Runs what the page wants beside an example; its server, on a free port, once it answers.
fn beside(lines: &[String], folder: &Path) -> Option<Beside> {
    for line in lines.iter().filter(|line| !line.starts_with(SERVE)) {
        let (said, wrong) = printed(line, folder);
        assert!(said.is_empty() && wrong.is_empty(), "{line}: {said}{wrong}");
    }
    let options = lines.iter().find_map(|line| line.strip_prefix(SERVE))?;
    let ready = folder.join(".ready");
    let mut command = Command::new(env!("CARGO_BIN_EXE_provost"));
    command.args(["serve", "--listen", "127.0.0.1:0", "--ready-file", ".ready"]).args(options.split_whitespace());
    let child = command.current_dir(folder).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let server = Beside(child);
    let begun = Instant::now();
    while !ready.exists() {
        assert!(begun.elapsed() < Duration::from_secs(60), "the server does not answer");
        std::thread::sleep(Duration::from_millis(20));
    }
    Some(server)
}

/// The page's service and its address; none where there is no Python.
fn stub(text: &str, folder: &Path) -> Option<(Beside, String)> {
    std::fs::write(folder.join(STUB), text).unwrap();
    let child = Command::new("python3").args([STUB, "0"]).current_dir(folder).stdout(Stdio::piped()).spawn().ok()?;
    let mut service = Beside(child);
    let mut address = String::new();
    BufReader::new(service.0.stdout.take().unwrap()).read_line(&mut address).unwrap();
    Some((service, address.trim().to_owned()))
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
    let server = beside(&example.beside, folder.path());
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
#[expect(clippy::print_stderr, reason = "what was left out is said where the test runs")]
fn every_example_does_what_the_page_says() {
    let examples = page();
    let place = tempfile::tempdir().unwrap();
    let before = examples.first().and_then(|before| before.files.get(STUB)).unwrap();
    let Some((service, address)) = stub(before, place.path()) else {
        eprintln!("skipped: there is no python3 here");
        return;
    };
    let runnable = examples.iter().skip(1).filter(|example| !example.files.is_empty());
    assert!(runnable.clone().count() >= EXAMPLES_MIN, "{}", runnable.count());
    assert!(runnable.clone().all(|example| !example.commands.is_empty()), "every example runs");
    let endless = |example: &Example| example.commands.iter().any(|(command, _)| command.starts_with("until"));
    assert!(!runnable.clone().any(endless), "what waits gives up");
    let faults: Vec<String> = runnable.flat_map(|example| run(example, &address)).collect();
    drop(service);
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn a_difference_is_seen() {
    assert!(same("a1b\nc\n", "a…b\nc\n") && same("", ""));
    for (printed, expected) in [("a\n", "b\n"), ("a\nb\n", "a\n"), ("", "a\n"), ("ac\n", "a…b\n"), ("ab\n", "ab…b\n")] {
        assert!(!same(printed, expected), "{printed:?} {expected:?}");
    }
}
