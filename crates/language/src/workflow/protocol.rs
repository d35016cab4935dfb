//! `call: http`, and what all calls that a workflow writes out itself have in common: they become actions of the program like those of
//! `actions/`, so that nothing leaves without a key, a policy and a place in the ledger.
//!
//! What must stay true: method, class and key header are fixed here, from what stands in the document; only values come from expressions.

use std::sync::Arc;

use provost_model::program::{
    ActTask, ActionSpec, CallOutput, EffectClass, Endpoint, HTTP_CALL, Keeping, ProtocolCall, RetrySpec, TaskKind, Template,
};
use provost_model::{Digest, Value};

use super::{Build, expression_text, template};
use crate::fields::{self, Fields, fields};
use crate::finding::{Code, Place};
use crate::yaml::{Kind, Node, shown};

const METHODS: [&str; 7] = ["GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE"];
/// Longest attempt, in milliseconds; a `timeout` of the task may be shorter.
const TIMEOUT_MS: i64 = 30_000;
const KEY_HORIZON_MS: i64 = 24 * 3_600_000;
/// How long a target may take until a look-up's absent is final, in milliseconds, where the author says nothing.
const SETTLE_MS: i64 = 60_000;
/// Headers that the connection sets itself.
const OWN_HEADERS: [&str; 7] = ["host", "content-length", "connection", "transfer-encoding", "upgrade", "te", "trailer"];

/// A call that is being read: whose task it is.
pub(super) struct Written<'n, 'b> {
    /// The task's other members.
    pub(super) body: &'b Fields<'n>,
    /// The task's upstream reference, under which the program knows the call.
    pub(super) pointer: &'b str,
}

/// A call whose parts were read.
pub(super) struct Parts {
    pub(super) method: Arc<str>,
    pub(super) template: bool,
    pub(super) arguments: Vec<(Arc<str>, Template)>,
    pub(super) operation: Option<Arc<str>>,
    /// Parameters of the query whose lists are one text with commas.
    pub(super) joined: Vec<Arc<str>>,
    /// What the arguments must be.
    pub(super) contract: Option<Value>,
}

/// Where a call goes: whether the endpoint is a template, and what stands in the arguments for it.
pub(super) struct Address {
    pub(super) template: bool,
    pub(super) arguments: Vec<(Arc<str>, Template)>,
}

impl Build<'_> {
    /// `call: http`; its shape was checked.
    pub(super) fn http_call(&mut self, with: &Node, written: &Written<'_, '_>) -> Option<TaskKind> {
        let method = with.member("method").and_then(|node| self.method(node));
        self.tables.leaves = true;
        let address = with.member("endpoint").and_then(|node| self.endpoint(node));
        let mut arguments = Vec::new();
        for key in ["query", "headers", "body"] {
            if let Some(node) = with.member(key) {
                if key == "headers" {
                    self.headers(node);
                }
                arguments.push((Arc::from(key), self.template(node)));
            }
        }
        let authentication = with.member("endpoint").and_then(|node| node.member("authentication"));
        let authentication = authentication.and_then(|node| self.authentication(node));
        self.tables.leaves = false;
        arguments.extend(authentication.map(|template| ("authentication".into(), template)));
        let Address { template, arguments: place } = address?;
        arguments.splice(0..0, place);
        self.call_of(with, written, Parts { method: method?, template, arguments, operation: None, joined: Vec::new(), contract: None })
    }

    /// The task of a call, and the action behind it.
    pub(super) fn call_of(&mut self, with: &Node, written: &Written<'_, '_>, parts: Parts) -> Option<TaskKind> {
        let effect = self.effect(written, &parts.method);
        let output = match with.member("output").and_then(Node::as_text).map(|word| &**word) {
            Some("response") => CallOutput::Response,
            Some("raw") => CallOutput::Raw,
            Some(_) | None => CallOutput::Content,
        };
        let Parts { method, template, arguments, operation, joined, contract } = parts;
        let Effect { class, key_header, lookup, settle_ms } = self.askable(effect?, &arguments)?;
        let redirect = matches!(with.member("redirect").map(|node| &node.kind), Some(Kind::Scalar(Value::Bool(true))));
        let lookup = lookup.map(|(lookup, _)| lookup);
        let call = ProtocolCall { method, template, output, redirect, key_header, lookup, operation, joined, response_bytes_max: 0 };
        let contract = contract.map(|contract| self.tables.schema(&contract));
        let name = self.call_name(written.pointer, ActionSpec { arguments: contract, ..action(call, class, settle_ms) });
        let arguments = template::object(arguments);
        let in_doubt = self.in_doubt;
        Some(TaskKind::Act(Box::new(ActTask {
            action: name,
            arguments,
            key: None,
            because: None,
            compensate: None,
            retry: None,
            in_doubt,
            store: Keeping::Record,
        })))
    }

    /// Takes the action behind a call into the program, under a name of its own.
    fn call_name(&mut self, pointer: &str, spec: ActionSpec) -> Arc<str> {
        let mut name: Arc<str> = format!("{HTTP_CALL}@{pointer}").into();
        let mut more = 2;
        while self.actions.get(&name).is_some_and(|other| *other != spec) {
            name = format!("{HTTP_CALL}@{pointer}#{more}").into();
            more += 1;
        }
        self.actions.insert(name.clone(), spec);
        name
    }

    fn method(&mut self, node: &Node) -> Option<Arc<str>> {
        let written = fields::text(node, "method", self.log)?;
        let method = written.to_ascii_uppercase();
        if METHODS.contains(&&*method) {
            return Some(method.into());
        }
        if expression_text(&written).is_some() {
            let hint = "whether a call only reads must be known when it is published; write one task per method under a `switch`";
            self.log.error_hint(Code::WrongValue, node.at, "`method` must be written out", hint);
            return None;
        }
        self.log.unknown(Code::WrongValue, node.at, format!("`method` cannot be `{}`", shown(&written)), &method, &METHODS);
        None
    }

    /// `endpoint`: a URI template, an expression, or an object with `uri`.
    fn endpoint(&mut self, node: &Node) -> Option<Address> {
        let node = if node.as_map().is_some() { node.member("uri")? } else { node };
        let text = fields::text(node, "endpoint", self.log)?;
        if expression_text(&text).is_some() {
            let endpoint = self.template(node);
            return Some(Address { template: false, arguments: vec![("endpoint".into(), endpoint)] });
        }
        if Endpoint::parse(&text).is_none() {
            let hint = "write scheme, host and path, e.g. `https://api.example.com/pets/{petId}`; the host cannot be a variable";
            let message = format!("`{}` is no absolute http or https address", shown(&text));
            self.log.error_hint(Code::WrongValue, node.at, message, hint);
            return None;
        }
        let names = self.placeholders(&text, node)?;
        let mut path = Vec::new();
        for name in names {
            let source = format!(".{}", Value::from(&*name));
            path.push((name, Template::Expression(self.expression(&source, "endpoint", node)?)));
        }
        let template = !path.is_empty();
        let mut arguments: Vec<(Arc<str>, Template)> = vec![("endpoint".into(), Template::Literal(Value::Str(text)))];
        if template {
            arguments.push(("path".into(), template::object(path)));
        }
        Some(Address { template, arguments })
    }

    /// The variables of a URI template, each once, in order.
    pub(super) fn placeholders(&mut self, text: &str, node: &Node) -> Option<Vec<Arc<str>>> {
        let mut names: Vec<Arc<str>> = Vec::new();
        let mut rest = text;
        while let Some((before, tail)) = rest.split_once('{') {
            let inside = tail.split_once('}').filter(|_| !before.contains('}'));
            let Some((name, after)) = inside else {
                self.log.error(Code::WrongValue, node.at, format!("`{}` has a brace without its other half", shown(text)));
                return None;
            };
            // Verbatim: `{pet.id}` is the member `pet.id`, not `id` of `pet`.
            let is_named = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.' | b'-');
            if !name.bytes().next().is_some_and(|b| b.is_ascii_alphanumeric() || b == b'_') || !name.bytes().all(is_named) {
                let hint =
                    "a variable is `{name}`, a member of the task's input; for anything else write an expression: ${ \"https://…\" }";
                self.log.error_hint(Code::WrongValue, node.at, format!("`{{{}}}` is not read in an endpoint", shown(name)), hint);
                return None;
            }
            if !names.iter().any(|known| **known == *name) {
                names.push(name.into());
            }
            rest = after;
        }
        if rest.contains('}') {
            self.log.error(Code::WrongValue, node.at, format!("`{}` has a brace without its other half", shown(text)));
            return None;
        }
        Some(names)
    }

    /// Headers that are written out must be headers, and not the connection's own.
    fn headers(&self, node: &Node) {
        for entry in node.as_map().unwrap_or_default() {
            let name = entry.key.to_ascii_lowercase();
            if !is_header(&name) {
                self.log.error(Code::WrongValue, entry.at, format!("`{}` is not a header's name", shown(&entry.key)));
            } else if OWN_HEADERS.contains(&&*name) {
                let hint = "leave it out: it follows from the endpoint and the body";
                self.log.error_hint(Code::WrongValue, entry.at, format!("the header `{}` cannot be set", shown(&entry.key)), hint);
            }
        }
    }

    /// The class of the effect and what belongs to it: from the method, or as `metadata.provost.effect` says.
    fn effect(&mut self, written: &Written<'_, '_>, method: &str) -> Option<Effect> {
        let safe = matches!(method, "GET" | "HEAD" | "OPTIONS");
        let default = if safe { EffectClass::E0 } else { EffectClass::E4 };
        let settings = written.body.find("metadata").and_then(|node| node.member("provost"));
        let Some(node) = settings.and_then(|node| node.member("effect")) else { return Some(Effect::of(default)) };
        let effect = fields(node, "`effect`", &["class", "keyHeader", "lookup", "settleMs"], self.log)?;
        let key_header = effect.text("keyHeader", self.log).unwrap_or_default();
        if !key_header.is_empty() && !is_header(&key_header) {
            self.log.error(Code::WrongValue, effect.value_at("keyHeader"), format!("`{}` is not a header's name", shown(&key_header)));
        }
        effect.need("class", self.log);
        let class = effect.word("class", &["E0", "E1", "E2", "E3", "E4"], self.log)?;
        let at = effect.value_at("class");
        let lookup = effect.text("lookup", self.log).map(|lookup| (lookup, effect.value_at("lookup")));
        let settle_ms = effect.int("settleMs", 0, 1 << 40, self.log).unwrap_or(SETTLE_MS);
        if &*class != "E3" {
            for key in ["lookup", "settleMs"].into_iter().filter(|key| effect.find(key).is_some()) {
                let hint = "write class: E3, or leave it out";
                self.log.error_hint(Code::Action, effect.key_at(key), format!("only class E3 is asked, so `{key}` says nothing"), hint);
            }
        }
        let of = |class| Some(Effect { class, key_header: key_header.clone(), lookup: None, settle_ms: 0 });
        match &*class {
            "E1" if key_header.is_empty() => {
                let hint = "add `keyHeader: Idempotency-Key`, or write the class that holds";
                self.log.error_hint(Code::Action, at, "class E1 needs a key that the target sees", hint);
                None
            }
            "E3" if lookup.is_none() => {
                let hint = "add `lookup:` with the endpoint that is asked, e.g. `https://api.example.com/payments/{key}`";
                self.log.error_hint(Code::Action, at, "class E3 needs `lookup`", hint);
                None
            }
            "E3" => Some(Effect { class: EffectClass::E3, key_header, lookup, settle_ms }),
            "E0" if !safe => {
                let hint = "write E2 where doing it twice is the same as doing it once";
                self.log.error_hint(Code::Action, at, format!("class E0 only reads, and {method} does not"), hint);
                None
            }
            "E0" => of(EffectClass::E0),
            "E1" => of(EffectClass::E1),
            "E2" => of(EffectClass::E2),
            _ => of(EffectClass::E4),
        }
    }

    /// An effect whose look-up, where it has one, goes where the call goes and names what was asked for.
    fn askable(&mut self, effect: Effect, arguments: &[(Arc<str>, Template)]) -> Option<Effect> {
        let Some((lookup, at)) = &effect.lookup else { return Some(effect) };
        let argument = |name: &str| arguments.iter().find(|(key, _)| **key == *name).map(|(_, template)| template);
        let wrong = |message: String, hint: &str| {
            self.log.error_hint(Code::Action, *at, message, hint);
            None
        };
        let Some(Template::Literal(Value::Str(endpoint))) = argument("endpoint") else {
            return wrong("a call that can be asked needs an endpoint that is written out".to_owned(), "write `endpoint` without `${ }`");
        };
        let same = Endpoint::parse(lookup).zip(Endpoint::parse(endpoint)).is_some_and(|(lookup, call)| lookup.is_same_origin(&call));
        if !same {
            let hint = "write scheme, host and port as in `endpoint`: policy was asked about no other";
            return wrong(format!("`{}` is not of the call's own origin", shown(lookup)), hint);
        }
        let own: Vec<Arc<str>> = match argument("path") {
            Some(Template::Object(members)) => members.iter().map(|(name, _)| name.clone()).collect(),
            Some(_) | None => Vec::new(),
        };
        let mut rest = &**lookup;
        let mut names = Vec::new();
        while let Some((name, after)) = rest.split_once('{').and_then(|(_, tail)| tail.split_once('}')) {
            names.push(name);
            rest = after;
        }
        let hint = "name `{key}`, or a variable of `endpoint`";
        if names.is_empty() || rest.contains(['{', '}']) {
            return wrong(format!("`{}` asks the same whatever was sent", shown(lookup)), hint);
        }
        if let Some(name) = names.iter().find(|name| **name != "key" && !own.iter().any(|own| **own == ***name)) {
            return wrong(format!("`{{{}}}` is not known in a look-up", shown(name)), hint);
        }
        if names.contains(&"key") && effect.key_header.is_empty() && !own.iter().any(|own| **own == *"key") {
            return wrong("the target never sees the key that it is asked for".to_owned(), "add `keyHeader: Idempotency-Key`");
        }
        Some(effect)
    }
}

/// What `metadata.provost.effect` says of a call.
struct Effect {
    class: EffectClass,
    key_header: Arc<str>,
    /// Where it is asked, and where that is written.
    lookup: Option<(Arc<str>, Place)>,
    settle_ms: i64,
}

impl Effect {
    fn of(class: EffectClass) -> Self {
        Self { class, key_header: "".into(), lookup: None, settle_ms: 0 }
    }
}

/// The action behind a call. Without an authored retry: reads and effects that may happen once only are tried again by `try` alone.
fn action(call: ProtocolCall, class: EffectClass, settle_ms: i64) -> ActionSpec {
    let repeats = matches!(class, EffectClass::E1 | EffectClass::E2 | EffectClass::E3);
    let retry = if repeats { RetrySpec::default() } else { RetrySpec { attempts_max: 1, ..RetrySpec::default() } };
    // Where the credentials came from is no part of what was asked for: a new token is still the same request.
    let meaningful = ["/endpoint", "/path", "/query", "/headers", "/body"].map(Arc::from).to_vec();
    ActionSpec {
        name: HTTP_CALL.into(),
        version: "1.0.0".into(),
        digest: Digest::of(call.method.as_bytes()),
        class,
        queue: "builtin".into(),
        http: None,
        call: Some(call),
        lookup: None,
        arguments: None,
        result: None,
        meaningful,
        timeout_ms: TIMEOUT_MS,
        retry,
        key_horizon_ms: KEY_HORIZON_MS,
        settle_ms,
        undo: None,
        review: None,
        money_out: false,
        rate: None,
        breaker: None,
    }
}

/// RFC 9110, section 5.1.
fn is_header(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b))
}
