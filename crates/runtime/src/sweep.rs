//! Sweep: blobs that nothing names any more leave, by mark and grace.
//!
//! What must stay true: a blob stays while any stored row of its tenant names its digest, and for the grace after it was put; where a
//! row cannot be read, nothing is deleted. Marking reads all journals, so it happens only where something is old enough to leave.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, SystemTime};

use provost_model::record::{Row, RowError, Stream};
use provost_model::{Digest, TenantId};
use provost_store::{Blobs, Store as _, StoreError};

use crate::gate::Refused;
use crate::plane::Plane;

/// How long a blob stays that nothing names yet: longer than any way from its put to the commit that names it.
pub const GRACE: Duration = Duration::from_secs(24 * 3600);
/// How a digest begins where a row names it.
const DIGEST: &[u8] = b"sha256:";
/// Bytes of a digest's hexadecimal text.
const HEX: usize = 64;
/// Rows read at once.
const PAGE_ROWS: usize = 256;

/// Which of the old blobs are named.
#[derive(Debug, Default)]
pub struct Mark {
    old: BTreeMap<TenantId, BTreeSet<Digest>>,
    named: BTreeMap<TenantId, BTreeSet<Digest>>,
}

impl Mark {
    /// Begins with the blobs that are old enough to leave.
    pub fn new(old: BTreeMap<TenantId, BTreeSet<Digest>>) -> Self {
        Self { old, named: BTreeMap::new() }
    }

    /// Marks what a row names, wherever in it.
    ///
    /// # Errors
    /// [`RowError`] when the row cannot be read; then nothing may be deleted.
    pub fn row(&mut self, row: &Row) -> Result<(), RowError> {
        let Some(old) = self.old.get(&row.tenant) else { return Ok(()) };
        let json = row.json()?;
        let named = self.named.entry(row.tenant.clone()).or_default();
        named.extend(digests(&json).filter(|digest| old.contains(digest)));
        Ok(())
    }

    /// Whether every old blob is named.
    pub fn is_full(&self) -> bool {
        self.old.iter().all(|(tenant, old)| old.len() == self.named.get(tenant).map_or(0, BTreeSet::len))
    }

    /// What must stay of a tenant's old blobs.
    pub fn named(&self, tenant: &TenantId) -> BTreeSet<Digest> {
        self.named.get(tenant).cloned().unwrap_or_default()
    }
}

/// Every digest in a text.
fn digests(text: &[u8]) -> impl Iterator<Item = Digest> {
    let starts = text.windows(DIGEST.len()).zip(0_usize..).filter(|(window, _)| *window == DIGEST).map(|(_, at)| at);
    starts.filter_map(|at| std::str::from_utf8(text.get(at..at + DIGEST.len() + HEX)?).ok()?.parse().ok())
}

/// Deletes the blobs that no row names and that are older than `grace`. Returns how many.
///
/// # Errors
/// [`Refused`]; nothing was deleted that is named.
pub async fn sweep(plane: &Plane, blobs: &Blobs, grace: Duration) -> Result<u64, Refused> {
    let before = SystemTime::now().checked_sub(grace).unwrap_or(SystemTime::UNIX_EPOCH);
    let mut old = BTreeMap::new();
    for tenant in plane.registry().world().tenants.keys() {
        let digests = blobs.older(tenant, before)?;
        old.insert(tenant.clone(), digests);
    }
    let tenants: Vec<TenantId> = old.keys().cloned().collect();
    let mut mark = Mark::new(old);
    for tenant in tenants.clone() {
        // Most are bundles, and the control journal names those.
        let rows = plane.read_at(0, move |partition| partition.journal(&tenant, &Stream::Control, 0)).await??;
        rows.iter().try_for_each(|row| mark.row(row).map_err(|e| StoreError::unreadable(row, &e)))?;
    }
    for index in 0..plane.partitions() {
        let mut after = 0;
        while !mark.is_full() {
            let rows = plane.read_at(index, move |partition| partition.store().feed(after, PAGE_ROWS)).await??;
            let Some((last, _)) = rows.last() else { break };
            after = *last;
            rows.iter().try_for_each(|(_, row)| mark.row(row).map_err(|e| StoreError::unreadable(row, &e)))?;
        }
    }
    let mut deleted = 0;
    for tenant in &tenants {
        deleted += blobs.sweep(tenant, &mark.named(tenant), before)?;
    }
    Ok(deleted)
}

#[cfg(test)]
mod tests {
    use provost_model::record::{Cause, Head, Place};
    use provost_model::{Digest, TenantId};

    use super::{BTreeMap, BTreeSet, Mark, Row, Stream};

    fn row(tenant: &TenantId, json: &str) -> Row {
        let place = Place { tenant, stream: &Stream::Control, epoch: 1 };
        Row::seal(place, Head::EMPTY, Cause::default(), 1, 1, json.as_bytes())
    }

    #[test]
    fn what_a_row_names_stays_and_only_for_its_tenant() {
        let (acme, zeta) = (TenantId::local(), TenantId::parse("zeta").unwrap_or_else(|_| TenantId::local()));
        let [first, second, third] = [b"1", b"2", b"3"].map(|bytes| Digest::of(bytes));
        let old: BTreeMap<_, _> = [&acme, &zeta].map(|tenant| (tenant.clone(), BTreeSet::from([first, second]))).into();
        let mut mark = Mark::new(old);
        let text = format!(r#"{{"deep":[{{"digest":"{second}","size":3}}],"said":"see {third}, sha256:12 and sha256:"}}"#);
        assert_eq!(mark.row(&row(&acme, &text)), Ok(()));
        assert_eq!(mark.named(&acme), BTreeSet::from([second]));
        assert_eq!(mark.named(&zeta), BTreeSet::new());
        let unreadable = Row { payload: vec![9, 9, 9], ..row(&zeta, "{}") };
        assert!(mark.row(&unreadable).is_err());
    }
}
