//! The binary's own worker, as the hands of the data plane.

use std::sync::Arc;
use std::time::Instant;

use provost_model::Problem;
use provost_model::record::Attempted;
use provost_runtime::{Binding, Compiled, Done, Hands, Offer, OfferKind, now_us};
use provost_telemetry::Spans;
use provost_worker::{BuiltIn, Call, What, agents};

/// Scripted agents and HTTP actions, carried out in this process.
pub struct OwnHands {
    worker: BuiltIn,
    runtime: tokio::runtime::Handle,
    spans: Spans,
}

impl OwnHands {
    /// Hands that run on `runtime`.
    pub fn new(worker: BuiltIn, runtime: tokio::runtime::Handle, spans: Spans) -> Self {
        Self { worker, runtime, spans }
    }
}

fn what(offer: &Offer, code: &Compiled) -> Option<What> {
    let program = &code.program;
    match offer.kind {
        OfferKind::Agent => program.agents.get(&offer.name).map(|spec| What::Agent(Box::new(spec.clone()), offer.example)),
        OfferKind::Action | OfferKind::Undo => program.actions.get(&offer.name).map(|spec| What::Action(Box::new(spec.clone()))),
        OfferKind::LookUp => program.actions.get(&offer.name).map(|spec| What::LookUp(Box::new(spec.clone()))),
    }
}

impl Hands for OwnHands {
    fn at_once(&self, offer: &Offer, code: &Compiled) -> Option<Attempted> {
        match offer.kind {
            OfferKind::Agent => agents::at_once(code.program.agents.get(&offer.name)?, offer.example),
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
        let call = Call {
            what,
            traceparent,
            input: offer.arguments,
            secrets: offer.secrets,
            key: offer.key.to_string(),
            within_ms,
            destinations: binding.destinations.clone(),
        };
        let worker = self.worker.clone();
        self.runtime.spawn(async move {
            let began = Instant::now();
            let result = worker.carry_out(call).await;
            done(result, i64::try_from(began.elapsed().as_millis()).unwrap_or(i64::MAX));
        });
    }
}
