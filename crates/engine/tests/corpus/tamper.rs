//! The journal is decided again as it is, and with a forged fact, verdict or intent in any row, the chain made good each time.

use provost_engine::verify;
use provost_model::record::{Fact, Head, Intent, Row, Transition};
use provost_model::{Answer, Position, Would};

use crate::Failure;
use crate::world::World;

/// Above this many rows only some are forged.
const ROWS_FORGED_MAX: usize = 12;
/// Most values changed in one row.
const VALUES_FORGED_MAX: usize = 8;

pub fn check(world: &World) -> Result<(), Failure> {
    let found = verify(&world.code, world.state.tenant.clone(), world.state.id, &world.rows);
    if let Some(difference) = found.difference {
        return Err(format!("decided again it differs at {}: {}", difference.sequence, difference.what));
    }
    if found.state != world.state {
        return Err("verify folds to another state".to_owned());
    }
    let stride = world.rows.len() / ROWS_FORGED_MAX + 1;
    for at in (0..world.rows.len()).step_by(stride) {
        forge(world, at)?;
    }
    Ok(())
}

fn forge(world: &World, at: usize) -> Result<(), Failure> {
    let before = world.rows.get(..at).unwrap_or_default();
    let head = before.last().map_or(Head::EMPTY, Row::head);
    let Some(row) = world.rows.get(at) else { return Ok(()) };
    let true_one = row.transition().map_err(|e| e.to_string())?;
    let miscounted = Row { fact_count: row.fact_count + 1, ..row.clone() };
    if verify(&world.code, world.state.tenant.clone(), world.state.id, before.iter().chain([&miscounted])).difference.is_none() {
        return Err(format!("a forged count of facts in row {at} is not found"));
    }
    for (what, forged) in forgeries(&true_one).into_iter().chain(changed_values(&true_one)?) {
        let forged = world.seal(head, &forged)?;
        let rows: Vec<&Row> = before.iter().chain([&forged]).collect();
        let found = verify(&world.code, world.state.tenant.clone(), world.state.id, rows);
        if found.difference.is_none() {
            return Err(format!("a forged {what} in row {at} is not found"));
        }
    }
    Ok(())
}

/// Every few of the values in facts and intents, changed one at a time; which ones depends on how many there are.
fn changed_values(row: &Transition) -> Result<Vec<(String, Transition)>, Failure> {
    let bytes = row.encode().map_err(|e| e.to_string())?;
    let read: serde_json::Value = serde_json::from_slice(&bytes).map_err(|e| e.to_string())?;
    let mut places = Vec::new();
    for part in ["facts", "intents"] {
        leaves(read.get(part).unwrap_or(&serde_json::Value::Null), &format!("/{part}"), &mut places);
    }
    let stride = places.len() / VALUES_FORGED_MAX + 1;
    let mut forged = Vec::new();
    for place in places.iter().step_by(stride) {
        let mut changed = read.clone();
        if let Some(leaf) = changed.pointer_mut(place) {
            *leaf = other(leaf);
        }
        let bytes = serde_json::to_vec(&changed).map_err(|e| e.to_string())?;
        // What cannot be read any more needs no second decision to be found.
        forged
            .extend(Transition::decode(&bytes).ok().filter(|changed| changed != row).map(|changed| (format!("value at {place}"), changed)));
    }
    Ok(forged)
}

/// JSON pointers to all scalars.
fn leaves(value: &serde_json::Value, at: &str, places: &mut Vec<String>) {
    match value {
        serde_json::Value::Object(map) => {
            for (key, member) in map {
                leaves(member, &format!("{at}/{}", key.replace('~', "~0").replace('/', "~1")), places);
            }
        }
        serde_json::Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                leaves(item, &format!("{at}/{index}"), places);
            }
        }
        serde_json::Value::Null | serde_json::Value::Bool(_) | serde_json::Value::Number(_) | serde_json::Value::String(_) => {
            places.push(at.to_owned());
        }
    }
}

/// Another value of the same kind.
fn other(leaf: &serde_json::Value) -> serde_json::Value {
    match leaf {
        serde_json::Value::Bool(flag) => (!flag).into(),
        serde_json::Value::Number(number) => number.as_i64().map_or_else(|| 1.into(), |n| (n ^ 1).into()),
        serde_json::Value::String(text) => format!("{text}x").into(),
        serde_json::Value::Null | serde_json::Value::Array(_) | serde_json::Value::Object(_) => true.into(),
    }
}

fn forgeries(row: &Transition) -> Vec<(String, Transition)> {
    let mut forged = Vec::new();
    let mut with = |what: &str, change: &dyn Fn(&mut Transition)| {
        let mut changed = row.clone();
        change(&mut changed);
        if changed != *row {
            forged.push((what.to_owned(), changed));
        }
    };
    for at in 0..row.facts.len().min(8) {
        with("fact", &|t| {
            if let Some(fact) = t.facts.get_mut(at) {
                *fact = Fact::Abandoned { at: Position::from_text("forged") };
            }
        });
    }
    with("last fact", &|t| t.facts.push(Fact::Yielded));
    with("intent", &|t| t.intents.push(Intent::Continue));
    with("lost intent", &|t| drop(t.intents.pop()));
    with("verdict", &|t| {
        if let Some(verdict) = t.ambient.verdicts.first_mut() {
            verdict.answer = if verdict.answer == Answer::Deny { Answer::Allow } else { Answer::Deny };
        }
    });
    with("trial", &|t| {
        if let Some(verdict) = t.ambient.verdicts.first_mut() {
            verdict.would = Some(Would { answer: Answer::Deny, rules: Vec::new(), errors: Vec::new() });
        }
    });
    with("lost verdict", &|t| drop(t.ambient.verdicts.pop()));
    forged
}
