//! Who and what a question is about: roles of a principal, groups of a resource, their attributes. The caller brings all of it.
//!
//! What must stay true: the roles `local` and `system` come from how somebody is known, never from a token; an action has no
//! parents, so that a policy matches an action only by its name. It fetches nothing.

use std::sync::LazyLock;

use cedar_policy as cedar;
use provost_model::digest::Digest;
use provost_model::value::{Value, canonical};
use provost_model::verdict::Entity;
use provost_model::who::{Known, Who};

use crate::checks::numbers;
use crate::question::uid;
use crate::vocabulary::{ACTION, ROLE, ROLE_LOCAL, ROLE_SYSTEM, USER};

/// Most entities that one question may bring.
pub const ENTITIES_MAX: usize = 1_000;

/// One entity with its parents and attributes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Described {
    /// The entity.
    pub entity: Entity,
    /// What it is `in`, directly.
    pub parents: Vec<Entity>,
    /// Its attributes: an object, or null for none. No floats.
    pub attributes: Value,
}

impl Described {
    /// An entity without attributes.
    pub fn new(entity: Entity, parents: Vec<Entity>) -> Self {
        Self { entity, parents, attributes: Value::Null }
    }
}

/// Entities that cannot be shown to policy.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EntitiesError {
    /// The name of a type is none.
    #[error("`{0}` is not an entity type; write a name such as `User`")]
    Kind(String),
    /// A float or another value that policy does not know.
    #[error("{0}")]
    Attribute(String),
    /// An action with parents.
    #[error("the action `{0}` has parents; name actions one by one, policy knows no groups of them")]
    ActionParents(String),
    /// Too many.
    #[error("{0} entities are more than {ENTITIES_MAX}; bring only what this question is about")]
    TooMany(usize),
    /// Parents that form a circle, or one entity described twice.
    #[error("the entities contradict each other: {0}; describe each once and without circles")]
    Contradiction(String),
}

impl EntitiesError {
    /// The stable code of this error.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Kind(_) => "entity-kind",
            Self::Attribute(_) => "entity-attribute",
            Self::ActionParents(_) => "entity-action-parents",
            Self::TooMany(_) => "entity-count",
            Self::Contradiction(_) => "entity-contradiction",
        }
    }
}

/// What a question is about, ready to be judged; build it once per principal and use it often.
#[derive(Clone, Debug)]
pub struct Entities {
    pub(crate) cedar: cedar::Entities,
    digest: Digest,
}

static NONE: LazyLock<Entities> = LazyLock::new(|| Entities { cedar: cedar::Entities::empty(), digest: Digest::of_parts(&[]) });

impl Entities {
    /// No entities: nobody has a role.
    pub fn none() -> &'static Self {
        &NONE
    }

    /// The given entities.
    ///
    /// # Errors
    /// [`EntitiesError`]; a question whose entities cannot be built must be denied by the caller.
    pub fn new(described: &[Described]) -> Result<Self, EntitiesError> {
        if described.len() > ENTITIES_MAX {
            return Err(EntitiesError::TooMany(described.len()));
        }
        let built = described.iter().map(cedar_entity).collect::<Result<Vec<_>, _>>()?;
        let cedar = cedar::Entities::from_entities(built, None).map_err(|e| EntitiesError::Contradiction(e.to_string()))?;
        Ok(Self { cedar, digest: digest_of(described) })
    }

    /// The entities of a question that `who` asks: the user with its roles.
    ///
    /// # Errors
    /// As [`Entities::new`].
    pub fn of_who(who: &Who) -> Result<Self, EntitiesError> {
        Self::new(&[describe(who)])
    }

    /// The digest of all of it; part of the key of a kept verdict.
    pub fn digest(&self) -> Digest {
        self.digest
    }
}

/// The principal that `who` is: `User::"maria.k"`.
pub fn principal_of(who: &Who) -> Entity {
    Entity::new(USER, &who.name)
}

/// `who` with the roles it may claim: those of its token, or the one that follows from how it is known.
pub fn describe(who: &Who) -> Described {
    let role = |name: &str| Entity::new(ROLE, name);
    let parents = match who.known {
        Known::Token => who.roles.iter().filter(|r| !matches!(&***r, ROLE_LOCAL | ROLE_SYSTEM)).map(|r| role(r)).collect(),
        Known::Loopback => vec![role(ROLE_LOCAL)],
        Known::System => vec![role(ROLE_SYSTEM)],
    };
    Described::new(principal_of(who), parents)
}

fn cedar_entity(described: &Described) -> Result<cedar::Entity, EntitiesError> {
    if &*described.entity.kind == ACTION && !described.parents.is_empty() {
        return Err(EntitiesError::ActionParents(described.entity.id.to_string()));
    }
    let named = |entity: &Entity| uid(entity).ok_or_else(|| EntitiesError::Kind(entity.kind.to_string()));
    let parents = described.parents.iter().map(named).collect::<Result<Vec<_>, _>>()?.into_iter().collect();
    let own = named(&described.entity)?;
    if described.attributes.is_null() {
        return Ok(cedar::Entity::new_no_attrs(own, parents));
    }
    let attributes = numbers::members(&described.attributes).map_err(EntitiesError::Attribute)?;
    cedar::Entity::new(own, attributes.into_iter().collect(), parents).map_err(|e| EntitiesError::Attribute(e.to_string()))
}

/// Length-prefixed and counted, so that no two different lists collide; the order of the list matters and costs at most a missed hit.
fn digest_of(described: &[Described]) -> Digest {
    let attributes: Vec<String> = described.iter().map(|d| canonical(&d.attributes)).collect();
    let counts: Vec<[u8; 8]> = described.iter().map(|d| (d.parents.len() as u64).to_be_bytes()).collect();
    let mut parts: Vec<&[u8]> = Vec::new();
    for ((entry, text), count) in described.iter().zip(&attributes).zip(&counts) {
        parts.extend([entry.entity.kind.as_bytes(), entry.entity.id.as_bytes(), text.as_bytes(), count]);
        parts.extend(entry.parents.iter().flat_map(|p| [p.kind.as_bytes(), p.id.as_bytes()]));
    }
    Digest::of_parts(&parts)
}
