//! Fuzzing: what reads foreign bytes, driven by bytes that nobody would write.
//!
//! What must stay true: a target is a plain function of bytes that panics where something is broken, so that any driver can run it: this
//! one, which mutates a corpus deterministically on a stable toolchain, and `fuzz/` with cargo-fuzz. The same seed gives the same bytes.
//! What is absent: knowledge of which code a case reaches; cargo-fuzz has that.

mod mutate;
mod seeds;
mod targets;

pub use mutate::mutated;
pub use seeds::seeds;
pub use targets::{TARGETS, Target};

use crate::random::Random;

/// Runs the target called `name`; a name that is none does nothing. What other drivers call.
pub fn run(name: &str, bytes: &[u8]) {
    TARGETS.iter().filter(|target| target.name == name).for_each(|target| (target.run)(bytes));
}

/// The bytes of case `number` of a seed: one of the seeds, changed some times.
pub fn bytes_of(seeds: &[Vec<u8>], seed: u64, number: u64) -> Vec<u8> {
    // The first cases are the seeds themselves.
    if let Some(whole) = usize::try_from(number).ok().and_then(|number| seeds.get(number)) {
        return whole.clone();
    }
    let mut random = Random::new(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ number);
    mutated(seeds, &mut random)
}
