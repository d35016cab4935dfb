//! Actions: one YAML file each, saying how an effect is carried out, repeated, asked about, reviewed and undone.

use std::sync::Arc;

use provost_model::program::{ActionSpec, BreakerSpec, EffectClass, HTTP_CALL, HttpCall, LookupSpec, RateSpec, ReviewSpec};
use provost_model::{Digest, Value};

use super::{Library, Named, millis, named};
use crate::checks;
use crate::fields::{self, Fields, fields};
use crate::finding::{Code, Log, Place};
use crate::tables::Tables;
use crate::workflow::retry_policy;
use crate::yaml::{Node, load, shown};

const TIMEOUT_MS: i64 = 30_000;
const KEY_HORIZON_MS: i64 = 24 * 3_600_000;
const SETTLE_MS: i64 = 60_000;
const FAILURES_MAX: u32 = 5;
const OPEN_MS: i64 = 30_000;
const RESPONSE_BYTES_MAX: u64 = 256 << 10;
const METHODS: [&str; 6] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"];
const CLASSES: [(&str, EffectClass); 5] =
    [("E0", EffectClass::E0), ("E1", EffectClass::E1), ("E2", EffectClass::E2), ("E3", EffectClass::E3), ("E4", EffectClass::E4)];

/// An action as read; schemas are still sources, `undo` is still a name.
#[derive(Debug)]
pub(crate) struct Action {
    spec: ActionSpec,
    arguments: Option<Value>,
    result: Option<Value>,
    review: Option<(ReviewSpec, Option<Value>)>,
    pub(crate) undo: Option<(Arc<str>, Place)>,
    pub(crate) file: Arc<str>,
}

/// Reads an action's file.
pub(crate) fn read(bytes: &[u8], stem: &str, library: &Library, log: &Log) -> Option<(Named, Action)> {
    let node = load(bytes, 1, log)?;
    let known = [
        "name",
        "version",
        "description",
        "class",
        "queue",
        "http",
        "lookup",
        "arguments",
        "result",
        "meaningful",
        "timeoutMs",
        "retry",
        "keyHorizonMs",
        "settleMs",
        "undo",
        "review",
        "moneyOut",
        "rate",
        "breaker",
    ];
    let top = fields(&node, "an action", &known, log)?;
    let named = named(&top, stem, log)?;
    let action = action(&top, &named, Digest::of(bytes), library, log)?;
    consistent(&action.spec, &top, log);
    if *named.name == *HTTP_CALL {
        let hint = "give the action a name of its own, e.g. `payments.refund`";
        log.error_hint(
            Code::Action,
            top.value_at("name"),
            format!("`{HTTP_CALL}` is the name of every `call: http` and `call: openapi`"),
            hint,
        );
    }
    if top.find("class").is_none() {
        checks::effects::no_class(&action.spec, top.at, log);
    }
    Some((named, action))
}

fn action(top: &Fields<'_>, named: &Named, digest: Digest, library: &Library, log: &Log) -> Option<Action> {
    top.text("description", log);
    let words: Vec<&str> = CLASSES.iter().map(|(word, _)| *word).collect();
    let class = top.word("class", &words, log).and_then(|word| CLASSES.iter().find(|(known, _)| **known == *word));
    let class = class.map_or(EffectClass::E4, |(_, class)| *class);
    let schema = |key: &str| top.find(key).and_then(|node| library.schema_or_contract(node, log));
    let http = top.find("http").and_then(|node| http_call(node, log));
    let lookup = top.find("lookup").and_then(|node| lookup(node, log));
    let review_keys = ["queue", "title", "options", "fourEyes", "form", "expiresMs"];
    let review = top.find("review").and_then(|node| fields(node, "`review`", &review_keys, log));
    let spec = ActionSpec {
        name: named.name.clone(),
        version: named.version.clone(),
        digest,
        class,
        queue: top.text("queue", log).unwrap_or_else(|| "builtin".into()),
        http,
        call: None,
        lookup,
        arguments: None,
        result: None,
        meaningful: top.find("meaningful").map(|node| pointers(node, log)).unwrap_or_default(),
        timeout_ms: millis(top, "timeoutMs", 1, log).unwrap_or(TIMEOUT_MS),
        retry: top.find("retry").and_then(|node| retry_policy(node, log)).unwrap_or_default(),
        key_horizon_ms: millis(top, "keyHorizonMs", 1, log).unwrap_or(KEY_HORIZON_MS),
        settle_ms: millis(top, "settleMs", 0, log).unwrap_or(SETTLE_MS),
        undo: None,
        review: None,
        money_out: top.flag("moneyOut", log).unwrap_or(false),
        rate: top.find("rate").and_then(|node| rate(node, log)),
        breaker: top.find("breaker").and_then(|node| breaker(node, log)),
    };
    Some(Action {
        spec,
        arguments: schema("arguments"),
        result: schema("result"),
        review: review.and_then(|fields| library.review_source(&fields, log)),
        undo: top.text("undo", log).map(|name| (name, top.find("undo").map_or(top.at, |node| node.at))),
        file: log.file().clone(),
    })
}

fn pointers(node: &Node, log: &Log) -> Vec<Arc<str>> {
    let pointers = fields::texts(node, "meaningful", log);
    for pointer in pointers.iter().filter(|pointer| !pointer.starts_with('/')) {
        log.error_hint(
            Code::WrongValue,
            node.at,
            format!("`{}` is not a JSON pointer", shown(pointer)),
            format!("write `/{}`", shown(pointer)),
        );
    }
    pointers
}

fn rate(node: &Node, log: &Log) -> Option<RateSpec> {
    let rate = fields(node, "`rate`", &["permits", "perMs", "burst"], log)?;
    rate.need("permits", log);
    let permits = small(&rate, "permits", log)?;
    let burst = small(&rate, "burst", log).unwrap_or(1);
    Some(RateSpec { permits, per_ms: millis(&rate, "perMs", 1, log).unwrap_or(1000), burst })
}

fn breaker(node: &Node, log: &Log) -> Option<BreakerSpec> {
    let breaker = fields(node, "`breaker`", &["failuresMax", "openMs"], log)?;
    let failures_max = small(&breaker, "failuresMax", log).unwrap_or(FAILURES_MAX);
    Some(BreakerSpec { failures_max, open_ms: millis(&breaker, "openMs", 1, log).unwrap_or(OPEN_MS) })
}

fn small(fields: &Fields<'_>, key: &str, log: &Log) -> Option<u32> {
    fields.int(key, 1, 1_000_000, log).and_then(|n| u32::try_from(n).ok())
}

fn lookup(node: &Node, log: &Log) -> Option<LookupSpec> {
    let http = fields(node, "`lookup`", &["http"], log)?;
    http_call(http.need("http", log)?, log).map(|http| LookupSpec { http })
}

fn http_call(node: &Node, log: &Log) -> Option<HttpCall> {
    let known = ["method", "destination", "path", "keyHeader", "body", "contents", "redirectsMax", "responseBytesMax"];
    let http = fields(node, "`http`", &known, log)?;
    http.need("method", log);
    let method = http.word("method", &METHODS, log);
    let destination = http.need_text("destination", log);
    let path = http.need_text("path", log);
    if let Some(destination) = destination.as_ref().filter(|name| !crate::version::is_name(name)) {
        let hint = "write a name here; the address of each name stands in the binding";
        log.error_hint(
            Code::WrongValue,
            http.value_at("destination"),
            format!("`{}` is not a destination's name", shown(destination)),
            hint,
        );
    }
    if let Some(path) = &path {
        check_path(path, http.value_at("path"), log);
    }
    let key_header = http.text("keyHeader", log).unwrap_or_default();
    if !key_header.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-') {
        log.error(Code::WrongValue, http.key_at("keyHeader"), format!("`{}` is not a header's name", shown(&key_header)));
    }
    let method = method?;
    let body = http.flag("body", log).unwrap_or(matches!(&*method, "POST" | "PUT" | "PATCH"));
    let response_bytes_max = http.int("responseBytesMax", 0, 64 << 20, log).map_or(RESPONSE_BYTES_MAX, i64::unsigned_abs);
    let contents = http.find("contents").map(|node| contents(node, log)).unwrap_or_default();
    let redirects_max = http.int("redirectsMax", 0, 10, log).and_then(|n| u32::try_from(n).ok()).unwrap_or(0);
    Some(HttpCall { method, destination: destination?, path: path?, key_header, body, contents, redirects_max, response_bytes_max })
}

/// Pointers into the arguments.
fn contents(node: &Node, log: &Log) -> Vec<Arc<str>> {
    let places = fields::list(node, "contents", log).unwrap_or_default();
    let pointers = places.iter().filter_map(|place| fields::text(place, "contents", log).map(|pointer| (pointer, place.at)));
    let mut found = Vec::new();
    for (pointer, at) in pointers {
        if pointer.is_empty() || pointer.starts_with('/') {
            found.push(pointer);
            continue;
        }
        let hint = format!("write `/{}` for a member of the arguments", shown(&pointer));
        log.error_hint(Code::WrongValue, at, format!("`{}` is not a JSON pointer", shown(&pointer)), hint);
    }
    found
}

/// `/…` with `{/pointer}` and `{key}`.
fn check_path(path: &str, at: Place, log: &Log) {
    if !path.starts_with('/') || path.contains(char::is_whitespace) {
        log.error_hint(
            Code::WrongValue,
            at,
            format!("`{}` is not a path", shown(path)),
            "begin with `/`; the address stands in the binding",
        );
    }
    let mut rest = path;
    while let Some((_, tail)) = rest.split_once('{') {
        let Some((inside, after)) = tail.split_once('}') else {
            log.error(Code::WrongValue, at, format!("`{}` has a `{{` without `}}`", shown(path)));
            return;
        };
        if inside != "key" && !inside.starts_with('/') {
            let hint = format!("write `{{/{}}}` for a member of the arguments, or `{{key}}`", shown(inside));
            log.error_hint(Code::WrongValue, at, format!("`{{{}}}` in a path is not known", shown(inside)), hint);
        }
        rest = after;
    }
}

/// What the class promises must be possible.
fn consistent(spec: &ActionSpec, top: &Fields<'_>, log: &Log) {
    let at = top.value_at("class");
    let builtin = &*spec.queue == "builtin";
    if builtin && spec.http.is_none() {
        log.error_hint(Code::Action, top.at, "nothing says how the action is carried out", "add `http:`, or `queue:` of a worker of yours");
    }
    match spec.class {
        EffectClass::E1 => {
            let carries = |http: &HttpCall| !http.key_header.is_empty() || http.path.contains("{key}");
            if builtin && spec.http.as_ref().is_some_and(|http| !carries(http)) {
                let hint = "add `keyHeader: Idempotency-Key` or `{key}` in the path, or write the class that holds";
                log.error_hint(Code::Action, at, "class E1 needs a key that the target sees", hint);
            }
        }
        EffectClass::E3 => {
            if spec.lookup.is_none() && builtin {
                log.error_hint(Code::Action, at, "class E3 needs `lookup`", "say how the target is asked whether it was done");
            }
        }
        EffectClass::E0 => {
            if spec.money_out {
                log.error_hint(
                    Code::Action,
                    at,
                    "class E0 only reads, and `moneyOut` says that money leaves",
                    "write the class that holds",
                );
            }
        }
        EffectClass::E2 | EffectClass::E4 => {}
    }
    let reads = |lookup: &LookupSpec| matches!(&*lookup.http.method, "GET" | "HEAD");
    if spec.lookup.as_ref().is_some_and(|lookup| !reads(lookup)) {
        log.error_hint(Code::Action, top.key_at("lookup"), "a look-up must not change anything", "use GET or HEAD");
    }
}

impl Action {
    /// The action inside a program.
    pub(crate) fn compile(&self, library: &Library, tables: &mut Tables) -> ActionSpec {
        let mut spec = self.spec.clone();
        let mut schema = |source: &Option<Value>| source.as_ref().map(|schema| tables.schema(schema));
        spec.arguments = schema(&self.arguments);
        spec.result = schema(&self.result);
        spec.review = self.review.as_ref().map(|(review, form)| ReviewSpec { form: schema(form), ..review.clone() });
        // Whether it resolves was said once, when the bundle was read.
        let quiet = Log::new(&self.file);
        spec.undo =
            self.undo.as_ref().and_then(|(name, at)| library.actions.resolve(name, "action", *at, &quiet)).map(|undo| undo.key.clone());
        spec
    }

    /// The version, for the lock.
    pub(crate) fn version(&self) -> &Arc<str> {
        &self.spec.version
    }

    /// Says whether `undo` names an action that can be called like this one.
    pub(crate) fn check_undo(&self, key: &str, library: &Library, log: &Log) {
        let Some((name, at)) = &self.undo else { return };
        let Some(undo) = library.actions.resolve(name, "action", *at, log) else { return };
        if *undo.key == *key {
            log.error(Code::Action, *at, "an action cannot undo itself");
        }
    }
}
