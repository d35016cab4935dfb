//! The data folder: one process at a time, its number of partitions for ever, an orderly end.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;

use provost_store::conformance::Sample;
use provost_store::{Batch, Folder, Lists, Needs, Query, Store, Upkeep};

#[test]
fn a_new_folder_is_its_owners_alone() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("new");
    let _open = Folder::open(&path, 1, 0).unwrap();
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o700);
}

#[test]
fn a_folder_in_use_is_refused_with_its_holder() {
    let temporary = tempfile::tempdir().unwrap();
    let held = Folder::open(temporary.path(), 4, 7).unwrap();
    let error = Folder::open(temporary.path(), 4, 7).unwrap_err();
    let expected = format!("data folder `{}` is in use by another provost (pid {})", temporary.path().display(), std::process::id());
    assert_eq!((error.code(), error.to_string()), ("STORE_LOCKED", expected));
    drop(held);
    assert_eq!(Folder::open(temporary.path(), 9, 8).unwrap().partitions(), 4, "the number was chosen at creation");
}

#[test]
fn a_damaged_layout_is_refused() {
    let temporary = tempfile::tempdir().unwrap();
    drop(Folder::open(temporary.path(), 1, 0).unwrap().partition(0).unwrap());
    let file = temporary.path().join("format.json");
    for text in ["", "{\"format\":1}", "{\"format\":1,\"partitions\":0,\"created_at_us\":0}", "\u{0}\u{0}"] {
        fs::write(&file, text).unwrap();
        assert_eq!(Folder::open(temporary.path(), 1, 0).unwrap_err().code(), "STORE_DAMAGED", "{text:?}");
    }
}

#[test]
fn a_missing_file_is_a_loss_and_never_made_anew() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = Folder::open(temporary.path(), 2, 0).unwrap();
    folder.partition(1).unwrap().claim().unwrap();
    let moved = temporary.path().join("moved");
    fs::rename(folder.partition_path(0), &moved).unwrap();
    let error = folder.partition(0).unwrap_err();
    assert_eq!(error.code(), "STORE_DAMAGED");
    assert!(error.to_string().ends_with("partition-000.db` is missing or damaged: it is not there"), "{error}");

    fs::rename(&moved, folder.partition_path(0)).unwrap();
    drop(folder);
    fs::remove_file(temporary.path().join("format.json")).unwrap();
    for error in [Folder::open(temporary.path(), 2, 0).unwrap_err(), Folder::open_to_rebuild(temporary.path()).unwrap_err()] {
        assert!(error.to_string().contains("not there beside partition files in use"), "{error}");
        assert_eq!((error.code(), error.hint()), ("STORE_DAMAGED", "restore that file from a backup; a rebuild cannot make it anew"));
    }
}

#[test]
fn a_creation_that_was_broken_off_starts_again() {
    let temporary = tempfile::tempdir().unwrap();
    drop(Folder::open(temporary.path(), 3, 0).unwrap());
    fs::remove_file(temporary.path().join("format.json")).unwrap();
    fs::write(temporary.path().join("partition-002.db"), b"").unwrap();
    let folder = Folder::open(temporary.path(), 2, 0).unwrap();
    assert_eq!(folder.partitions(), 2);
    drop((folder.partition(0).unwrap(), folder.partition(1).unwrap()));
    assert!(!folder.partition_path(2).exists());
}

#[test]
fn an_orderly_end_flushes_lists_and_is_remembered() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = Folder::open(temporary.path(), 1, 0).unwrap();
    let mut journal = Sample::orchestration(0, 1);
    for clean in [true, true, true] {
        let mut store = folder.partition(0).unwrap();
        assert_eq!(store.was_clean(), clean);
        let epoch = store.claim().unwrap();
        store.commit(&Batch { epoch, entries: vec![journal.running(epoch, Needs::NONE)] }).unwrap();
    }
    let mut store = folder.partition(0).unwrap();
    assert_eq!(store.lag().unwrap().behind(), 0);
    assert_eq!(
        store.list(&Query::newest(journal.tenant.clone(), 5)).unwrap(),
        Vec::from_iter(journal.summary(provost_store::Status::Running))
    );
    drop(store);
    assert!(!folder.path().join("partition-000.db-wal").exists(), "the log was not put away");
}

#[test]
fn a_rebuild_that_was_broken_off_closes_the_folder_to_all_but_the_next() {
    let temporary = tempfile::tempdir().unwrap();
    assert_eq!(Folder::open_to_rebuild(temporary.path()).unwrap_err().code(), "STORE_ABSENT");
    drop(Folder::open(temporary.path(), 2, 0).unwrap());
    let folder = Folder::open_to_rebuild(temporary.path()).unwrap();
    assert_eq!(Folder::open_to_rebuild(temporary.path()).unwrap_err().code(), "STORE_LOCKED");
    folder.begin_rebuild().unwrap();
    drop(folder);
    let error = Folder::open(temporary.path(), 2, 0).unwrap_err();
    assert_eq!((error.code(), error.retry()), ("STORE_REBUILDING", false));
    assert_eq!(error.hint(), "run `provost rebuild` again; journals are untouched");
    let folder = Folder::open_to_rebuild(temporary.path()).unwrap();
    assert_eq!(folder.partitions(), 2);
    folder.end_rebuild().unwrap();
    drop(folder);
    Folder::open(temporary.path(), 2, 0).unwrap();
}

#[test]
fn missing_tables_are_refused_until_they_are_made_and_a_journal_never_is() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = Folder::open(temporary.path(), 1, 0).unwrap();
    let mut journal = Sample::orchestration(0, 1);
    let mut store = folder.partition(0).unwrap();
    store.claim().unwrap();
    let epoch = store.claim().unwrap();
    store.commit(&Batch { epoch, entries: vec![journal.running(epoch, Needs::NONE), journal.running(epoch, Needs::NONE)] }).unwrap();
    drop(store);
    let raw = rusqlite::Connection::open(folder.partition_path(0)).unwrap();
    raw.execute_batch("DROP TABLE seen; DROP TABLE meta; DROP INDEX summaries_by_status").unwrap();
    let error = folder.partition(0).unwrap_err();
    assert_eq!(error.code(), "STORE_DAMAGED");
    assert!(error.to_string().ends_with("it lacks the tables meta, seen"), "{error}");
    assert_eq!(folder.restore_tables(0).unwrap(), ["meta", "seen"]);
    assert_eq!(folder.restore_tables(0).unwrap(), Vec::<String>::new());
    let mut store = folder.partition(0).unwrap();
    assert_eq!((store.claim().unwrap(), store.lag().unwrap().last), (epoch + 1, 2), "epoch and positions go on behind the journal's");
    assert_eq!(store.head(&journal.tenant, &journal.stream).unwrap(), Some(journal.head));
    drop(store);
    raw.execute_batch("DROP TABLE journal").unwrap();
    let error = folder.restore_tables(0).unwrap_err();
    assert!(error.to_string().ends_with("is missing or damaged: its journal is not there"), "{error}");
}
