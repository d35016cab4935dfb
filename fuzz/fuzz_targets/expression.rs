//! cargo-fuzz: the target `expression` of `provost_sim::fuzz`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| provost_sim::fuzz::run("expression", bytes));
