//! The schema of workflow documents: the profile of Open Workflow DSL 1.0.3. What it allows, the upstream schema allows as well.

use provost_model::limits::{BATCH_EVENTS_MAX, CONCURRENCY_LIMIT_MAX, CONCURRENCY_WAITING_MAX, RECONCILE_LOOKS_MAX};
use serde_json::{Value as Json, json};

use super::{any, duration, flag, list, map, object, retry, review, says, string, whole, words};

/// The twelve kinds of tasks, by their keyword.
const KINDS: [&str; 12] = ["call", "do", "emit", "for", "fork", "listen", "raise", "run", "set", "switch", "try", "wait"];

pub(super) fn document() -> Json {
    let label = json!({ "type": "string", "pattern": "^[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?$" });
    let version = json!({ "type": "string", "pattern": r"^\d+\.\d+\.\d+" });
    let head = object(
        &["dsl", "namespace", "name", "version"],
        &[
            ("dsl", json!({ "type": "string", "pattern": r"^1\.0\.\d+" })),
            ("namespace", label.clone()),
            ("name", label),
            ("version", version),
            ("title", string()),
            ("summary", string()),
            ("tags", map(any())),
            ("metadata", json!({ "type": "object", "properties": { "provost": settings() } })),
        ],
    );
    let mut schema = object(
        &["document", "do"],
        &[
            ("document", head),
            ("input", of("input")),
            ("use", uses()),
            ("do", of("tasks")),
            ("timeout", of("timeout")),
            ("output", of("output")),
            ("schedule", schedule()),
            ("evaluate", object(&[], &[("language", json!({ "const": "jq" })), ("mode", json!({ "const": "strict" }))])),
        ],
    );
    if let Some(members) = schema.as_object_mut() {
        members.insert("$defs".to_owned(), definitions());
    }
    schema
}

fn of(name: &str) -> Json {
    json!({ "$ref": format!("#/$defs/{name}") })
}

fn definitions() -> Json {
    let data_schema = object(&[], &[("format", string()), ("document", any()), ("resource", any())]);
    let transform = json!({ "type": ["string", "object"] });
    let output = object(&[], &[("schema", data_schema.clone()), ("as", transform.clone())]);
    let named = json!({ "type": "object", "minProperties": 1, "maxProperties": 1, "additionalProperties": of("task") });
    json!({
        "tasks": { "type": "array", "minItems": 1, "items": named },
        "task": task(),
        "input": object(&[], &[("schema", data_schema), ("from", transform)]),
        "output": output,
        "timeout": { "anyOf": [string(), object(&["after"], &[("after", duration())])] },
        "error": { "anyOf": [string(), error()] },
        "retry": { "anyOf": [string(), retry(true)] },
        "flow": says(string(), "`continue`, `exit`, `end`, or a task of the same list."),
    })
}

fn settings() -> Json {
    let limits = object(
        &[],
        &[
            ("tasks", whole(1, None)),
            ("orchestrations", whole(1, None)),
            ("journalBytes", whole(1, None)),
            ("valueBytes", whole(1, None)),
            ("blobBytes", whole(1, None)),
            ("expressionFuel", whole(1, None)),
            ("expressionBytes", whole(1, None)),
            ("branches", whole(1, None)),
            ("unmatchedMs", whole(0, None)),
            ("modelTokens", whole(1, None)),
            ("modelCostMicros", whole(1, None)),
        ],
    );
    object(
        &[],
        &[
            ("profile", json!({ "enum": ["1", 1] })),
            ("limits", limits),
            ("cancel", object(&[], &[("grace", duration()), ("compensate", list(string()))])),
            ("order", says(string(), "What orders orchestrations of this workflow.")),
            ("inDoubt", words(&["wait", "raise"])),
            ("labels", labels()),
            ("redact", redact()),
            ("concurrency", concurrency()),
            ("missed", words(&["last", "none", "all"])),
            ("zone", says(string(), "The time zone of `schedule.cron` and of whole days in `schedule.every`, e.g. Europe/Berlin.")),
            ("batch", batch()),
            ("reconcile", reconcile()),
        ],
    )
}

fn redact() -> Json {
    let place = json!({ "type": "string", "pattern": "^(/.*)?$" });
    says(list(place), "JSON pointers of places that are about a person: they are shown to nobody who does not ask to see them and may.")
}

fn labels() -> Json {
    says(map(words(&["public", "internal", "personal", "secret"])), "Who may see which place, by JSON pointer.")
}

fn reconcile() -> Json {
    object(
        &["every"],
        &[
            ("every", says(duration(), "Time between two looks at what waits for a person, 1 s to 30 days.")),
            ("for", says(list(words(&["in_doubt", "parked"])), "What is looked at again; both where it is left out.")),
            (
                "limit",
                says(
                    whole(1, Some(RECONCILE_LOOKS_MAX)),
                    "Most looks at one effect in doubt, and at the parked work of one orchestration.",
                ),
            ),
        ],
    )
}

fn concurrency() -> Json {
    object(
        &["key"],
        &[
            ("key", says(string(), "At most so many orchestrations run for each value of this expression over the input.")),
            ("limit", whole(1, Some(CONCURRENCY_LIMIT_MAX))),
            ("policy", words(&["queue", "replace", "refuse"])),
            ("waiting", whole(1, Some(CONCURRENCY_WAITING_MAX))),
        ],
    )
}

fn batch() -> Json {
    object(
        &["size", "wait"],
        &[
            ("size", whole(1, Some(BATCH_EVENTS_MAX))),
            ("wait", duration()),
            ("key", says(string(), "Events are gathered by the value of this expression over their data.")),
        ],
    )
}

fn uses() -> Json {
    let timeout = object(&["after"], &[("after", duration())]);
    object(
        &[],
        &[
            ("authentications", map(any())),
            ("errors", map(error())),
            ("extensions", list(any())),
            ("functions", map(of("task"))),
            ("retries", map(retry(true))),
            ("secrets", list(string())),
            ("timeouts", map(timeout)),
            ("catalogs", map(any())),
        ],
    )
}

fn error() -> Json {
    let text = [("type", string()), ("title", string()), ("detail", string()), ("instance", string())];
    let members: Vec<(&str, Json)> = text.into_iter().chain([("status", whole(100, Some(599)))]).collect();
    object(&["type", "status"], &members)
}

fn schedule() -> Json {
    object(
        &[],
        &[
            ("every", duration()),
            ("cron", string()),
            ("after", duration()),
            ("on", json!({ "type": "object" })),
            ("read", words(&["data", "envelope", "raw"])),
        ],
    )
}

fn task() -> Json {
    let own = object(
        &[],
        &[
            ("inDoubt", words(&["wait", "raise"])),
            ("store", words(&["blob"])),
            ("labels", labels()),
            ("redact", redact()),
            ("effect", any()),
            ("server", any()),
        ],
    );
    let metadata = json!({ "type": "object", "properties": { "provost": own } });
    let mut members = vec![
        ("if", says(string(), "Runs only when this holds.")),
        ("input", of("input")),
        ("output", of("output")),
        ("export", of("output")),
        ("timeout", of("timeout")),
        ("then", of("flow")),
        ("metadata", metadata),
    ];
    members.extend(keywords());
    let mut schema = object(&[], &members);
    let one: Vec<Json> = KINDS.iter().map(|kind| exactly(kind)).collect();
    if let Some(members) = schema.as_object_mut() {
        members.insert("oneOf".to_owned(), Json::Array(one));
        members.insert("allOf".to_owned(), calls());
    }
    schema
}

/// A task of one kind; the `do` of a `for` makes it no `do` task.
fn exactly(kind: &str) -> Json {
    match kind {
        "do" => json!({ "required": ["do"], "not": { "required": ["for"] } }),
        "for" => json!({ "required": ["for", "do"] }),
        "try" => json!({ "required": ["try", "catch"] }),
        other => json!({ "required": [other] }),
    }
}

fn keywords() -> Vec<(&'static str, Json)> {
    let case = object(&["then"], &[("when", string()), ("then", of("flow"))]);
    let case = json!({ "type": "object", "minProperties": 1, "maxProperties": 1, "additionalProperties": case });
    let each = object(&["in"], &[("each", string()), ("in", json!({ "type": ["string", "array"] })), ("at", string())]);
    let event = object(&["with"], &[("with", json!({ "type": "object", "required": ["type"] }))]);
    vec![
        ("call", string()),
        ("with", any()),
        ("do", of("tasks")),
        ("emit", object(&["event"], &[("event", event)])),
        ("for", each),
        ("while", string()),
        ("fork", object(&["branches"], &[("branches", of("tasks")), ("compete", flag())])),
        ("listen", json!({ "type": "object" })),
        ("foreach", json!({ "type": "object" })),
        ("raise", object(&["error"], &[("error", of("error"))])),
        ("run", json!({ "type": "object" })),
        ("set", json!({ "anyOf": [{ "type": "object", "minProperties": 1 }, string()] })),
        ("switch", json!({ "type": "array", "minItems": 1, "items": case })),
        ("try", of("tasks")),
        ("catch", catch()),
        ("wait", duration()),
    ]
}

fn catch() -> Json {
    object(
        &[],
        &[
            ("errors", object(&["with"], &[("with", json!({ "type": "object" }))])),
            ("as", string()),
            ("when", string()),
            ("exceptWhen", string()),
            ("retry", of("retry")),
            ("do", of("tasks")),
            ("then", of("flow")),
        ],
    )
}

/// `with` of each function of the default catalogue.
fn calls() -> Json {
    let budget = object(&[], &[("wallMs", whole(1, None)), ("modelTokens", any()), ("modelCostMicros", any()), ("turns", any())]);
    let rules = words(&["majority", "weighted-majority", "unanimous", "quorum", "first-valid", "highest-confidence", "judge"]);
    let veto = object(&["by", "choice"], &[("by", string()), ("choice", string()), ("confidencePct", whole(0, Some(100)))]);
    let approves = object(&["action", "arguments"], &[("action", string()), ("arguments", any())]);
    let action = object(&["action"], &[("action", string()), ("arguments", map(any())), ("key", any())]);
    let allowed = ["agent", "table", "source"].map(|key| object(&[key], &[(key, string())]));
    let allowed: Vec<Json> = [string(), action].into_iter().chain(allowed).collect();
    let allow = json!({ "type": "array", "minItems": 1, "maxItems": 64, "items": { "anyOf": allowed } });
    let with = [
        ("agent", object(&["agent", "input"], &[("agent", string()), ("input", any()), ("budget", budget)])),
        ("rules", object(&["table", "input"], &[("table", string()), ("input", any())])),
        (
            "decide",
            object(
                &["opinions", "rule"],
                &[
                    ("opinions", any()),
                    ("rule", rules),
                    ("weights", map(whole(0, Some(1_000_000)))),
                    ("veto", list(veto)),
                    ("quorum", whole(0, Some(10_000))),
                    ("tie", string()),
                    ("judge", string()),
                ],
            ),
        ),
        ("policy", object(&["action"], &[("principal", any()), ("action", any()), ("resource", any()), ("context", any())])),
        ("review", review(&[("show", any()), ("approves", approves)])),
        (
            "act",
            object(
                &["action", "arguments"],
                &[
                    ("action", string()),
                    ("arguments", any()),
                    ("key", any()),
                    ("because", any()),
                    ("compensate", string()),
                    ("retry", of("retry")),
                ],
            ),
        ),
        ("compensate", object(&[], &[("scope", string()), ("reason", any())])),
        ("retrieve", object(&["source", "query"], &[("source", string()), ("query", any()), ("topK", whole(1, Some(100)))])),
        ("feature", object(&["names", "entity"], &[("names", list(string())), ("entity", any()), ("asOf", any())])),
        ("plan", object(&["agent", "goal", "allow"], &[("agent", string()), ("goal", any()), ("allow", allow), ("review", review(&[]))])),
    ];
    let rule = |(name, schema): (&str, Json)| {
        json!({
            "if": { "properties": { "call": { "const": name } }, "required": ["call"] },
            "then": { "properties": { "with": schema }, "required": ["with"] }
        })
    };
    Json::Array(with.into_iter().map(rule).collect())
}
