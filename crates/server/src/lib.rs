//! Thin HTTP handlers over the planes. Each asks policy, calls one thing, and maps refusals to problem documents.
//!
//! What must stay true: the tenant comes from the credential only; beyond loopback nothing is served without one; bodies are bounded
//! before they are read. What is absent: rules, SQL, the engine.

mod arrival;
mod auth;
mod blobs;
mod comparison;
mod control;
mod events;
mod feed;
mod journals;
mod lifecycle;
pub mod listen;
mod orchestrations;
mod path;
mod platform;
mod refusal;
mod shown;
mod stream;
mod work;

use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::routing::{get, post};
use provost_runtime::Node;
use tower_http::timeout::RequestBodyTimeoutLayer;

/// Largest body of one request, in bytes: an event batch.
pub const BODY_BYTES_MAX: usize = 4 << 20;

/// What handlers stand on.
#[derive(Clone)]
pub struct App {
    /// The planes.
    pub node: Arc<Node>,
    /// Whether requests without a token are the local user's; only ever true on loopback.
    pub loopback_user: Option<Arc<str>>,
}

/// Every route.
pub fn router(app: App) -> Router {
    Router::new()
        .route("/healthz", get(platform::health))
        .route("/metrics", get(platform::metrics))
        .route("/openapi.json", get(platform::openapi))
        .route("/v1/events", get(feed::list).post(events::ingest))
        .route("/v1/workflows/{name}/orchestrations", post(orchestrations::start))
        .route("/v1/orchestrations", get(orchestrations::list))
        .route("/v1/orchestrations/{id}", get(orchestrations::show))
        .route("/v1/orchestrations/{id}/journal", get(orchestrations::journal))
        .route("/v1/orchestrations/{id}/events", get(lifecycle::events))
        .route("/v1/orchestrations/{id}/explanation", get(orchestrations::explanation))
        .route("/v1/orchestrations/{id}/stream", get(stream::stream))
        .route("/v1/orchestrations/{id}/verification", post(orchestrations::verification))
        .route("/v1/orchestrations/{id}/cancellation", post(orchestrations::cancel))
        .route("/v1/orchestrations/{id}/redrive", post(orchestrations::redrive))
        .route("/v1/journals", get(journals::list))
        .route("/v1/journals/{name}/verification", post(journals::verification))
        .route("/v1/reviews", get(platform::reviews))
        .route("/v1/reviews/{id}", post(platform::answer_review))
        .route("/v1/effects", get(platform::effects))
        .route("/v1/effects/{id}/resolution", post(platform::resolve))
        .route("/v1/dead-letters", get(platform::dead_letters))
        .route("/v1/bundles", get(platform::bundles).post(platform::publish))
        .route("/v1/bundles/comparison", post(comparison::compare))
        .route("/v1/blobs/{digest}", get(blobs::content))
        .route("/v1/binding", get(control::binding).put(control::bind))
        .route("/v1/guard", get(control::guard).put(control::set_guard))
        .route("/v1/policies", get(control::policies).put(control::set_policies))
        .route("/v1/principals", get(control::principals).post(control::create_principal))
        .route("/v1/principals/{name}/revocation", post(control::revoke_principal))
        .route("/v1/workers/exchange", post(work::exchange))
        .route("/v1/workers/extend", post(work::extend))
        .fallback(refusal::no_route)
        .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
        .layer(axum::middleware::from_fn(refusal::hear_out))
        .layer(axum::middleware::map_response(refusal::as_problem))
        .layer(RequestBodyTimeoutLayer::new(listen::BODY_PAUSE_MAX))
        .layer(axum::middleware::map_request(arrival::noted))
        .with_state(app)
}
