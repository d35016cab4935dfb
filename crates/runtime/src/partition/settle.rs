//! A commit that failed: on disk all the same, or not?
//!
//! An error from a disk does not say that nothing was written: the answer of a sync can be lost. What must stay true: a batch is decided
//! again only when it is certainly not on disk, and what it releases leaves once it certainly is. A batch is atomic, so the head that its
//! last row would have given its journal is the proof of all of it. Until the disk can be read, nothing is told and nothing is decided.

use provost_model::TenantId;
use provost_model::record::{Head, Stream};
use provost_store::{Batch, StoreError, Upkeep};

use super::stage::Stage;
use super::{Delivery, Outputs, Partition, Ticket};

/// A batch of which nobody knows whether it is on disk.
pub(super) struct Unsettled {
    proof: (TenantId, Stream, Head),
    committed: usize,
    stage: Stage,
    deliveries: Vec<(Ticket, Delivery)>,
}

impl<S: Upkeep> Partition<S> {
    /// Whether a batch waits to be settled: the machine wants to be called again, if only with an empty batch.
    pub fn is_unsettled(&self) -> bool {
        self.unsettled.is_some()
    }

    /// After a failed commit: asks the disk at once.
    pub(super) fn doubt(&mut self, stage: Stage, batch: &Batch, deliveries: Vec<(Ticket, Delivery)>, error: StoreError) -> Outputs {
        let proof = batch.entries.last().map(|entry| (entry.row.tenant.clone(), entry.row.stream.clone(), entry.row.head()));
        let (Some(proof), true) = (proof, error.retry()) else {
            return Outputs { failed: Some((deliveries, error)), ..Outputs::default() };
        };
        match self.is_on_disk(&proof) {
            Ok(true) if !provost_model::planted::planted("durable-failure-forgotten") => stage.done(batch.entries.len()),
            Ok(_) => Outputs { failed: Some((deliveries, error)), ..Outputs::default() },
            Err(_) => {
                self.unsettled = Some(Unsettled { proof, committed: batch.entries.len(), stage, deliveries });
                Outputs { failed: Some((Vec::new(), error)), ..Outputs::default() }
            }
        }
    }

    /// Settles what waits: its outputs when it was on disk, and what is to be decided now. `Err` while the disk cannot be read.
    #[expect(clippy::type_complexity, reason = "two results of one question")]
    pub(super) fn settle(&mut self, deliveries: Vec<(Ticket, Delivery)>) -> Result<(Outputs, Vec<(Ticket, Delivery)>), Box<Outputs>> {
        let Some(waiting) = self.unsettled.take() else { return Ok((Outputs::default(), deliveries)) };
        match self.is_on_disk(&waiting.proof) {
            Ok(true) => Ok((waiting.stage.done(waiting.committed), deliveries)),
            Ok(false) => Ok((Outputs::default(), waiting.deliveries.into_iter().chain(deliveries).collect())),
            Err(error) => {
                self.unsettled = Some(waiting);
                Err(Box::new(Outputs { failed: Some((deliveries, error)), ..Outputs::default() }))
            }
        }
    }

    fn is_on_disk(&mut self, (tenant, stream, head): &(TenantId, Stream, Head)) -> Result<bool, StoreError> {
        Ok(self.store.head(tenant, stream)? == Some(*head))
    }
}
