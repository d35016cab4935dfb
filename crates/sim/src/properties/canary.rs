//! The canary: a promise that nobody made, and that every busy world breaks. A simulator that does not find it broken looks at nothing.

use super::Left;

/// Says that no orchestration ever completes.
pub fn check(left: &Left) -> Vec<String> {
    let ended = left.states.iter().filter(|(_, state)| state.is_ended());
    ended.take(1).map(|((_, id), _)| format!("`{id}` ended")).collect()
}
