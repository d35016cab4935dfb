//! A disk that fills: whole commits are refused, and work goes on when there is room. A process of its own, because it starts others.
#![expect(clippy::unwrap_used, clippy::print_stderr, reason = "a test fails by panicking, and says what it could not try")]

use std::fs;
use std::path::Path;
use std::process::Command;

use provost_store::conformance::Sample;
use provost_store::{Batch, Folder, Store, Upkeep, verify_all};

/// Unmounts when the test ends, however it ends.
struct Mount<'p>(&'p Path);

impl Drop for Mount<'_> {
    fn drop(&mut self) {
        let _best_effort = Command::new("umount").arg(self.0).status();
    }
}

#[test]
fn a_full_disk_refuses_whole_commits_and_goes_on_with_room() {
    let temporary = tempfile::tempdir().unwrap();
    let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", "size=6m", "tmpfs"]).arg(temporary.path()).output();
    if !mounted.is_ok_and(|output| output.status.success()) {
        eprintln!("skipped: this user cannot mount a small disk");
        return;
    }
    let mount = Mount(temporary.path());
    let ballast = temporary.path().join("ballast");
    fs::write(&ballast, vec![1; 2 << 20]).unwrap();
    let folder = Folder::open(temporary.path(), 1, 0).unwrap();
    let mut store = folder.partition(0).unwrap();
    let epoch = store.claim().unwrap();
    let mut journals: Vec<Sample> = (0..16).map(|n| Sample::orchestration(0, n)).collect();
    let text = format!("\"{}\"", "x".repeat(4000));
    let mut acknowledged = 0;
    let refused = loop {
        let mut grown = journals.clone();
        let entries = grown.iter_mut().map(|journal| journal.entry(epoch, 1, &text)).collect();
        match store.commit(&Batch { epoch, entries }) {
            Ok(position) => (acknowledged, journals) = (position, grown),
            Err(error) => break error,
        }
    };
    assert_eq!(refused.code(), "STORE_FULL", "{refused}");
    assert!(acknowledged > 0 && refused.retry());
    assert_eq!(store.feed(0, 10_000).unwrap().len() as u64, acknowledged, "a refused commit left something");

    fs::remove_file(&ballast).unwrap();
    let entries = journals.iter_mut().map(|journal| journal.entry(epoch, 1, "{}")).collect();
    assert_eq!(store.commit(&Batch { epoch, entries }).unwrap(), acknowledged + 16, "there is room again");
    drop(store);
    let mut store = folder.partition(0).unwrap();
    let chains = verify_all(&mut store).unwrap();
    assert_eq!((chains.damages.len(), chains.heads.len()), (0, 16));
    assert!(journals.iter().all(|journal| chains.heads.get(&(journal.tenant.clone(), journal.stream.clone())) == Some(&journal.head)));
    drop((store, folder, mount));
}
