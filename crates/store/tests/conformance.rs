//! Both stores pass the exam.
#![expect(clippy::panic, reason = "a test fails by panicking")]

mod makers;

use makers::Files;
use provost_store::conformance::{Maker, properties};
use provost_store::{Memory, StoreError};

/// The oracle.
#[derive(Default)]
struct InMemory(Memory);

impl Maker for InMemory {
    type Store = Memory;

    fn open(&mut self) -> Result<Memory, StoreError> {
        Ok(self.0.reopen())
    }
}

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
