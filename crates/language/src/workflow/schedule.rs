//! `schedule`: the times and the events that start a workflow by themselves.
//!
//! What must stay true: a start by events names the type of each, so that only events of those types are looked at; what the events of one
//! start have in common is the same in every filter, so that an event belongs to one set only; nothing here reads the input of somebody who
//! has not started.

use std::sync::Arc;

use provost_model::program::{Reading, Schedule, StartCorrelation, StartFilter, StartOn, StartSet, Times};

use super::document::Settings;
use super::{Build, expression_text};
use crate::fields::{self, Fields, fields};
use crate::finding::{Code, Place};
use crate::schedule::{last_time, parse, zone_named, zones};
use crate::yaml::{Entry, Node, shown};

/// A day behind four whole centuries of the calendar's patterns: what never came before it never comes.
const SOME_DAY_US: i64 = 2_000_000_000_000_000;
/// Shortest `every` and `after`, in milliseconds.
const PERIOD_MS_MIN: i64 = 1000;
/// Most events that start something together: each is looked at for every event of its types.
const FILTERS_MAX: usize = 16;
const DAY_MS: i64 = 86_400_000;

/// How a workflow starts by itself.
#[derive(Default)]
pub(super) struct Starts {
    /// At which times.
    pub(super) schedule: Option<Schedule>,
    /// By which event.
    pub(super) on: Option<StartOn>,
    /// What is read of them.
    pub(super) read: Reading,
    /// By which events.
    pub(super) set: Option<StartSet>,
}

impl Build<'_> {
    /// `schedule`.
    pub(super) fn schedule(&mut self, node: &Node, settings: &Settings) -> Starts {
        let mut starts = Starts::default();
        let Some(schedule) = fields(node, "`schedule`", &["every", "cron", "after", "on", "read"], self.log) else { return starts };
        starts.schedule = self.times(&schedule, settings).map(|at| Schedule { at, missed: settings.missed });
        starts.read = match schedule.word("read", &["data", "envelope", "raw"], self.log).as_deref() {
            Some("envelope") => Reading::Envelope,
            Some("raw") => Reading::Raw,
            Some(_) | None => Reading::Data,
        };
        if schedule.find("read").is_some() && schedule.find("on").is_none() {
            self.log.error(Code::MissingKey, schedule.key_at("read"), "`read` needs `on`");
        }
        if let Some(on) = schedule.find("on") {
            self.starts_on(on, &mut starts);
        }
        starts
    }

    fn starts_on(&mut self, node: &Node, starts: &mut Starts) {
        let Some(found) = fields(node, "`on`", &["one", "any", "all", "until"], self.log) else { return };
        let chosen = ["one", "any", "all"].iter().filter(|key| found.find(key).is_some()).count();
        if chosen != 1 {
            let message = "the events are exactly one of `one`, `any` and `all`";
            return self.log.error_hint(Code::WrongValue, node.at, message, "keep one of them");
        }
        if found.find("until").is_some() {
            let hint = "a start takes each event or set of events by itself; gather more with `listen` and its `until`";
            return self.refuse(found.key_at("until"), "`until` of a start", hint);
        }
        if let Some(one) = found.find("one") {
            match self.start_filter(one) {
                Some(filter) if filter.correlate.is_empty() => starts.on = Some(filter.on),
                Some(filter) => starts.set = Some(StartSet { all: false, filters: vec![filter] }),
                None => {}
            }
        }
        for (key, all) in [("any", false), ("all", true)] {
            let Some(list) = found.list(key, self.log) else { continue };
            let filters: Vec<Option<StartFilter>> = list.iter().map(|one| self.start_filter(one)).collect();
            if list.is_empty() {
                let hint = "name at least one event, with its `type`";
                self.log.error_hint(Code::WrongValue, found.key_at(key), format!("`{key}` of no events starts nothing"), hint);
            }
            if filters.len() > FILTERS_MAX {
                let message = format!("more than {FILTERS_MAX} filters in one start");
                self.log.error_hint(Code::WrongValue, found.key_at(key), message, "start on fewer events, and `listen` for the rest");
            }
            let Some(filters) = filters.into_iter().collect::<Option<Vec<_>>>().filter(|filters| !filters.is_empty()) else { continue };
            if all {
                self.agree(&found, &filters);
            }
            starts.set = Some(StartSet { all, filters });
        }
    }

    /// The filters of a set name the same correlations.
    fn agree(&self, found: &Fields<'_>, filters: &[StartFilter]) {
        let names = |filter: &StartFilter| -> Vec<Arc<str>> { filter.correlate.iter().map(|one| one.name.clone()).collect() };
        let first = filters.first().map(names).unwrap_or_default();
        if filters.iter().any(|filter| names(filter) != first) {
            let hint = "write the same names under `correlate` of every event, each with its own `from`";
            let message = "the events of one start have different correlations";
            self.log.error_hint(Code::WrongValue, found.key_at("all"), message, hint);
        }
    }

    /// `every`, `cron` and `after`.
    fn times(&mut self, schedule: &Fields<'_>, settings: &Settings) -> Option<Times> {
        let written: Vec<&str> = ["every", "cron", "after"].into_iter().filter(|key| schedule.find(key).is_some()).collect();
        if let [first, second, ..] = written.as_slice() {
            let message = format!("`schedule` has both `{first}` and `{second}`");
            self.log.error_hint(Code::WrongValue, schedule.key_at(second), message, "keep one of them");
        }
        let zone = settings.zone.as_ref().and_then(|(name, at)| self.zone(name, *at));
        if let (Some((_, at)), false) = (&settings.zone, written.iter().any(|key| *key != "after")) {
            let hint = "leave it out, or write `schedule.cron` or `schedule.every`";
            self.log.error_hint(Code::WrongValue, *at, "`zone` is of no use without times", hint);
        }
        if let (Some(at), false) = (settings.missed_at, written.iter().any(|key| *key != "after")) {
            self.missed_nothing(at);
        }
        let mut found = None;
        if let Some(ms) = self.period(schedule, "after") {
            if settings.order.is_some() {
                let hint = "leave out `order`: each run waits for the end of the one before";
                self.log.error_hint(Code::WrongValue, schedule.key_at("after"), "`after` of a workflow with an ordering key", hint);
            }
            found = Some(Times::AfterMs(ms));
        }
        if let Some(ms) = self.period(schedule, "every") {
            found = Some(match &zone {
                None => Times::EveryMs(ms),
                Some(zone) if ms % DAY_MS == 0 => Times::DaysIn { days: ms / DAY_MS, zone: zone.clone() },
                Some(_) => {
                    let hint = "write whole days, or `cron`, which goes by the clock; without `zone` it is counted from midnight UTC";
                    let message = "`every` in a time zone is a number of whole days";
                    self.log.error_hint(Code::WrongValue, schedule.value_at("every"), message, hint);
                    return None;
                }
            });
        }
        if schedule.find("cron").is_some() { self.cron(schedule, zone) } else { found }
    }

    /// `missed` where no time can be missed.
    pub(super) fn missed_nothing(&self, at: Place) {
        let hint = "leave it out, or write `schedule.cron` or `schedule.every`";
        self.log.error_hint(Code::WrongValue, at, "`missed` is of no use without times", hint);
    }

    fn period(&self, schedule: &Fields<'_>, key: &str) -> Option<i64> {
        let ms = schedule.find(key).and_then(|node| super::fixed_ms(node, key, self.log))?;
        if ms < PERIOD_MS_MIN {
            let hint = "write `{ seconds: 1 }` or more";
            self.log.error_hint(Code::WrongValue, schedule.value_at(key), format!("`{key}` is {ms} ms, which is too often"), hint);
        }
        Some(ms)
    }

    fn cron(&self, schedule: &Fields<'_>, zone: Option<Arc<str>>) -> Option<Times> {
        let pattern = schedule.text("cron", self.log)?;
        if let Err(why) = parse(&pattern) {
            let clock = zone.as_ref().map_or_else(|| "times are UTC".to_owned(), |zone| format!("times are those of `{zone}`"));
            let hint = format!("write minute, hour, day, month and weekday, e.g. `30 6 * * 1-5`; {clock}");
            let message = format!("`{}` is no cron pattern: {why}", shown(&pattern));
            self.log.error_hint(Code::WrongValue, schedule.value_at("cron"), message, hint);
            return None;
        }
        let times = Times::Cron(pattern.clone());
        if last_time(&times, SOME_DAY_US).is_none() {
            let hint = "look at the day and the month: no month has it";
            self.log.error_hint(Code::WrongValue, schedule.value_at("cron"), "this time never comes", hint);
        }
        Some(zone.map_or(times, |zone| Times::CronIn { pattern, zone }))
    }

    /// A time zone of the IANA database.
    fn zone(&self, name: &Arc<str>, at: Place) -> Option<Arc<str>> {
        if let Some(known) = zone_named(name) {
            return Some(known.into());
        }
        let all = zones();
        let known: Vec<&str> = all.iter().map(String::as_str).collect();
        match crate::nearest::nearest(name, &known) {
            Some(nearest) => {
                let message = format!("`{}` is no time zone", shown(name));
                self.log.error_hint(Code::WrongValue, at, message, format!("did you mean `{}`?", nearest.word));
            }
            None => {
                let hint = "write a name of the IANA database, e.g. `Europe/Berlin`";
                self.log.error_hint(Code::WrongValue, at, format!("`{}` is no time zone", shown(name)), hint);
            }
        }
        None
    }

    /// One event of a start.
    fn start_filter(&mut self, node: &Node) -> Option<StartFilter> {
        let filter = fields(node, "an event filter", &["with", "correlate"], self.log)?;
        let correlate = match filter.find("correlate") {
            Some(node) => self.start_correlations(node)?,
            None => Vec::new(),
        };
        let with = filter.need("with", self.log)?;
        let wanted = fields::open_fields(with, "`with`", self.log)?;
        let kind = wanted.need_text("type", self.log)?;
        let mut on = StartOn { attributes: Vec::new(), computed: Vec::new(), data: None, contract: None };
        for entry in with.as_map().unwrap_or_default() {
            self.start_attribute(entry, &mut on);
        }
        on.contract = self.library.contract_of_event(&kind).map(|schema| self.tables.schema(&schema));
        Some(StartFilter { on, correlate })
    }

    fn start_attribute(&mut self, entry: &Entry, start: &mut StartOn) {
        let source = entry.value.as_text().and_then(|text| expression_text(text));
        match (&*entry.key, source) {
            ("data", Some(source)) => start.data = self.expression(source, "data", &entry.value),
            ("data", None) => {
                let hint = "write a condition over the data: `data: ${ .amount > 0 }`";
                self.log.error_hint(Code::WrongValue, entry.value.at, "`data` of a start must be an expression in `${ }`", hint);
            }
            ("type", Some(_)) => {
                let hint = "write the type itself: only events of that type are looked at";
                self.refuse(entry.value.at, "an expression as `type` of a start", hint);
            }
            (_, Some(source)) => {
                self.attribute(entry);
                let expression = self.expression(source, &entry.key, &entry.value);
                start.computed.extend(expression.map(|expression| (entry.key.clone(), expression)));
            }
            (_, None) => {
                self.attribute(entry);
                let key: Arc<str> = entry.key.clone();
                start.attributes.push((key, entry.value.to_value()));
            }
        }
    }

    /// What the events of a set have in common.
    fn start_correlations(&mut self, node: &Node) -> Option<Vec<StartCorrelation>> {
        let mut all = Vec::new();
        for entry in fields::entries(node, "`correlate`", self.log) {
            let what = format!("correlation `{}`", shown(&entry.key));
            let found = fields(&entry.value, &what, &["from", "expect"], self.log)?;
            let from = found.need("from", self.log).and_then(|node| self.condition(node, "from"))?;
            let expect = match found.text("expect", self.log) {
                Some(text) if expression_text(&text).is_some() => {
                    let hint = "write the value itself: nothing has started that an expression could read";
                    self.refuse(found.value_at("expect"), "an expression as `expect` of a start", hint);
                    None
                }
                Some(_) => found.find("expect").map(Node::to_value),
                None => None,
            };
            all.push(StartCorrelation { name: entry.key.clone(), from, expect });
        }
        all.sort_by(|a, b| a.name.cmp(&b.name));
        Some(all)
    }
}
