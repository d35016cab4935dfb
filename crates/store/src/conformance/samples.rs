//! Samples: a journal that grows entry by entry, with everything that can stand beside a row.

use provost_model::record::{Cause, Head, Place, Row, Stream};
use provost_model::{Digest, OrchestrationId, Slot, TenantId};

use crate::batch::{Batch, Entry, Needs, OpenChange, OpenWork, Seen, Status, Summary, Tombstone};

/// A tenant with one of three names.
pub fn tenant(n: u8) -> TenantId {
    let names = ["acme", "acme-2", "zeta"];
    let name = names.get(usize::from(n) % names.len()).copied().unwrap_or("acme");
    TenantId::parse(name).unwrap_or_else(|_| TenantId::local())
}

/// The `n`-th orchestration.
pub fn orchestration(n: u64) -> OrchestrationId {
    OrchestrationId::mint(1_700_000_000_000_000 + i64::try_from(n).unwrap_or(0) * 1000, Slot(7), &[&n.to_be_bytes()])
}

/// The `n`-th digest.
pub fn digest(n: u64) -> Digest {
    Digest::of(&n.to_be_bytes())
}

/// One journal and what its next entries look like.
#[derive(Clone, Debug)]
pub struct Sample {
    /// The owner.
    pub tenant: TenantId,
    /// The journal.
    pub stream: Stream,
    /// Where it stands if every entry made was committed.
    pub head: Head,
}

impl Sample {
    /// The empty journal of the `n`-th orchestration.
    pub fn orchestration(owner: u8, n: u64) -> Self {
        Self { tenant: tenant(owner), stream: Stream::Orchestration(orchestration(n)), head: Head::EMPTY }
    }

    /// An empty journal of another kind.
    pub fn of(owner: u8, stream: Stream) -> Self {
        Self { tenant: tenant(owner), stream, head: Head::EMPTY }
    }

    /// The next entry with `facts` facts and this payload, nothing beside it.
    pub fn entry(&mut self, epoch: u64, facts: u32, payload: &str) -> Entry {
        let place = Place { tenant: &self.tenant, stream: &self.stream, epoch };
        let cause = Cause { who: Some("tester".into()), ..Cause::default() };
        let now_us = 1_700_000_000_000_000 + i64::try_from(self.head.sequence).unwrap_or(0);
        let row = Row::seal(place, self.head, cause, now_us, facts, payload.as_bytes());
        let entry = Entry { expected: self.head, open: OpenChange::Keep, seen: None, summary: None, row };
        self.head = entry.row.head();
        entry
    }

    /// The next entry, with open work that needs `needs` and a list row.
    pub fn running(&mut self, epoch: u64, needs: Needs) -> Entry {
        let mut entry = self.entry(epoch, 2, r#"{"running":true}"#);
        entry.open = self.open_work(needs).map_or(OpenChange::Keep, OpenChange::Set);
        entry.summary = self.summary(if needs == Needs::NONE { Status::Running } else { Status::Waiting });
        entry
    }

    /// The last entry: closes open work and shows the end.
    pub fn ended(&mut self, epoch: u64) -> Entry {
        let mut entry = self.entry(epoch, 1, r#"{"ended":true}"#);
        entry.open = OpenChange::Close;
        entry.summary = self.summary(Status::Completed);
        entry
    }

    /// The open work at the head.
    pub fn open_work(&self, needs: Needs) -> Option<OpenWork> {
        let Stream::Orchestration(id) = self.stream else { return None };
        let due_us = self.head.sequence.is_multiple_of(2).then_some(1_700_000_000_000_000);
        Some(OpenWork {
            tenant: self.tenant.clone(),
            orchestration: id,
            head: self.head,
            pin: digest(1),
            due_us,
            needs,
            work: self.head.sequence.to_be_bytes().to_vec(),
        })
    }

    /// The list row at the head.
    pub fn summary(&self, status: Status) -> Option<Summary> {
        let Stream::Orchestration(id) = self.stream else { return None };
        let updated_us = 1_700_000_000_000_000 + i64::try_from(self.head.sequence).unwrap_or(0);
        Some(Summary {
            tenant: self.tenant.clone(),
            orchestration: id,
            workflow: "refund".into(),
            version: "1.0.0".into(),
            status,
            subject: None,
            event: None,
            started_us: 1_700_000_000_000_000,
            updated_us,
            ended_us: (status == Status::Completed).then_some(updated_us),
        })
    }

    /// What stays of it after its retention.
    pub fn tombstone(&self) -> Option<Tombstone> {
        let Stream::Orchestration(id) = self.stream else { return None };
        Some(Tombstone {
            tenant: self.tenant.clone(),
            orchestration: id,
            head: self.head,
            pin: digest(1),
            outcome: Status::Completed,
            ended_us: 1_700_000_000_000_500,
            effect_keys: vec![digest(2), digest(3)],
            keys_until_us: 1_800_000_000_000_000,
        })
    }

    /// An answer to the `n`-th key.
    pub fn seen(n: u64, until_us: i64) -> Seen {
        Seen { key: digest(n), fingerprint: digest(n + 1), answer: format!("answer {n}").into_bytes(), until_us }
    }
}

/// A batch of these entries.
pub(super) fn batch(epoch: u64, entries: Vec<Entry>) -> Batch {
    Batch { epoch, entries }
}
