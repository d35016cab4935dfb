//! Expressions over what is in scope: mostly such as hold for any input, some that err for some.

use serde_json::{Map, Value as Json, json};

use crate::random::Random;

/// How long the workflow has been under way when its task began, in milliseconds.
pub(super) const ELAPSED: &str = "($task.startedAt.epoch.milliseconds - $workflow.startedAt.epoch.milliseconds)";

/// The source of expressions.
pub(super) struct Words {
    pub random: Random,
    /// Variables in scope beside those that are always there.
    pub names: Vec<String>,
    /// How many `try`s are around: where there is none, hardly anything errs.
    pub guards: u32,
}

impl Words {
    pub(super) fn new(random: Random) -> Self {
        Self { random, names: Vec::new(), guards: 0 }
    }

    pub(super) fn pick(&mut self, choices: &[&'static str]) -> &'static str {
        self.random.pick(choices).copied().unwrap_or_default()
    }

    /// Whether something may err here: the deeper in `try`s, the rather.
    pub(super) fn may_err(&mut self) -> bool {
        let guarded = self.guards > 0;
        self.random.chance(if guarded { 600 } else { 25 })
    }

    /// A number, most of the time.
    pub(super) fn number(&mut self, depth: u32) -> String {
        if depth > 0 && self.random.chance(500) {
            let (left, right) = (self.number(depth - 1), self.number(depth - 1));
            return match self.random.below(4) {
                0 => format!("({left} + {right})"),
                1 => format!("({left} - {right})"),
                2 => format!("(({left} * {right}) % 97)"),
                _ => format!("(if {left} < {right} then {left} else {right} end)"),
            };
        }
        let name = self.random.pick(&self.names).cloned();
        match (self.random.below(16), name) {
            (0..=2, _) => self.random.between(-3, 20).to_string(),
            (3..=5, _) => "(.n? // 1)".to_owned(),
            (6, _) => "($context.k0? // 2)".to_owned(),
            (7, _) => "($input.n? // 3)".to_owned(),
            (8, _) => "($workflow.input.n? // 4)".to_owned(),
            (9, _) => "($task.name | length)".to_owned(),
            (10, _) => "($task.reference | length)".to_owned(),
            (11, _) => ELAPSED.to_owned(),
            (12, _) if self.may_err() => self.pick(&[".n", ".k", "length", "(. + 1)", "$context.k1"]).to_owned(),
            (_, Some(name)) if name == "e" || name == "error" => format!("(${name}.status? // 5)"),
            (_, Some(name)) => format!("(${name} | if type == \"number\" then . else 6 end)"),
            (_, None) => "(tostring | length)".to_owned(),
        }
    }

    /// A condition.
    pub(super) fn condition(&mut self) -> String {
        let text = match self.random.below(9) {
            0 => self.pick(&["true", "false", ".flag?", ". != null", "null"]).to_owned(),
            1 => "type == \"object\"".to_owned(),
            2 if self.may_err() => "has(\"n\")".to_owned(),
            3 => "(type == \"object\" and has(\"k\"))".to_owned(),
            _ => {
                let (left, right) = (self.number(1), self.number(1));
                let than = self.pick(&["<", ">", "==", "!=", "<="]);
                format!("{left} {than} {right}")
            }
        };
        // Both spellings are read.
        if self.random.chance(500) { text } else { format!("${{ {text} }}") }
    }

    /// Any value.
    pub(super) fn plain(&mut self) -> String {
        match self.random.below(14) {
            0..=3 => {
                let (n, k) = (self.number(1), self.number(1));
                format!("{{ n: {n}, k: {k} }}")
            }
            4 | 5 => format!("(if type == \"object\" then . else {{}} end) + {{ n: {} }}", self.number(2)),
            6 if self.may_err() => ". + { k: 1 }".to_owned(),
            7 => format!("[{}, {}]", self.number(1), self.number(1)),
            8 => "$input".to_owned(),
            9 => "$context".to_owned(),
            10 => self.number(2),
            11 => {
                self.pick(&[".", "{ v: . } | { n: 1, t: (.v | type) }", "tostring | .[0:9]", "null", "[.]", "keys?", ". // 3"]).to_owned()
            }
            12 => match self.names.last().cloned() {
                Some(name) if name == "e" || name == "error" => {
                    format!("{{ n: ${name}.status, type: ${name}.type, at: ${name}.instance }}")
                }
                Some(name) => format!("{{ n: 1, item: ${name} }}"),
                None => "{ n: 2 }".to_owned(),
            },
            _ => "{ n: ($output | type | length), task: $task.reference }".to_owned(),
        }
    }

    /// Any value, bare or wrapped.
    pub(super) fn expression(&mut self) -> String {
        let text = self.plain();
        if self.random.chance(300) { text } else { format!("${{ {text} }}") }
    }

    /// Any value, wrapped: where a bare text would be a text.
    pub(super) fn wrapped(&mut self) -> String {
        format!("${{ {} }}", self.plain())
    }

    /// What `export` makes of `$context`: keys that differ only when it runs.
    pub(super) fn exported(&mut self) -> String {
        let (key, number) = (self.number(0), self.number(1));
        match self.random.below(8) {
            0..=4 => format!(
                "${{ (if ($context | type) == \"object\" then $context else {{}} end) + {{ (\"k\\(({key} | if . < 0 then 0 - . else . end) % 4)\"): {number} }} }}"
            ),
            5 if self.may_err() => format!("${{ $context | del(.k1?) | .k0 = {number} }}"),
            6 => "${ $context }".to_owned(),
            _ => self.wrapped(),
        }
    }

    /// A duration that is known only when it runs.
    pub(super) fn duration(&mut self) -> String {
        let (number, offset) = (self.number(1), 1 + self.random.below(30_000));
        format!("${{ {{ milliseconds: (({number} | if . < 0 then 0 - . else . end) * 100 + {offset}) }} }}")
    }

    /// An object of templates.
    pub(super) fn object(&mut self) -> Json {
        let mut object = Map::new();
        object.insert("n".to_owned(), json!(format!("${{ {} }}", self.number(2))));
        if self.random.chance(400) {
            object.insert("k".to_owned(), json!(self.wrapped()));
        }
        if self.random.chance(150) {
            object.insert("list".to_owned(), json!([self.wrapped(), { "deep": self.wrapped() }, 7]));
        }
        Json::Object(object)
    }
}
