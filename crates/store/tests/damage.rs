//! Changed, cut and foreign files: found, named, and never taken for sound.
#![expect(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

use std::fs;
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use provost_store::conformance::Sample;
use provost_store::{Batch, Depth, Folder, Needs, Sqlite, Store, StoreError, Upkeep, VerifyError, verify_all, verify_chain};

const ORCHESTRATIONS: u64 = 8;

/// A folder with one partition of some hundred rows, closed in order.
fn written() -> (tempfile::TempDir, PathBuf, Vec<Sample>) {
    let temporary = tempfile::tempdir().unwrap();
    let folder = Folder::open(temporary.path(), 1, 0).unwrap();
    let mut store = folder.partition(0).unwrap();
    let epoch = store.claim().unwrap();
    let mut journals: Vec<Sample> = (0..ORCHESTRATIONS).map(|n| Sample::orchestration(0, n)).collect();
    for round in 0..40 {
        let noise: String = (0..8).map(|n| provost_model::Digest::of(&[round as u8, n]).hex()).collect();
        let text = format!("{{\"round\":{round},\"text\":\"{noise}\"}}");
        let mut entries: Vec<_> = journals.iter_mut().map(|journal| journal.entry(epoch, 2, &text)).collect();
        entries.push(Sample::orchestration(1, round).running(epoch, Needs::NONE));
        store.commit(&Batch { epoch, entries }).unwrap();
    }
    let path = folder.partition_path(0);
    (temporary, path, journals)
}

fn open(folder: &Path) -> Result<Sqlite, StoreError> {
    Folder::open(folder, 1, 0)?.partition(0)
}

fn flip(path: &Path, at: u64) {
    let mut file = fs::OpenOptions::new().read(true).write(true).open(path).unwrap();
    let mut byte = [0];
    file.seek(SeekFrom::Start(at)).unwrap();
    file.read_exact(&mut byte).unwrap();
    file.seek(SeekFrom::Start(at)).unwrap();
    file.write_all(&[byte[0] ^ 0x10]).unwrap();
}

/// Whether opening, the pages' order or any chain shows that something is wrong; `heads` are kept outside.
fn is_found(folder: &Path, journals: &[Sample]) -> bool {
    let Ok(mut store) = open(folder) else { return true };
    let below = store.scan(Depth::Full).map_or(true, |findings| !findings.is_empty());
    let chains = verify_all(&mut store).map_or(true, |chains| !chains.is_sound());
    let heads = journals.iter().any(|journal| verify_chain(&mut store, &journal.tenant, &journal.stream) != Ok(journal.head));
    below || chains || heads
}

/// Where in the file the bytes of these rows stand: some places of each payload.
fn payload_places(bytes: &[u8], rows: &[(u64, provost_model::record::Row)]) -> Vec<u64> {
    let heads: std::collections::BTreeSet<&[u8]> = rows.iter().filter_map(|(_, row)| row.payload.get(..40)).collect();
    let starts = |head: &&[u8]| bytes.windows(40).zip(0_u64..).filter(|(window, _)| window == head).map(|(_, at)| at).collect::<Vec<u64>>();
    let mut places: Vec<u64> = heads.iter().flat_map(starts).flat_map(|at| [at + 3, at + 9, at + 17, at + 38]).collect();
    places.sort_unstable();
    places
}

#[test]
fn a_flipped_byte_of_a_payload_is_found_and_its_sequence_named() {
    let (folder, path, journals) = written();
    let sound = open(folder.path()).unwrap().feed(0, 10_000).unwrap();
    let places = payload_places(&fs::read(&path).unwrap(), &sound);
    assert!(places.len() > 1000, "too few places: {}", places.len());
    let mut found = 0;
    for at in places.iter().step_by(places.len() / 80) {
        flip(&path, *at);
        let mut store = open(folder.path()).unwrap();
        // Pages keep leftovers of rows that were moved to another page; those bytes belong to no row.
        let changed = store.feed(0, 10_000).unwrap().into_iter().zip(&sound).find(|(now, then)| now != *then);
        if let Some(((_, row), _)) = changed {
            let chains = verify_all(&mut store).unwrap();
            let [damage] = chains.damages.as_slice() else { panic!("byte {at}: {:?}", chains.damages) };
            assert_eq!((&damage.tenant, &damage.stream, damage.sequence), (&row.tenant, &row.stream, row.first_sequence));
            let again = verify_chain(&mut store, &damage.tenant, &damage.stream);
            assert_eq!(again, Err(VerifyError::Damage(Box::new(damage.clone()))));
            found += 1;
        }
        drop(store);
        flip(&path, *at);
    }
    assert!(found >= 60, "only {found} flips reached a row");
    assert!(!is_found(folder.path(), &journals), "the restored file is sound");
}

#[test]
fn a_row_that_cannot_be_read_is_named_and_the_rest_verified() {
    let (folder, path, journals) = written();
    let other = rusqlite::Connection::open(&path).unwrap();
    other.execute_batch("UPDATE journal SET cause = '{' WHERE position = 200").unwrap();
    drop(other);
    let mut store = open(folder.path()).unwrap();
    let chains = verify_all(&mut store).unwrap();
    let [(position, what)] = chains.unreadable.as_slice() else { panic!("{:?}", chains.unreadable) };
    assert_eq!((*position, chains.damages.len()), (200, 1), "{what}");
    let damage = &chains.damages[0];
    assert!(damage.what.contains("rows between are missing"), "{damage}");
    assert_eq!(chains.heads.len() as u64, ORCHESTRATIONS - 1 + 40);
    let Err(VerifyError::Damage(again)) = verify_chain(&mut store, &damage.tenant, &damage.stream) else { panic!("not found") };
    assert_eq!(again.sequence, damage.sequence);
    assert_eq!(journals.iter().filter(|journal| verify_chain(&mut store, &journal.tenant, &journal.stream).is_ok()).count() as u64, 7);
}

/// Flips bytes over the whole file. Only bytes that belong to no row may go unnoticed by pages, order and chains.
#[test]
fn a_flipped_byte_anywhere_changes_no_row_unnoticed() {
    let (folder, path, journals) = written();
    let size = fs::metadata(&path).unwrap().len();
    let sound = open(folder.path()).unwrap().feed(0, 10_000).unwrap();
    let (mut found, mut tried) = (0, 0);
    let before = fs::read(&path).unwrap();
    for at in (0..size).step_by(971) {
        flip(&path, at);
        tried += 1;
        if is_found(folder.path(), &journals) {
            found += 1;
        } else {
            assert_eq!(open(folder.path()).unwrap().feed(0, 10_000).unwrap(), sound, "byte {at} changed a row unnoticed");
        }
        fs::write(&path, &before).unwrap();
    }
    assert!(tried > 200 && found > tried / 3, "found {found} of {tried}");
}

#[test]
fn a_cut_file_is_refused_or_found() {
    let (folder, path, journals) = written();
    let whole = fs::read(&path).unwrap();
    for part in [1, 2, 5, 9] {
        let cut = whole.len() * part / 10;
        fs::write(&path, &whole[..cut]).unwrap();
        match open(folder.path()) {
            Err(error) => assert_eq!(error.code(), "STORE_DAMAGED", "{error}"),
            Ok(store) => {
                drop(store);
                assert!(is_found(folder.path(), &journals), "a file cut to {cut} bytes was taken for sound");
            }
        }
    }
    fs::write(&path, &whole).unwrap();
    assert!(!is_found(folder.path(), &journals));
}

#[test]
fn a_file_of_something_else_is_refused() {
    let (folder, path, _) = written();
    fs::write(&path, "this is no database, it is a letter\n".repeat(300)).unwrap();
    let error = open(folder.path()).unwrap_err();
    assert_eq!(error.code(), "STORE_DAMAGED");
    assert!(error.to_string().contains("partition-000.db"), "{error}");

    fs::remove_file(&path).unwrap();
    let other = rusqlite::Connection::open(&path).unwrap();
    other.execute_batch("CREATE TABLE letters (text TEXT)").unwrap();
    drop(other);
    let error = open(folder.path()).unwrap_err();
    assert_eq!(error.to_string(), format!("`{}` is damaged or not a Provost file: it is a database of another program", path.display()));
}

#[test]
fn a_partition_of_another_number_is_refused() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = Folder::open(temporary.path(), 2, 0).unwrap();
    drop((folder.partition(0).unwrap(), folder.partition(1).unwrap()));
    fs::copy(folder.partition_path(0), folder.partition_path(1)).unwrap();
    let error = folder.partition(1).unwrap_err();
    assert_eq!(error.code(), "STORE_DAMAGED");
    assert!(error.to_string().ends_with("it is partition 0 of 2, expected 1 of 2"), "{error}");
}

#[test]
fn a_newer_format_is_refused_untouched() {
    let (folder, path, _) = written();
    let raise = |sql: &str| rusqlite::Connection::open(&path).unwrap().execute_batch(sql).unwrap();
    raise("PRAGMA user_version = 2");
    let before = fs::read(&path).unwrap();
    assert_eq!(open(folder.path()).unwrap_err().code(), "STORE_NEWER");
    assert!(fs::read(&path).unwrap() == before, "a newer file was changed");
    raise("PRAGMA user_version = 1; UPDATE meta SET record_format = 9");
    let error = open(folder.path()).unwrap_err();
    assert_eq!(error.to_string(), format!("`{}` has format 9, this binary reads up to 1", path.display()));

    let format = folder.path().join("format.json");
    fs::write(&format, r#"{"format":2,"something":"new"}"#).unwrap();
    assert_eq!(open(folder.path()).unwrap_err().code(), "STORE_NEWER");
}
