//! `listen`: events that come while the orchestration exists are kept for a day; whoever listens takes what fits, oldest first.
//!
//! What must stay true: an event is taken once, by every listener that is open at that moment and that it fits, whether it is wanted, ends the
//! listening or both; what a retry runs again may take again what it took before. No contracts, and `read: data` only: the generator writes none.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use provost_model::program::{Consume, EventFilter, ListenTask, Strategy, Until};
use provost_model::value::canonical_len;
use provost_model::{Event, Position, Problem, Value};

use super::each::Each;
use super::evaluate::Seen;
use super::flow::{About, Interpreter};
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
    /// `$context` as its filters see it.
    pub context: Value,
    to: Side<'c>,
    until: Option<Side<'c>>,
    /// What was taken, in order.
    pub items: Vec<Value>,
    correlated: BTreeMap<Arc<str>, Value>,
    /// Whether it took its last event.
    pub over: bool,
    pub failed: Option<Problem>,
}

/// The events of `to`, or of `until`.
struct Side<'c> {
    events: &'c Strategy,
    wanted: Vec<Wanted>,
    /// Filters that took an event.
    met: Vec<usize>,
}

impl Side<'_> {
    fn needs_more(&self) -> bool {
        self.events.consume == Consume::All && (0..self.events.filters.len()).any(|n| !self.met.contains(&n))
    }
}

/// What an event is to a listener.
struct Fit {
    /// The filter of `to` that it meets.
    to: Option<usize>,
    /// The filter of `until` that it meets.
    until: Option<usize>,
    settled: Settled,
}

impl Listener<'_> {
    fn takes(&mut self, fit: Fit, event: &Event) {
        if let Some(n) = fit.to {
            self.to.met.push(n);
            self.items.push(event.data.clone());
        }
        if let (Some(n), Some(until)) = (fit.until, &mut self.until) {
            until.met.push(n);
        }
        self.correlated.extend(fit.settled);
    }
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
        let to = self.side(&task.to, about, seen)?;
        let until = match &task.until {
            Some(Until::Events(events)) => Some(self.side(events, about, seen)?),
            Some(Until::Never | Until::Condition(_)) | None => None,
        };
        let (about, context) = (about.clone(), seen.context.clone());
        let (items, correlated) = (Vec::new(), BTreeMap::new());
        let listener = Listener { about, task, context, to, until, items, correlated, over: false, failed: None };
        self.listeners.insert(listener.about.at.clone(), listener);
        self.heard.looks_back = true;
        Ok(Begun::Open(Kind::Listen(Each::default())))
    }

    fn side(&self, events: &'c Strategy, about: &About<'c>, seen: &Seen<'_>) -> Result<Side<'c>, Problem> {
        let mut wanted = Vec::new();
        for filter in &events.filters {
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
        Ok(Side { events, wanted, met: Vec::new() })
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
            let Some(fit) = self.fit(listener, event) else { continue };
            took += 1;
            let last = if self.is_used_up() { Err(too_many_tasks()) } else { self.is_last(listener, &fit, event) };
            let Some(listener) = self.listeners.get_mut(&at) else { continue };
            match last {
                Err(problem) => listener.failed = Some(problem),
                Ok(last) => {
                    listener.takes(fit, event);
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

    /// What the event is to a listener: wanted, the end, or both; `None` where it is neither.
    fn fit(&self, listener: &Listener<'c>, event: &Event) -> Option<Fit> {
        let to = self.met_by(listener, &listener.to, event);
        let until = listener.until.as_ref().and_then(|until| self.met_by(listener, until, event));
        if to.is_none() && until.is_none() {
            return None;
        }
        let (to, mut settled) = to.map_or((None, Vec::new()), |(n, settled)| (Some(n), settled));
        let until = until.map(|(n, more)| {
            settled.extend(more);
            n
        });
        Some(Fit { to, until, settled })
    }

    /// The first filter that the event fits and that may still take one, with what it settles.
    fn met_by(&self, listener: &Listener<'c>, side: &Side<'c>, event: &Event) -> Option<(usize, Settled)> {
        let events = side.events;
        if events.filters.is_empty() && events.consume == Consume::Any {
            return Some((0, Vec::new()));
        }
        let all = events.consume == Consume::All;
        let mut left = events.filters.iter().zip(&side.wanted).enumerate().filter(|(n, _)| !all || !side.met.contains(n));
        left.find_map(|(n, (filter, wanted))| Some((n, self.fits(listener, (filter, wanted), event)?)))
    }

    fn fits(&self, listener: &Listener<'c>, (filter, wanted): (&EventFilter, &Wanted), event: &Event) -> Option<Settled> {
        if wanted.attributes.iter().any(|(name, value)| event.attribute(name).as_ref() != Some(value)) {
            return None;
        }
        let (whole, seen) = (super::events::as_value(event), listener.about.seen(&listener.context));
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

    /// Whether a listener takes no event after this one.
    fn is_last(&self, listener: &Listener<'c>, fit: &Fit, event: &Event) -> Result<bool, Problem> {
        let items: Vec<Value> = listener.items.iter().chain(fit.to.map(|_| &event.data)).cloned().collect();
        // What waits for no end by itself keeps nothing.
        let keeps = listener.task.until != Some(Until::Never);
        if keeps && items.iter().map(canonical_len).sum::<usize>() as u64 > self.code.program.limits.value_bytes {
            return Err(Problem::ours("value-too-large", 413, "the events of one listener are too large"));
        }
        let through = |side: &Side<'_>, n: Option<usize>| match n {
            None => false,
            Some(n) => !Side { met: side.met.iter().copied().chain([n]).collect(), wanted: Vec::new(), ..*side }.needs_more(),
        };
        match (&listener.task.until, &listener.until) {
            (None, _) => Ok(through(&listener.to, fit.to)),
            (Some(Until::Condition(condition)), _) => self.holds(*condition, &Value::array(items), &listener.about.seen(&listener.context)),
            (Some(Until::Never | Until::Events(_)), until) => Ok(until.as_ref().is_some_and(|until| through(until, fit.until))),
        }
    }
}
