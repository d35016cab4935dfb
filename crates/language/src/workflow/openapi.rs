//! `call: openapi`: an operation of a document in the bundle, compiled to the same call that `call: http` is.

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
        let (method, joined) = (operation.method, sorted.joined);
        self.call_of(with, written, Parts { method, template, arguments, operation: Some(id), joined })
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
