//! OpenAPI documents of a bundle (`apis/`): OpenAPI 3.0 and 3.1, and Swagger 2.0, read for the operations that `call: openapi` names.
//!
//! What must stay true: a document is in the bundle, so an operation means the same for ever; one that a workflow names by its URL
//! stands under `apis/HOST/PATH`. References lead inside the document only. What is absent: callbacks, links, security schemes
//! (`authentication` stands in the call).

mod shape;

use std::sync::Arc;

use provost_model::Value;
use provost_model::value::lookup;

use crate::finding::{Code, Log, Place};
use crate::source::SOURCE_BYTES_MAX;
use crate::yaml::load;

use shape::Shapes;

const METHODS: [&str; 7] = ["get", "head", "options", "post", "put", "patch", "delete"];
/// Longest chain of references.
const REFERENCES_MAX: usize = 16;
const JSON: &str = "application/json";
const FORM: &str = "application/x-www-form-urlencoded";

/// A document as read.
#[derive(Debug)]
pub(crate) struct Api {
    /// Its path in the bundle.
    pub(crate) path: Arc<str>,
    pub(crate) version: Arc<str>,
    document: Value,
    /// Swagger 2.0.
    old: bool,
}

/// Where a parameter goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum In {
    Path,
    Query,
    Header,
    Cookie,
    Form,
    Body,
}

/// A parameter of an operation.
#[derive(Clone, Debug)]
pub(crate) struct Parameter {
    pub(crate) name: Arc<str>,
    pub(crate) place: In,
    pub(crate) required: bool,
    /// Whether a list is one text with commas.
    pub(crate) joined: bool,
    /// What the document says of its value, as a contract.
    pub(crate) contract: Option<Value>,
}

/// An operation, ready to be called.
#[derive(Clone, Debug)]
pub(crate) struct Operation {
    pub(crate) method: Arc<str>,
    /// The path template, as written.
    pub(crate) path: Arc<str>,
    /// Addresses as written: the first is the default.
    pub(crate) servers: Vec<String>,
    pub(crate) parameters: Vec<Parameter>,
    /// How the body is sent, where there is one; `None` also where it is of a kind that is not sent yet.
    pub(crate) media_type: Option<&'static str>,
    /// Kinds of the body as written.
    pub(crate) consumes: Vec<Arc<str>>,
    /// Whether it says that it answers with JSON.
    pub(crate) answers_json: bool,
}

/// Reads a document: JSON, or YAML.
pub(crate) fn read(bytes: &[u8], path: &Arc<str>, log: &Log) -> Option<Api> {
    if bytes.len() > SOURCE_BYTES_MAX {
        log.error(Code::TooLarge, Place::START, format!("the document is larger than {SOURCE_BYTES_MAX} bytes"));
        return None;
    }
    let document = if path.ends_with(".json") { super::json::read(bytes, log)? } else { load(bytes, 1, log)?.to_value() };
    let text = |key: &str| document.member(key).and_then(Value::as_str);
    let (old, new) = (text("swagger") == Some("2.0"), text("openapi").is_some_and(|v| v.starts_with("3.0") || v.starts_with("3.1")));
    if !old && !new {
        let hint = "the document begins with `openapi: 3.1.0` (or 3.0.x), or `swagger: \"2.0\"`";
        log.error_hint(Code::WrongValue, Place::START, "this is no OpenAPI document of a version that is read", hint);
        return None;
    }
    let version = lookup(&document, "/info/version").and_then(Value::as_str).unwrap_or_default().into();
    Some(Api { path: path.clone(), version, document, old })
}

impl Api {
    /// Ids of all operations.
    pub(crate) fn ids(&self) -> Vec<&str> {
        self.operations().filter_map(|(_, _, _, operation)| operation.member("operationId").and_then(Value::as_str)).collect()
    }

    /// The operation `id`.
    pub(crate) fn operation(&self, id: &str) -> Option<Operation> {
        let is_named = |operation: &Value| operation.member("operationId").and_then(Value::as_str) == Some(id);
        let (path, item, method, operation) = self.operations().find(|(_, _, _, operation)| is_named(operation))?;
        let mut parameters: Vec<Parameter> = Vec::new();
        // Those of the operation stand above those of its path.
        for source in [operation, item] {
            for parameter in source.member("parameters").and_then(Value::as_array).unwrap_or_default() {
                let Some(parameter) = self.parameter(self.resolved(parameter)) else { continue };
                if !parameters.iter().any(|known| known.name == parameter.name && known.place == parameter.place) {
                    parameters.push(parameter);
                }
            }
        }
        let consumes = self.consumes(operation);
        if let Some(body) = operation.member("requestBody").map(|body| self.resolved(body)) {
            let required = body.member("required") == Some(&Value::Bool(true));
            let contract = self.body_contract(body);
            parameters.push(Parameter { name: "body".into(), place: In::Body, required, joined: false, contract });
        }
        parameters.sort_by_key(|parameter| parameter.place);
        let form = parameters.iter().any(|parameter| parameter.place == In::Form);
        let media_type = match () {
            () if !form && (consumes.is_empty() || consumes.iter().any(|kind| is_json(kind))) => Some(JSON),
            () if consumes.iter().any(|kind| is_form(kind)) || (form && consumes.is_empty()) => Some(FORM),
            () => None,
        };
        let answers_json = self.produces(operation).iter().any(|kind| is_json(kind));
        let (method, path, servers) = (method.to_ascii_uppercase().into(), path.clone(), self.servers(operation, item));
        Some(Operation { method, path, servers, parameters, media_type, consumes, answers_json })
    }

    fn operations(&self) -> impl Iterator<Item = (&Arc<str>, &Value, &'static str, &Value)> {
        let paths = self.document.member("paths").and_then(Value::as_object).into_iter().flat_map(|paths| paths.iter());
        let items = paths.map(|(path, item)| (path, self.resolved(item)));
        items.flat_map(|(path, item)| METHODS.iter().filter_map(move |method| Some((path, item, *method, item.member(method)?))))
    }

    /// What a `$ref` inside the document leads to.
    fn resolved<'v>(&'v self, value: &'v Value) -> &'v Value {
        let mut found = value;
        for _ in 0..REFERENCES_MAX {
            let inside = found.member("$ref").and_then(Value::as_str).and_then(|text| text.strip_prefix('#'));
            match inside.and_then(|pointer| lookup(&self.document, pointer)) {
                Some(next) => found = next,
                None => break,
            }
        }
        found
    }

    fn parameter(&self, value: &Value) -> Option<Parameter> {
        let name = value.member("name")?.as_str()?.into();
        let place = match value.member("in")?.as_str()? {
            "path" => In::Path,
            "query" => In::Query,
            "header" => In::Header,
            "cookie" => In::Cookie,
            "formData" => In::Form,
            "body" => In::Body,
            _ => return None,
        };
        let joined = if self.old {
            value.member("collectionFormat").and_then(Value::as_str) != Some("multi")
        } else {
            value.member("explode") == Some(&Value::Bool(false))
        };
        let required = place == In::Path || value.member("required") == Some(&Value::Bool(true));
        let shapes = Shapes::new(&self.document, self.is_before_3_1());
        // A path without a value is a fault of its own.
        let needed = required && place != In::Path;
        let contract = match (self.old, place) {
            (_, In::Cookie) => None,
            (true, In::Body) => value.member("schema").map(|schema| shapes.whole(schema)),
            (true, In::Path | In::Query | In::Header | In::Form) => Some(shapes.text(value, needed)),
            (false, _) => value.member("schema").map(|schema| shapes.text(schema, needed)),
        };
        Some(Parameter { name, place, required, joined, contract })
    }

    fn is_before_3_1(&self) -> bool {
        self.old || self.document.member("openapi").and_then(Value::as_str).is_some_and(|version| version.starts_with("3.0"))
    }

    /// What is said of a body that is sent: as JSON, or else as a form.
    fn body_contract(&self, body: &Value) -> Option<Value> {
        let content = body.member("content")?.as_object()?;
        let shapes = Shapes::new(&self.document, self.is_before_3_1());
        let named = |fits: fn(&str) -> bool| content.iter().find(|(kind, _)| fits(kind)).and_then(|(_, of)| of.member("schema"));
        match named(is_json) {
            Some(schema) => Some(shapes.whole(schema)),
            None => named(is_form).map(|schema| shapes.form(schema)),
        }
    }

    fn consumes(&self, operation: &Value) -> Vec<Arc<str>> {
        if self.old {
            return kinds(operation.member("consumes").or_else(|| self.document.member("consumes")));
        }
        let body = operation.member("requestBody").map(|body| self.resolved(body));
        keys(body.and_then(|body| body.member("content")))
    }

    fn produces(&self, operation: &Value) -> Vec<Arc<str>> {
        if self.old {
            return kinds(operation.member("produces").or_else(|| self.document.member("produces")));
        }
        let answers = operation.member("responses").and_then(Value::as_object).into_iter().flat_map(|answers| answers.iter());
        answers.flat_map(|(_, answer)| keys(self.resolved(answer).member("content"))).collect()
    }

    fn servers(&self, operation: &Value, item: &Value) -> Vec<String> {
        if self.old {
            let text = |key: &str| self.document.member(key).and_then(Value::as_str);
            let schemes = self.document.member("schemes").and_then(Value::as_array).unwrap_or_default();
            let scheme = if schemes.is_empty() || schemes.iter().any(|scheme| scheme.as_str() == Some("https")) { "https" } else { "http" };
            let base = text("basePath").unwrap_or_default().trim_end_matches('/');
            return vec![text("host").map_or_else(|| base.to_owned(), |host| format!("{scheme}://{host}{base}"))];
        }
        let found = [operation, item, &self.document].into_iter().find_map(|source| source.member("servers").and_then(Value::as_array));
        let servers: Vec<String> = found.unwrap_or_default().iter().filter_map(server).collect();
        if servers.is_empty() { vec!["/".to_owned()] } else { servers }
    }
}

fn is_json(kind: &str) -> bool {
    kind.split(';').next().is_some_and(|kind| kind == JSON || kind.ends_with("+json") || kind == "*/*")
}

fn is_form(kind: &str) -> bool {
    kind.starts_with(FORM)
}

/// The address of a server with the defaults of its variables.
fn server(server: &Value) -> Option<String> {
    let mut url = server.member("url")?.as_str()?.to_owned();
    for (name, variable) in server.member("variables").and_then(Value::as_object).into_iter().flat_map(|all| all.iter()) {
        let default = variable.member("default").and_then(Value::as_str).unwrap_or_default();
        url = url.replace(&format!("{{{name}}}"), default);
    }
    Some(url)
}

fn kinds(list: Option<&Value>) -> Vec<Arc<str>> {
    list.and_then(Value::as_array).unwrap_or_default().iter().filter_map(|kind| kind.as_str().map(Arc::from)).collect()
}

fn keys(map: Option<&Value>) -> Vec<Arc<str>> {
    map.and_then(Value::as_object).into_iter().flat_map(|map| map.iter()).map(|(kind, _)| kind.clone()).collect()
}
