//! `kill -9` of a process that writes: every acknowledged commit is there, none is there in part, and every chain holds.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use provost_store::conformance::Sample;
use provost_store::{Batch, Depth, Folder, Lists, Needs, Store, Upkeep, verify_all};

const FOLDER: &str = "PROVOST_STORE_CRASH_FOLDER";
/// Entries of one commit: all of them are there or none.
const BATCH_ROWS: u64 = 16;
const KILLS: u64 = 12;

/// In the child: writes until it is killed, and says after each commit how many rows are acknowledged. In the parent: nothing.
#[test]
fn child_writes_until_killed() {
    let Ok(path) = std::env::var(FOLDER) else { return };
    let folder = Folder::open(Path::new(&path), 1, 0).unwrap();
    let mut store = folder.partition(0).unwrap();
    let epoch = store.claim().unwrap();
    let mut journals: Vec<Sample> = (0..BATCH_ROWS).map(|n| Sample::orchestration(0, n)).collect();
    for journal in &mut journals {
        journal.head = store.head(&journal.tenant, &journal.stream).unwrap().unwrap_or(journal.head);
    }
    for round in 0_u64.. {
        let entries = journals.iter_mut().map(|journal| journal.running(epoch, Needs::NONE)).collect();
        let position = store.commit(&Batch { epoch, entries }).unwrap();
        writeln!(std::io::stderr(), "acknowledged {position}").unwrap();
        if round.is_multiple_of(20) {
            store.flush_lists().unwrap();
        }
    }
}

/// Runs the child, kills it after `after` and returns the last position it acknowledged.
fn killed(path: &Path, after: Duration) -> u64 {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "child_writes_until_killed", "--nocapture", "--test-threads=1"])
        .env(FOLDER, path)
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(child.stderr.take().unwrap()).lines();
    let reader = std::thread::spawn(move || {
        let heard = lines.map_while(Result::ok).filter_map(|line| line.strip_prefix("acknowledged ")?.parse::<u64>().ok());
        heard.last().unwrap_or(0)
    });
    std::thread::sleep(after);
    child.kill().unwrap();
    child.wait().unwrap();
    reader.join().unwrap()
}

#[test]
fn nothing_acknowledged_is_lost() {
    let folder = tempfile::tempdir().unwrap();
    let mut before = 0;
    for kill in 0..KILLS {
        let acknowledged = killed(folder.path(), Duration::from_millis(150 + kill * 37 % 200));
        assert!(acknowledged > before, "the child wrote nothing before its kill");
        let opened = Folder::open(folder.path(), 1, 0).unwrap();
        let mut store = opened.partition(0).unwrap();
        let last = store.sizes().unwrap().last_position;
        assert!(last >= acknowledged, "acknowledged {acknowledged}, found {last}");
        assert_eq!(last % BATCH_ROWS, 0, "a commit is there in part");
        assert!(!store.was_clean(), "a killed writer cannot have closed the file");
        let chains = verify_all(&mut store).unwrap();
        assert_eq!(chains.damages, Vec::new());
        let work = store.open_work(None, 100).unwrap();
        assert_eq!(work.len() as u64, BATCH_ROWS);
        for one in work {
            let stream = provost_model::record::Stream::Orchestration(one.orchestration);
            assert_eq!(store.head(&one.tenant, &stream).unwrap(), Some(one.head), "open work and journal differ");
        }
        let lag = store.lag().unwrap();
        assert_eq!(store.unprojected(0, 1_000_000).unwrap().len() as u64, lag.behind());
        before = last;
    }
    let mut store = Folder::open(folder.path(), 1, 0).unwrap().partition(0).unwrap();
    assert_eq!(store.scan(Depth::Full).unwrap(), Vec::<String>::new());
}
