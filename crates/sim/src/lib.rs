//! The simulator: the real partition, engine, dispatcher and timers in a world of virtual time and planned faults.
//!
//! What must stay true: one seed is one run, byte for byte; properties know what was promised and nothing of how bugs are planted.
//! What is absent: threads, sockets, real clocks, and the shells around the machines (the crash test runs those).

pub mod bugs;
pub mod cells;
pub mod conformance;
pub mod corpus;
pub mod exhaustive;
pub mod fuzz;
pub mod hostile;
pub mod machine;
pub mod mix;
pub mod outside;
pub mod properties;
pub mod random;
pub mod reference;
pub mod strike;
pub mod world;

pub use cells::Cells;
pub use corpus::Corpus;
pub use world::{Outcome, run, run_few};
