//! Workflows drawn from a seed: every construct that needs nobody outside, nested, with jumps, errors, retries and expressions over what
//! is in scope.
//!
//! What must stay true: one seed is one document and one input. Waits and answers are drawn from so many lengths that two rarely meet.

mod attempts;
mod calls;
mod events;
mod expressions;
mod parts;

use std::sync::Arc;

use provost_language::{Sources, compile};
use provost_model::{Event, Value};
use provost_runtime::{Loaded, control_plane};
use serde_json::{Value as Json, json};

use super::listen::Arrival;
use crate::random::Random;
use expressions::Words;

/// How many events come from outside.
const ARRIVALS: i64 = 7;
/// Deepest nesting of blocks.
const DEPTH_MAX: u32 = 4;

/// One case: a document, its input, and what its crashes are drawn from.
#[derive(Clone, Debug)]
pub struct Case {
    /// The workflow.
    pub document: Json,
    /// Its input.
    pub input: Json,
    /// Seeds the faults of the engine's side; `None`: there are none.
    pub crashes: Option<u64>,
}

impl Case {
    /// The case of a seed; every fourth one crashes.
    pub fn draw(seed: u64) -> Self {
        let mut random = Random::new(seed);
        let input = json!({ "n": random.between(0, 9), "list": [1, random.between(0, 5), "x"], "flag": random.chance(500) });
        let crashes = seed.is_multiple_of(4).then(|| random.bits());
        let mut growing = Growing { words: Words::new(random), left: 0, depth: 0, sites: 0 };
        Self { document: growing.document(), input, crashes }
    }

    /// Compiles the document in its bundle.
    ///
    /// # Errors
    /// The findings.
    pub fn load(&self) -> Result<Arc<Loaded>, String> {
        let mut sources = Sources::new();
        for (path, text) in parts::PARTS {
            sources.add(path, text.as_bytes());
        }
        sources.add("workflows/case.yaml", self.document.to_string().into_bytes());
        let checked = compile(&sources);
        let Some(bundle) = checked.bundle else {
            return Err(checked.findings.iter().map(|finding| finding.message.clone()).collect::<Vec<_>>().join("; "));
        };
        control_plane::load(control_plane::stored(&bundle)).map(Arc::new).map_err(|refused| refused.to_string())
    }

    /// The events that come while it runs: a few of each type, at moments that meet nothing else.
    pub fn arrivals(&self) -> Vec<Arrival> {
        if !self.document.to_string().contains("\"listen\"") {
            return Vec::new();
        }
        let kinds = ["reference.asked", "reference.told"];
        let event = |n: i64| {
            let kind = kinds.get(usize::try_from(n * n % 3 % 2).unwrap_or(0)).copied().unwrap_or_default();
            let data = Value::object([("n", Value::Int(n * 7 % 5)), ("k", Value::Int(n))]);
            let subject = (n % 2 == 0).then(|| "s".into());
            Event { id: format!("e-{n}").into(), source: "/reference".into(), kind: kind.into(), subject, data, ..Event::default() }
        };
        (1..=ARRIVALS).map(|n| (n * n * 1_733_017 + n * 13, event(n))).collect()
    }

    /// The input as a value.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn value(&self) -> Result<Value, String> {
        serde_json::from_value(self.input.clone()).map_err(|error| error.to_string())
    }
}

/// A document under construction.
struct Growing {
    words: Words,
    /// How many tasks are left.
    left: u64,
    depth: u32,
    sites: u64,
}

impl Growing {
    fn chance(&mut self, permille: u64) -> bool {
        self.words.random.chance(permille)
    }

    fn below(&mut self, limit: u64) -> u64 {
        self.words.random.below(limit)
    }

    fn document(&mut self) -> Json {
        // Now and then so many tasks that one transition cannot hold them.
        let long = self.chance(15);
        self.left = if long { 6 } else { 3 + self.below(28) };
        let tasks = if long { 700 } else { [12, 40, 90, 150].get(self.below(4) as usize).copied().unwrap_or(90) };
        let mut limits = json!({ "tasks": tasks });
        if self.chance(50) {
            put(&mut limits, "valueBytes", json!(400 + self.below(400)));
        }
        let metadata = json!({ "provost": { "limits": limits } });
        let mut document =
            json!({ "document": { "dsl": "1.0.3", "namespace": "reference", "name": "case", "version": "1.0.0", "metadata": metadata } });
        if self.chance(100) {
            put(&mut document, "input", json!({ "from": self.words.expression() }));
        } else if self.chance(30) {
            put(&mut document, "input", json!({ "schema": schema("n") }));
        }
        if self.chance(100) {
            put(&mut document, "output", json!({ "as": self.words.expression() }));
        } else if self.chance(50) {
            put(&mut document, "output", json!({ "schema": schema("n") }));
        }
        if self.chance(60) {
            let ms = 1 + self.below(90_000);
            put(&mut document, "timeout", json!({ "after": { "milliseconds": ms } }));
        }
        if !long && self.chance(180) {
            let extensions = self.extensions();
            put(&mut document, "use", json!({ "extensions": extensions }));
        }
        let list = if long { self.long() } else { self.list() };
        put(&mut document, "do", list);
        document
    }

    /// Lists around tasks of a kind.
    fn extensions(&mut self) -> Json {
        let mut extensions = Vec::new();
        for name in ["log", "mark"].iter().take(1 + self.below(2) as usize) {
            let extend = self.words.pick(&["all", "set", "call", "composite", "for", "try", "switch", "wait", "run", "emit", "raise"]);
            let mut extension = json!({ "extend": extend });
            if self.chance(300) {
                put(&mut extension, "when", json!(self.words.condition()));
            }
            let both = self.below(3);
            if both != 0 {
                let list = self.beside();
                put(&mut extension, "before", list);
            }
            if both != 1 {
                let list = self.beside();
                put(&mut extension, "after", list);
            }
            extensions.push(json!({ *name: extension }));
        }
        Json::Array(extensions)
    }

    /// A short list beside a task.
    fn beside(&mut self) -> Json {
        let (left, depth) =
            (std::mem::replace(&mut self.left, 1 + self.words.random.below(2)), std::mem::replace(&mut self.depth, DEPTH_MAX - 1));
        let list = self.list();
        (self.left, self.depth) = (left, depth);
        list
    }

    /// A loop of more turns than one transition holds.
    fn long(&mut self) -> Json {
        let turns = 200 + self.below(300);
        let body = json!([{ "a": { "set": "${ (. // {} | if type == \"object\" then .n else 0 end // 0) + $item % 7 | { n: . } }" } }]);
        json!([{ "f": { "for": { "in": format!("${{ [range({turns})] }}") }, "do": body } }, { "z": { "set": self.words.object() } }])
    }

    /// A list of tasks with names of its own.
    fn list(&mut self) -> Json {
        const NAMES: [&str; 6] = ["a", "b", "c", "d/d", "e#2", "f[0]"];
        let many = (1 + self.below(4)).min(self.left.max(1));
        let names: Vec<&str> = NAMES.iter().take(many as usize).copied().collect();
        let mut list = Vec::new();
        for name in &names {
            let task = self.task(&names);
            list.push(json!({ *name: task }));
        }
        Json::Array(list)
    }

    /// Where control goes: mostly on.
    fn then(&mut self, names: &[&str]) -> &'static str {
        const TARGETS: [&str; 6] = ["a", "b", "c", "d/d", "e#2", "f[0]"];
        match self.below(12) {
            0 => "exit",
            1 => "end",
            2..=4 => "continue",
            _ if names.is_empty() => "continue",
            _ => TARGETS.get(self.below(names.len() as u64) as usize).copied().unwrap_or("continue"),
        }
    }

    /// A task in a list of these names.
    fn task(&mut self, names: &[&str]) -> Json {
        self.left = self.left.saturating_sub(1);
        let mut task = self.kind(names);
        if self.chance(120) {
            put(&mut task, "if", json!(self.words.condition()));
        }
        if self.chance(100) {
            put(&mut task, "input", json!({ "from": self.words.expression() }));
        } else if self.chance(30) {
            put(&mut task, "input", json!({ "schema": schema("n") }));
        }
        if self.chance(130) {
            put(&mut task, "output", json!({ "as": self.words.expression() }));
        } else if self.chance(30) {
            put(&mut task, "output", json!({ "schema": schema("k") }));
        }
        if self.chance(180) {
            put(&mut task, "export", json!({ "as": self.words.exported() }));
        }
        if self.chance(80) {
            put(&mut task, "then", json!(self.then(names)));
        }
        if self.chance(60) {
            let after = if self.chance(800) { json!({ "milliseconds": 1 + self.below(60_000) }) } else { json!(self.words.duration()) };
            put(&mut task, "timeout", json!({ "after": after }));
        }
        task
    }

    fn kind(&mut self, names: &[&str]) -> Json {
        let deep = self.depth >= DEPTH_MAX || self.left == 0;
        let drawn = self.below(if deep { 82 } else { 124 });
        match drawn {
            0..=19 => json!({ "set": if self.chance(600) { self.words.object() } else { json!(self.words.wrapped()) } }),
            20..=26 => self.switch(names),
            27..=32 if self.words.may_err() => json!({ "raise": { "error": self.error() } }),
            27..=40 => json!({ "wait": self.wait() }),
            41..=46 => self.emit(),
            47..=52 => self.agent(),
            53..=56 => self.rules(),
            57..=59 => self.decide(),
            60..=64 => self.act(),
            65 => self.review(),
            66..=68 => self.http(),
            69..=70 => self.run(),
            71..=73 => self.listen(),
            74 => self.policy(),
            75 => self.approved(),
            76..=77 => {
                let scope = self.words.random.pick(names).copied();
                self.compensate(scope)
            }
            78..=81 => self.saga(),
            82..=88 => self.inside(|this| json!({ "do": this.list() })),
            89..=97 => self.inside(Self::each),
            98..=107 => self.inside(Self::fork),
            _ => self.inside(|this| this.tried(names)),
        }
    }

    fn inside(&mut self, make: impl FnOnce(&mut Self) -> Json) -> Json {
        self.depth += 1;
        let made = make(self);
        self.depth -= 1;
        made
    }

    fn wait(&mut self) -> Json {
        if self.chance(850) { json!({ "milliseconds": 1 + self.below(60_000) }) } else { json!(self.words.duration()) }
    }

    fn switch(&mut self, names: &[&str]) -> Json {
        let mut cases = Vec::new();
        for name in ["one", "two", "three"].iter().take(1 + self.below(3) as usize) {
            cases.push(json!({ *name: { "when": self.words.condition(), "then": self.then(names) } }));
        }
        if self.chance(300) {
            cases.push(json!({ "else": { "then": self.then(names) } }));
        }
        json!({ "switch": cases })
    }

    fn error(&mut self) -> Json {
        let status = [400, 409, 503].get(self.below(3) as usize).copied().unwrap_or(500);
        let mut error = json!({ "type": if self.chance(700) { "https://x.test/oops" } else { "https://x.test/other" }, "status": status });
        if self.chance(500) {
            put(&mut error, "title", json!("Oops"));
        }
        if self.chance(300) {
            put(&mut error, "detail", json!(format!("${{ {} | tostring }}", self.words.number(1))));
        }
        error
    }

    fn each(&mut self) -> Json {
        let items = match self.below(6) {
            0 => json!([1, "two", self.words.wrapped()]),
            1 => json!(".list?"),
            2 => json!(self.words.wrapped()),
            _ => json!(format!("${{ [range({})] }}", self.below(5))),
        };
        let named = self.chance(300);
        let mut each = json!({ "in": items });
        let [item, index] = if named { ["it", "at"] } else { ["item", "index"] };
        if named {
            put(&mut each, "each", json!("it"));
            put(&mut each, "at", json!("at"));
        }
        self.words.names.extend([item.to_owned(), index.to_owned()]);
        let mut task = json!({ "for": each });
        if self.chance(400) {
            // Half of them hold for the first items only.
            let last = format!("${} < {}", index, 1 + self.below(2));
            let condition = if self.chance(500) { last } else { self.words.condition() };
            put(&mut task, "while", json!(condition));
        }
        let body = self.list();
        put(&mut task, "do", body);
        self.words.names.truncate(self.words.names.len() - 2);
        task
    }

    fn fork(&mut self) -> Json {
        let mut branches = Vec::new();
        for name in ["x", "y", "w", "v"].iter().take(1 + self.below(4) as usize) {
            let mut branch = self.task(&[]);
            // How contexts come together is what a fork is about.
            if self.chance(300) {
                put(&mut branch, "export", json!({ "as": self.words.exported() }));
            }
            branches.push(json!({ *name: branch }));
        }
        json!({ "fork": { "branches": branches, "compete": self.chance(350) } })
    }
}

fn put(object: &mut Json, key: &str, value: Json) {
    if let Some(map) = object.as_object_mut() {
        map.insert(key.to_owned(), value);
    }
}

fn schema(required: &str) -> Json {
    json!({ "document": { "type": "object", "required": [required] } })
}
