//! Schemas of everything in a bundle but workflows.

use serde_json::{Value as Json, json};

use super::{any, flag, list, map, millis, object, retry, review, says, schema_or_contract, string, whole, words};

const VERSION: &str = r"^\d+\.\d+\.\d+";

fn version() -> Json {
    json!({ "type": "string", "pattern": VERSION, "description": "Three numbers, e.g. 1.0.0." })
}

pub(super) fn action() -> Json {
    let pointers = list(json!({ "type": "string", "pattern": "^/" }));
    let breaker = object(&[], &[("failuresMax", whole(1, Some(1_000_000))), ("openMs", millis(1))]);
    let rate = object(&["permits"], &[("permits", whole(1, Some(1_000_000))), ("perMs", millis(1)), ("burst", whole(1, Some(1_000_000)))]);
    let class = "E0 reads, E1 is idempotent by key, E2 by nature, E3 can be queried, E4 is none of these.";
    object(
        &["version"],
        &[
            ("name", string()),
            ("version", version()),
            ("description", string()),
            ("class", says(words(&["E0", "E1", "E2", "E3", "E4"]), class)),
            ("queue", says(string(), "The worker queue that carries it out.")),
            ("http", http()),
            ("lookup", object(&["http"], &[("http", http())])),
            ("arguments", schema_or_contract()),
            ("result", schema_or_contract()),
            ("meaningful", pointers),
            ("timeoutMs", millis(1)),
            ("retry", retry(false)),
            ("keyHorizonMs", millis(1)),
            ("settleMs", millis(0)),
            ("undo", says(string(), "The action that undoes it.")),
            ("review", review(&[])),
            ("moneyOut", says(flag(), "Whether money leaves by it.")),
            ("rate", rate),
            ("breaker", breaker),
        ],
    )
}

fn http() -> Json {
    object(
        &["method", "destination", "path"],
        &[
            ("method", words(&["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"])),
            ("destination", says(string(), "A name; the binding gives its address.")),
            ("path", says(json!({ "type": "string", "pattern": "^/" }), "With `{/pointer}` into the arguments and `{key}`.")),
            ("keyHeader", string()),
            ("body", flag()),
            ("contents", list(string())),
            ("redirectsMax", whole(0, Some(10))),
            ("responseBytesMax", whole(0, Some(64 << 20))),
        ],
    )
}

pub(super) fn agent() -> Json {
    let budgets = object(&[], &[("wallMs", millis(1)), ("modelTokens", any()), ("modelCostMicros", any()), ("turns", any())]);
    let example = object(
        &[],
        &[("contains", string()), ("when", string()), ("answer", any()), ("fails", string()), ("takesMs", whole(0, Some(86_400_000)))],
    );
    let failure = object(&[], &[("default", any()), ("review", review(&[]))]);
    object(
        &["version", "model"],
        &[
            ("name", string()),
            ("version", version()),
            ("description", string()),
            ("model", says(json!({ "type": "string", "pattern": "^(scripted|[^:]+:.+)$" }), "`scripted`, or `provider:name`.")),
            ("queue", string()),
            ("input", schema_or_contract()),
            ("output", schema_or_contract()),
            ("budgets", budgets),
            ("retry", retry(false)),
            ("failure", json!({ "anyOf": [words(&["fail", "abstain"]), failure] })),
            ("examples", list(example)),
            ("tools", any()),
            ("route", any()),
            ("bounds", any()),
        ],
    )
}

pub(super) fn rules() -> Json {
    let row = object(&["then"], &[("id", any()), ("when", string()), ("then", any())]);
    object(
        &["version", "rows"],
        &[
            ("name", string()),
            ("version", version()),
            ("description", string()),
            ("hit", words(&["unique", "first", "collect"])),
            ("rows", json!({ "type": "array", "items": row, "minItems": 1, "maxItems": 10_000 })),
            ("otherwise", any()),
        ],
    )
}

pub(super) fn source() -> Json {
    let passage = object(
        &["source", "text"],
        &[
            ("source", json!({ "type": "string", "minLength": 1, "description": "Where it comes from; policy is asked about it." })),
            ("text", string()),
            ("id", string()),
            ("score", json!({ "type": "number" })),
            ("labels", says(list(string()), "Told to policy.")),
        ],
    );
    let passages = json!({ "type": "array", "items": passage, "maxItems": 100 });
    let example = object(
        &[],
        &[("contains", string()), ("when", string()), ("passages", passages), ("fails", string()), ("takesMs", whole(0, Some(86_400_000)))],
    );
    object(
        &["version"],
        &[
            ("name", string()),
            ("version", version()),
            ("description", string()),
            ("queue", says(string(), "The worker queue that serves it; `builtin` plays the examples.")),
            ("timeoutMs", millis(1)),
            ("retry", retry(false)),
            ("examples", list(example)),
        ],
    )
}

pub(super) fn feature() -> Json {
    let value =
        object(&["from", "value"], &[("from", says(string(), "Since when it holds, e.g. 2026-01-31T08:00:00Z.")), ("value", any())]);
    object(
        &["version", "value"],
        &[
            ("name", string()),
            ("version", version()),
            ("description", string()),
            ("queue", says(string(), "The worker queue that serves it; `builtin` plays the values.")),
            ("timeoutMs", millis(1)),
            ("retry", retry(false)),
            ("value", schema_or_contract()),
            ("values", says(map(list(value)), "The values of each entity, earliest first.")),
        ],
    )
}

pub(super) fn contract() -> Json {
    let trusted = list(json!({ "type": "string", "pattern": "^/" }));
    let labels = map(words(&["public", "internal", "personal", "secret"]));
    let kind = json!({ "type": "string", "minLength": 1 });
    let own = object(&[], &[("type", kind), ("compatibility", any()), ("trusted", trusted), ("labels", labels)]);
    json!({ "type": ["object", "boolean"], "properties": { "x-provost": own } })
}

pub(super) fn bindings() -> Json {
    map(json!({ "type": "string", "pattern": "^https?://" }))
}

pub(super) fn test() -> Json {
    let event = json!({
        "type": "object", "required": ["type", "source"], "properties": { "type": string(), "source": string(), "data": true }
    });
    let answer = object(&["queue", "choice"], &[("queue", string()), ("choice", string()), ("by", string()), ("form", any())]);
    let verdict = object(&["action"], &[("action", string()), ("answer", words(&["allow", "deny", "review"])), ("rules", list(string()))]);
    let decision = object(&[], &[("choice", string()), ("absent", list(string())), ("vetoedBy", string())]);
    let effect = object(&["action"], &[("action", string()), ("times", whole(0, None)), ("key", string()), ("arguments", any())]);
    let sent = object(&["type"], &[("type", string()), ("data", any())]);
    let expect = object(
        &[],
        &[
            ("outcome", words(&["completed", "faulted", "cancelled"])),
            ("verdicts", list(verdict)),
            ("decisions", list(decision)),
            ("effects", list(effect)),
            ("events", list(sent)),
        ],
    );
    object(&["expect"], &[("event", event), ("input", any()), ("reviews", list(answer)), ("expect", expect)])
}

pub(super) fn lock() -> Json {
    let digest = json!({ "type": "string", "pattern": "^sha256:[0-9a-f]{64}$" });
    let kinds =
        words(&["contract", "api", "action", "agent", "rules", "source", "feature", "function", "workflow", "policy", "policy-schema"]);
    let part = object(
        &["path", "kind", "name", "digest"],
        &[("path", string()), ("kind", kinds), ("name", string()), ("version", version()), ("digest", digest.clone())],
    );
    object(&["format", "bundle", "parts"], &[("format", json!({ "const": 1 })), ("bundle", digest), ("parts", list(part))])
}
