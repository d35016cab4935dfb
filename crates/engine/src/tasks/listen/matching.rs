//! Whether an event fits a filter: attributes by equality or pattern, the condition over its data, its contract, its correlations.

use std::sync::Arc;

use provost_model::Labelled;
use provost_model::program::{Consume, EventFilter, Strategy, Template};
use provost_model::record::{Arrived, Wanted};

use super::Offered;
use crate::origin;
use crate::turn::Turn;

/// One event beside the filters of one listener.
pub(super) struct Match<'m, 't> {
    pub turn: &'m Turn<'t>,
    pub offered: &'m Offered<'m>,
    pub arrived: &'m Arrived,
    /// Where the strategy's filters begin among all of the listener.
    pub offset: usize,
}

/// Correlations that an event settles.
type Correlated = Vec<(Arc<str>, Labelled)>;

impl Match<'_, '_> {
    /// The first filter of `strategy` that the event fits and that may still take one, and the correlations it settles.
    pub fn of(&self, strategy: &Strategy, met: &[u32], envelope: &mut Option<Labelled>) -> Option<(u32, Correlated)> {
        if strategy.filters.is_empty() {
            return (strategy.consume == Consume::Any).then(|| (0, Vec::new()));
        }
        let numbered = (0_u32..).zip(&strategy.filters);
        let mut left = numbered.filter(|(number, _)| strategy.consume != Consume::All || !met.contains(number));
        left.find_map(|(number, filter)| Some((number, self.fits(number, filter, envelope)?)))
    }

    fn fits(&self, number: u32, filter: &EventFilter, envelope: &mut Option<Labelled>) -> Option<Correlated> {
        let nothing = Wanted::default();
        let wanted = self.offered.listener.wanted.get(self.offset + number as usize).unwrap_or(&nothing);
        let event = &self.arrived.event;
        let equal = filter.attributes.iter().all(|(name, template)| {
            let computed = || wanted.attributes.iter().find(|(computed, _)| computed == name).map(|(_, value)| value);
            let expected = if let Template::Literal(value) = template { Some(value) } else { computed() };
            expected.is_some() && event.attribute(name).as_ref() == expected
        });
        if !equal || filter.contract.is_some_and(|contract| self.turn.code.validate(contract, &event.data).is_err()) {
            return None;
        }
        let scope = self.offered.scope();
        let fits = |(name, pattern): &(Arc<str>, _)| {
            let text = event.attribute(name).map(Labelled::authored);
            text.is_some_and(|text| self.turn.holds(*pattern, &text, &scope).unwrap_or(false))
        };
        if !filter.patterns.iter().all(fits) {
            return None;
        }
        if let Some(condition) = filter.data {
            let data = origin::said_in(self.turn, self.arrived, filter.contract);
            if !self.turn.holds(condition, &data, &scope).unwrap_or(false) {
                return None;
            }
        }
        let mut settled = Correlated::new();
        for correlation in &filter.correlate {
            let envelope = envelope.get_or_insert_with(|| origin::envelope(self.turn, self.arrived, None));
            let found = self.turn.evaluate(correlation.from, envelope, &scope).ok()?;
            let fixed = wanted.expected.iter().find(|(name, _)| *name == correlation.name).map(|(_, value)| value);
            match fixed.or_else(|| self.offered.listener.correlated.get(&correlation.name)) {
                _ if found.value.is_null() => return None,
                Some(expected) if *expected != found.value => return None,
                Some(_) => {}
                None => settled.push((correlation.name.clone(), found)),
            }
        }
        Some(settled)
    }
}
