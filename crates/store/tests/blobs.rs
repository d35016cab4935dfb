//! Blobs: kept once per tenant, checked when read, swept by mark and age.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeSet;
use std::fs;
use std::time::{Duration, SystemTime};

use provost_model::{Digest, TenantId};
use provost_store::Blobs;

fn tenant(name: &str) -> TenantId {
    TenantId::parse(name).unwrap()
}

#[test]
fn bytes_come_back_to_their_tenant_only() {
    let folder = tempfile::tempdir().unwrap();
    let blobs = Blobs::new(folder.path().join("blobs"));
    let reference = blobs.put(&tenant("acme"), b"a long letter", "text/plain").unwrap();
    assert_eq!(reference.digest, Digest::of(b"a long letter"));
    assert_eq!((reference.size, reference.media_type.as_str()), (13, "text/plain"));
    assert_eq!(blobs.open(&tenant("acme"), &reference).unwrap().as_deref(), Some(&b"a long letter"[..]));
    assert_eq!(blobs.open(&tenant("zeta"), &reference).unwrap(), None);
    assert_eq!(blobs.put(&tenant("acme"), b"a long letter", "text/plain").unwrap(), reference);
    let empty = blobs.put(&tenant("acme"), b"", "text/plain").unwrap();
    assert_eq!(blobs.open(&tenant("acme"), &empty).unwrap(), Some(Vec::new()));
}

#[test]
fn changed_bytes_are_found_and_put_right_by_the_next_put() {
    let folder = tempfile::tempdir().unwrap();
    let blobs = Blobs::new(folder.path().to_owned());
    let reference = blobs.put(&tenant("acme"), b"original", "text/plain").unwrap();
    let hex = reference.digest.hex();
    let file = folder.path().join("acme").join(&hex[..2]).join(&hex);
    for other in [&b"0riginal"[..], b"orig", b"original and more"] {
        fs::write(&file, other).unwrap();
        assert_eq!(blobs.open(&tenant("acme"), &reference).unwrap_err().code(), "STORE_DAMAGED");
    }
    blobs.put(&tenant("acme"), b"original", "text/plain").unwrap();
    assert_eq!(blobs.open(&tenant("acme"), &reference).unwrap().as_deref(), Some(&b"original"[..]));
}

#[test]
fn a_sweep_takes_what_is_old_and_not_named() {
    let folder = tempfile::tempdir().unwrap();
    let blobs = Blobs::new(folder.path().to_owned());
    let [named, old, again, other] = ["named", "old", "again", "other"].map(|text| {
        let owner = tenant(if text == "other" { "zeta" } else { "acme" });
        blobs.put(&owner, text.as_bytes(), "text/plain").unwrap()
    });
    let long_ago = SystemTime::now() - Duration::from_secs(3600);
    for reference in [&named, &old, &again] {
        let hex = reference.digest.hex();
        let file = fs::File::options().write(true).open(folder.path().join("acme").join(&hex[..2]).join(&hex)).unwrap();
        file.set_modified(long_ago).unwrap();
    }
    blobs.put(&tenant("acme"), b"again", "text/plain").unwrap();
    let before = SystemTime::now() - Duration::from_secs(60);
    assert_eq!(blobs.sweep(&tenant("acme"), &BTreeSet::from([named.digest]), before).unwrap(), 1);
    assert!(blobs.open(&tenant("acme"), &old).unwrap().is_none());
    assert!(blobs.open(&tenant("acme"), &named).unwrap().is_some());
    assert!(blobs.open(&tenant("acme"), &again).unwrap().is_some(), "a blob put again is young");
    assert!(blobs.open(&tenant("zeta"), &other).unwrap().is_some());
    assert_eq!(blobs.sweep(&tenant("nobody"), &BTreeSet::new(), before).unwrap(), 0);
}
