//! Every blow at every commit point of every workflow: first a run in which nothing happens, then one run for each cell.
//!
//! What must stay true: a pass over a scene ends with a commit point that no run reaches any more, so none is left out.

use crate::cells::Cells;
use crate::corpus::Corpus;
use crate::outside::{TARGETS, Target};
use crate::strike::{BLOWS, Blow};
use crate::world::{KINDS, Scene, play};

/// Commit points after which a scene that still goes on is broken.
const POINTS_MAX: u64 = 2_000;

/// What one scene came to.
#[derive(Clone, Debug, Default)]
pub struct Passed {
    /// Cells in which the blow fired.
    pub cells: u64,
    /// Crashes by kind of command and moment.
    pub crashes: Cells,
    /// Commit points, counted in the run that nothing struck or reached by a struck one.
    pub points: u64,
    /// What was broken: the cell, the property, what was found.
    pub broken: Vec<(String, &'static str, String)>,
}

/// Every scene: each kind of work with two sorts of data, alone and on two machines, one delivery at a time and many; and alone with each
/// sort of target.
pub fn scenes() -> Vec<Scene> {
    let mut scenes = Vec::new();
    for kind in KINDS {
        for amount in [6, 7] {
            for (machines, struck, batch_max) in [(1, 0, 1), (2, 0, 1), (2, 1, 1)] {
                scenes.push(Scene { kind, amount, machines, struck, batch_max, target: Target::Answers });
            }
            scenes.extend(TARGETS.map(|target| Scene { kind, amount, machines: 1, struck: 0, batch_max: 16, target }));
        }
    }
    scenes
}

/// Strikes every commit point of a scene in every way.
pub fn pass(corpus: &Corpus, scene: &Scene) -> Passed {
    let mut passed = Passed::default();
    add(&mut passed, scene, None, play(corpus, scene, None));
    for blow in BLOWS {
        for point in 1..=POINTS_MAX {
            if !add(&mut passed, scene, Some((point, blow)), play(corpus, scene, Some((point, blow)))) {
                break;
            }
            passed.points = passed.points.max(point);
        }
    }
    if passed.points == POINTS_MAX {
        passed.broken.push((name(scene, None), "ends", "its commit points have no end".to_owned()));
    }
    passed
}

fn add(passed: &mut Passed, scene: &Scene, at: Option<(u64, Blow)>, (outcome, fired): (crate::Outcome, bool)) -> bool {
    passed.cells += u64::from(fired);
    passed.crashes.add(&outcome.cells);
    passed.broken.extend(outcome.broken.into_iter().map(|(property, what)| (name(scene, at), property, what)));
    fired
}

fn name(scene: &Scene, at: Option<(u64, Blow)>) -> String {
    let Scene { kind, amount, machines, struck, batch_max, target } = scene;
    let blow = at.map_or_else(|| "nothing".to_owned(), |(point, blow)| format!("{blow:?} at commit {point}"));
    format!("{kind} with {amount} on {machines} machines, batches of {batch_max}, target {target:?}, {blow} of machine {struck}")
}
