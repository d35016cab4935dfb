//! `metadata.provost.reconcile`: how often, and how many times, what waits for a person is looked at again.

use provost_model::limits::{RECONCILE_LOOKS, RECONCILE_LOOKS_MAX, RECONCILE_MS_MAX, RECONCILE_MS_MIN};
use provost_model::program::Reconcile;

use super::Build;
use crate::fields::{fields, word};
use crate::finding::Code;
use crate::yaml::Node;

impl Build<'_> {
    /// `reconcile`.
    pub(super) fn reconcile(&self, node: &Node) -> Option<Reconcile> {
        let written = fields(node, "`reconcile`", &["every", "for", "limit"], self.log)?;
        let every_ms = written.need("every", self.log).and_then(|node| super::fixed_ms(node, "every", self.log));
        if let Some(ms) = every_ms.filter(|ms| !(RECONCILE_MS_MIN..=RECONCILE_MS_MAX).contains(ms)) {
            let message = format!("`every` is {ms} ms, which is out of range");
            self.log.error_hint(Code::WrongValue, written.value_at("every"), message, "write 1 s to 30 days");
        }
        let looks = written.int("limit", 1, RECONCILE_LOOKS_MAX, self.log).unwrap_or(RECONCILE_LOOKS);
        let (mut in_doubt, mut parked) = (written.find("for").is_none(), written.find("for").is_none());
        let named = written.list("for", self.log).unwrap_or_default();
        if written.find("for").is_some_and(|node| node.as_list().is_some_and(<[Node]>::is_empty)) {
            let hint = "write `[ in_doubt ]`, `[ parked ]`, or leave it out for both";
            self.log.error_hint(Code::WrongValue, written.value_at("for"), "`for` names nothing to look at", hint);
        }
        for item in named {
            match word(item, "for", &["in_doubt", "parked"], self.log).as_deref() {
                Some("in_doubt") => in_doubt = true,
                Some(_) => parked = true,
                None => {}
            }
        }
        Some(Reconcile { every_ms: every_ms?, in_doubt, parked, looks_max: u32::try_from(looks).unwrap_or(1) })
    }
}
