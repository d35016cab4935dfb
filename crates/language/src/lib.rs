//! The language: from the bytes of a bundle folder to programs that the engine runs.
//!
//! What must stay true: pure (no clock, no randomness, no IO beyond the bytes it is handed); the same files give the same bundle
//! digest and programs; everything wrong is a [`Finding`] with file, line and column, several at once; whatever the sources are,
//! reading them ends within limits. What is absent: running anything, policies (handed on as text), and the folder itself.

pub mod bundle;
pub mod compiled;
pub mod contract;
pub mod difference;
pub mod expr;
pub mod finding;
pub mod graph;
pub mod plan;
pub mod schema;
pub mod source;

mod checks;
mod fields;
mod library;
mod link;
mod names;
mod nearest;
mod reuse;
mod schedule;
mod tables;
mod version;
mod workflow;
mod yaml;

pub use bundle::{Bundle, Checked, Lock, Part, PolicyFiles, compile, is_bundle_folder, is_part_folder, policy_files};
pub use compiled::{Compiled, program_digest};
pub use contract::{Contract, Contracts, Violation};
pub use finding::{Code, Finding, Fix, Paint, Severity, render, render_for};
pub use reuse::reused;
pub use schedule::last_time;
pub use source::{SOURCE_BYTES_MAX, SOURCE_FILES_MAX, Sources};
pub use workflow::canonical_type;
pub use yaml::read_value;
