//! Events: those that are sent, and those that are waited for.

use serde_json::{Value as Json, json};

use super::{Growing, put, schema};

impl Growing {
    pub(super) fn emit(&mut self) -> Json {
        let mut with = json!({ "type": "reference.said", "data": self.words.wrapped() });
        if self.chance(200) {
            put(&mut with, "subject", json!("s"));
        }
        let mut task = json!({ "emit": { "event": { "with": with } } });
        if self.chance(600) {
            put(&mut task, "output", json!({ "as": "${ { n: (.data | if type == \"number\" then . else 1 end) } }" }));
        }
        task
    }

    /// Some of the events that come, or one that never does.
    pub(super) fn listen(&mut self) -> Json {
        let consume = self.words.pick(&["one", "any", "any", "all"]);
        let (first, second) = (self.filter(), self.filter());
        let mut to = match consume {
            "one" => json!({ "one": first }),
            "any" if self.chance(500) => json!({ "any": [first] }),
            other => json!({ other: [first, second] }),
        };
        if consume == "any" && self.chance(600) {
            let until = self.until();
            put(&mut to, "until", until);
        }
        let mut task = json!({ "listen": { "to": to } });
        if self.chance(450) {
            let each = self.each_event();
            put(&mut task, "foreach", each);
        }
        task
    }

    /// When a listener to any events stops: by a condition, by other events, or only because it is left.
    fn until(&mut self) -> Json {
        match self.below(8) {
            0 => json!("${ false }"),
            1 => json!("${ (map(.n) | add // 0) > ($context.k0? // 2 | if type == \"number\" then . else 2 end) }"),
            2 | 3 => json!(format!("${{ length >= {} }}", 1 + self.below(3))),
            4 | 5 => json!({ "one": self.filter() }),
            6 => json!({ "any": [self.filter(), self.filter()] }),
            _ => json!({ "all": [self.filter(), self.filter()] }),
        }
    }

    /// What is done with each event.
    fn each_event(&mut self) -> Json {
        let named = self.chance(300);
        let [item, index] = if named { ["it", "at"] } else { ["item", "index"] };
        let mut each = if named { json!({ "item": "it", "at": "at" }) } else { json!({}) };
        self.words.names.extend([item.to_owned(), index.to_owned()]);
        if self.chance(750) && self.left > 0 {
            let body = self.inside(Self::list);
            put(&mut each, "do", body);
        }
        if self.chance(300) {
            put(&mut each, "output", json!({ "as": self.words.expression() }));
        } else if self.chance(50) {
            put(&mut each, "output", json!({ "schema": schema("n") }));
        }
        if self.chance(300) {
            put(&mut each, "export", json!({ "as": self.words.exported() }));
        }
        self.words.names.truncate(self.words.names.len() - 2);
        each
    }

    fn filter(&mut self) -> Json {
        let mut with = json!({ "type": self.words.pick(&["reference.asked", "reference.told", "reference.told"]) });
        if self.chance(250) {
            put(&mut with, "data", json!(format!("${{ .n {} {} }}", self.words.pick(&["<", ">", "!="]), self.words.random.below(4))));
        }
        if self.chance(150) {
            put(&mut with, "subject", json!("${ if true then \"s\" else .n end }"));
        }
        let mut filter = json!({ "with": with });
        if self.chance(300) {
            let mut one = json!({ "from": ".data.k % 2" });
            if self.chance(400) {
                put(&mut one, "expect", json!(format!("${{ {} }}", self.words.random.below(2))));
            }
            put(&mut filter, "correlate", json!({ "parity": one }));
        }
        filter
    }
}
