//! See ARCHITECTURE.md.

pub mod expr;
