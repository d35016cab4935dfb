//! How often each task of a list finished.
//!
//! Mostly once, and mostly in order: so it is a bit for each task, sixty-four of them beside one another, those of the tasks that finish
//! now kept at hand. A list of ten thousand tasks thus grows a tree of 157 entries, and most tasks change one word.
//!
//! What must stay true: written and compared it is a map of tasks to counts, whatever is at hand.

use provost_model::program::TaskIx;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::Tree;

/// Tasks whose bits stand together.
const TOGETHER: u32 = u64::BITS;

/// Counts of visits by task. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Visits {
    /// Whose bits are at hand: tasks from `at * TOGETHER` on.
    at: u32,
    /// Those that finished.
    here: u64,
    /// All other bits.
    elsewhere: Tree<u32, u64>,
    /// Tasks that finished more than once, which is more than a bit says.
    more: Tree<TaskIx, u32>,
}

impl Visits {
    /// How often `task` finished.
    pub fn of(&self, task: TaskIx) -> u32 {
        let (at, bit) = place(task);
        let bits = if at == self.at { self.here } else { self.elsewhere.get(&at).copied().unwrap_or_default() };
        match bits & bit {
            0 => 0,
            _ if self.more.is_empty() => 1,
            _ => self.more.get(&task).copied().unwrap_or(1),
        }
    }

    /// `task` finished once more.
    pub(crate) fn add(&mut self, task: TaskIx) {
        self.put(task, self.of(task).saturating_add(1));
    }

    /// `task` finished `count` times, which is at least once.
    fn put(&mut self, task: TaskIx, count: u32) {
        let (at, bit) = place(task);
        if at != self.at {
            if self.here != 0 {
                self.elsewhere.insert_mut(self.at, self.here);
            }
            (self.at, self.here) = (at, self.elsewhere.get(&at).copied().unwrap_or_default());
        }
        self.here |= bit;
        if count > 1 {
            self.more.insert_mut(task, count);
        }
    }

    /// Every task that finished and how often, in order.
    fn all(&self) -> impl Iterator<Item = (TaskIx, u32)> {
        let before = self.elsewhere.range(..self.at).chain([(&self.at, &self.here)]);
        let behind = self.elsewhere.range(self.at..).filter(|(at, _)| **at != self.at);
        before.chain(behind).flat_map(|(at, bits)| tasks(*at, *bits)).map(|task| (task, self.of(task)))
    }
}

/// Which bits a task belongs to, and which is its own.
fn place(task: TaskIx) -> (u32, u64) {
    (task.0 / TOGETHER, 1 << (task.0 % TOGETHER))
}

/// The tasks of bits.
fn tasks(at: u32, bits: u64) -> impl Iterator<Item = TaskIx> {
    (0..TOGETHER).filter(move |bit| bits & (1 << bit) != 0).map(move |bit| TaskIx(at * TOGETHER + bit))
}

impl PartialEq for Visits {
    fn eq(&self, other: &Self) -> bool {
        self.all().eq(other.all())
    }
}

impl Eq for Visits {}

impl Serialize for Visits {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.all())
    }
}

impl<'de> Deserialize<'de> for Visits {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let counts = Tree::<TaskIx, u32>::deserialize(deserializer)?;
        let mut visits = Self::default();
        counts.iter().filter(|(_, count)| **count > 0).for_each(|(task, count)| visits.put(*task, *count));
        Ok(visits)
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn it_is_a_map_of_counts_however_tasks_follow_one_another(order in proptest::collection::vec(prop_oneof![0_u32..6, 60..70_u32, 0..10_000_u32, Just(u32::MAX)], 0..200)) {
            let (mut visits, mut counts) = (Visits::default(), BTreeMap::<TaskIx, u32>::new());
            for task in order.iter().map(|task| TaskIx(*task)) {
                prop_assert_eq!(visits.of(task), counts.get(&task).copied().unwrap_or_default());
                visits.add(task);
                *counts.entry(task).or_default() += 1;
            }
            for (task, count) in &counts {
                prop_assert_eq!(visits.of(*task), *count);
            }
            let (written, expected) = (serde_json::to_string(&visits).unwrap(), serde_json::to_string(&counts).unwrap());
            prop_assert_eq!(&written, &expected);
            // What is at hand behind a snapshot is something else, and it is equal.
            prop_assert_eq!(&serde_json::from_str::<Visits>(&written).unwrap(), &visits);
            let mut further = visits.clone();
            further.add(TaskIx(5));
            prop_assert_ne!(&further, &visits);
        }
    }
}
