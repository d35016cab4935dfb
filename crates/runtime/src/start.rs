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
/// [`Refused::UnknownWorkflow`], or the code `order-key` when the workflow's ordering key has no usable value.
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
        event: None,
        subject: request.subject.clone(),
        events: Vec::new(),
        hops: 0,
        traceparent: request.traceparent.clone(),
        order: None,
        parent: None,
        by: request.by.clone(),
    };
    let order = provost_engine::order_of(&*launch.code, &start)
        .map_err(|problem| Refused::OrderKey(format!("{}: {}", problem.title, problem.detail)))?;
    // With an ordering key it lives where the key lives; the answer to its `Idempotency-Key` stays where the request went.
    let home = order.as_ref().map_or(slot, |order| inbox::order_slot(tenant, &start.workflow, order));
    let id = OrchestrationId::mint(now_us, home, &[tenant.as_str().as_bytes(), request.workflow.as_bytes(), unique.as_bytes()]);
    let start = Box::new(Start { order, ..start });
    Ok((slot, id, Delivery::Start { tenant: tenant.clone(), launch, id, start, remember, from: None }))
}
