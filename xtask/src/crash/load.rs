//! The load: senders that retry until they are told, and a person who approves every other review.
//!
//! What must stay true: a request counts as acknowledged only when the answer was read whole.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use serde_json::{Value as Json, json};

use super::http::{self, At as _, Request};

/// Senders at the same time.
const SENDERS: u64 = 4;
/// Events of one batch.
const BATCH: u64 = 8;

/// What senders and killer share.
#[derive(Default)]
pub struct Load {
    url: Mutex<String>,
    templates: Vec<Json>,
    pace: Duration,
    next: AtomicU64,
    stopped: AtomicBool,
    acknowledged: Mutex<BTreeSet<String>>,
    /// Acknowledged as known: their first answer was lost.
    pub duplicates: AtomicU64,
    /// Requests that got no answer, or none that takes them.
    pub unanswered: AtomicU64,
    /// Events refused for good.
    pub rejected: AtomicU64,
}

fn locked<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Load {
    /// A load made of the demonstration's requests.
    pub fn new(root: &Path, url: &str, pace: Duration) -> Result<Arc<Self>, std::io::Error> {
        let text = std::fs::read_to_string(root.join("crates/provost/demo/events.jsonl"))?;
        let templates = text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
        Ok(Arc::new(Self { url: Mutex::new(url.to_owned()), templates, pace, ..Self::default() }))
    }

    /// Where the server is now.
    pub fn point(&self, url: &str) {
        url.clone_into(&mut locked(&self.url));
    }

    /// Requests that the server took, by their subject.
    pub fn acknowledged(&self) -> BTreeSet<String> {
        locked(&self.acknowledged).clone()
    }

    /// No new batches; those under way are still sent until they are acknowledged.
    pub fn stop(&self) {
        self.stopped.store(true, Ordering::SeqCst);
    }

    /// Starts the senders.
    pub fn senders(self: &Arc<Self>) -> Vec<JoinHandle<()>> {
        (0..SENDERS).map(|_| self.clone()).map(|load| std::thread::spawn(move || load.send())).collect()
    }

    /// Starts the person who approves.
    pub fn reviewer(self: &Arc<Self>) -> JoinHandle<()> {
        let load = self.clone();
        std::thread::spawn(move || {
            while !load.stopped.load(Ordering::SeqCst) {
                load.review();
                std::thread::sleep(Duration::from_millis(150));
            }
        })
    }

    fn batch(&self) -> (Vec<String>, String) {
        let from = self.next.fetch_add(BATCH, Ordering::SeqCst);
        let events: Vec<Json> = (from..from + BATCH).filter_map(|number| self.event(number)).collect();
        let subjects = events.iter().filter_map(|event| event.at("/subject").as_str().map(str::to_owned)).collect();
        (subjects, Json::Array(events).to_string())
    }

    fn event(&self, number: u64) -> Option<Json> {
        let at = usize::try_from(number).ok()? % self.templates.len().max(1);
        let template = self.templates.get(at)?;
        let (data, id) = (&template.at("/data"), format!("R-k{number}"));
        let customer = format!("{}-{number}", data.at("/customer/id").as_str()?);
        Some(json!({
            "specversion": "1.0", "id": format!("crash-{number}"), "source": template.at("/source"), "type": template.at("/type"), "subject": id,
            "data": { "requestId": id, "customer": { "id": customer }, "amount": data.at("/amount"), "currency": data.at("/currency"),
                "message": data.at("/message") },
        }))
    }

    fn send(&self) {
        while !self.stopped.load(Ordering::SeqCst) {
            let (subjects, body) = self.batch();
            while !self.deliver(&subjects, &body) {
                std::thread::sleep(Duration::from_millis(20));
            }
            std::thread::sleep(self.pace);
        }
    }

    /// Whether every event of the batch is settled.
    fn deliver(&self, subjects: &[String], body: &str) -> bool {
        let url = locked(&self.url).clone();
        let request = Request { method: "POST", path: "/v1/events", kind: "application/cloudevents-batch+json", body };
        let Ok(answers) = http::send(&url, &request).and_then(http::taken) else {
            self.unanswered.fetch_add(1, Ordering::SeqCst);
            return false;
        };
        let answers = answers.as_array().cloned().unwrap_or_default();
        let mut all = answers.len() == subjects.len();
        for (subject, answer) in subjects.iter().zip(&answers) {
            match (answer.at("/status").as_str(), answer.at("/problem/status").as_u64()) {
                (Some("accepted"), _) => drop(locked(&self.acknowledged).insert(subject.clone())),
                (Some("duplicate"), _) => {
                    if locked(&self.acknowledged).insert(subject.clone()) {
                        self.duplicates.fetch_add(1, Ordering::SeqCst);
                    }
                }
                (_, Some(429 | 500..)) => all = false,
                (_, _) => drop(self.rejected.fetch_add(1, Ordering::SeqCst)),
            }
        }
        if !all {
            self.unanswered.fetch_add(1, Ordering::SeqCst);
        }
        all
    }

    /// Approves every other open review; the server may die at any point of it.
    fn review(&self) {
        let url = locked(&self.url).clone();
        let Ok(open) = http::get(&url, "/v1/reviews") else { return };
        for review in open.at("/items").as_array().into_iter().flatten() {
            let id = review.at("/id").as_str().unwrap_or_default();
            if !id.bytes().next_back().is_some_and(|last| last.is_multiple_of(2)) {
                continue;
            }
            let body = json!({ "orchestration": review.at("/orchestration"), "option": "approve", "reason": "the crash test approves" });
            if http::post(&url, &format!("/v1/reviews/{id}"), &body).is_err() {
                return;
            }
        }
    }
}
