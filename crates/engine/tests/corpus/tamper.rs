//! The journal is decided again as it is, and with a forged fact, verdict or intent in any row, the chain made good each time.

use provost_engine::verify;
use provost_model::record::{Fact, Head, Intent, Row, Transition};
use provost_model::{Answer, Position};

use crate::Failure;
use crate::world::World;

/// Above this many rows only some are forged.
const ROWS_FORGED_MAX: usize = 40;

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
    for (what, forged) in forgeries(&true_one) {
        let forged = world.seal(head, &forged)?;
        let rows: Vec<&Row> = before.iter().chain([&forged]).collect();
        let found = verify(&world.code, world.state.tenant.clone(), world.state.id, rows);
        if found.difference.is_none() {
            return Err(format!("a forged {what} in row {at} is not found"));
        }
    }
    Ok(())
}

fn forgeries(row: &Transition) -> Vec<(&'static str, Transition)> {
    let mut forged = Vec::new();
    let mut with = |what, change: &dyn Fn(&mut Transition)| {
        let mut changed = row.clone();
        change(&mut changed);
        if changed != *row {
            forged.push((what, changed));
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
    with("lost verdict", &|t| drop(t.ambient.verdicts.pop()));
    forged
}
