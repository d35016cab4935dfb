//! Contents behind references: what a worker reads when its input holds one.

use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use provost_model::verdict::Entity;
use provost_model::{Digest, Value};

use crate::App;
use crate::auth::Caller;
use crate::refusal::Refusal;

/// `GET /v1/blobs/{digest}`. The reference says what the bytes are; a browser must not guess.
pub async fn content(State(app): State<App>, caller: Caller, Path(name): Path<String>) -> Result<(HeaderMap, Vec<u8>), Refusal> {
    let digest: Digest = name.parse().map_err(|_| {
        Refusal::new(400, "digest", "this is not a digest", "copy `digest` from the reference: `sha256:` and 64 hexadecimal digits")
    })?;
    caller.may(&app, "blob.read", Entity::new("Blob", &digest.to_string()), Value::empty())?;
    // The manifest of a bundle is a blob too: programs, prompts and policies, which may be read by whoever may read bundles.
    if app.node.control.is_manifest(&caller.tenant, digest).await {
        caller.may_in_tenant(&app, "bundle.read")?;
    }
    let bytes = app.node.plane.content(&caller.tenant, digest).await?;
    let said = |name: HeaderName, value: &'static str| (name, HeaderValue::from_static(value));
    let headers = [
        said(header::CONTENT_TYPE, "application/octet-stream"),
        said(header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        said(header::CACHE_CONTROL, "private, no-store"),
    ];
    Ok((HeaderMap::from_iter(headers), bytes))
}
