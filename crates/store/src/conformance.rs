//! The exam every store passes: one file per property, each a function from a [`Maker`] to an [`Outcome`].
//!
//! What must stay true: a property knows only the port; it never panics and says what broke. To examine a store, implement [`Maker`] and
//! run every one of [`properties`] on a fresh maker.

mod chain_holds;
mod commit_is_whole;
mod epoch_fences;
mod feed_is_in_order;
mod head_guards;
mod journals_are_listed;
mod limits_refuse;
mod lists_filter;
mod lists_lag;
mod open_work_follows;
mod rebuild_restores;
mod rebuild_resumes;
mod reopen_keeps;
mod retention_leaves_tombstones;
mod retire_is_whole;
mod rows_page;
mod samples;
mod seen_answers;
mod snapshots_replace;
mod starts_are_handed_on;
mod tenants_are_apart;

use std::fmt;

pub use samples::{Sample, digest, orchestration, tenant};

use crate::error::StoreError;
use crate::upkeep::Upkeep;
use crate::verify::VerifyError;

/// Opens one partition again and again: empty at first, later with what was committed. Several values may be open at once.
pub trait Maker {
    /// The store under examination.
    type Store: Upkeep;

    /// Opens the partition.
    ///
    /// # Errors
    /// Whatever the store says.
    fn open(&mut self) -> Result<Self::Store, StoreError>;

    /// Opens the partition and claims it.
    ///
    /// # Errors
    /// Whatever the store says.
    fn claimed(&mut self) -> Result<(Self::Store, u64), StoreError> {
        let mut store = self.open()?;
        let epoch = store.claim()?;
        Ok((store, epoch))
    }
}

/// What a property found broken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Broken(String);

/// A property holds, or what broke.
pub type Outcome = Result<(), Broken>;

/// A property's name and function.
pub type Property<M> = (&'static str, fn(&mut M) -> Outcome);

/// Every property.
pub fn properties<M: Maker>() -> Vec<Property<M>> {
    vec![
        ("chain_holds", chain_holds::check),
        ("commit_is_whole", commit_is_whole::check),
        ("epoch_fences", epoch_fences::check),
        ("feed_is_in_order", feed_is_in_order::check),
        ("head_guards", head_guards::check),
        ("journals_are_listed", journals_are_listed::check),
        ("limits_refuse", limits_refuse::check),
        ("lists_filter", lists_filter::check),
        ("lists_lag", lists_lag::check),
        ("open_work_follows", open_work_follows::check),
        ("starts_are_handed_on", starts_are_handed_on::check),
        ("rebuild_restores", rebuild_restores::check),
        ("rebuild_resumes", rebuild_resumes::check),
        ("reopen_keeps", reopen_keeps::check),
        ("retention_leaves_tombstones", retention_leaves_tombstones::check),
        ("retire_is_whole", retire_is_whole::check),
        ("rows_page", rows_page::check),
        ("seen_answers", seen_answers::check),
        ("snapshots_replace", snapshots_replace::check),
        ("tenants_are_apart", tenants_are_apart::check),
    ]
}

fn ensure(holds: bool, what: &str) -> Outcome {
    if holds { Ok(()) } else { Err(Broken(what.to_owned())) }
}

fn equal<T: fmt::Debug + PartialEq>(what: &str, found: &T, expected: &T) -> Outcome {
    if found == expected { Ok(()) } else { Err(Broken(format!("{what}: found {found:?}, expected {expected:?}"))) }
}

/// The call must fail with this code.
fn refused<T: fmt::Debug>(what: &str, code: &str, answer: Result<T, StoreError>) -> Outcome {
    match answer {
        Err(error) if error.code() == code => Ok(()),
        other => Err(Broken(format!("{what}: found {other:?}, expected {code}"))),
    }
}

impl From<StoreError> for Broken {
    fn from(error: StoreError) -> Self {
        Self(format!("a call failed: {error}"))
    }
}

impl From<VerifyError> for Broken {
    fn from(error: VerifyError) -> Self {
        Self(format!("a chain broke: {error}"))
    }
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Broken {}
