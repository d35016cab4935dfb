//! Verdicts kept for questions that are asked again and again: may this worker exchange work, may this caller read.
//!
//! Judging is pure, and a tenant's policies and Guard are one value that is replaced whole: what is kept belongs to that value and goes
//! with it. Only questions without a context are kept; the others differ each time.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use provost_model::verdict::{Entity, Verdict};
use provost_model::{PolicyRequest, Value, Who};

/// Most verdicts kept for a tenant; beyond that all are forgotten at once.
const KEPT_MAX: usize = 4096;

type Key = (Who, Arc<str>, Entity);

/// The verdicts of one tenant's world. A copy of the world begins with none: it is about to differ.
#[derive(Debug, Default)]
pub struct Kept(Mutex<HashMap<Key, Verdict>>);

impl Clone for Kept {
    fn clone(&self) -> Self {
        Self::default()
    }
}

impl Kept {
    /// The verdict on `request` by `who`, kept or new.
    pub fn or_judge(&self, who: &Who, request: &PolicyRequest, judge: impl FnOnce() -> Verdict) -> Verdict {
        if request.context != Value::empty() {
            return judge();
        }
        let key = (who.clone(), request.action.clone(), request.resource.clone());
        if let Some(verdict) = self.0.lock().unwrap_or_else(PoisonError::into_inner).get(&key) {
            return verdict.clone();
        }
        let verdict = judge();
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() >= KEPT_MAX {
            kept.clear();
        }
        kept.insert(key, verdict.clone());
        verdict
    }
}
