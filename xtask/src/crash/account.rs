//! The accountant: comes after the end, reads the outside services' ledgers and the API, and knows nothing else but what was acknowledged.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Error;
use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::{Value as Json, json};

use super::http::{self, At as _};

/// Longest wait until nothing moves.
const SETTLE_MAX: Duration = Duration::from_secs(60);
/// Readers at the same time.
const READERS: usize = 4;

/// What was counted.
#[derive(Debug, Default)]
pub struct Account {
    /// Orchestrations by what they stand at.
    pub statuses: BTreeMap<String, usize>,
    /// Acknowledged requests.
    pub acknowledged: usize,
    /// Orchestrations.
    pub orchestrations: usize,
    /// Payments in the ledger.
    pub paid: usize,
    /// Payments asked for again after they had been taken.
    pub asked_again: usize,
    /// Cases closed in the ledger.
    pub closed: usize,
    /// Orchestrations that verified equal.
    pub equal: usize,
    /// Acknowledged inputs that are missing, or finished effects that no ledger knows.
    pub lost: Vec<String>,
    /// Effects beyond their class.
    pub beyond: Vec<String>,
    /// Orchestrations that neither ended nor wait for somebody.
    pub unexplained: Vec<String>,
    /// Orchestrations that decide again to something else.
    pub differs: Vec<String>,
}

impl Account {
    /// Whether everything is as promised.
    pub fn holds(&self) -> bool {
        self.lost.is_empty() && self.beyond.is_empty() && self.unexplained.is_empty() && self.differs.is_empty() && self.orchestrations > 0
    }

    /// As JSON.
    pub fn json(&self) -> Json {
        json!({
            "acknowledged": self.acknowledged, "orchestrations": self.orchestrations, "statuses": self.statuses, "paid": self.paid,
            "plain_retry_doubles": self.asked_again, "closed": self.closed, "equal": self.equal, "lost": self.lost.len(),
            "beyond_class": self.beyond.len(), "unexplained": self.unexplained.len(), "differs": self.differs.len(),
            "examples": self.lost.iter().chain(&self.beyond).chain(&self.unexplained).chain(&self.differs).take(10).collect::<Vec<_>>(),
        })
    }
}

/// Every orchestration's id.
pub fn every(url: &str, status: &str) -> Result<Vec<String>, Error> {
    let (mut ids, mut before) = (Vec::new(), String::new());
    loop {
        let page = http::get(url, &format!("/v1/orchestrations?limit=500{status}{before}"))?;
        ids.extend(page.at("/items").as_array().into_iter().flatten().filter_map(|item| item.at("/id").as_str().map(str::to_owned)));
        match page.at("/next").as_str() {
            Some(next) => before = format!("&before={next}"),
            None => return Ok(ids),
        }
    }
}

/// Waits until every open orchestration waits for a person.
pub fn settle(url: &str) -> Result<(), Error> {
    let began = Instant::now();
    while began.elapsed() < SETTLE_MAX {
        let mut open = every(url, "&status=running")?;
        open.extend(every(url, "&status=waiting")?);
        let seen = read_all(&open, &|id| http::get(url, &format!("/v1/orchestrations/{id}")))?;
        if seen.iter().all(explained) {
            return Ok(());
        }
        std::thread::sleep(Duration::from_millis(500));
    }
    Ok(())
}

/// Ended, parked, in doubt, or waiting for a review.
fn explained(seen: &Json) -> bool {
    let status = seen.at("/status").as_str().unwrap_or_default();
    let any = |list: &str, word: &str, of: &str| {
        seen.get(list).and_then(Json::as_array).into_iter().flatten().any(|item| item.get(of).and_then(Json::as_str) == Some(word))
    };
    ["completed", "faulted", "cancelled", "parked"].contains(&status)
        || any("reviews", "open", "status")
        || any("effects", "in-doubt", "state")
}

/// Asks about each id, several at a time.
fn read_all(ids: &[String], ask: &(dyn Fn(&str) -> Result<Json, Error> + Sync)) -> Result<Vec<Json>, Error> {
    let part = ids.len().div_ceil(READERS).max(1);
    std::thread::scope(|scope| {
        let readers: Vec<_> =
            ids.chunks(part).map(|ids| scope.spawn(move || ids.iter().map(|id| ask(id)).collect::<Result<Vec<Json>, Error>>())).collect();
        let mut all = Vec::new();
        for reader in readers {
            all.extend(reader.join().map_err(|_| Error::other("a reader ended early"))??);
        }
        Ok(all)
    })
}

/// Counts.
pub fn take(url: &str, place: &Path, acknowledged: &BTreeSet<String>) -> Result<Account, Error> {
    let ids = every(url, "")?;
    let mut account = Account { acknowledged: acknowledged.len(), orchestrations: ids.len(), ..Account::default() };
    let seen = read_all(&ids, &|id| http::get(url, &format!("/v1/orchestrations/{id}")))?;
    let verified = read_all(&ids, &|id| http::post(url, &format!("/v1/orchestrations/{id}/verification"), &json!({})))?;
    for found in &verified {
        if found.at("/equal") == true {
            account.equal += 1;
        } else {
            account.differs.push(found.to_string());
        }
    }
    inputs(&mut account, &seen, acknowledged);
    payments(&mut account, &seen, &lines(&place.join("payments.jsonl"))?);
    cases(&mut account, &seen, &lines(&place.join("crm.jsonl"))?);
    Ok(account)
}

fn lines(path: &Path) -> Result<Vec<Json>, Error> {
    Ok(std::fs::read_to_string(path)?.lines().filter_map(|line| serde_json::from_str(line).ok()).collect())
}

fn inputs(account: &mut Account, seen: &[Json], acknowledged: &BTreeSet<String>) {
    let mut subjects: BTreeMap<&str, usize> = BTreeMap::new();
    for one in seen {
        *subjects.entry(one.at("/subject").as_str().unwrap_or_default()).or_default() += 1;
        *account.statuses.entry(one.at("/status").as_str().unwrap_or_default().to_owned()).or_default() += 1;
        if !explained(one) {
            account.unexplained.push(format!("{} stands at {}: {}", one.at("/id"), one.at("/status"), one.at("/effects")));
        }
    }
    account.lost.extend(acknowledged.iter().filter(|subject| !subjects.contains_key(subject.as_str())).cloned());
    let twice = subjects.iter().filter(|(_, times)| **times > 1);
    account.beyond.extend(twice.map(|(subject, times)| format!("{subject} started {times} orchestrations")));
}

fn effects<'s>(seen: &'s [Json], name: &'static str) -> impl Iterator<Item = (&'s Json, &'s Json)> {
    let all = seen.iter().flat_map(|one| one.at("/effects").as_array().into_iter().flatten().map(move |effect| (one, effect)));
    all.filter(move |(_, effect)| effect.at("/name").as_str().is_some_and(|found| found.starts_with(name)))
}

/// By key: never more than once, exactly once where it is done, and none that is not in the ledger of effects as done or in doubt.
fn payments(account: &mut Account, seen: &[Json], lines: &[Json]) {
    let (mut taken, mut customers): (BTreeMap<&str, usize>, BTreeMap<&str, usize>) = (BTreeMap::new(), BTreeMap::new());
    let mut again = BTreeSet::new();
    for line in lines {
        let key = line.at("/key").as_str().unwrap_or_default();
        if line.at("/act") == "paid" {
            *taken.entry(key).or_default() += 1;
            *customers.entry(line.at("/body/customer").as_str().unwrap_or_default()).or_default() += 1;
        } else if line.at("/act") == "asked-again" {
            again.insert(key);
        }
    }
    (account.paid, account.asked_again) = (taken.len(), again.len());
    let mut known = BTreeSet::new();
    for (one, effect) in effects(seen, "payments.refund") {
        let (key, state) = (effect.at("/key").as_str().unwrap_or_default(), effect.at("/state").as_str().unwrap_or_default());
        if state == "done" && !taken.contains_key(key) {
            account.lost.push(format!("payment of {} is done here and not there", one.at("/subject")));
        }
        if state == "done" || state == "in-doubt" {
            known.insert(key);
        }
    }
    account
        .beyond
        .extend(taken.keys().filter(|key| !known.contains(**key)).map(|key| format!("payment {key} is taken there and not done here")));
    for (name, times) in taken.iter().chain(&customers).filter(|(_, times)| **times > 1) {
        account.beyond.push(format!("{name} was paid {times} times"));
    }
}

/// Without key: never more often than it was sent, exactly once where it is done.
fn cases(account: &mut Account, seen: &[Json], lines: &[Json]) {
    let mut closed: BTreeMap<&str, u64> = BTreeMap::new();
    for line in lines {
        *closed.entry(line.at("/case").as_str().unwrap_or_default()).or_default() += 1;
    }
    account.closed = closed.len();
    let mut known = BTreeSet::new();
    for (one, effect) in effects(seen, "crm.close-case") {
        let subject = one.at("/subject").as_str().unwrap_or_default();
        let (times, tries) = (closed.get(subject).copied().unwrap_or(0), effect.at("/attempts").as_u64().unwrap_or(0));
        known.insert(subject);
        if effect.at("/state") == "done" && times != 1 {
            account.lost.push(format!("case {subject} is done here, closed {times} times there"));
        }
        if times > tries || times > 1 {
            account.beyond.push(format!("case {subject} was closed {times} times, sent {tries} times, nobody resolved it"));
        }
    }
    account.beyond.extend(closed.keys().filter(|case| !known.contains(**case)).map(|case| format!("case {case} was closed, never sent")));
}
