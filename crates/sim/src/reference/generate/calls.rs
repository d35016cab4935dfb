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
        let action = self.words.pick(&["keyed", "natural", "once", "guarded", "asked"]);
        let mut asked = if action == "guarded" { self.guarded() } else { self.asked() };
        if self.chance(400) {
            put(&mut asked, "found", json!(true));
        }
        if self.chance(300) {
            let undo = self.asked();
            put(&mut asked, "undo", undo);
        }
        let mut with = json!({ "action": action, "arguments": asked });
        if self.chance(150) {
            put(&mut with, "compensate", json!(self.words.pick(&["back", "unsay"])));
        }
        let mut task = json!({ "call": "act", "with": with });
        if self.chance(700) {
            put(&mut task, "metadata", json!({ "provost": { "inDoubt": "raise" } }));
        }
        task
    }

    /// What policy is asked about: allowed, under review or denied by its `n`.
    fn guarded(&mut self) -> Json {
        let (mut asked, n) = (self.asked(), self.words.number(1));
        let most = self.words.pick(&["12", "24", "24", "40"]);
        put(&mut asked, "n", json!(format!("${{ {n} | if type == \"number\" then (. * 7 % {most}) else . end }}")));
        asked
    }

    /// A question to policy, of which nothing comes.
    pub(super) fn policy(&mut self) -> Json {
        let arguments = self.guarded();
        let mut with = json!({ "action": self.words.pick(&["guarded", "guarded", "keyed"]), "context": { "arguments": arguments } });
        if self.chance(200) {
            put(&mut with, "resource", json!("Order::o-1"));
        }
        json!({ "call": "policy", "with": with, "output": { "as": "${ { answer: .answer, n: (.answer | length) } }" } })
    }

    /// A person says yes or no to a call; it is made all the same.
    pub(super) fn approved(&mut self) -> Json {
        let asked = self.guarded();
        let show = json!({ "site": asked.get("site"), "n": self.below(2) });
        let with = json!({
            "queue": "people", "title": "May it?", "options": ["yes", "no"], "show": show,
            "approves": { "action": "guarded", "arguments": asked },
        });
        let act = json!({ "call": "act", "with": { "action": "guarded", "arguments": asked } });
        json!({ "do": [{ "r": { "call": "review", "with": with, "output": { "as": "$input" } } }, { "a": act }] })
    }

    /// Undoes a scope, or everything.
    pub(super) fn compensate(&mut self, scope: Option<&str>) -> Json {
        let mut with = json!({ "reason": "enough" });
        if let Some(scope) = scope {
            put(&mut with, "scope", json!(scope));
        }
        json!({ "call": "compensate", "with": with })
    }

    /// A scope and its undoing: behind it, beside it, or where something in it failed.
    pub(super) fn saga(&mut self) -> Json {
        let many = 1 + self.below(3) as usize;
        let mut scope: Vec<Json> = ["a", "b", "c"].iter().take(many).map(|name| json!({ *name: self.act() })).collect();
        if self.chance(200) {
            scope = vec![json!({ "f": { "for": { "in": [1, 2, 3] }, "do": scope } })];
        }
        let again = self.chance(200);
        let named = if self.chance(850) { Some("s") } else { None };
        let undo = self.compensate(named);
        match self.below(4) {
            0 => {
                let wait = self.wait();
                let beside = json!([{ "w": { "wait": wait } }, { "u": undo }]);
                json!({ "fork": { "branches": [{ "s": { "do": scope } }, { "o": { "do": beside } }], "compete": again } })
            }
            1 => {
                let fails = json!({ "e": { "if": self.words.condition(), "raise": { "error": self.error() } } });
                json!({ "try": [{ "s": { "do": scope } }, fails], "catch": { "do": [{ "u": undo }] } })
            }
            2 => {
                let (retry, fails) = (self.retry(), json!({ "e": { "raise": { "error": self.error() } } }));
                json!({ "try": [{ "s": { "do": scope } }, { "u": undo }, fails], "catch": { "retry": retry, "do": [{ "z": { "set": { "n": 1 } } }] } })
            }
            _ if again => json!({ "do": [{ "s": { "do": scope } }, { "u": undo }, { "v": self.compensate(named) }] }),
            _ => json!({ "do": [{ "s": { "do": scope } }, { "u": undo }] }),
        }
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
