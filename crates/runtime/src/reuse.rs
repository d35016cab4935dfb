//! Workflows of a bundle whose name and version mean another content in what is published already.
//!
//! What must stay true: it looks at what is compiled and at policies, so that layout and comments are no other content; publishing again
//! what was published says nothing, unless other content is active under that version now.

use std::sync::Arc;

use provost_language::Bundle;
use provost_model::{Digest, Program};

use crate::control_plane::stored;
use crate::registry::{StoredBundle, TenantWorld};

/// A workflow whose version has other content elsewhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reused {
    /// The workflow.
    pub workflow: Arc<str>,
    /// The bundle with the other content.
    pub pin: Digest,
    /// Whether new starts take that one.
    pub is_active: bool,
}

/// The workflows of `bundle`, before it is published, whose name and version are taken by other content.
pub fn reused(world: &TenantWorld, bundle: &Bundle) -> Vec<Reused> {
    let new = stored(bundle);
    new.programs.iter().filter_map(|program| of_program(world, &new, program)).collect()
}

fn of_program(world: &TenantWorld, new: &StoredBundle, program: &Program) -> Option<Reused> {
    let found = |pin, is_active| Reused { workflow: program.name.clone(), pin, is_active };
    let active = world.active.get(&program.name).and_then(|pin| world.bundles.get(pin)).map(|bundle| &bundle.stored);
    match active.and_then(|active| Some((active.digest, is_same(active, new, program)?))) {
        Some((_, true)) => None,
        Some((pin, false)) => Some(found(pin, true)),
        None if world.bundles.contains_key(&new.digest) => None,
        None => {
            let mut others = world.bundles.values().map(|bundle| &bundle.stored);
            others.find(|bundle| is_same(bundle, new, program) == Some(false)).map(|bundle| found(bundle.digest, false))
        }
    }
}

/// Whether `old` has the content of `program`; `None` where it has no workflow of that name and version.
fn is_same(old: &StoredBundle, new: &StoredBundle, program: &Program) -> Option<bool> {
    let before = old.programs.iter().find(|before| before.name == program.name && before.version == program.version)?;
    // As text: what was read back from the disk and what was compiled just now are the same where they are written the same.
    let written = |program: &Program| serde_json::to_vec(&Program { pin: new.digest, ..program.clone() }).ok();
    Some(old.policies == new.policies && old.schema == new.schema && written(before) == written(program))
}
