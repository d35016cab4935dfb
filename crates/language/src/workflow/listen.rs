//! `listen`: which events a task waits for, until when, and what is done with each.
//!
//! What must stay true: a filter without a type that the author wrote is compiled, and said to be offered every event of the tenant.

use std::sync::Arc;

use provost_model::Value;
use provost_model::program::{
    Consume, Correlation, EventFilter, ListenEach, ListenTask, Output, Reading, Strategy, TaskKind, Template, Until,
};

use super::{Build, expression_text};
use crate::fields::{self, Fields, fields};
use crate::finding::{Code, Place};
use crate::yaml::{Kind, Node, shown};

/// Most filters of one listener: each is looked at for every event of its types.
const FILTERS_MAX: usize = 64;

impl Build<'_> {
    /// `listen`, with the `foreach` beside it.
    pub(super) fn listen_task(&mut self, body: &Fields<'_>, pointer: &str) -> Option<TaskKind> {
        let listen = fields(body.find("listen")?, "`listen`", &["to", "read"], self.log)?;
        let read = listen.word("read", &["data", "envelope", "raw"], self.log);
        let read = match read.as_deref() {
            Some("envelope") => Reading::Envelope,
            Some("raw") => Reading::Raw,
            Some(_) | None => Reading::Data,
        };
        let to = listen.need("to", self.log).and_then(|node| self.consumed(node, true));
        let each = body.find("foreach").map(|node| self.each_event(node, &format!("{pointer}/foreach")));
        let (to, until) = to?;
        let each = match each {
            Some(each) => Some(each?),
            None => None,
        };
        Some(TaskKind::Listen(Box::new(ListenTask { to, until, read, each })))
    }

    /// `one`, `any` (with `until` where that is allowed) or `all` of events.
    fn consumed(&mut self, node: &Node, until_allowed: bool) -> Option<(Strategy, Option<Until>)> {
        let known: &[&str] = if until_allowed { &["one", "any", "all", "until"] } else { &["one", "any", "all"] };
        let found = fields(node, "the events", known, self.log)?;
        let chosen = ["one", "any", "all"].iter().filter(|key| found.find(key).is_some()).count();
        if chosen != 1 {
            let message = "the events are exactly one of `one`, `any` and `all`";
            self.log.error_hint(Code::WrongValue, node.at, message, "keep one of them");
        }
        let strategy = self.strategy(&found);
        let until = found.find("until").and_then(|node| {
            if found.find("any").is_none() {
                self.log.error(Code::UnknownKey, found.key_at("until"), "`until` belongs to `any`");
            }
            self.until(node)
        });
        if found.find("until").is_some() && until.is_none() {
            return None;
        }
        Some((strategy?, until))
    }

    fn strategy(&mut self, found: &Fields<'_>) -> Option<Strategy> {
        let mut strategy = None;
        if let Some(one) = found.find("one") {
            let filter = self.event_filter(one);
            strategy = filter.map(|filter| Strategy { consume: Consume::One, filters: vec![filter] });
        }
        for (key, consume) in [("any", Consume::Any), ("all", Consume::All)] {
            let Some(list) = found.list(key, self.log) else { continue };
            let filters: Vec<Option<EventFilter>> = list.iter().map(|one| self.event_filter(one)).collect();
            if filters.len() > FILTERS_MAX {
                let hint = "listen for fewer, or in branches of a `fork`";
                self.log.error_hint(Code::WrongValue, found.key_at(key), format!("more than {FILTERS_MAX} filters in one listener"), hint);
            }
            if list.is_empty() && consume == Consume::All {
                let hint = "name at least one event; `any: []` takes every event";
                self.log.error_hint(Code::WrongValue, found.key_at(key), "`all` of no events waits for nothing", hint);
            }
            if list.is_empty() && consume == Consume::Any {
                self.every_event(found.key_at(key));
            }
            strategy = filters.into_iter().collect::<Option<Vec<_>>>().map(|filters| Strategy { consume, filters });
        }
        strategy
    }

    /// `until`: a condition over what was consumed so far, or events.
    fn until(&mut self, node: &Node) -> Option<Until> {
        match &node.kind {
            Kind::Map(_) => self.consumed(node, false).map(|(strategy, _)| Until::Events(strategy)),
            Kind::Scalar(Value::Str(text)) if expression_text(text).unwrap_or(text.trim()) == "false" => Some(Until::Never),
            Kind::Scalar(_) | Kind::List(_) => self.condition(node, "until").map(Until::Condition),
        }
    }

    fn event_filter(&mut self, node: &Node) -> Option<EventFilter> {
        let found = fields(node, "an event filter", &["with", "correlate"], self.log)?;
        let correlate = found.find("correlate").map_or_else(|| Some(Vec::new()), |node| self.correlations(node));
        let with = found.need("with", self.log)?;
        let entries = fields::entries(with, "`with`", self.log);
        if entries.is_empty() {
            self.log.error(Code::MissingKey, with.at, "`with` filters nothing");
            return None;
        }
        let mut filter = EventFilter { attributes: Vec::new(), patterns: Vec::new(), data: None, correlate: Vec::new(), contract: None };
        for entry in entries {
            self.attribute(entry);
            let condition = entry.value.as_text().and_then(|text| expression_text(text)).filter(|_| &*entry.key == "data");
            let pattern = entry.value.as_text().and_then(|text| pattern(text)).filter(|_| &*entry.key != "data");
            match (condition, pattern) {
                (Some(source), _) => filter.data = self.expression(source, "data", &entry.value),
                (None, Some(source)) => {
                    filter.patterns.extend(self.expression(&source, &entry.key, &entry.value).map(|fits| (entry.key.clone(), fits)));
                }
                (None, None) => {
                    let wanted = self.template(&entry.value);
                    filter.attributes.push((entry.key.clone(), wanted));
                }
            }
        }
        match filter.kind().cloned() {
            Some(kind) => filter.contract = self.library.contract_of_event(&kind).map(|schema| self.tables.schema(&schema)),
            None => self.every_event(with.at),
        }
        filter.correlate = correlate?;
        Some(filter)
    }

    fn every_event(&self, at: Place) {
        let hint = "write `with: { type: … }` as text, so that only events of that type are looked at";
        self.log.warn(Code::EveryEvent, at, "this listener is offered every event of the tenant", hint);
    }

    fn correlations(&mut self, node: &Node) -> Option<Vec<Correlation>> {
        let mut all = Vec::new();
        for entry in fields::entries(node, "`correlate`", self.log) {
            let what = format!("correlation `{}`", shown(&entry.key));
            let found = fields(&entry.value, &what, &["from", "expect"], self.log)?;
            let from = found.need("from", self.log).and_then(|node| self.condition(node, "from"))?;
            let expect = found.find("expect").map(|node| self.expected(node));
            all.push(Correlation { name: entry.key.clone(), from, expect });
        }
        Some(all)
    }

    /// `expect`: a constant, or an expression in `${ }`.
    fn expected(&mut self, node: &Node) -> Template {
        if fields::text(node, "expect", self.log).is_none() {
            return Template::Literal(Value::Null);
        }
        self.template(node)
    }

    fn each_event(&mut self, node: &Node, pointer: &str) -> Option<ListenEach> {
        let each = fields(node, "`foreach`", &["item", "at", "do", "output", "export"], self.log)?;
        let item = each.find("item").map_or(Some("item".into()), |node| self.variable(node, "item"));
        let at = each.find("at").map_or(Some("index".into()), |node| self.variable(node, "at"));
        let (item, at): (Arc<str>, Arc<str>) = (item?, at?);
        if item == at {
            self.log.error(Code::Variable, each.at, format!("`item` and `at` are both `{item}`"));
        }
        self.with_variables(&[item.clone(), at.clone()], |build| {
            let body = each.find("do").map(|tasks| build.block(tasks, "do", &format!("{pointer}/do"))).unwrap_or_default();
            let output = each.find("output").map_or_else(Output::default, |node| build.output(node, "`output`"));
            let export = each.find("export").map_or_else(Output::default, |node| build.output(node, "`export`"));
            Some(ListenEach { item, at, body, output, export })
        })
    }
}

/// The condition of an attribute that is written as a regular expression, over its text. It means the whole text, and what is written
/// always fits itself: a URI may hold some of these signs and be none.
fn pattern(text: &str) -> Option<String> {
    let is_one = text.contains(['*', '+', '?', '(', '[', '|', '^', '$', '\\']) && expression_text(text).is_none();
    let whole = format!("^(?:{text})$");
    let reads = is_one && regex::Regex::new(&whole).is_ok();
    reads.then(|| format!(". == {} or (type == \"string\" and test({}))", Value::from(text), Value::from(whole)))
}
