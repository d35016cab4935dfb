//! `try`: what is tried, what is taken, what is tried again.

use serde_json::{Value as Json, json};

use super::{Growing, expressions, put};

impl Growing {
    pub(super) fn tried(&mut self, names: &[&str]) -> Json {
        if self.chance(150) {
            return self.repeated();
        }
        self.words.guards += 1;
        let body = self.list();
        self.words.guards -= 1;
        let named = self.chance(300);
        let mut catch = json!({});
        if named {
            put(&mut catch, "as", json!("e"));
        }
        self.words.names.push(if named { "e" } else { "error" }.to_owned());
        if self.chance(250) {
            let with = self.words.pick(&["status", "type", "title"]);
            let wanted = if with == "status" { json!(503) } else { json!(if with == "type" { "https://x.test/oops" } else { "Oops" }) };
            put(&mut catch, "errors", json!({ "with": { with: wanted } }));
        }
        for key in ["when", "exceptWhen"] {
            if self.chance(100) {
                put(&mut catch, key, json!(self.words.condition()));
            }
        }
        if self.chance(450) {
            let retry = self.retry();
            put(&mut catch, "retry", retry);
        }
        if self.chance(750) {
            let handlers = self.list();
            put(&mut catch, "do", handlers);
        }
        if self.chance(100) {
            put(&mut catch, "then", json!(self.then(names)));
        }
        self.words.names.pop();
        json!({ "try": body, "catch": catch })
    }

    /// What was done or begun in an attempt that fails is asked for again in the next one, half of the time with something else.
    fn repeated(&mut self) -> Json {
        let n = if self.chance(500) { expressions::ELAPSED.to_owned() } else { self.words.number(0) };
        let first = self.done_once(&n);
        let mut fails = json!({ "raise": { "error": { "type": "https://x.test/oops", "status": 503 } } });
        if self.chance(300) {
            put(&mut fails, "if", json!(self.words.condition()));
        }
        let (delay, count) = (1 + self.below(9_000), 1 + self.below(3));
        let retry = json!({ "delay": { "milliseconds": delay }, "limit": { "attempt": { "count": count } } });
        self.words.names.push("error".to_owned());
        let handlers = self.list();
        self.words.names.pop();
        json!({ "try": [{ "a": first }, { "b": fails }], "catch": { "retry": retry, "do": handlers } })
    }

    pub(super) fn retry(&mut self) -> Json {
        let delay = if self.chance(200) { 0 } else { 1 + self.below(9_000) };
        let mut retry = json!({ "delay": { "milliseconds": delay }, "limit": { "attempt": { "count": self.below(4) } } });
        if self.chance(500) {
            let backoff = self.words.pick(&["constant", "linear", "exponential"]);
            put(&mut retry, "backoff", json!({ backoff: {} }));
        }
        if self.chance(150) {
            let limit = json!({ "attempt": { "count": 3 }, "duration": { "milliseconds": 1 + self.below(20_000) } });
            put(&mut retry, "limit", limit);
        }
        for key in ["when", "exceptWhen"] {
            if self.chance(100) {
                put(&mut retry, key, json!(self.words.condition()));
            }
        }
        retry
    }
}
