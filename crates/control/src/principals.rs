//! All tenants' principals, ready to answer who a token belongs to.
//!
//! What must stay true: a token leads to exactly the tenant whose journal created it; an unknown, wrong, ended or revoked token leads
//! nowhere and all four look alike; hashes are compared in constant time. It is rebuilt from [`Control`] and stores nothing.

use std::collections::BTreeMap;
use std::sync::Arc;

use provost_model::TenantId;
use provost_model::who::{Known, Who};

use crate::identity::{ServerKey, TokenHash, TokenSecret};
use crate::state::Control;

/// Who is behind a token.
#[derive(Clone, Debug, Default)]
pub struct Principals {
    by_prefix: BTreeMap<Arc<str>, Vec<Entry>>,
}

#[derive(Clone, Debug)]
struct Entry {
    tenant: TenantId,
    token_hash: TokenHash,
    expires_at_us: Option<i64>,
    who: Who,
}

impl Principals {
    /// Nobody.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes over a tenant's principals as they stand; call it after every change of its control journal.
    pub fn refresh(&mut self, control: &Control) {
        self.by_prefix.values_mut().for_each(|entries| entries.retain(|entry| entry.tenant != control.tenant));
        self.by_prefix.retain(|_, entries| !entries.is_empty());
        for (name, principal) in control.principals.iter().filter(|(_, principal)| !principal.revoked) {
            let who = Who { name: Arc::clone(name), known: Known::Token, roles: principal.roles.clone() };
            let tenant = control.tenant.clone();
            let entry = Entry { tenant, token_hash: principal.token_hash, expires_at_us: principal.expires_at_us, who };
            self.by_prefix.entry(Arc::clone(&principal.prefix)).or_default().push(entry);
        }
    }

    /// Whose token this is at `now_us`.
    pub fn authenticate(&self, token: &str, key: &ServerKey, now_us: i64) -> Option<(TenantId, Who)> {
        let token = TokenSecret::parse(token).ok()?;
        let entries = self.by_prefix.get(token.prefix()).map(Vec::as_slice).unwrap_or_default();
        if entries.is_empty() {
            // Nobody has such a token: take as long as for a wrong one.
            std::hint::black_box(token.has(key, &TokenHash::NOBODY));
        }
        let found = entries.iter().fold(None, |found, entry| if token.has(key, &entry.token_hash) { Some(entry) } else { found });
        found
            .filter(|entry| entry.expires_at_us.is_none_or(|end_us| now_us < end_us))
            .map(|entry| (entry.tenant.clone(), entry.who.clone()))
    }

    /// How many tokens are good, ended ones included.
    pub fn len(&self) -> usize {
        self.by_prefix.values().map(Vec::len).sum()
    }

    /// Whether nobody can come in.
    pub fn is_empty(&self) -> bool {
        self.by_prefix.is_empty()
    }
}
