//! cargo-fuzz: the target `record` of `provost_sim::fuzz`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| provost_sim::fuzz::run("record", bytes));
