//! A request, turned once into what Cedar reads: both questions (`x` and `x.with-review`) over one context.
//!
//! What must stay true: whatever cannot be turned is an error text, and the caller denies. It judges nothing.

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};

use cedar_policy::{EntityId, EntityTypeName, EntityUid, Request};
use provost_model::verdict::{Entity, PolicyRequest};

use crate::context::context;
use crate::vocabulary::{KINDS, WITH_REVIEW};

/// Parsing a type's name costs more than judging a small slice, so the known ones are parsed once.
static TYPES: LazyLock<BTreeMap<&'static str, EntityTypeName>> =
    LazyLock::new(|| KINDS.iter().filter_map(|kind| Some((*kind, kind.parse().ok()?))).collect());

/// The Cedar type of a kind; `None` where the kind is no name.
pub(crate) fn type_name(kind: &str) -> Option<EntityTypeName> {
    TYPES.get(kind).cloned().or_else(|| kind.parse().ok())
}

/// The Cedar name of an entity; `None` where its kind is no name.
pub(crate) fn uid(entity: &Entity) -> Option<EntityUid> {
    Some(EntityUid::from_type_name_and_id(type_name(&entity.kind)?, EntityId::new(&*entity.id)))
}

/// One of the two questions.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    pub(crate) principal: EntityUid,
    pub(crate) action: Arc<str>,
    pub(crate) resource: EntityUid,
    pub(crate) request: Request,
}

/// Both questions of one request.
#[derive(Clone, Debug)]
pub(crate) struct Question {
    /// May it happen?
    pub(crate) plain: Asked,
    /// May it happen after a review?
    pub(crate) with_review: Asked,
}

impl Question {
    /// Turns a request into both questions, or says why it cannot be asked.
    pub(crate) fn new(request: &PolicyRequest) -> Result<Self, String> {
        if request.action.ends_with(WITH_REVIEW) {
            return Err(format!(
                "action `{}` ends in `{WITH_REVIEW}`; ask by the action's own name, both questions are asked",
                request.action
            ));
        }
        let context = context(&request.context)?;
        let principal = named(&request.principal)?;
        let resource = named(&request.resource)?;
        let ask = |action: &str| {
            let name = Entity::new(crate::vocabulary::ACTION, action);
            let request = Request::new(principal.clone(), named(&name)?, resource.clone(), context.clone(), None);
            Ok::<_, String>(Asked {
                principal: principal.clone(),
                action: name.id,
                resource: resource.clone(),
                request: request.map_err(|e| format!("request: {e}"))?,
            })
        };
        Ok(Self { plain: ask(&request.action)?, with_review: ask(&format!("{}{WITH_REVIEW}", request.action))? })
    }
}

fn named(entity: &Entity) -> Result<EntityUid, String> {
    uid(entity).ok_or_else(|| format!("`{}` is not an entity type; write a name such as `User`", entity.kind))
}
