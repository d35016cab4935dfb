//! What keeps a folder in order beside its daily work, over varied work in virtual time: rebuilding and retention.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod events;
mod rebuild;
mod retention;
mod works;
