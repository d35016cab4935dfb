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
use crate::finding::Code;
use crate::yaml::{Kind, Node, shown};

const METHODS: [&str; 7] = ["GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE"];
/// Longest attempt, in milliseconds; a `timeout` of the task may be shorter.
const TIMEOUT_MS: i64 = 30_000;
const KEY_HORIZON_MS: i64 = 24 * 3_600_000;
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
        self.call_of(with, written, Parts { method: method?, template, arguments, operation: None, joined: Vec::new() })
    }

    /// The task of a call, and the action behind it.
    pub(super) fn call_of(&mut self, with: &Node, written: &Written<'_, '_>, parts: Parts) -> Option<TaskKind> {
        let effect = self.effect(written, &parts.method);
        let output = match with.member("output").and_then(Node::as_text).map(|word| &**word) {
            Some("response") => CallOutput::Response,
            Some("raw") => CallOutput::Raw,
            Some(_) | None => CallOutput::Content,
        };
        let (class, key_header) = effect?;
        let redirect = matches!(with.member("redirect").map(|node| &node.kind), Some(Kind::Scalar(Value::Bool(true))));
        let Parts { method, template, arguments, operation, joined } = parts;
        let call = ProtocolCall { method, template, output, redirect, key_header, operation, joined, response_bytes_max: 0 };
        let name = self.call_name(written.pointer, action(call, class));
        let arguments = template::object(arguments);
        let in_doubt = self.in_doubt;
        Some(TaskKind::Act(ActTask {
            action: name,
            arguments,
            key: None,
            because: None,
            compensate: None,
            retry: None,
            in_doubt,
            store: Keeping::Record,
        }))
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
            if name.is_empty() || !name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_') {
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

    /// The class of the effect and the header that carries its key: from the method, or as `metadata.provost.effect` says.
    fn effect(&mut self, written: &Written<'_, '_>, method: &str) -> Option<(EffectClass, Arc<str>)> {
        let safe = matches!(method, "GET" | "HEAD" | "OPTIONS");
        let default = if safe { EffectClass::E0 } else { EffectClass::E4 };
        let settings = written.body.find("metadata").and_then(|node| node.member("provost"));
        let Some(node) = settings.and_then(|node| node.member("effect")) else { return Some((default, "".into())) };
        let effect = fields(node, "`effect`", &["class", "keyHeader"], self.log)?;
        let key_header = effect.text("keyHeader", self.log).unwrap_or_default();
        if !key_header.is_empty() && !is_header(&key_header) {
            self.log.error(Code::WrongValue, effect.value_at("keyHeader"), format!("`{}` is not a header's name", shown(&key_header)));
        }
        effect.need("class", self.log);
        let class = effect.word("class", &["E0", "E1", "E2", "E3", "E4"], self.log)?;
        let at = effect.value_at("class");
        match &*class {
            "E1" if key_header.is_empty() => {
                let hint = "add `keyHeader: Idempotency-Key`, or write the class that holds";
                self.log.error_hint(Code::Action, at, "class E1 needs a key that the target sees", hint);
                None
            }
            "E3" => {
                self.not_yet(
                    at,
                    "class E3 of a call",
                    "write the call as an action of the bundle: its `lookup` says how the target is asked",
                );
                None
            }
            "E0" if !safe => {
                let hint = "write E2 where doing it twice is the same as doing it once";
                self.log.error_hint(Code::Action, at, format!("class E0 only reads, and {method} does not"), hint);
                None
            }
            "E0" => Some((EffectClass::E0, key_header)),
            "E1" => Some((EffectClass::E1, key_header)),
            "E2" => Some((EffectClass::E2, key_header)),
            _ => Some((EffectClass::E4, key_header)),
        }
    }
}

/// The action behind a call. Without an authored retry: reads and effects that may happen once only are tried again by `try` alone.
fn action(call: ProtocolCall, class: EffectClass) -> ActionSpec {
    let repeats = matches!(class, EffectClass::E1 | EffectClass::E2);
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
        settle_ms: 0,
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
