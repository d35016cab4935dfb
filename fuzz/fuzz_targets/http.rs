//! cargo-fuzz: the target `http` of `provost_sim::fuzz`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| provost_sim::fuzz::run("http", bytes));
