//! What an append costs: durable rows per second, commit latency and bytes on disk, for one and four partitions.
//!
//! `append_cost [FOLDER] [SECONDS] [BATCH]`. A round-robin of 512 orchestrations per partition, each of 11 transitions with 600 bytes of
//! JSON: the first remembers a key, all but the last set open work, the last closes it; lists are flushed every 64 commits.

use std::io::{Error, Write};
use std::path::Path;
use std::time::{Duration, Instant};

use provost_model::record::{Cause, Head, Place, Row, Stream};
use provost_model::{Digest, OrchestrationId, Slot, TenantId};
use provost_store::{Batch, Entry, Folder, Lists, Needs, OpenChange, OpenWork, Seen, Status, Store, StoreError, Summary, Upkeep};

/// The binary's own, so that this measures what ships.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const IN_FLIGHT: usize = 512;
const TRANSITIONS: u32 = 11;
const FLUSH_COMMITS: u64 = 64;
const NOW_US: i64 = 1_700_000_000_000_000;

fn main() -> Result<(), Error> {
    let mut arguments = std::env::args().skip(1);
    let root = arguments.next().map_or_else(std::env::temp_dir, Into::into);
    let seconds = arguments.next().and_then(|text| text.parse().ok()).unwrap_or(4);
    let batch = arguments.next().and_then(|text| text.parse().ok()).unwrap_or(64);
    for partitions in [1, 4] {
        let folder = tempfile::tempdir_in(&root)?;
        measure(folder.path(), partitions, Duration::from_secs(seconds), batch)?;
    }
    Ok(())
}

/// What one partition's writer saw.
#[derive(Default)]
struct Measured {
    rows: u64,
    ended: u64,
    file_bytes: u64,
    commits_us: Vec<u64>,
}

fn measure(path: &Path, partitions: u32, time: Duration, batch: usize) -> Result<(), Error> {
    let folder = Folder::open(path, partitions, NOW_US).map_err(Error::other)?;
    let parts = std::thread::scope(|scope| {
        let writers: Vec<_> = (0..partitions)
            .map(|index| {
                scope.spawn({
                    let folder = &folder;
                    move || write(folder, index, time, batch)
                })
            })
            .collect();
        writers
            .into_iter()
            .map(|writer| writer.join().map_err(|_| Error::other("a writer died"))?.map_err(Error::other))
            .collect::<Result<Vec<_>, _>>()
    })?;
    let mut all = Measured::default();
    for part in parts {
        all.rows += part.rows;
        all.ended += part.ended;
        all.file_bytes += part.file_bytes;
        all.commits_us.extend(part.commits_us);
    }
    all.commits_us.sort_unstable();
    let at = |part: usize| all.commits_us.get(all.commits_us.len() * part / 1000).copied().unwrap_or(0);
    writeln!(
        std::io::stdout(),
        "partitions {partitions}  batch {batch}  rows/s {:.0}  bytes/row {}  bytes/ended {}  commit p50 {} us  p99 {} us  p99.9 {} us",
        all.rows as f64 / time.as_secs_f64(),
        all.file_bytes / all.rows.max(1),
        all.file_bytes / all.ended.max(1),
        at(500),
        at(990),
        at(999),
    )
}

fn write(folder: &Folder, index: u32, time: Duration, batch: usize) -> Result<Measured, StoreError> {
    let mut store = folder.partition(index)?;
    let epoch = store.claim()?;
    let mut flight: Vec<Flight> = (0..IN_FLIGHT as u64).map(|n| Flight::new(u64::from(index) << 40 | n)).collect();
    let mut next = IN_FLIGHT as u64;
    let (mut turn, mut seen, begin) = (0, Measured::default(), Instant::now());
    while begin.elapsed() < time {
        let mut entries = Vec::with_capacity(batch);
        for _ in 0..batch {
            turn = (turn + 1) % IN_FLIGHT;
            let Some(one) = flight.get_mut(turn) else { continue };
            entries.push(one.step(epoch));
            if one.done == TRANSITIONS {
                *one = Flight::new(u64::from(index) << 40 | next);
                next += 1;
                seen.ended += 1;
            }
        }
        let asked = Instant::now();
        store.commit(&Batch { epoch, entries })?;
        seen.commits_us.push(asked.elapsed().as_micros() as u64);
        seen.rows += batch as u64;
        if (seen.commits_us.len() as u64).is_multiple_of(FLUSH_COMMITS) {
            store.flush_lists()?;
        }
    }
    seen.file_bytes = store.sizes()?.file_bytes;
    Ok(seen)
}

/// One orchestration under way.
struct Flight {
    id: OrchestrationId,
    tenant: TenantId,
    stream: Stream,
    head: Head,
    done: u32,
    n: u64,
}

impl Flight {
    fn new(n: u64) -> Self {
        let id = OrchestrationId::mint(NOW_US + n as i64 % (1 << 40), Slot((n % 4096) as u16), &[&n.to_be_bytes()]);
        Self { id, tenant: TenantId::local(), stream: Stream::Orchestration(id), head: Head::EMPTY, done: 0, n }
    }

    fn step(&mut self, epoch: u64) -> Entry {
        self.done += 1;
        let place = Place { tenant: &self.tenant, stream: &self.stream, epoch };
        let payload = payload(self.n, self.done);
        let row = Row::seal(place, self.head, Cause { who: Some("bench".into()), ..Cause::default() }, NOW_US, 2, &payload);
        let expected = std::mem::replace(&mut self.head, row.head());
        let ended = self.done == TRANSITIONS;
        let open = if ended { OpenChange::Close } else { OpenChange::Set(self.open_work()) };
        let summary = (self.done == 1 || ended).then(|| self.summary(ended));
        let seen = (self.done == 1).then(|| self.seen());
        Entry { row, expected, open, seen, summary }
    }

    fn open_work(&self) -> OpenWork {
        OpenWork {
            tenant: self.tenant.clone(),
            orchestration: self.id,
            head: self.head,
            pin: Digest::from_bytes([7; 32]),
            due_us: None,
            needs: Needs::NONE,
            work: vec![7; 120],
        }
    }

    fn seen(&self) -> Seen {
        let key = Digest::of(&self.n.to_be_bytes());
        Seen { key, fingerprint: key, answer: self.id.bits().to_bytes().to_vec(), until_us: NOW_US }
    }

    fn summary(&self, ended: bool) -> Summary {
        Summary {
            tenant: self.tenant.clone(),
            orchestration: self.id,
            workflow: "refund".into(),
            version: "1.0.0".into(),
            status: if ended { Status::Completed } else { Status::Running },
            subject: None,
            event: None,
            started_us: NOW_US,
            updated_us: NOW_US,
            ended_us: ended.then_some(NOW_US),
        }
    }
}

/// 600 bytes of JSON.
fn payload(n: u64, done: u32) -> Vec<u8> {
    let mut text = format!(r#"{{"command":{{"outcome":{{"effect":"eff_{n:026}","attempt":{done},"result":"#).into_bytes();
    let mut noise = Digest::of(&(n * 31 + u64::from(done)).to_be_bytes()).hex();
    noise.push_str(&noise.clone());
    text.extend_from_slice(format!(r#"{{"text":"{noise}","amount":{n}}}}}}},"facts":["#).as_bytes());
    while text.len() < 560 {
        text.extend_from_slice(br#"{"attempted":{"at":"do/pay","n":1}},"#);
    }
    text.resize(598, b' ');
    text.extend_from_slice(b"]}");
    text
}
