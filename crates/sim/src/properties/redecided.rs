//! Every journal, decided again, gives the same bytes; its chain, computed again, is the one recorded.

use provost_model::record::{Head, Row, chain};

use super::Left;
use crate::world::World;

/// Verifies every journal.
pub fn check(world: &World, left: &Left) -> Vec<String> {
    let mut found = Vec::new();
    for ((tenant, id), (_, rows)) in &left.journals {
        let mut head = Head::EMPTY;
        let rows: Vec<Row> = rows.iter().map(|kept| kept.row.clone()).collect();
        for row in &rows {
            if row.first_sequence != head.sequence + 1 || chain(&head.chain, row) != row.chain {
                found.push(format!("the chain of `{id}` breaks at {}", row.first_sequence));
                break;
            }
            head = row.head();
        }
        let start = left.states.get(&(tenant.clone(), *id)).and_then(|state| state.start.clone());
        let code = start.and_then(|start| world.corpus_registry.program(tenant, &start.pin, &start.workflow));
        let Some(code) = code else {
            found.push(format!("`{id}` has no start, or no program"));
            continue;
        };
        if let Some(difference) = provost_engine::verify(&*code, tenant.clone(), *id, &rows).difference {
            found.push(format!("`{id}` is not decided as recorded at {}: {}", difference.sequence, difference.what));
        }
    }
    found
}
