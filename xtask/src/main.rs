//! Build, check, measure and release tasks: `cargo xtask <task>`.
fn main() {}
