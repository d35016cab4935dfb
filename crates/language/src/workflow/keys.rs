//! `metadata.provost.concurrency` and `metadata.provost.batch`: how many orchestrations run at once for each value of a key, and events
//! that start one together.

use provost_model::limits::{BATCH_EVENTS_MAX, BATCH_WAIT_MS_MAX, CONCURRENCY_LIMIT_MAX, CONCURRENCY_WAITING, CONCURRENCY_WAITING_MAX};
use provost_model::program::{Batch, Concurrency, KeySpec, WhenHeld};

use super::Build;
use crate::fields::{Fields, fields};
use crate::finding::{Code, Place};
use crate::yaml::Node;

impl Build<'_> {
    /// `concurrency`; `settings` is what it stands in.
    pub(super) fn concurrency(&mut self, node: &Node, settings: &Fields<'_>) -> Option<Concurrency> {
        let written = fields(node, "`concurrency`", &["key", "limit", "policy", "waiting"], self.log)?;
        let key = written.need("key", self.log).and_then(|node| self.condition(node, "key"));
        let limit = written.int("limit", 1, CONCURRENCY_LIMIT_MAX, self.log);
        let policy = match written.word("policy", &["queue", "replace", "refuse"], self.log).as_deref() {
            Some("replace") => WhenHeld::Replace,
            Some("refuse") => WhenHeld::Refuse,
            Some(_) | None => WhenHeld::Queue,
        };
        let waiting = written.int("waiting", 1, CONCURRENCY_WAITING_MAX, self.log);
        if written.find("waiting").is_some() && policy != WhenHeld::Queue {
            let hint = "leave it out, or write `policy: queue`";
            self.log.error_hint(
                Code::WrongValue,
                written.key_at("waiting"),
                "`waiting` says how many may queue, and nobody queues here",
                hint,
            );
        }
        if settings.find("order").is_some() {
            let hint = "an orchestration lives where its key does, and in one place: keep one of them. A concurrency key with `limit: 1` lets one run after the other as well";
            self.log.error_hint(Code::WrongValue, settings.key_at("concurrency"), "the workflow has both `order` and `concurrency`", hint);
        }
        let number = |written: Option<i64>, otherwise: i64| u32::try_from(written.unwrap_or(otherwise)).unwrap_or(1);
        let spec = KeySpec { limit: number(limit, 1), policy, waiting_max: number(waiting, CONCURRENCY_WAITING) };
        Some(Concurrency { key: key?, spec })
    }

    /// `batch`.
    pub(super) fn batch(&mut self, node: &Node) -> Option<Batch> {
        let written = fields(node, "`batch`", &["size", "wait", "key"], self.log)?;
        written.need("size", self.log);
        let size = written.int("size", 1, BATCH_EVENTS_MAX, self.log);
        let wait_ms = written.need("wait", self.log).and_then(|node| super::fixed_ms(node, "wait", self.log));
        if let Some(ms) = wait_ms.filter(|ms| !(1..=BATCH_WAIT_MS_MAX).contains(ms)) {
            let hint = "write 1 ms to 7 days";
            self.log.error_hint(Code::WrongValue, written.value_at("wait"), format!("`wait` is {ms} ms, which is out of range"), hint);
        }
        let key = written.find("key").map(|node| self.condition(node, "key"));
        let key = match key {
            Some(key) => Some(key?),
            None => None,
        };
        Some(Batch { size: u32::try_from(size?).unwrap_or(1), wait_ms: wait_ms?, key })
    }

    /// A batch gathers events: there must be some that start the workflow.
    pub(super) fn batch_of_events(&self, at: Place, starts_on_events: bool) {
        if !starts_on_events {
            self.log.error_hint(
                Code::MissingKey,
                at,
                "`batch` gathers events, and no event starts this workflow",
                "add `schedule: { on: { one: … } }`",
            );
        }
    }
}
