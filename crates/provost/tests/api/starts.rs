//! `provost start`: what it starts is never guessed, what it waits for is told, and the folder it holds meanwhile answers everybody.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value as Json;

/// A folder with two bundles and, once something starts, a data folder.
struct Place(tempfile::TempDir);

impl Place {
    fn new() -> Self {
        let place = Self(tempfile::tempdir().unwrap());
        place.bundle("race", "race", "1.0.0", "one: { set: { n: 1 } }");
        place.bundle("ask", "ask", "1.0.0", "ask: { call: review, with: { queue: board, title: 'Is it so?', options: [ yes, no ] } }");
        place
    }

    fn bundle(&self, folder: &str, name: &str, version: &str, task: &str) {
        let workflows = self.0.path().join(folder).join("workflows");
        std::fs::create_dir_all(&workflows).unwrap();
        let text = format!("document: {{ dsl: '1.0.3', namespace: t, name: {name}, version: '{version}' }}\ndo:\n  - {task}\n");
        std::fs::write(workflows.join(format!("{name}.yaml")), text).unwrap();
    }

    fn data(&self) -> PathBuf {
        self.0.path().join(".provost")
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_provost"));
        command.args(arguments).current_dir(self.0.path()).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    /// Exit code, stdout, stderr.
    fn run(&self, arguments: &[&str]) -> (i32, String, String) {
        let output = self.command(arguments).output().unwrap();
        (output.status.code().unwrap_or(-1), String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap())
    }
}

/// A child that ends with the test.
struct Ends(Child);

impl Drop for Ends {
    fn drop(&mut self) {
        let _ended = self.0.kill();
        let _ended = self.0.wait();
    }
}

fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let began = Instant::now();
    while !holds() {
        assert!(began.elapsed() < Duration::from_secs(30), "not in time: {what}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn a_start_that_waits_holds_the_folder_and_answers_other_verbs() {
    let place = Place::new();
    let mut first = Ends(place.command(&["start", "./ask", "--wait"]).spawn().unwrap());
    until("it waits for a person", || {
        let (code, out, said) = place.run(&["list", "reviews", "--output", "json"]);
        let early = said.contains("STORE_ABSENT");
        assert!(early || code == 0, "{out} {said}");
        !early && !serde_json::from_str::<Json>(&out).unwrap()["items"].as_array().unwrap().is_empty()
    });
    let (code, out, said) = place.run(&["explain", "last"]);
    assert!(code == 0 && out.contains("WAITS"), "{out} {said}");
    let (code, out, said) = place.run(&["start", "./race", "--wait"]);
    assert!(code == 0 && out.contains("\"n\": 1"), "{out} {said}");
    let (_, out, _) = place.run(&["list", "reviews", "--output", "jsonl"]);
    assert_eq!(out.lines().count(), 1, "{out}");
    let review: Json = serde_json::from_str(&out).unwrap();
    let mut second = Ends(place.command(&["start", "ask", "--wait=20"]).spawn().unwrap());
    until("two ask", || place.run(&["list", "reviews", "--output", "jsonl"]).1.lines().count() == 2);
    let (code, out, said) = place.run(&["approve", review["id"].as_str().unwrap(), "--reason", "test"]);
    assert!(code == 0 && out.contains(review["orchestration"].as_str().unwrap()), "{out} {said}");
    assert_eq!(first.0.wait().unwrap().code(), Some(0), "it ended because somebody answered");
    assert!(second.0.try_wait().unwrap().is_none(), "the other one waits on, though the server it spoke to ended");
    until("the second one answers in the first one's place", || {
        place.run(&["list", "reviews", "--output", "jsonl"]).1.lines().count() == 1
    });
    let review: Json = serde_json::from_str(&place.run(&["list", "reviews", "--output", "jsonl"]).1).unwrap();
    assert_eq!(place.run(&["approve", review["id"].as_str().unwrap(), "--reason", "test"]).0, 0);
    assert_eq!(second.0.wait().unwrap().code(), Some(0));
    assert!(!place.data().join("address").exists(), "nobody is there any more");
}

#[test]
fn a_wait_that_runs_out_is_no_success() {
    let place = Place::new();
    let (code, out, said) = place.run(&["start", "./ask", "--wait=1"]);
    assert_eq!((code, out.starts_with("orc_")), (3, true), "{out} {said}");
    assert!(said.contains("waiting") && said.contains("provost explain last"), "{said}");
    assert_eq!(place.run(&["start", "ask"]).0, 0, "nobody waited for it");
    assert_eq!(place.run(&["start", "./race", "--wait=30"]).0, 0);
    assert_eq!(place.run(&["start", "./race", "--wait=0"]).0, 2);
}

#[test]
fn a_bare_name_is_a_workflow_and_a_path_is_a_folder() {
    let place = Place::new();
    let (code, _, said) = place.run(&["start", "race"]);
    assert!(code == 2 && said.contains("[STORE_ABSENT]") && said.contains("provost start ./race"), "{said}");
    let (code, _, said) = place.run(&["start", "nope/"]);
    assert!(code == 2 && said.contains("there is no folder or file `nope/`"), "{said}");
    assert!(!place.data().exists(), "nothing that is not there makes a data folder");
    assert_eq!(place.run(&["start", "./ask"]).0, 0);
    let (code, _, said) = place.run(&["start", "race"]);
    assert!(code == 2 && said.contains("[unknown-workflow]") && said.contains("provost start ./race"), "{said}");
    let (code, _, said) = place.run(&["start", "race/", "--wait"]);
    assert_eq!(code, 0, "{said}");
    place.bundle("race", "race", "2.0.0", "one: { set: { n: 2 } }");
    let (code, out, said) = place.run(&["start", "race", "--wait"]);
    assert!(code == 0 && out.contains("\"n\": 1") && said.contains("the folder is `./race`"), "{out} {said}");
    let (code, out, _) = place.run(&["start", "./race", "--wait"]);
    assert!(code == 0 && out.contains("\"n\": 2"), "{out}");
    let (code, _, said) = place.run(&["start", "./race", "--workflow", "zzz"]);
    assert!(code == 2 && said.contains("no workflow `zzz`") && said.contains("there are race"), "{said}");
    let (code, _, said) = place.run(&["start", "race/../ask"]);
    assert!(code == 0, "a path is a path: {said}");
    for name in ["race%2F..%2Fask", "race?x=1", "race#x"] {
        let (code, out, said) = place.run(&["start", name]);
        assert!(code == 2 && out.is_empty() && said.contains("[unknown-workflow]"), "{name}: {out} {said}");
    }
    for what in ["race", "./race"] {
        let (code, out, said) = place.run(&["start", what, "--bind", "foo"]);
        assert!(code == 2 && out.is_empty() && said.contains("[binding]"), "{what}: {out} {said}");
    }
    assert_eq!(place.run(&["start", "race", "--bind", "foo=http://127.0.0.1:9"]).0, 0);
    assert!(place.run(&["list", "bindings"]).1.contains("http://127.0.0.1:9"));
}

#[test]
fn every_verb_takes_json_and_a_document_is_one_line_where_lines_are_asked_for() {
    let place = Place::new();
    let (code, out, said) = place.run(&["start", "./race", "--wait", "--output", "jsonl"]);
    assert!(code == 0 && out.lines().count() == 1 && out.contains("\"completed\""), "{out} {said}");
    for verb in [&["get", "last"][..], &["explain", "last"], &["verify", "last"], &["policies"], &["guard", "{}", "--reason", "test"]] {
        let (code, out, said) = place.run(&[verb, &["--output", "jsonl"]].concat());
        assert!(code == 0 && out.lines().count() == 1 && serde_json::from_str::<Json>(&out).is_ok(), "{verb:?}: {out} {said}");
        let (short, long) = (place.run(&[verb, &["--json"]].concat()), place.run(&[verb, &["--output", "json"]].concat()));
        assert!(short.0 == 0 && serde_json::from_str::<Json>(&short.1).is_ok(), "{verb:?}: {short:?}");
        assert_eq!(short.1, long.1, "{verb:?}");
    }
    for verb in
        [&["list", "bundles", "--json"][..], &["check", "race", "--json"], &["diff", "race", "ask", "--json"], &["rebuild", "--json"]]
    {
        let (code, out, said) = place.run(verb);
        assert!(code == 0 && serde_json::from_str::<Json>(&out).is_ok(), "{verb:?}: {out} {said}");
    }
    assert_eq!(place.run(&["list", "bundles", "--json", "--output", "table"]).0, 2);
}

#[test]
fn what_an_answer_or_a_role_cannot_do_is_said() {
    let place = Place::new();
    assert_eq!(place.run(&["start", "./ask"]).0, 0);
    let open: Json = serde_json::from_str(&place.run(&["list", "reviews", "--output", "jsonl"]).1).unwrap();
    let review = open["id"].as_str().unwrap();
    assert_eq!(place.run(&["approve", review, "--reason", "test"]).0, 0);
    for verb in ["approve", "reject"] {
        let (code, out, said) = place.run(&[verb, review, "--reason", "test"]);
        assert!(code == 2 && out.is_empty() && said.contains("[review-closed]"), "{out} {said}");
    }
    assert!(place.run(&["approve", "rev_1", "--reason", "test"]).2.contains("[unknown-review]"));
    let (code, out, said) = place.run(&["token", "--name", "ann", "--role", "foo", "--reason", "test"]);
    assert!(code == 0 && out.starts_with("pvt_") && said.contains("`foo` is none of the built-in roles"), "{out} {said}");
    let (_, _, said) = place.run(&["token", "--name", "bob", "--role", "reviewer", "--reason", "test"]);
    assert!(!said.contains("built-in"), "{said}");
}

/// The names of everything in a folder.
fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> =
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

#[test]
fn a_verb_that_reads_or_acts_on_what_is_there_makes_no_data_folder() {
    let place = Place::new();
    let notes = place.0.path().join("notes");
    std::fs::create_dir(&notes).unwrap();
    std::fs::write(notes.join("shopping.txt"), "pens").unwrap();
    let id = "orc_01M800YMFJHDKEFW0VH8RP0HM9";
    for verb in [
        &["list", "orchestrations"][..],
        &["list", "bindings"],
        &["get", "last"],
        &["explain", id],
        &["journal", id],
        &["verify", "--all"],
        &["approve", "rev_1", "--reason", "test"],
        &["resolve", "eff_1", "--done", "--evidence", "x", "--reason", "test"],
        &["cancel", id, "--reason", "test"],
        &["redrive", id, "--reason", "test"],
        &["revoke", "ann", "--reason", "test"],
        &["policies"],
    ] {
        for data in ["missing", "notes"] {
            let (code, out, said) = place.run(&[verb, &["--data", data]].concat());
            assert!(code == 2 && out.is_empty() && said.contains("[STORE_ABSENT]"), "{verb:?} {data}: {out} {said}");
        }
    }
    assert!(!place.0.path().join("missing").exists());
    assert_eq!(names(&notes), ["shopping.txt"]);
    for verb in [&["list", "orchestrations"][..], &["start", "./race"]] {
        let (code, _, said) = place.run(&[verb, &["--data", "notes/shopping.txt"]].concat());
        assert!(code == 2 && said.contains("is a file, and a data folder is needed") && !said.contains("os error"), "{verb:?}: {said}");
    }
    for server in ["foo", "ftp://127.0.0.1", "127.0.0.1:7400"] {
        let (code, _, said) = place.run(&["list", "orchestrations", "--server", server]);
        assert!(code == 2 && said.contains("[server-url]") && said.contains(server), "{server}: {said}");
    }
}
