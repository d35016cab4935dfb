//! The door through which work leaves: whose queue it is, and whether the Guard lets it.
//!
//! What must stay true: the Guard is asked where work leaves, not only where it was decided; work may wait for a worker long after.

use std::sync::Arc;

use provost_language::Compiled;
use provost_model::program::protocol;
use provost_model::verdict::Entity;
use provost_model::{PolicyRequest, Problem, Value};

use crate::dispatch::{Offer, OfferKind};
use crate::hands::BUILTIN;
use crate::registry::{Registry, TenantWorld};

/// The queue that serves an offer.
pub(crate) fn queue_of(offer: &Offer, code: &Compiled) -> Arc<str> {
    let program = &code.program;
    let queue = match offer.kind {
        OfferKind::Agent => program.agents.get(&offer.name).map(|spec| spec.queue.clone()),
        OfferKind::Retrieval => program.sources.get(&offer.name).map(|spec| spec.served.queue.clone()),
        OfferKind::Feature => program.features.get(&offer.name).map(|spec| spec.served.queue.clone()),
        OfferKind::Action | OfferKind::Undo | OfferKind::LookUp => program.actions.get(&offer.name).map(|spec| spec.queue.clone()),
    };
    queue.unwrap_or_else(|| BUILTIN.into())
}

/// The Guard's word on work about to leave, as the problem of its attempt.
pub(crate) fn stopped(world: &TenantWorld, offer: &Offer, code: &Compiled) -> Option<Problem> {
    if world.guard.is_open() || offer.kind == OfferKind::LookUp {
        return None;
    }
    let name = offer.name.split('@').next().unwrap_or_default();
    let (action, kind) = match offer.kind {
        OfferKind::Agent => ("agent.start", "Agent"),
        OfferKind::Retrieval => ("retrieval.query", "Source"),
        OfferKind::Feature => ("feature.read", "Feature"),
        OfferKind::Action | OfferKind::Undo | OfferKind::LookUp => (name, "Action"),
    };
    let asked = |destination: &String| {
        let host = world.binding.host(destination).unwrap_or_default();
        let context = Value::object([(provost_policy::vocabulary::DESTINATION_HOST, Value::from(host))]);
        let principal = Entity::new("Workflow", &offer.workflow);
        let request = PolicyRequest { principal, action: action.into(), resource: Entity::new(kind, name), context };
        world.guard.denies(&request)
    };
    let rule = destinations(offer, code).iter().find_map(asked)?;
    Some(Problem::ours("policy-denied", 403, format!("the Guard stops `{name}`")).detail(format!("denied by `{}` ({})", rule.id, rule.at)))
}

/// Where an offer leads; one without a destination is asked about all the same.
fn destinations(offer: &Offer, code: &Compiled) -> Vec<String> {
    let spec = code.program.actions.get(&offer.name);
    match spec.map(|spec| (&spec.http, &spec.call)) {
        Some((Some(http), _)) => vec![http.destination.to_string()],
        Some((None, Some(_))) => protocol::origins(&offer.arguments),
        Some((None, None)) | None => vec![String::new()],
    }
}

/// The Guard's word on work about to go into the hands of an external worker.
pub(crate) fn stopped_now(registry: &Registry, offer: &Offer) -> Option<Problem> {
    let code = registry.program(&offer.tenant, &offer.pin, &offer.workflow)?;
    stopped(&registry.tenant(&offer.tenant), offer, &code)
}
