//! Expressions: jq over our own values, with counted fuel.
//!
//! What must stay true: an evaluation depends on its source, its input, its variables and its limits and on nothing else; it ends within
//! its fuel, bytes and depth whatever was authored, and no construct of the language can catch that end. There is no clock, no
//! environment, no randomness, no IO. Documents are not converted: jaq computes with [`provost_model::Value`] itself.
//! Not here: which places of a workflow hold expressions, and where labels come from. Sources: LANGUAGE.md "Expressions", ADR 0001, ADR 0004.

mod catalogue;
mod check;
mod dates;
mod error;
mod list;
mod meter;
mod module;
mod natives;
mod ops;
mod place;
mod place_secrets;
mod regexp;
mod secret;
mod text;
mod trace;
mod update;
mod val;

#[cfg(test)]
mod tests;

pub use catalogue::GLOBALS;
pub(crate) use check::Tree;
pub use error::{EvalError, EvalErrorKind, ExprError, ExprErrorKind};
pub use meter::{Burned, Fuel};
pub use module::{Evaluated, Module, Source, THREAD_STACK_BYTES, Variables};
pub use secret::{SecretSpan, secret_marker, secret_spans};

/// Whether the whole of `text` is a runtime expression: `${ … }`.
pub fn is_expression(text: &str) -> bool {
    inner(text).is_some()
}

/// The expression inside `${ … }`, or the text itself where it stands bare. The rest is part of `text`, so that places can be told.
pub fn strip(text: &str) -> &str {
    inner(text).unwrap_or(text)
}

fn inner(text: &str) -> Option<&str> {
    text.trim().strip_prefix("${")?.strip_suffix('}')
}

/// Parsed expressions, by the index of their source; `None` where one does not parse.
pub(crate) fn with_trees<T>(sources: &[&str], look: impl FnOnce(&[Option<Tree<'_>>]) -> T) -> T {
    module::with_trees(sources, look)
}
