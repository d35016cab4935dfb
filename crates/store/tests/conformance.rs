//! Both stores pass the exam.
#![expect(clippy::panic, reason = "a test fails by panicking")]

mod makers;

use makers::{Files, InMemory};
use provost_store::conformance::{Maker, properties};

fn examine<M: Maker>(fresh: impl Fn() -> M) {
    let mut broken = Vec::new();
    for (name, property) in properties::<M>() {
        if let Err(what) = property(&mut fresh()) {
            broken.push(format!("{name}: {what}"));
        }
    }
    if !broken.is_empty() {
        panic!("{}", broken.join("\n"));
    }
}

#[test]
fn memory_passes() {
    examine(InMemory::default);
}

#[test]
fn sqlite_passes() {
    examine(Files::fresh);
}
