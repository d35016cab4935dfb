//! Some generated workflows on every test run: the engine and the reference say the same, and the reference knows nothing of the engine.
#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

use std::path::Path;

use provost_sim::reference::generate::Case;
use provost_sim::reference::shrink::{Verdict, check};

const CASES: u64 = 200;

#[test]
fn both_say_the_same() {
    let verdicts: Vec<Verdict> = (1..=CASES).map(|seed| check(&Case::draw(seed))).collect();
    for (seed, verdict) in (1..).zip(&verdicts) {
        assert!(!matches!(verdict, Verdict::Differs(_)), "seed {seed}: {verdict:?}");
    }
    let equal = verdicts.iter().filter(|verdict| matches!(verdict, Verdict::Equal(_))).count() as u64;
    assert!(equal * 10 >= CASES * 6, "only {equal} of {CASES} cases were compared");
}

#[test]
fn a_seed_is_one_case() {
    let text = |seed| Case::draw(seed).document.to_string();
    assert_eq!(text(7), text(7));
    assert_ne!(text(7), text(8));
}

#[test]
fn the_reference_has_not_one_line_of_the_engine() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/reference");
    // Only these know both.
    let both = ["beside.rs", "generate.rs", "shrink.rs"];
    for entry in std::fs::read_dir(&folder).unwrap() {
        let file = entry.unwrap().file_name().into_string().unwrap();
        if both.contains(&file.as_str()) || !file.ends_with(".rs") {
            continue;
        }
        let text = std::fs::read_to_string(folder.join(&file)).unwrap();
        assert!(!text.contains("engine") && !text.contains("provost_runtime"), "{file}");
    }
}
