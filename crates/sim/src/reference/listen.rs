//! `listen`: events that come while the orchestration exists are kept for a day; whoever listens takes what fits, oldest first.
//!
//! What must stay true: an event is taken once, by every listener that is open at that moment and that it fits; what a retry runs again may
//! take again what it took before. No `foreach`, no contracts, and `read: data` only: the generator writes none.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use provost_model::program::{Consume, EventFilter, ListenTask, Until};
use provost_model::value::canonical_len;
use provost_model::{Event, Position, Problem, Value};

use super::evaluate::Seen;
use super::flow::{About, Interpreter, Went};
use super::tasks::{Begun, Kind, too_many_tasks};

/// An event, and when it comes: in microseconds since the beginning.
pub type Arrival = (i64, Event);

/// Correlations that an event settles.
type Settled = Vec<(Arc<str>, Value)>;

/// What one filter waits for, as computed when listening began.
#[derive(Default)]
struct Wanted {
    attributes: Vec<(Arc<str>, Value)>,
    expected: Vec<(Arc<str>, Value)>,
}

/// An open task that listens.
pub(super) struct Listener<'c> {
    about: About<'c>,
    task: &'c ListenTask,
    wanted: Vec<Wanted>,
    met: Vec<usize>,
    items: Vec<Value>,
    correlated: BTreeMap<Arc<str>, Value>,
    over: bool,
    failed: Option<Problem>,
}

/// The events of an orchestration.
#[derive(Default)]
pub(super) struct Heard {
    /// How many of the arrivals have come.
    pub came: usize,
    /// Who took each.
    taken: BTreeMap<usize, Vec<Position>>,
    /// Those that are to be offered, in order.
    offers: VecDeque<usize>,
    /// Whether somebody began to listen since all that came was looked at.
    looks_back: bool,
}

impl<'c> Interpreter<'c> {
    /// Begins to listen.
    pub(super) fn listens(&mut self, task: &'c ListenTask, about: &About<'c>, seen: &Seen<'_>) -> Result<Begun<'c>, Problem> {
        let mut wanted = Vec::new();
        for filter in &task.to.filters {
            let mut one = Wanted::default();
            for (name, template) in &filter.attributes {
                one.attributes.push((name.clone(), self.render(template, &about.input, seen)?));
            }
            for correlation in &filter.correlate {
                if let Some(expect) = &correlation.expect {
                    one.expected.push((correlation.name.clone(), self.render(expect, &about.input, seen)?));
                }
            }
            wanted.push(one);
        }
        let about = about.clone();
        let listener =
            Listener { about, task, wanted, met: Vec::new(), items: Vec::new(), correlated: BTreeMap::new(), over: false, failed: None };
        self.listeners.insert(listener.about.at.clone(), listener);
        self.heard.looks_back = true;
        Ok(Begun::Open(Kind::Listen))
    }

    /// Goes on with a listener, once it took its last event.
    pub(super) fn listen_on(&mut self, about: &About<'c>, context: &mut Value) -> Went {
        let Some(listener) = self.listeners.get_mut(&about.at) else { return Ok(None) };
        if let Some(problem) = listener.failed.take() {
            return Err(self.fails(about, problem));
        }
        if !listener.over {
            return Ok(None);
        }
        let output = Value::array(std::mem::take(&mut listener.items));
        self.listeners.remove(&about.at);
        self.complete(about, output, about.task.then.clone(), context)
    }

    /// Everything inside `at` stops listening.
    pub(super) fn listens_no_more(&mut self, at: &Position) {
        self.listeners.retain(|place, _| !place.is_within(at));
    }

    /// What places inside `at` took may be taken again.
    pub(super) fn gives_back(&mut self, at: &Position) {
        self.heard.taken.retain(|_, by| !by.last().is_some_and(|by| by.is_within(at)));
    }

    /// When the next event comes.
    pub(super) fn arrives_us(&self) -> Option<i64> {
        self.arrivals.get(self.heard.came).map(|(after_us, _)| self.began_us + after_us)
    }

    /// Whoever is due by now has come.
    pub(super) fn arrive(&mut self) {
        while self.arrives_us().is_some_and(|at_us| at_us <= self.now_us) {
            self.heard.offers.push_back(self.heard.came);
            self.heard.came += 1;
        }
    }

    /// Offers the next event to whoever listens; `false` once nothing is left to offer.
    pub(super) fn offers(&mut self) -> bool {
        if std::mem::take(&mut self.heard.looks_back) {
            // Whatever listens now may fit what was passed over, and an older event comes first.
            let kept_us = self.code.program.limits.unmatched_ms.saturating_mul(1000);
            let since_us = self.now_us.saturating_sub(kept_us) - self.began_us;
            let kept = (0..self.heard.came).filter(|n| self.arrivals.get(*n).is_some_and(|(at_us, _)| *at_us >= since_us));
            self.heard.offers = kept.collect();
        }
        while let Some(n) = self.heard.offers.pop_front() {
            if !self.heard.taken.contains_key(&n) && self.offer(n) {
                return true;
            }
        }
        false
    }

    /// Offers one event to every listener; whether any took it.
    fn offer(&mut self, n: usize) -> bool {
        let Some((_, event)) = self.arrivals.get(n) else { return false };
        let places: Vec<Position> = self.listeners.keys().cloned().collect();
        let mut took = 0;
        for at in places {
            let Some(listener) = self.listeners.get(&at).filter(|listener| !listener.over) else { continue };
            let Some((filter, settled)) = self.met_by(listener, event) else { continue };
            took += 1;
            let last = if self.is_used_up() { Err(too_many_tasks()) } else { self.is_last(listener, filter, event) };
            let Some(listener) = self.listeners.get_mut(&at) else { continue };
            match last {
                Err(problem) => listener.failed = Some(problem),
                Ok(last) => {
                    listener.met.push(filter);
                    listener.items.push(event.data.clone());
                    listener.correlated.extend(settled);
                    listener.over = last;
                    (self.touched, self.tasks_run) = (true, self.tasks_run + 1);
                    self.heard.taken.entry(n).or_default().push(at.clone());
                    self.note("took", &at);
                }
            }
        }
        // Which of two that take one event goes on first is nobody's promise.
        self.beyond |= took > 1;
        // Nor whether what was heard before comes ahead of a child that took no time.
        self.beyond |= took > 0 && self.has_child_due();
        took > 0
    }

    /// The first filter that the event fits and that may still take one, with what it settles.
    fn met_by(&self, listener: &Listener<'c>, event: &Event) -> Option<(usize, Settled)> {
        if listener.task.to.filters.is_empty() && listener.task.to.consume == Consume::Any {
            return Some((0, Vec::new()));
        }
        let all = listener.task.to.consume == Consume::All;
        let mut left = listener.task.to.filters.iter().enumerate().filter(|(n, _)| !all || !listener.met.contains(n));
        left.find_map(|(n, filter)| Some((n, self.fits(listener, (n, filter), event)?)))
    }

    fn fits(&self, listener: &Listener<'c>, (n, filter): (usize, &EventFilter), event: &Event) -> Option<Settled> {
        let wanted = listener.wanted.get(n)?;
        if wanted.attributes.iter().any(|(name, value)| event.attribute(name).as_ref() != Some(value)) {
            return None;
        }
        let (context, whole) = (Value::empty(), super::events::as_value(event));
        let seen = listener.about.seen(&context);
        let fits = |name: &str, pattern| event.attribute(name).is_some_and(|text| self.holds(pattern, &text, &seen).unwrap_or(false));
        if !filter.patterns.iter().all(|(name, pattern)| fits(name, *pattern)) {
            return None;
        }
        if filter.data.is_some_and(|condition| !self.holds(condition, &event.data, &seen).unwrap_or(false)) {
            return None;
        }
        let mut settled = Vec::new();
        for correlation in &filter.correlate {
            let found = self.evaluate(correlation.from, &whole, &seen).ok().filter(|found| !found.is_null())?;
            let fixed = wanted.expected.iter().find(|(name, _)| *name == correlation.name).map(|(_, value)| value);
            match fixed.or_else(|| listener.correlated.get(&correlation.name)) {
                Some(expected) if *expected != found => return None,
                Some(_) => {}
                None => settled.push((correlation.name.clone(), found)),
            }
        }
        Some(settled)
    }

    fn is_last(&self, listener: &Listener<'c>, filter: usize, event: &Event) -> Result<bool, Problem> {
        let items: Vec<Value> = listener.items.iter().chain([&event.data]).cloned().collect();
        let bytes = |items: &[Value]| items.iter().map(canonical_len).sum::<usize>() as u64;
        if bytes(&items) > self.code.program.limits.value_bytes {
            return Err(Problem::ours("value-too-large", 413, "the events of one listener are too large"));
        }
        match (&listener.task.until, listener.task.to.consume) {
            (None, Consume::One | Consume::Any) => Ok(true),
            (None, Consume::All) => Ok(listener.met.len() + usize::from(!listener.met.contains(&filter)) >= listener.task.to.filters.len()),
            (Some(Until::Never | Until::Events(_)), _) => Ok(false),
            (Some(Until::Condition(condition)), _) => {
                let context = Value::empty();
                self.holds(*condition, &Value::array(items), &listener.about.seen(&context))
            }
        }
    }
}
