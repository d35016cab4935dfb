//! Results at the edge: what a worker reported, made into what can be recorded.
//!
//! | the task | a result within its limit | over it |
//! |---|---|---|
//! | keeps results in the record | as it is, `limits.valueBytes` | dropped, its size told |
//! | says `store: blob` | a reference to its canonical JSON in a blob, `limits.blobBytes` | dropped, its size told |
//!
//! What must stay true: a blob is on disk before the delivery that names it exists; the contract is asked here, because nobody behind the
//! edge sees the content. It decides nothing about what follows.

use provost_engine::Code as _;
use provost_language::Compiled;
use provost_model::program::{Keeping, SchemaIx};
use provost_model::record::{Attempted, Stored};
use provost_model::value::canonical;
use provost_model::{Digest, Problem, TenantId, Value};
use provost_store::{Blobs, StoreError};

use crate::dispatch::{Offer, OfferKind};
use crate::gate::Refused;
use crate::plane::Plane;

/// What a result in a blob is written as.
pub const CONTENT_MEDIA_TYPE: &str = "application/json";

/// An outcome that can be recorded.
pub(crate) struct Recordable {
    pub result: Attempted,
    pub stored: Option<Stored>,
}

impl From<Attempted> for Recordable {
    fn from(result: Attempted) -> Self {
        Self { result, stored: None }
    }
}

/// Brings a result within its limits; into a blob where its task says so. Blocks until that is on disk.
///
/// # Errors
/// What the blobs say; the result is not kept then.
pub(crate) fn recordable(blobs: &Blobs, offer: &Offer, code: Option<&Compiled>, result: Attempted) -> Result<Recordable, StoreError> {
    let Some(code) = code else { return Ok(result.into()) };
    let limits = &code.program.limits;
    match offer.keeping {
        Keeping::Record => Ok(result.within(limits.value_bytes).into()),
        Keeping::Blob => match result.within(limits.blob_bytes) {
            Attempted::Done { value, reference, usage, dropped_bytes: None } => {
                let stored = Stored { broken: broken(code, offer, &value) };
                let value = put(blobs, &offer.tenant, &value)?;
                let result = Attempted::Done { value, reference, usage, dropped_bytes: None };
                Ok(Recordable { result, stored: Some(stored) })
            }
            other => Ok(other.into()),
        },
    }
}

fn put(blobs: &Blobs, tenant: &TenantId, value: &Value) -> Result<Value, StoreError> {
    blobs.put(tenant, canonical(value).as_bytes(), CONTENT_MEDIA_TYPE).map(|reference| reference.to_value())
}

/// Where a content breaks the contract of the answer or result that it is.
fn broken(code: &Compiled, offer: &Offer, value: &Value) -> Option<std::sync::Arc<str>> {
    code.validate(contract(code, offer)?, value).err().map(Into::into)
}

fn contract(code: &Compiled, offer: &Offer) -> Option<SchemaIx> {
    match offer.kind {
        OfferKind::Agent => code.program.agents.get(&offer.name)?.output,
        OfferKind::Action | OfferKind::LookUp => code.program.actions.get(&offer.name)?.result,
        OfferKind::Undo | OfferKind::Retrieval | OfferKind::Feature => None,
    }
}

/// The outcome of an attempt whose result could not be kept: it was made, and what came of it is not known here.
pub(crate) fn not_kept(error: &StoreError) -> Attempted {
    let problem = Problem::ours("result-not-kept", 507, format!("the result could not be put into a blob: {error}"));
    Attempted::Unknown { problem: problem.detail(error.hint()) }
}

impl Plane {
    /// The bytes behind a reference of this tenant.
    ///
    /// # Errors
    /// [`Refused::UnknownBlob`], or what the store says.
    pub async fn content(&self, tenant: &TenantId, digest: Digest) -> Result<Vec<u8>, Refused> {
        let (blobs, tenant) = (self.blobs().clone(), tenant.clone());
        let read = tokio::task::spawn_blocking(move || blobs.named(&tenant, &digest)).await;
        read.map_err(|e| Refused::Internal(e.to_string()))??.ok_or(Refused::UnknownBlob(digest))
    }
}
