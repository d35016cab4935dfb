//! Facts in, verdict out: Cedar policies in two layers, an index, and the deny-only Guard.
//!
//! What must stay true: nothing that is missing, broken or in error ever allows; the index answers exactly as a full scan would; equal
//! inputs give equal verdicts. What is absent: fetching its own facts, a clock, IO, and any knowledge of how a verdict is acted on.
//!
//! # How a question is asked
//! Each thing that can be done has two Cedar actions, `Action::"x"` and `Action::"x.with-review"`. The first allowed is *allow*; only
//! the second allowed is *review*; neither is *deny*. A forbid of `x` with a permit of `x.with-review` is the way to say "only with
//! review"; a forbid of both says no and is named in the verdict.
//!
//! # Layers
//! | layer | grants | its silence means |
//! |---|---|---|
//! | the bundle's, pinned | what workflows do: `agent.start`, `model.call`, `tool.call`, `retrieval.query`, every authored action | deny; for a platform action: not its business |
//! | the tenant's, current | the platform's actions ([`vocabulary::PLATFORM`]) and, beside the bundle, everything else | deny |
//! | the Guard, live | nothing | no objection |
//!
//! A policy with `@log_only("…")` is on trial: it decides nothing, and a verdict that it would have changed says so
//! ([`provost_model::Would`]).
//!
//! The stricter wins. Four eyes is checked beside them and cannot be granted away. The action vocabulary, principals, resources and the
//! members of a context are in [`vocabulary`] and in `docs/guides/policy.md`.

mod builtin;
mod checks;
mod context;
pub mod egress;
mod entities;
mod evaluate;
mod finding;
mod guard;
mod index;
mod judge;
mod parse;
mod question;
mod schema;
mod set;
pub mod vocabulary;

pub use builtin::{STARTER, TENANT_DEFAULT, TEXTS, starter, tenant_default};
pub use entities::{Described, ENTITIES_MAX, Entities, EntitiesError, describe, principal_of};
pub use finding::Finding;
pub use guard::{Guard, Names};
pub use judge::{CachedJudge, Judge};
pub use parse::{FILE_BYTES_MAX, LOG_ONLY, NESTING_MAX, POLICIES_MAX, STATEMENT_BYTES_MAX};
pub use set::{PolicySet, SetAnswer};
