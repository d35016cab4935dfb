//! Cases and their verdicts; a case that differs is made smaller by leaving out one member or item at a time.

use serde_json::Value as Json;

use super::Told;
use super::beside::{both, difference};
use super::generate::Case;

/// Most cases that are tried for one smaller case.
const TRIES_MAX: u32 = 4_000;

/// What came of a case.
#[derive(Clone, Debug)]
pub enum Verdict {
    /// Both say the same: this.
    Equal(Box<Told>),
    /// Two things were due at one moment: nothing is promised about their order.
    Tied,
    /// The document was refused when it was compiled.
    Refused(String),
    /// They differ.
    Differs(String),
}

/// Runs a case in both worlds.
pub fn check(case: &Case) -> Verdict {
    let loaded = match case.load() {
        Ok(loaded) => loaded,
        Err(findings) => return Verdict::Refused(findings),
    };
    let told = case.value().and_then(|input| both(&loaded, &input, &case.arrivals(), case.crashes));
    match told {
        Err(what) => Verdict::Differs(what),
        Ok((reference, _)) if reference.tied || reference.beyond => Verdict::Tied,
        Ok((reference, engine)) => match difference(&reference, &engine) {
            None => Verdict::Equal(Box::new(reference)),
            Some(_) if engine.tied && case.document.to_string().contains("\"fork\"") => Verdict::Tied,
            Some(what) => Verdict::Differs(what),
        },
    }
}

/// The smallest case found that differs still, and how.
pub fn smallest(case: &Case, what: String) -> (Case, String) {
    let (mut best, mut said, mut tries) = (case.clone(), what, 0);
    // Faults are left out first: most differences need none.
    let calm = Case { crashes: None, ..best.clone() };
    if let Verdict::Differs(what) = check(&calm) {
        (best, said) = (calm, what);
    }
    loop {
        let mut shrunk = false;
        for at in (0..places(&best.document)).rev() {
            tries += 1;
            let mut left = at;
            let mut smaller = best.clone();
            // Without its limits a document may go on far longer.
            if !leave_out(&mut smaller.document, &mut left) || limits(&smaller.document) != limits(&best.document) {
                continue;
            }
            if let Verdict::Differs(what) = check(&smaller) {
                (best, said, shrunk) = (smaller, what, true);
            }
            if tries >= TRIES_MAX {
                return (best, said);
            }
        }
        if !shrunk {
            return (best, said);
        }
    }
}

fn limits(document: &Json) -> Option<&Json> {
    document.pointer("/document/metadata/provost/limits")
}

/// How many members and items there are.
fn places(json: &Json) -> usize {
    match json {
        Json::Array(items) => items.iter().map(|item| 1 + places(item)).sum(),
        Json::Object(map) => map.values().map(|member| 1 + places(member)).sum(),
        Json::Null | Json::Bool(_) | Json::Number(_) | Json::String(_) => 0,
    }
}

/// Leaves out the place that is `left` places on, in order.
fn leave_out(json: &mut Json, left: &mut usize) -> bool {
    match json {
        Json::Array(items) => {
            for at in 0..items.len() {
                if *left == 0 {
                    items.remove(at);
                    return true;
                }
                *left -= 1;
                if items.get_mut(at).is_some_and(|item| leave_out(item, left)) {
                    return true;
                }
            }
            false
        }
        Json::Object(map) => {
            let keys: Vec<String> = map.keys().cloned().collect();
            for key in keys {
                if *left == 0 {
                    map.remove(&key);
                    return true;
                }
                *left -= 1;
                if map.get_mut(&key).is_some_and(|member| leave_out(member, left)) {
                    return true;
                }
            }
            false
        }
        Json::Null | Json::Bool(_) | Json::Number(_) | Json::String(_) => false,
    }
}
