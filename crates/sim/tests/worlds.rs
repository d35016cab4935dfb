//! A few worlds on every test run: they hold, they repeat, and the canary dies in them.

#![expect(clippy::unwrap_used, reason = "a corpus that does not load is a failed test")]

use std::path::Path;

use provost_sim::outside::Target;
use provost_sim::strike::Blow;
use provost_sim::world::{Scene, play};
use provost_sim::{Corpus, exhaustive, run};

fn corpus() -> Corpus {
    Corpus::load(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")).unwrap()
}

#[test]
fn worlds_hold_and_repeat() {
    let corpus = corpus();
    for seed in 1..=12 {
        let (first, second) = (run(&corpus, seed), run(&corpus, seed));
        assert_eq!(first.broken, [], "seed {seed}");
        assert_eq!(first.trace, second.trace, "seed {seed}");
        assert!(first.orchestrations > 0, "seed {seed} does nothing");
    }
    assert_ne!(run(&corpus, 1).trace, run(&corpus, 2).trace);
}

#[test]
fn the_canary_dies() {
    let corpus = corpus();
    assert!(!run(&corpus, 1).canary.is_empty());
}

#[test]
fn every_blow_at_every_commit_point_of_a_scene_is_survived() {
    let corpus = corpus();
    let scene = exhaustive::scenes().into_iter().find(|scene| scene.kind == "saga").unwrap();
    let passed = exhaustive::pass(&corpus, &scene);
    assert_eq!(passed.broken, []);
    assert!(passed.points >= 10, "a saga has more commit points than {}", passed.points);
    assert!(passed.cells >= passed.points * 9, "only {} cells of {} points were struck", passed.cells, passed.points);
}

#[test]
fn every_blow_at_every_commit_point_of_a_plan_is_survived() {
    let corpus = corpus();
    let scene = exhaustive::scenes().into_iter().find(|scene| scene.kind == "plans" && scene.amount == 6).unwrap();
    let passed = exhaustive::pass(&corpus, &scene);
    assert_eq!(passed.broken, []);
    assert!(passed.points >= 10, "a plan has more commit points than {}", passed.points);
}

#[test]
fn every_blow_at_every_commit_point_of_listeners_is_survived() {
    let corpus = corpus();
    let points = of_two_machines(&corpus, "listen");
    assert!(points >= 20, "two listeners have more commit points than {points}");
}

#[test]
fn every_blow_at_every_commit_point_of_a_batch_with_a_key_is_survived() {
    let corpus = corpus();
    let points = of_two_machines(&corpus, "pooled");
    assert!(points >= 8, "a batch with a key has more commit points than {points}");
}

/// How many commit points a scene of two machines has, each struck in every way.
fn of_two_machines(corpus: &Corpus, kind: &str) -> u64 {
    let mut points = 0;
    for struck in [0, 1] {
        let mut scenes = exhaustive::scenes().into_iter();
        let scene = scenes.find(|scene| scene.kind == kind && scene.amount == 7 && scene.machines == 2 && scene.struck == struck);
        let passed = exhaustive::pass(corpus, &scene.unwrap());
        assert_eq!(passed.broken, [], "machine {struck}");
        points += passed.points;
    }
    points
}

#[test]
fn a_crash_at_every_commit_point_of_a_schedule_that_looks_again_is_survived() {
    let corpus = corpus();
    // Of what is out nobody says anything, and what comes behind it does not go on by itself.
    let looked = |scene: &Scene| scene.kind == "looked" && scene.amount == 7 && scene.target == Target::Silent;
    let scene = exhaustive::scenes().into_iter().find(looked).unwrap();
    for blow in [Blow::CrashInside, Blow::CrashAfter] {
        let mut point = 1;
        loop {
            let (outcome, fired) = play(&corpus, &scene, Some((point, blow)));
            assert_eq!(outcome.broken, [], "{blow:?} at commit {point}");
            if !fired {
                break;
            }
            point += 1;
        }
        assert!(point > 40, "two orchestrations that are looked at have more commits than {point}");
    }
}

#[test]
fn a_ring_of_waits_is_found_over_a_crash_at_every_commit_point() {
    let corpus = corpus();
    let rivals = |scene: &&Scene| scene.kind == "rivals" && scene.amount == 7 && scene.machines == 2;
    for scene in exhaustive::scenes().iter().filter(rivals) {
        let mut point = 1;
        loop {
            let (outcome, fired) = play(&corpus, scene, Some((point, Blow::CrashInside)));
            assert_eq!(outcome.broken, [], "machine {} at commit {point}", scene.struck);
            if !fired {
                break;
            }
            point += 1;
        }
        assert!(point > 20, "those that wait for each other have more commits than {point}");
    }
}
