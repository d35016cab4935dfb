//! Fold and verify, in process, on one core, over journals that a server wrote.
//!
//! What must stay true: every row is unpacked and read from its bytes, as after a restart; a verification that finds a difference is an
//! error, not a figure. Verifying takes the chain along, as the command does.

use std::collections::BTreeMap;
use std::hint::black_box;
use std::path::Path;
use std::time::{Duration, Instant};

use provost_engine::{Orchestration, evolve, verify};
use provost_language::{Compiled, Sources, compile};
use provost_model::record::{Head, Row, Stream};
use provost_model::{OrchestrationId, TenantId};
use provost_store::verify::follow;
use provost_store::{Folder, Store as _};

use crate::Options;
use crate::figures::{Figure, figure};
use crate::load::closed_loop;
use crate::outside::Outside;
use crate::server::{Server, fresh};
use crate::workloads::{path, start_body};

/// Orchestrations in the journals, each way.
const WRITTEN: u64 = 2_000;
/// Longest time to write them.
const LIMIT: Duration = Duration::from_secs(30);
/// Rows read at once.
const PAGE_ROWS: usize = 1024;

/// Journals of one bundle, with its programs.
struct Journals {
    rows: BTreeMap<(TenantId, OrchestrationId), Vec<Row>>,
    programs: BTreeMap<String, Compiled>,
}

/// Folds and verifies the journals of both bundles.
pub async fn replay(options: &Options, folds: bool, verifies: bool) -> Result<Vec<Figure>, String> {
    let mut figures = Vec::new();
    for name in ["bench", "refund-triage"] {
        let bundle = options.bundle.parent().unwrap_or(Path::new(".")).join(name);
        let folder = written(options, &bundle).await?;
        let journals = Journals::read(&folder, &bundle)?;
        let _left = std::fs::remove_dir_all(&folder);
        let length = Duration::from_secs(options.seconds.min(3));
        if folds {
            figures.push(figure("fold", name, "facts/s", repeated(options, || journals.rate(length, &|one| one.fold()))?));
        }
        if verifies {
            figures.push(figure("verify", name, "facts/s", repeated(options, || journals.rate(length, &|one| one.verify()))?));
        }
        let (rows, bytes) = journals.size();
        figures.push(figure(if folds { "fold" } else { "verify" }, format!("{name}: bytes of a stored row"), "B", vec![bytes / rows]));
    }
    Ok(figures)
}

fn repeated(options: &Options, measure: impl Fn() -> Result<f64, String>) -> Result<Vec<f64>, String> {
    (0..options.repetitions).map(|_| measure()).collect()
}

/// A folder in which a server ran the bundle: ten steps each, or a refund each with its agents, effects and reviews.
async fn written(options: &Options, bundle: &Path) -> Result<std::path::PathBuf, String> {
    let place = fresh("replay")?;
    let outside = Outside::open(&place.join("effects.log")).await?;
    let server = Server::start(&options.provost, &place.join("folder")).await?;
    let bind = ["effects", "payments", "crm"].map(|name| format!("{name}={}", outside.url));
    server.apply(&options.provost, bundle, &bind)?;
    let measured = if bundle.ends_with("bench") {
        closed_loop(&server.target, 64, WRITTEN, LIMIT, &path("ten-steps"), |_| start_body()).await?
    } else {
        closed_loop(&server.target, 64, WRITTEN, LIMIT, &path("refund-triage"), refund).await?
    };
    server.stop();
    if measured.errors > 0 || measured.count == 0 {
        return Err(format!("{}: {} journals written, {} errors", bundle.display(), measured.count, measured.errors));
    }
    Ok(place)
}

/// A refund that ends without a person: half of them on the fast path, half past the panel of agents.
fn refund(number: u64) -> bytes::Bytes {
    let (amount, message) = if number.is_multiple_of(2) {
        (4_200, "I was charged twice for one order.")
    } else {
        (19_900, "The mug arrived broken, in three pieces.")
    };
    let input = serde_json::json!({ "requestId": format!("R-{number}"), "customer": { "id": format!("c-{number}") }, "amount": amount,
        "currency": "EUR", "message": message });
    serde_json::json!({ "input": input }).to_string().into()
}

impl Journals {
    fn read(place: &Path, bundle: &Path) -> Result<Self, String> {
        let folder = Folder::open(&place.join("folder"), 1, 0).map_err(|e| e.to_string())?;
        let mut rows: BTreeMap<(TenantId, OrchestrationId), Vec<Row>> = BTreeMap::new();
        for index in 0..folder.partitions() {
            let (mut store, mut after) = (folder.partition(index).map_err(|e| e.to_string())?, 0);
            loop {
                let page = store.feed(after, PAGE_ROWS).map_err(|e| e.to_string())?;
                let Some((last, _)) = page.last() else { break };
                after = *last;
                for (_, row) in page {
                    if let Stream::Orchestration(id) = row.stream {
                        rows.entry((row.tenant.clone(), id)).or_default().push(row);
                    }
                }
            }
        }
        let mut sources = Sources::new();
        add(&mut sources, bundle, bundle).map_err(|e| e.to_string())?;
        let bundle = compile(&sources).bundle.ok_or("the bundle does not compile")?;
        let programs = bundle.workflows.into_iter().map(|program| {
            let name = program.name.to_string();
            Compiled::new(program).map(|code| (name, code)).map_err(|e| e.to_string())
        });
        Ok(Self { rows, programs: programs.collect::<Result<_, _>>()? })
    }

    fn size(&self) -> (f64, f64) {
        let bytes: usize = self.rows.values().flatten().map(|row| row.payload.len()).sum();
        (self.rows.values().map(Vec::len).sum::<usize>().max(1) as f64, bytes as f64)
    }

    /// Facts a second of `work` on each journal in turn, for `length`.
    fn rate(&self, length: Duration, work: &dyn Fn(&Journal<'_>) -> Result<u64, String>) -> Result<f64, String> {
        let (began, mut facts) = (Instant::now(), 0);
        loop {
            for ((tenant, id), rows) in &self.rows {
                facts += work(&Journal { all: self, tenant, id: *id, rows })?;
                if began.elapsed() >= length {
                    return Ok(facts as f64 / began.elapsed().as_secs_f64());
                }
            }
            if facts == 0 {
                return Err("there is no journal to read".to_owned());
            }
        }
    }
}

/// One orchestration's.
struct Journal<'a> {
    all: &'a Journals,
    tenant: &'a TenantId,
    id: OrchestrationId,
    rows: &'a [Row],
}

impl Journal<'_> {
    fn folded(&self, rows: &[Row]) -> Result<Orchestration, String> {
        let mut state = Orchestration::new(self.tenant.clone(), self.id);
        for row in rows {
            let transition = row.transition().map_err(|e| e.to_string())?;
            for fact in &transition.facts {
                evolve(&mut state, fact, transition.ambient.now_us);
            }
        }
        Ok(state)
    }

    fn fold(&self) -> Result<u64, String> {
        let state = black_box(self.folded(self.rows)?);
        if state.is_ended() { Ok(state.sequence) } else { Err(format!("{} has not ended", self.id)) }
    }

    fn verify(&self) -> Result<u64, String> {
        let start = self.folded(self.rows.get(..1).unwrap_or_default())?.start.ok_or("a journal begins without a start")?;
        let code = self.all.programs.get(&*start.workflow).ok_or("a journal of an unknown workflow")?;
        self.rows.iter().try_fold(Head::EMPTY, follow).map_err(|damage| damage.to_string())?;
        let found = black_box(verify(code, self.tenant.clone(), self.id, self.rows));
        match found.difference {
            None if found.rows_other_engine == 0 => Ok(found.facts_equal),
            None => Err(format!("{}: rows of another engine", self.id)),
            Some(difference) => Err(format!("{} differs at {}: {}", self.id, difference.sequence, difference.what)),
        }
    }
}

fn add(sources: &mut Sources, root: &Path, folder: &Path) -> std::io::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            add(sources, root, &path)?;
        } else if let Ok(name) = path.strip_prefix(root) {
            sources.add(&name.to_string_lossy(), std::fs::read(&path)?);
        }
    }
    Ok(())
}
