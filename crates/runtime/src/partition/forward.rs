//! Starts that begin in another commit: they belong to a slot of another partition, because an ordering key lives there, or too many
//! began in this one already.
//!
//! What must stay true: the start is open work of the partition that took the event until the other one says that it arrived; arriving
//! twice begins once. Accept and start are two commits; a crash between them is made good when the open work is read back.

use provost_model::planted::planted;
use provost_model::record::{Cause, Head, RequestKey, Start, Stream};
use provost_model::{OrchestrationId, Slot, TenantId};
use provost_store::{Needs, OpenChange, OpenWork, Upkeep};
use serde::{Deserialize, Serialize};

use super::stage::Stage;
use super::{Delivery, Partition, Release};
use crate::gate::Refused;
use crate::inbox::{self, InboxFact};
use crate::registry::Launch;

/// Open work of an orchestration that is to begin elsewhere.
#[derive(Serialize, Deserialize)]
struct HandedOn {
    handed_on: Box<Start>,
    from: Slot,
}

impl<S: Upkeep> Partition<S> {
    /// Hands a start on to the partition that owns the slot of `id`, after the commit.
    pub(super) fn hand_on(
        &mut self,
        stage: &mut Stage,
        tenant: &TenantId,
        launch: &Launch,
        id: OrchestrationId,
        start: Start,
        (from, request): (Slot, Option<RequestKey>),
    ) -> Result<(), Refused> {
        let request = request.map(Box::new);
        let cause = Cause { event: start.event, who: Some(start.by.name.clone()), request, ..Cause::default() };
        let fact = InboxFact::HandedOn { orchestration: id, start: Box::new(start.clone()) };
        self.append_inbox(stage, tenant, from, cause, &fact)?;
        let forgotten = start.parent.is_some() && planted("child-not-kept");
        if let Some(entry) = stage.entries.last_mut().filter(|_| !forgotten) {
            entry.open = OpenChange::Forward(open_work_of(tenant, id, &start, (from, entry.row.head()))?);
        }
        stage.releases.push(self.start_at(tenant, launch.clone(), id, start, from));
        Ok(())
    }

    /// A start that was handed on arrives: it begins, unless it has.
    pub(super) fn arrive(
        &mut self,
        stage: &mut Stage,
        tenant: &TenantId,
        launch: &Launch,
        id: OrchestrationId,
        start: &Start,
        from: Slot,
    ) -> Result<(), Refused> {
        if start.batch.is_some() {
            return self.arrive_in_batch(stage, tenant, launch, (id, start), from);
        }
        let begun = self.loaded.contains_key(&(tenant.clone(), id))
            || self.store.head(tenant, &Stream::Orchestration(id))?.is_some()
            || self.store.tombstone(tenant, &id)?.is_some();
        let own = self.owns(from);
        if !begun {
            if own {
                // In one commit, and before the open work of what begins, which stands under the same id.
                self.delivered(stage, tenant, from, id)?;
            }
            self.begin(stage, tenant, launch, id, start.clone(), None)?;
        }
        if own {
            return Ok(());
        }
        let delivered = Delivery::Delivered { tenant: tenant.clone(), from, orchestration: id };
        stage.releases.push(Release::Forward(from, Box::new(delivered)));
        Ok(())
    }

    /// An event that was handed on to its batch arrives: it is gathered, unless it was.
    fn arrive_in_batch(
        &mut self,
        stage: &mut Stage,
        tenant: &TenantId,
        launch: &Launch,
        (event, start): (OrchestrationId, &Start),
        from: Slot,
    ) -> Result<(), Refused> {
        let known = self.remembered(stage, tenant, &inbox::gathered_key(tenant, event))?;
        let own = self.owns(from);
        if known.filter(|_| !provost_model::planted::planted("gathered-twice")).is_none() {
            if own {
                // Before the open work of the batch, which may stand under the same id.
                self.delivered(stage, tenant, from, event)?;
            }
            self.gather(stage, tenant, launch, (event, start))?;
        }
        if !own {
            let delivered = Delivery::Delivered { tenant: tenant.clone(), from, orchestration: event };
            stage.releases.push(Release::Forward(from, Box::new(delivered)));
        }
        Ok(())
    }

    /// What was handed on has arrived: it is no open work of this partition any more.
    pub(super) fn delivered(&mut self, stage: &mut Stage, tenant: &TenantId, from: Slot, id: OrchestrationId) -> Result<(), Refused> {
        self.append_inbox(stage, tenant, from, Cause::default(), &InboxFact::Delivered { orchestration: id })?;
        if let Some(entry) = stage.entries.last_mut() {
            entry.open = OpenChange::Delivered(id);
        }
        Ok(())
    }

    /// Appends a row to the inbox journal of `slot`.
    pub(super) fn append_inbox(
        &mut self,
        stage: &mut Stage,
        tenant: &TenantId,
        slot: Slot,
        cause: Cause,
        fact: &InboxFact,
    ) -> Result<(), Refused> {
        let json = inbox::encode(fact).map_err(|e| Refused::Internal(e.to_string()))?;
        let stream = Stream::Inbox(slot);
        let head = self.head_of(stage, tenant, &stream)?;
        stage.append(self.place(tenant, &stream), head, cause, (1, &json));
        Ok(())
    }

    /// What a handed-on start means after a restart: it is handed on again. `None` for all other open work.
    pub(super) fn hand_on_again(&self, row: &OpenWork) -> Result<Option<Release>, Refused> {
        let Ok(HandedOn { handed_on, from }) = serde_json::from_slice(&row.work) else { return Ok(None) };
        let code = self.registry.program(&row.tenant, &row.pin, &handed_on.workflow).ok_or(Refused::UnknownBundle(row.pin))?;
        let launch = Launch { code, pin: row.pin, binding: handed_on.binding };
        Ok(Some(self.start_at(&row.tenant, launch, row.orchestration, *handed_on, from)))
    }

    fn start_at(&self, tenant: &TenantId, launch: Launch, id: OrchestrationId, start: Start, from: Slot) -> Release {
        let delivery = Delivery::Start { tenant: tenant.clone(), launch, id, start: Box::new(start), remember: None, from: Some(from) };
        // What stays here cannot be lost on the way, and is not answered.
        if self.owns(id.slot()) { Release::Again(Box::new(delivery)) } else { Release::Forward(id.slot(), Box::new(delivery)) }
    }
}

/// The open work that a start handed on at `from` is, until it is delivered; `head` is that inbox's behind it.
pub(crate) fn open_work_of(tenant: &TenantId, id: OrchestrationId, start: &Start, (from, head): (Slot, Head)) -> Result<OpenWork, Refused> {
    let handed = HandedOn { handed_on: Box::new(start.clone()), from };
    let work = serde_json::to_vec(&handed).map_err(|e| Refused::Internal(e.to_string()))?;
    Ok(OpenWork { tenant: tenant.clone(), orchestration: id, head, pin: start.pin, due_us: None, needs: Needs::NONE, work })
}
