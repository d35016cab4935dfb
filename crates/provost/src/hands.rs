//! The binary's own worker, as the hands of the data plane.

use std::sync::Arc;
use std::time::Instant;

use provost_model::record::Attempted;
use provost_model::{Problem, TenantId};
use provost_runtime::{Binding, Compiled, Done, Hands, Offer, OfferKind, now_us};
use provost_store::Blobs;
use provost_telemetry::Spans;
use provost_worker::{BuiltIn, Call, What, agents, reads};

use crate::contents;

/// Scripted agents and HTTP actions, carried out in this process.
pub struct OwnHands {
    worker: BuiltIn,
    runtime: tokio::runtime::Handle,
    spans: Spans,
    blobs: Blobs,
}

impl OwnHands {
    /// Hands that run on `runtime` and send contents out of `blobs`.
    pub fn new(worker: BuiltIn, runtime: tokio::runtime::Handle, spans: Spans, blobs: Blobs) -> Self {
        Self { worker, runtime, spans, blobs }
    }
}

/// The hands of a verb that only asks: what is under way waits for the next server.
pub struct Resting;

impl Hands for Resting {
    fn rest(&self) -> bool {
        true
    }

    fn at_once(&self, _: &Offer, _: &Compiled) -> Option<Attempted> {
        None
    }

    fn carry_out(&self, _: Offer, _: Arc<Compiled>, _: Arc<Binding>, _never: Done) {}
}

/// Where in the arguments contents are sent.
fn places(what: &What) -> Vec<Arc<str>> {
    let http = match what {
        What::Agent(_, _) | What::Retrieval(_, _) | What::Features(_) => None,
        What::Action(spec) => spec.http.as_ref(),
        What::LookUp(spec) => spec.lookup.as_ref().map(|lookup| &lookup.http),
    };
    http.map(|http| http.contents.clone()).unwrap_or_default()
}

/// The call with its contents in place of the references to them.
async fn with_contents(call: Call, tenant: TenantId, blobs: Blobs, bytes_max: u64) -> Result<Call, Attempted> {
    let places = places(&call.what);
    if places.is_empty() {
        return Ok(call);
    }
    let input = call.input.clone();
    let filled = tokio::task::spawn_blocking(move || contents::filled(&blobs, &tenant, &places, input, bytes_max)).await;
    let input = filled.unwrap_or_else(|error| {
        let problem = Problem::standard("runtime", 500, format!("a content cannot be read: {error}"));
        Err(Attempted::Failed { problem, retry: true, retry_after_ms: None })
    })?;
    Ok(Call { input, ..call })
}

fn what(offer: &Offer, code: &Compiled) -> Option<What> {
    let program = &code.program;
    match offer.kind {
        OfferKind::Agent => program.agents.get(&offer.name).map(|spec| What::Agent(Box::new(spec.clone()), offer.example)),
        OfferKind::Action | OfferKind::Undo => program.actions.get(&offer.name).map(|spec| What::Action(Box::new(spec.clone()))),
        OfferKind::LookUp => program.actions.get(&offer.name).map(|spec| What::LookUp(Box::new(spec.clone()))),
        OfferKind::Retrieval => program.sources.get(&offer.name).map(|spec| What::Retrieval(Box::new(spec.clone()), offer.example)),
        OfferKind::Feature => Some(What::Features(reads::asked_for(&offer.arguments, &program.features))),
    }
}

impl Hands for OwnHands {
    fn at_once(&self, offer: &Offer, code: &Compiled) -> Option<Attempted> {
        match offer.kind {
            OfferKind::Agent => agents::at_once(code.program.agents.get(&offer.name)?, offer.example),
            OfferKind::Retrieval => reads::passages_at_once(code.program.sources.get(&offer.name)?, offer.example),
            OfferKind::Feature => Some(reads::features(&reads::asked_for(&offer.arguments, &code.program.features), &offer.arguments)),
            OfferKind::Action | OfferKind::Undo | OfferKind::LookUp => None,
        }
    }

    fn carry_out(&self, offer: Offer, code: Arc<Compiled>, binding: Arc<Binding>, done: Done) {
        let Some(what) = what(&offer, &code) else {
            let problem = Problem::standard("configuration", 500, format!("the bundle holds no `{}`", offer.name));
            return done(Attempted::Failed { problem, retry: false, retry_after_ms: None }, 0);
        };
        let within_ms = if offer.deadline_us > 0 { ((offer.deadline_us - now_us()) / 1000).max(1) } else { 0 };
        let traceparent = provost_runtime::traced::traceparent(&self.spans, &offer);
        let (tenant, bytes_max) = (offer.tenant.clone(), code.program.limits.blob_bytes);
        let call = Call {
            what,
            traceparent,
            input: offer.arguments,
            secrets: offer.secrets,
            key: offer.key.to_string(),
            within_ms,
            destinations: binding.destinations.clone(),
        };
        let (worker, blobs) = (self.worker.clone(), self.blobs.clone());
        self.runtime.spawn(async move {
            let began = Instant::now();
            let result = match with_contents(call, tenant, blobs, bytes_max).await {
                Ok(call) => worker.carry_out(call).await,
                Err(not_sent) => not_sent,
            };
            done(result, i64::try_from(began.elapsed().as_millis()).unwrap_or(i64::MAX));
        });
    }
}
