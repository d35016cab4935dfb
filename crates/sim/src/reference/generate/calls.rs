//! Calls: agents, tables, opinions, effects, reads, children; what is asked says itself how it will be answered.

use serde_json::{Map, Value as Json, json};

use super::{Growing, put};

impl Growing {
    pub(super) fn agent(&mut self) -> Json {
        self.sites += 1;
        let agent = if self.words.may_err() {
            self.words.pick(&["broken", "slow", "strict", "wants", "narrow"])
        } else {
            self.words.pick(&["sure", "picky", "shy", "fallback"])
        };
        let (site, n) = (self.sites * 37 % 9_973, self.words.number(1));
        json!({ "call": "agent", "with": { "agent": agent, "input": { "site": site, "n": format!("${{ {n} }}") } } })
    }

    /// What a target is asked, and how it answers the first attempts.
    fn asked(&mut self) -> Json {
        self.sites += 1;
        let (site, n) = (self.sites * 37 % 9_973, self.words.number(1));
        let how = self.words.pick(&["busy", "busy", "refused", "lost", "shaky"]);
        let fails = if self.words.may_err() { 1 + self.below(3) } else { 0 };
        json!({ "site": site, "n": format!("${{ {n} }}"), "how": how, "fails": fails })
    }

    pub(super) fn act(&mut self) -> Json {
        let action = self.words.pick(&["keyed", "natural", "once"]);
        let asked = self.asked();
        let mut task = json!({ "call": "act", "with": { "action": action, "arguments": asked } });
        if self.chance(700) {
            put(&mut task, "metadata", json!({ "provost": { "inDoubt": "raise" } }));
        }
        task
    }

    pub(super) fn review(&mut self) -> Json {
        self.sites += 1;
        let (site, n) = (self.sites * 37 % 9_973, self.words.number(1));
        let show = json!({ "site": site, "n": format!("${{ {n} }}") });
        json!({ "call": "review", "with": { "queue": "people", "title": "Seen?", "options": ["yes", "no"], "show": show } })
    }

    /// An effect that is done at once, or a child that ends, with `n`.
    pub(super) fn done_once(&mut self, n: &str) -> Json {
        self.sites += 1;
        let (site, n) = (self.sites * 37 % 9_973, format!("${{ {n} }}"));
        if self.chance(500) {
            return json!({ "call": "act", "with": { "action": "keyed", "arguments": { "site": site, "n": n, "how": "busy", "fails": 0 } } });
        }
        let name = self.words.pick(&["plain", "later"]);
        json!({ "run": { "workflow": { "namespace": "reference", "name": name, "version": "1.0.0", "input": { "n": n } } } })
    }

    pub(super) fn http(&mut self) -> Json {
        let asked = self.asked();
        if self.chance(700) {
            return json!({ "call": "http", "with": { "method": "get", "endpoint": "https://target.test/x", "query": asked } });
        }
        let method = self.words.pick(&["post", "put"]);
        json!({ "call": "http", "with": { "method": method, "endpoint": "https://target.test/x", "body": asked } })
    }

    pub(super) fn run(&mut self) -> Json {
        let name = if self.words.may_err() { self.words.pick(&["raises", "parks"]) } else { self.words.pick(&["plain", "later", "later"]) };
        let mut workflow = json!({ "namespace": "reference", "name": name, "version": "1.0.0" });
        if self.chance(600) {
            put(&mut workflow, "input", json!({ "n": format!("${{ {} }}", self.words.number(1)) }));
        }
        let mut run = json!({ "workflow": workflow });
        if self.chance(200) {
            put(&mut run, "await", json!(false));
        }
        json!({ "run": run })
    }

    pub(super) fn rules(&mut self) -> Json {
        let table = self.words.pick(&["first", "only", "all", "gaps"]);
        let n = self.words.number(1);
        json!({ "call": "rules", "with": { "table": table, "input": format!("${{ {{ n: ({n}) }} }}") } })
    }

    pub(super) fn decide(&mut self) -> Json {
        let mut opinions = Map::new();
        for name in ["ann", "bob", "cyd"] {
            let n = self.words.number(1);
            let pct = format!("${{ ({n} | if . < 0 then 0 - . else . end) % 101 }}");
            let choice = if self.chance(600) { "yes" } else { "no" };
            let said = if self.chance(200) { Json::Null } else { json!({ "choice": choice, "confidencePct": pct }) };
            opinions.insert(name.to_owned(), said);
        }
        let rule = self.words.pick(&["majority", "weighted-majority", "unanimous", "quorum", "first-valid", "highest-confidence", "judge"]);
        let mut with = json!({ "opinions": opinions, "rule": rule, "tie": "unsure", "quorum": 1 + self.below(3) });
        if rule == "judge" {
            put(&mut with, "judge", json!("bob"));
        }
        if rule == "weighted-majority" {
            put(&mut with, "weights", json!({ "ann": 2, "cyd": 3 }));
        }
        if self.chance(300) {
            put(&mut with, "veto", json!([{ "by": "ann", "choice": "no", "confidencePct": 40 }]));
        }
        json!({ "call": "decide", "with": with })
    }
}
