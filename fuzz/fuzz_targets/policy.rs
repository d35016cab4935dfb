//! cargo-fuzz: the target `policy` of `provost_sim::fuzz`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| provost_sim::fuzz::run("policy", bytes));
