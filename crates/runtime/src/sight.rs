//! Who may see which places of an event, by its type: what the workflows that start on it or listen for it say, and their contracts.
//!
//! What must stay true: every bundle of the tenant is heard, active or not, and their marks are joined: an event is shown as the most
//! careful of them wants it. It is about what is shown only; workers and workflows get events whole.

use std::collections::BTreeMap;
use std::sync::Arc;

use provost_engine::redact::event_seen;
use provost_model::marks::Sight;
use provost_model::program::{Program, Reading, StartOn, TaskIx, TaskKind};
use provost_model::{Event, Marks, Value};

use crate::registry::TenantWorld;

/// Marks of events as CloudEvents objects, by type; the empty type stands for every one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EventMarks(BTreeMap<Arc<str>, Marks>);

impl EventMarks {
    /// What `programs` and their contracts say.
    pub fn of<'p>(programs: impl IntoIterator<Item = &'p Program>) -> Self {
        let mut marks = Self::default();
        for program in programs.into_iter().filter(|program| program.marks_anything()) {
            for on in program.start_filters() {
                marks.add(kind_of(on), &program.marks_of(on.contract).placed("/data"));
                marks.add(kind_of(on), &read(program));
            }
            let listens =
                program.tasks.iter().filter_map(|task| if let TaskKind::Listen(listen) = &task.kind { Some(listen) } else { None });
            for filter in listens.flat_map(|listen| listen.filters()) {
                marks.add(filter.kind().map_or("", |kind| kind), &program.marks_of(filter.contract).placed("/data"));
            }
        }
        marks
    }

    fn add(&mut self, kind: &str, marks: &Marks) {
        if !marks.is_empty() {
            let known = self.0.remove(kind).unwrap_or_default();
            self.0.insert(kind.into(), known.and(marks));
        }
    }

    fn on(&self, kind: &str) -> impl Iterator<Item = &Marks> {
        [kind, ""].into_iter().filter_map(|kind| self.0.get(kind))
    }
}

/// What the author of a workflow says of what is read of an event, as places of the event.
fn read(program: &Program) -> Marks {
    let own = program.marks.get(&TaskIx::ROOT).cloned().unwrap_or_default();
    match program.start_read {
        Reading::Data => own.placed("/data"),
        Reading::Envelope => own,
        Reading::Raw => own.whole().placed("/data"),
    }
}

fn kind_of(on: &StartOn) -> &str {
    let kind = on.attributes.iter().find(|(name, _)| **name == *"type");
    kind.and_then(|(_, kind)| kind.as_str()).unwrap_or_default()
}

impl TenantWorld {
    /// `event` as far as `sight` sees it.
    pub fn seen(&self, event: &Event, sight: Sight) -> Event {
        let marks = self.bundles.values().flat_map(|bundle| bundle.marks.on(&event.kind));
        let all = marks.fold(Marks::default(), |all, marks| all.and(marks));
        let labels = if all.is_empty() {
            event.labels.clone()
        } else {
            let whole: Value = provost_engine::event_value(event);
            event.labels.join(&all.on(&whole, provost_model::Labels::new()))
        };
        event_seen(Event { labels, ..event.clone() }, sight)
    }
}
