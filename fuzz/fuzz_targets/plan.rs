//! cargo-fuzz: the target `plan` of `provost_sim::fuzz`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| provost_sim::fuzz::run("plan", bytes));
