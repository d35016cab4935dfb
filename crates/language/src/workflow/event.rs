//! Events: `emit`, and the event that starts a workflow.

use std::sync::Arc;

use provost_model::program::{EmitTask, StartOn, TaskKind, Template, Times};

use super::{Build, expression_text, foreign};
use crate::fields::{self, fields};
use crate::finding::Code;
use crate::yaml::{Entry, Node, shown};

/// A day behind four whole centuries of the calendar's patterns: what never came before it never comes.
const SOME_DAY_US: i64 = 2_000_000_000_000_000;
/// Shortest `schedule.every`, in milliseconds.
const EVERY_MS_MIN: i64 = 1000;

impl Build<'_> {
    pub(super) fn emit_task(&mut self, node: &Node) -> Option<TaskKind> {
        let emit = fields(node, "`emit`", &["event"], self.log)?;
        let event = fields(emit.need("event", self.log)?, "`event`", &["with"], self.log)?;
        let with = event.need("with", self.log)?;
        let attributes = fields::open_fields(with, "`with`", self.log)?;
        let kind = attributes.need_text("type", self.log)?;
        for entry in with.as_map().unwrap_or_default() {
            self.attribute(entry);
        }
        let contract = match expression_text(&kind) {
            Some(_) => None,
            None => self.library.contract_of_event(&kind).map(|schema| self.tables.schema(&schema)),
        };
        let event: Template = self.template(with);
        Some(TaskKind::Emit(EmitTask { event, contract }))
    }

    /// CloudEvents 1.0.2 §3: attribute names are lower-case letters and digits; values are not structured.
    pub(super) fn attribute(&self, entry: &Entry) {
        if &*entry.key == "data" {
            return;
        }
        if entry.key.is_empty() || !entry.key.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit()) {
            let hint = "attributes are lower-case letters and digits; everything else belongs into `data`";
            self.log.error_hint(Code::UnknownKey, entry.at, format!("`{}` is not an event attribute", shown(&entry.key)), hint);
        }
        if entry.value.as_map().is_some() || entry.value.as_list().is_some() {
            fields::wrong_type(&entry.value, &entry.key, "text, a number or a boolean", self.log);
        }
    }

    /// `schedule`.
    pub(super) fn schedule(&mut self, node: &Node) -> Option<StartOn> {
        let schedule = fields(node, "`schedule`", &["every", "cron", "after", "on", "read"], self.log)?;
        self.times(&schedule);
        if let Some(read) = schedule.word("read", &["data", "envelope", "raw"], self.log).filter(|read| &**read != "data") {
            self.not_yet(schedule.key_at("read"), &format!("`read: {read}`"), "`read: data` is the default");
        }
        if schedule.find("read").is_some() && schedule.find("on").is_none() {
            self.log.error(Code::MissingKey, schedule.key_at("read"), "`read` needs `on`");
        }
        let on = schedule.find("on")?;
        if on.member("one").is_none() {
            foreign::strategy(self, on, true);
            self.not_yet(schedule.key_at("on"), "a start on `any` or `all` events", "write one workflow per event with `on: { one: … }`");
            return None;
        }
        let strategy = fields(on, "`on`", &["one"], self.log)?;
        self.start_on(strategy.find("one")?)
    }

    /// `every` and `cron`; `after` comes later.
    fn times(&mut self, schedule: &fields::Fields<'_>) {
        if let Some(node) = schedule.find("after") {
            self.duration(node, "after");
            self.not_yet(schedule.key_at("after"), "`schedule.after`", "write `every`, or a loop with a `wait`");
        }
        if let Some(ms) = schedule.find("every").and_then(|node| super::fixed_ms(node, "every", self.log)) {
            if ms < EVERY_MS_MIN {
                let hint = "write `{ seconds: 1 }` or more";
                self.log.error_hint(Code::WrongValue, schedule.value_at("every"), format!("`every` is {ms} ms, which is too often"), hint);
            }
            self.times = Some(Times::EveryMs(ms));
        }
        let Some(pattern) = schedule.text("cron", self.log) else { return };
        if schedule.find("every").is_some() {
            self.log.error_hint(Code::WrongValue, schedule.key_at("cron"), "`schedule` has both `every` and `cron`", "keep one of them");
        }
        if let Err(why) = crate::schedule::parse(&pattern) {
            let hint = "write minute, hour, day, month and weekday, e.g. `30 6 * * 1-5`; times are UTC";
            let message = format!("`{}` is no cron pattern: {why}", shown(&pattern));
            self.log.error_hint(Code::WrongValue, schedule.value_at("cron"), message, hint);
            return;
        }
        let times = Times::Cron(pattern);
        if crate::schedule::last_time(&times, SOME_DAY_US).is_none() {
            let hint = "look at the day and the month: no month has it";
            self.log.error_hint(Code::WrongValue, schedule.value_at("cron"), "this time never comes", hint);
        }
        self.times = Some(times);
    }

    fn start_on(&mut self, node: &Node) -> Option<StartOn> {
        let filter = fields(node, "`one`", &["with", "correlate"], self.log)?;
        if filter.find("correlate").is_some() {
            self.not_yet(filter.key_at("correlate"), "`correlate` of a start", "each event starts its own orchestration");
        }
        let with = filter.need("with", self.log)?;
        let wanted = fields::open_fields(with, "`with`", self.log)?;
        let kind = wanted.need_text("type", self.log)?;
        let mut start = StartOn { attributes: Vec::new(), data: None, contract: None };
        for entry in with.as_map().unwrap_or_default() {
            self.start_attribute(entry, &mut start);
        }
        start.contract = self.library.contract_of_event(&kind).map(|schema| self.tables.schema(&schema));
        Some(start)
    }

    fn start_attribute(&mut self, entry: &Entry, start: &mut StartOn) {
        let source = entry.value.as_text().and_then(|text| expression_text(text));
        match (&*entry.key, source) {
            ("data", Some(source)) => start.data = self.expression(source, "data", &entry.value),
            ("data", None) => {
                let hint = "write a condition over the data: `data: ${ .amount > 0 }`";
                self.log.error_hint(Code::WrongValue, entry.value.at, "`data` of a start must be an expression in `${ }`", hint);
            }
            (_, Some(_)) => {
                let hint = "write the value itself, and conditions under `data`";
                self.not_yet(entry.value.at, &format!("an expression as `{}` of a start", shown(&entry.key)), hint);
            }
            (_, None) => {
                self.attribute(entry);
                let key: Arc<str> = entry.key.clone();
                start.attributes.push((key, entry.value.to_value()));
            }
        }
    }
}
