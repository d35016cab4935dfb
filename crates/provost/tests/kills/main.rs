//! The real binary on a real folder, killed while it works: what was acknowledged is there, once, and what is derived comes back.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test fails by panicking")]

mod batch;
mod concurrency;
mod listen;
mod rebuild;
mod site;
mod start;
#[path = "../target/mod.rs"]
mod target;
