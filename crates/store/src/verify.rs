//! The chain: recomputed from the rows, so that any changed byte of a stored row is found and named.
//!
//! What must stay true: the first bad sequence is named. Not here: whether the facts follow from their commands, which is `verify`'s
//! work with the engine, and damage below the rows, which is [`crate::Upkeep::scan`].

use std::collections::BTreeMap;

use provost_model::TenantId;
use provost_model::record::{Head, Row, Stream, chain};

use crate::error::{Shown, StoreError};
use crate::port::Store;

/// Rows read at once.
const PAGE_ROWS: usize = 256;

/// A journal that is not as it was written.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the journal of {} in tenant `{tenant}` is damaged at sequence {sequence}: {what}", Shown(stream))]
pub struct Damage {
    /// The owner.
    pub tenant: TenantId,
    /// Whose journal.
    pub stream: Stream,
    /// The first sequence that is not as it was written.
    pub sequence: u64,
    /// What was found.
    pub what: String,
}

/// Why a chain could not be confirmed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum VerifyError {
    /// The rows are not as they were written.
    #[error(transparent)]
    Damage(Box<Damage>),
    /// The rows could not be read.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl VerifyError {
    /// The stable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Damage(_) => "CHAIN_DAMAGED",
            Self::Store(error) => error.code(),
        }
    }
}

/// Recomputes a journal's chain and returns its head; [`Head::EMPTY`] for a journal without rows.
///
/// # Errors
/// [`VerifyError::Damage`] with the first bad sequence, or why the rows could not be read.
pub fn verify_chain<S: Store + ?Sized>(store: &mut S, tenant: &TenantId, stream: &Stream) -> Result<Head, VerifyError> {
    let mut head = Head::EMPTY;
    let mut page_rows = PAGE_ROWS;
    loop {
        let bad = |what| {
            VerifyError::Damage(Box::new(Damage { tenant: tenant.clone(), stream: stream.clone(), sequence: head.sequence + 1, what }))
        };
        match store.rows(tenant, stream, head.sequence, page_rows) {
            Ok(page) if page.is_empty() => return Ok(head),
            Ok(page) => {
                for row in &page {
                    head = follow(head, row).map_err(|damage| VerifyError::Damage(Box::new(damage)))?;
                }
            }
            Err(StoreError::Damaged { .. }) if page_rows > 1 => page_rows = 1,
            Err(StoreError::Damaged { what, .. }) => return Err(bad(what)),
            Err(error) => return Err(error.into()),
        }
    }
}

/// The head behind `row`, if it follows `head` and is as it was written.
///
/// # Errors
/// [`Damage`] with the first bad sequence.
pub fn follow(head: Head, row: &Row) -> Result<Head, Damage> {
    let damage = |what: String| Damage { tenant: row.tenant.clone(), stream: row.stream.clone(), sequence: head.sequence + 1, what };
    if row.first_sequence != head.sequence + 1 {
        return Err(damage(format!("the next row starts at {}, rows between are missing", row.first_sequence)));
    }
    if chain(&head.chain, row) != row.chain {
        return Err(damage("its bytes do not give its chain".to_owned()));
    }
    Ok(row.head())
}

/// What looking at every chain of a partition found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Chains {
    /// The first bad sequence of each damaged journal.
    pub damages: Vec<Damage>,
    /// Rows that could not be read at all: a position at or before theirs, and why.
    pub unreadable: Vec<(u64, String)>,
    /// Where the sound journals stand.
    pub heads: BTreeMap<(TenantId, Stream), Head>,
}

impl Chains {
    /// Whether nothing is damaged.
    pub fn is_sound(&self) -> bool {
        self.damages.is_empty() && self.unreadable.is_empty()
    }
}

/// Most positions that may be unreadable before a look at all chains gives up.
const UNREADABLE_MAX: usize = 1000;

/// Recomputes every chain of a partition in one pass over the feed. Keeps one head per journal in memory.
///
/// # Errors
/// [`StoreError`] when rows could not be read, or too many of them.
pub fn verify_all<S: Store + ?Sized>(store: &mut S) -> Result<Chains, StoreError> {
    let mut known: BTreeMap<(TenantId, Stream), Option<Head>> = BTreeMap::new();
    let mut chains = Chains::default();
    let (mut after, mut page_rows) = (0, PAGE_ROWS);
    loop {
        match store.feed(after, page_rows) {
            Ok(page) => {
                let Some((last, _)) = page.last() else { break };
                after = *last;
                page.iter().for_each(|(_, row)| follow_known(&mut known, &mut chains.damages, row));
            }
            // Somewhere in this page: find the row, note it, go on behind it.
            Err(StoreError::Damaged { .. }) if page_rows > 1 => page_rows = 1,
            Err(StoreError::Damaged { what, .. }) if chains.unreadable.len() < UNREADABLE_MAX => {
                after += 1;
                chains.unreadable.push((after, what));
            }
            Err(error) => return Err(error),
        }
    }
    chains.heads = known.into_iter().filter_map(|(key, head)| Some((key, head?))).collect();
    Ok(chains)
}

fn follow_known(known: &mut BTreeMap<(TenantId, Stream), Option<Head>>, damages: &mut Vec<Damage>, row: &Row) {
    let head = known.entry((row.tenant.clone(), row.stream.clone())).or_insert(Some(Head::EMPTY));
    if let Some(sound) = *head {
        *head = follow(sound, row).map_err(|damage| damages.push(damage)).ok();
    }
}
