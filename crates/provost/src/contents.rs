//! Contents in what an HTTP action sends: at the places that its file lists, a reference gives way to what it stands for.
//!
//! What must stay true: nothing is read that the action's file does not ask for, nor more than `limits.blobBytes` in all; whatever is no
//! reference stays as it is. Files are read here, so this must not run where nothing may block.

use std::sync::Arc;

use provost_model::limits::ValueLimits;
use provost_model::record::Attempted;
use provost_model::value::{lookup_mut, parse_with};
use provost_model::{Problem, TenantId, Value};
use provost_runtime::results::CONTENT_MEDIA_TYPE;
use provost_store::{BlobRef, Blobs};

/// Deepest content, in levels.
const DEPTH_MAX: usize = 128;

/// The arguments with contents at `places`.
///
/// # Errors
/// The outcome of an attempt that was not sent.
pub fn filled(blobs: &Blobs, tenant: &TenantId, places: &[Arc<str>], mut input: Value, bytes_max: u64) -> Result<Value, Attempted> {
    let mut left = bytes_max;
    for place in places {
        let Some(at) = lookup_mut(&mut input, place) else { continue };
        let Some(reference) = BlobRef::of_value(at) else { continue };
        left = left.checked_sub(reference.size).ok_or_else(|| not_sent(too_large(bytes_max), false))?;
        *at = read(blobs, tenant, &reference)?;
    }
    Ok(input)
}

fn read(blobs: &Blobs, tenant: &TenantId, reference: &BlobRef) -> Result<Value, Attempted> {
    let opened = blobs.open(tenant, reference).map_err(|error| {
        let problem = Problem::standard("runtime", 500, format!("a content cannot be read: {error}")).detail(error.hint());
        not_sent(problem, error.retry())
    })?;
    let bytes = opened.ok_or_else(|| {
        let title = format!("there is no blob `{}` in this tenant", reference.digest);
        not_sent(Problem::ours("unknown-blob", 404, title).detail("it left with the last orchestration that named it"), false)
    })?;
    let limits = ValueLimits { bytes_max: bytes.len(), depth_max: DEPTH_MAX };
    let value = (reference.media_type == CONTENT_MEDIA_TYPE).then(|| parse_with(&bytes, limits).ok()).flatten();
    value.ok_or_else(|| {
        let title = format!("the content of `{}` is no JSON that can be sent", reference.digest);
        not_sent(Problem::ours("content-unusable", 422, title).detail("hand on a reference that a task with `store: blob` made"), false)
    })
}

fn too_large(bytes_max: u64) -> Problem {
    Problem::ours("value-too-large", 413, format!("the contents have more than {bytes_max} bytes"))
        .detail("send fewer in one call, or raise `metadata.provost.limits.blobBytes`")
}

fn not_sent(problem: Problem, retry: bool) -> Attempted {
    Attempted::Failed { problem, retry, retry_after_ms: None }
}
