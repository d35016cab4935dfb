//! `call: openapi`: an operation of a document in the bundle, compiled to the same call that `call: http` is.

use std::collections::BTreeMap;
use std::sync::Arc;

use provost_model::Value;
use provost_model::program::{Endpoint, TaskKind, Template};

use super::protocol::{Address, Parts, Written};
use super::{Build, template};
use crate::fields;
use crate::finding::{Code, Place, listed};
use crate::library::api::{Api, In, Operation, Parameter};
use crate::yaml::{Entry, Node, shown};

/// The arguments of a call, by where they go.
#[derive(Default)]
struct Sorted {
    path: Vec<(Arc<str>, Template)>,
    query: Vec<(Arc<str>, Template)>,
    headers: Vec<(Arc<str>, Template)>,
    form: Vec<(Arc<str>, Template)>,
    body: Option<Template>,
    joined: Vec<Arc<str>>,
    /// What the document says of each value that is given, by its place.
    contracts: Vec<(In, Arc<str>, Value)>,
}

/// What the arguments of a call must be, as far as its document says.
fn contract(parameters: Vec<(In, Arc<str>, Value)>) -> Option<Value> {
    let mut places: BTreeMap<&str, Vec<(Arc<str>, Value)>> = BTreeMap::new();
    let mut definitions: Vec<(Arc<str>, Value)> = Vec::new();
    for (at, (place, name, contract)) in parameters.into_iter().enumerate() {
        let contract = moved(contract, at, &mut definitions);
        let key = match place {
            In::Path => "path",
            In::Query => "query",
            In::Header => "headers",
            In::Form | In::Body | In::Cookie => "body",
        };
        let name = if place == In::Body { Arc::from("") } else { name };
        places.entry(key).or_default().push((name, contract));
    }
    if places.is_empty() {
        return None;
    }
    let member = |(key, named): (&str, Vec<(Arc<str>, Value)>)| {
        let whole = named.iter().find(|(name, _)| name.is_empty()).map(|(_, contract)| contract.clone());
        let contract = whole.unwrap_or_else(|| Value::object([("properties", Value::object(named))]));
        (Arc::from(key), contract)
    };
    let properties: Vec<(Arc<str>, Value)> = places.into_iter().map(member).collect();
    let mut members = vec![("properties", Value::object(properties))];
    if !definitions.is_empty() {
        members.push(("$defs", Value::object(definitions)));
    }
    Some(Value::object(members))
}

/// A contract that becomes a part of another: what it refers to moves beside it, under names of its own.
fn moved(contract: Value, at: usize, definitions: &mut Vec<(Arc<str>, Value)>) -> Value {
    let Some(own) = contract.member("$defs").and_then(Value::as_object) else { return contract };
    definitions.extend(own.iter().map(|(name, schema)| (Arc::from(format!("p{at}{name}")), renamed(schema, at))));
    let members = contract.as_object().into_iter().flat_map(|map| map.iter()).filter(|(key, _)| &***key != "$defs");
    Value::object(members.map(|(key, member)| (key.clone(), renamed_member(key, member, at))))
}

fn renamed(value: &Value, at: usize) -> Value {
    match value {
        Value::Object(map) => Value::object(map.iter().map(|(key, member)| (key.clone(), renamed_member(key, member, at)))),
        Value::Array(items) => Value::array(items.iter().map(|item| renamed(item, at))),
        Value::Null | Value::Bool(_) | Value::Int(_) | Value::Float(_) | Value::Str(_) => value.clone(),
    }
}

fn renamed_member(key: &str, member: &Value, at: usize) -> Value {
    match member.as_str().and_then(|target| target.strip_prefix("#/$defs/")).filter(|_| key == "$ref") {
        Some(name) => Value::from(format!("#/$defs/p{at}{name}")),
        None => renamed(member, at),
    }
}

impl<'a> Build<'a> {
    /// `call: openapi`; its shape was checked.
    pub(super) fn openapi_call(&mut self, with: &Node, written: &Written<'_, '_>) -> Option<TaskKind> {
        let document = with.member("document")?.member("endpoint")?;
        let document = if document.as_map().is_some() { document.member("uri")? } else { document };
        let uri = fields::text(document, "endpoint", self.log)?;
        let api = self.api(&uri, document.at)?;
        let node = with.member("operationId")?;
        let id = fields::text(node, "operationId", self.log)?;
        let Some(operation) = api.operation(&id) else {
            let message = format!("`{}` has no operation `{}`", api.path, shown(&id));
            self.log.unknown(Code::UnknownReference, node.at, message, &id, &api.ids());
            return None;
        };
        self.tables.leaves = true;
        let sorted = self.sorted(&operation, with.member("parameters"), node.at);
        let authentication = with.member("authentication").and_then(|node| self.authentication(node));
        self.tables.leaves = false;
        let address = self.operation_address(&operation, &uri, written, node.at);
        let (sorted, Address { template, mut arguments }) = (sorted?, address?);
        if template {
            arguments.push(("path".into(), template::object(sorted.path)));
        }
        for (key, members) in [("query", sorted.query), ("headers", sorted.headers)] {
            if !members.is_empty() {
                arguments.push((key.into(), template::object(members)));
            }
        }
        arguments.extend(sorted.body.map(|body| ("body".into(), body)));
        arguments.extend(authentication.map(|template| ("authentication".into(), template)));
        let contract = contract(sorted.contracts);
        let (method, joined) = (operation.method, sorted.joined);
        self.call_of(with, written, Parts { method, template, arguments, operation: Some(id), joined, contract })
    }

    /// The document that `uri` names: a file under `apis/`; one named by its URL stands under `apis/HOST/PATH`.
    fn api(&self, uri: &str, at: Place) -> Option<&'a Api> {
        let library = self.library;
        let place = match uri.split_once("://") {
            Some((_, rest)) => rest.split(['?', '#']).next().unwrap_or_default().to_ascii_lowercase(),
            None => uri.trim_start_matches("./").trim_start_matches("apis/").to_owned(),
        };
        let fits = |api: &&Api| {
            let path = api.path.strip_prefix("apis/").unwrap_or(&api.path);
            let path = if uri.contains("://") { path.to_ascii_lowercase() } else { path.to_owned() };
            path == place || path.rsplit_once('.').is_some_and(|(stem, _)| stem == place)
        };
        let found = library.apis.iter().find(fits);
        if found.is_none() && uri.contains("://") {
            let hint = format!("put the document into the bundle as `apis/{}`; it is read from there", shown(&place));
            self.refuse(at, "OpenAPI documents from elsewhere", &hint);
        } else if found.is_none() {
            let known: Vec<&str> = library.apis.iter().map(|api| &*api.path).collect();
            let message = format!("the bundle has no OpenAPI document `{}`", shown(uri));
            if known.is_empty() {
                self.log.error_hint(Code::UnknownReference, at, message, "add it to the folder `apis/`");
            } else {
                self.log.unknown(Code::UnknownReference, at, message, uri, &known);
            }
        }
        found
    }

    /// Server and path; what the document says relative to itself is relative to the URL it is named by.
    fn operation_address(&self, operation: &Operation, uri: &str, written: &Written<'_, '_>, at: Place) -> Option<Address> {
        let server = self.server(operation, written)?;
        let base = match Endpoint::parse(uri) {
            Some(document) if server.starts_with('/') => format!("{}{server}", document.origin()),
            Some(_) | None => server.to_owned(),
        };
        let endpoint = format!("{}{}", base.trim_end_matches('/'), operation.path);
        if Endpoint::parse(&endpoint).is_none() {
            let hint = "write `servers: [ { url: https://… } ]` into the document";
            let message = format!("the document names no usable server for this operation: `{}`", shown(server));
            self.log.error_hint(Code::WrongValue, at, message, hint);
            return None;
        }
        let template = operation.path.contains('{');
        Some(Address { template, arguments: vec![("endpoint".into(), Template::Literal(Value::from(endpoint)))] })
    }

    /// The first server, or the one that `metadata.provost.server` names.
    fn server<'o>(&self, operation: &'o Operation, written: &Written<'_, '_>) -> Option<&'o str> {
        let settings = written.body.find("metadata").and_then(|node| node.member("provost"));
        let Some(chosen) = settings.and_then(|node| node.member("server")) else {
            return operation.servers.first().map(String::as_str);
        };
        let text = fields::text(chosen, "server", self.log)?;
        let found = operation.servers.iter().find(|server| server.trim_end_matches('/') == text.trim_end_matches('/'));
        if found.is_none() {
            let known: Vec<&str> = operation.servers.iter().map(String::as_str).collect();
            self.log.unknown(Code::UnknownReference, chosen.at, format!("the operation has no server `{}`", shown(&text)), &text, &known);
        }
        found.map(String::as_str)
    }

    /// The authored parameters, each where the operation wants it.
    fn sorted(&mut self, operation: &Operation, parameters: Option<&Node>, at: Place) -> Option<Sorted> {
        let entries: &[Entry] = parameters.and_then(Node::as_map).unwrap_or_default();
        let mut sorted = Sorted::default();
        let known: Vec<&str> = operation.parameters.iter().map(|parameter| &*parameter.name).collect();
        let mut whole = true;
        for entry in entries {
            let Some(parameter) = operation.parameters.iter().find(|parameter| parameter.name == entry.key) else {
                let message = format!("the operation has no parameter `{}`", shown(&entry.key));
                self.log.unknown(Code::UnknownKey, entry.at, message, &entry.key, &known);
                whole = false;
                continue;
            };
            whole &= self.sort(parameter, entry, &mut sorted);
        }
        let given = |parameter: &&Parameter| entries.iter().any(|entry| entry.key == parameter.name);
        let missing: Vec<&str> =
            operation.parameters.iter().filter(|p| p.required && !given(p)).map(|parameter| &*parameter.name).collect();
        if !missing.is_empty() {
            let hint = format!("add {} under `parameters`", listed(&missing));
            self.log.error_hint(Code::MissingKey, parameters.map_or(at, |node| node.at), "the operation needs more parameters", hint);
        }
        self.body_of(operation, &mut sorted, at).filter(|()| whole && missing.is_empty()).map(|()| sorted)
    }

    fn sort(&mut self, parameter: &Parameter, entry: &Entry, sorted: &mut Sorted) -> bool {
        let value = self.template(&entry.value);
        if !self.contracted(parameter, entry, &value, sorted) {
            return false;
        }
        let named = (parameter.name.clone(), value.clone());
        match parameter.place {
            In::Path => sorted.path.push(named),
            In::Query => {
                if parameter.joined {
                    sorted.joined.push(parameter.name.clone());
                }
                sorted.query.push(named);
            }
            In::Header => sorted.headers.push(named),
            In::Form => sorted.form.push(named),
            In::Body => sorted.body = Some(value),
            In::Cookie => {
                self.not_yet(entry.at, "a parameter in a cookie", "send it with `call: http` as the header `cookie`");
                return false;
            }
        }
        true
    }

    /// What the document says of a value: said at once of what is written out, and of the rest when the call leaves. Whether nothing is wrong.
    fn contracted(&self, parameter: &Parameter, entry: &Entry, value: &Template, sorted: &mut Sorted) -> bool {
        let Some(contract) = &parameter.contract else { return true };
        if let Err(error) = self.compiled(contract) {
            let message = format!("values of `{}` are not checked: {error}", shown(&parameter.name));
            self.log.warn(Code::Schema, entry.at, message, "write the schema in the document so that it is JSON Schema 2020-12");
            return true;
        }
        // The contents of a secret are nobody's to look at.
        if !self.names_secrets(value) {
            sorted.contracts.push((parameter.place, parameter.name.clone(), contract.clone()));
        }
        self.against(&entry.value, value, contract, &format!("parameter `{}`", shown(&parameter.name)))
    }

    fn names_secrets(&self, template: &Template) -> bool {
        match template {
            Template::Literal(_) => false,
            Template::Expression(index) => {
                self.tables.expressions.get(index.0 as usize).is_some_and(|expression| expression.source.contains("$secrets"))
            }
            Template::Array(items) => items.iter().any(|item| self.names_secrets(item)),
            Template::Object(members) => members.iter().any(|(_, member)| self.names_secrets(member)),
        }
    }

    /// How the body is sent.
    fn body_of(&mut self, operation: &Operation, sorted: &mut Sorted, at: Place) -> Option<()> {
        if operation.answers_json {
            sorted.headers.push(("accept".into(), Template::Literal(Value::from("application/json"))));
        }
        if !sorted.form.is_empty() {
            sorted.body = Some(template::object(std::mem::take(&mut sorted.form)));
        }
        sorted.body.as_ref().map_or(Some(()), |_| {
            let Some(kind) = operation.media_type else {
                let kinds: Vec<&str> = operation.consumes.iter().map(|kind| &**kind).collect();
                let what = format!("a body of {}", listed(&kinds));
                self.not_yet(at, &what, "JSON and `application/x-www-form-urlencoded` are sent");
                return None;
            };
            sorted.headers.push(("content-type".into(), Template::Literal(Value::from(kind))));
            Some(())
        })
    }
}
