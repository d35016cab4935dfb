//! A start by hand, as a delivery: which slot takes the request, and in which slot the orchestration lives.

use std::sync::Arc;

use provost_model::record::Start;
use provost_model::{Digest, OrchestrationId, Slot, TenantId, Value, Who};

use crate::gate::Refused;
use crate::inbox;
use crate::partition::Delivery;
use crate::registry::Registry;

/// A request to start an orchestration by hand.
#[derive(Clone, Debug)]
pub struct StartRequest {
    /// The workflow's name.
    pub workflow: String,
    /// Its input.
    pub input: Value,
    /// What it is about, for people.
    pub subject: Option<Arc<str>>,
    /// `Idempotency-Key`.
    pub key: Option<String>,
    /// The W3C trace context it came with.
    pub traceparent: Option<Arc<str>>,
    /// Who asks.
    pub by: Who,
}

/// The delivery of `request` at `now_us`, for the partition of the returned slot. `drawn` tells requests without a key apart.
///
/// # Errors
/// [`Refused::UnknownWorkflow`], or the code `order-key` or `workflow-key` when a key of the workflow has no usable value.
pub fn delivery(
    registry: &Registry,
    tenant: &TenantId,
    request: &StartRequest,
    now_us: i64,
    drawn: &Digest,
) -> Result<(Slot, OrchestrationId, Delivery), Refused> {
    let launch = registry.launch(tenant, &request.workflow).ok_or_else(|| Refused::UnknownWorkflow(request.workflow.clone()))?;
    let (slot, unique) = match &request.key {
        Some(key) => (Slot::of(&[tenant.as_str(), &request.workflow, key]), Digest::of_parts(&[key.as_bytes(), &now_us.to_be_bytes()])),
        None => (Slot::of(&[tenant.as_str(), &drawn.hex()]), *drawn),
    };
    let remember = request.key.as_ref().map(|key| {
        let fingerprint = Digest::of_parts(&[request.workflow.as_bytes(), Digest::of_value(&request.input).as_bytes()]);
        (inbox::start_key(tenant, &request.workflow, key), fingerprint)
    });
    let start = Start {
        workflow: launch.code.program.name.clone(),
        version: launch.code.program.version.clone(),
        pin: launch.pin,
        binding: launch.binding,
        input: request.input.clone(),
        labels: provost_model::Labels::new(),
        event: None,
        subject: request.subject.clone(),
        events: Vec::new(),
        hops: 0,
        origin: None,
        traceparent: request.traceparent.clone(),
        order: None,
        concurrency: None,
        batch: None,
        parent: None,
        by: request.by.clone(),
    };
    let start = provost_engine::keyed(&*launch.code, start).map_err(|unusable| {
        let why = format!("{}: {}", unusable.problem.title, unusable.problem.detail);
        if unusable.key == "order" { Refused::OrderKey(why) } else { Refused::WorkflowKey(why) }
    })?;
    // With a key it lives where the key lives. With an ordering key the answer to its `Idempotency-Key` stays where the request went; a
    // concurrency key may refuse, so that the request itself goes to the key.
    let home = provost_engine::home_slot(tenant, &start).unwrap_or(slot);
    let slot = if start.concurrency.is_some() { home } else { slot };
    let id = OrchestrationId::mint(now_us, home, &[tenant.as_str().as_bytes(), request.workflow.as_bytes(), unique.as_bytes()]);
    Ok((slot, id, Delivery::Start { tenant: tenant.clone(), launch, id, start: Box::new(start), remember, from: None }))
}
