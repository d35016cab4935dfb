//! When a request arrived: as soon as its head was read, before its body, its caller and its meaning are known.

use std::time::Instant;

use axum::extract::Request;

/// The moment.
#[derive(Clone, Copy, Debug)]
pub struct Arrival(pub Instant);

/// Notes the moment; the outermost layer, so that nothing that a caller waits for lies before it.
pub async fn noted(mut request: Request) -> Request {
    request.extensions_mut().insert(Arrival(Instant::now()));
    request
}
