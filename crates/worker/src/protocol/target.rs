//! The address of a call: its endpoint, filled, in the place that is bound for it.
//!
//! What must stay true: the address begins with a bound one, text for text, and is inside its path after every `.` and `..` was taken
//! out; what fills a template stays inside its segment or its parameter.

use std::collections::BTreeMap;

use provost_model::program::Endpoint;
use provost_model::record::Attempted;
use provost_model::{Problem, Value};
use provost_policy::egress;
use reqwest::Url;

use super::refuse;
use crate::actions::encode;

/// Where `endpoint` leads here.
pub(super) fn bound(endpoint: &str, destinations: &BTreeMap<String, String>) -> Result<Url, Attempted> {
    let invalid = || {
        let detail = "write scheme, host and path, e.g. `https://api.example.com/pets`";
        refuse("destination-invalid", "the endpoint is no absolute http or https address".to_owned(), detail)
    };
    let read = Endpoint::parse(endpoint).ok_or_else(invalid)?;
    let Some(address) = egress::address(destinations, &read) else {
        let name = read.authority();
        let title = format!("destination `{name}` is not bound here");
        let detail = format!("bind it: `--bind {name}={}`, or `bindings/local.yaml`", read.origin());
        return Err(refuse("destination-unknown", title, &detail));
    };
    let base = Url::parse(address).ok().filter(|base| matches!(base.scheme(), "http" | "https") && base.has_host());
    let base = base.ok_or_else(|| {
        let title = format!("destination `{}` has no usable address", read.authority());
        refuse("destination-invalid", title, "bind it to `http://host:port`")
    })?;
    let text = if egress::is_renamed(destinations, &read) {
        format!("{}{}", address.trim_end_matches('/'), rooted(read.rest))
    } else {
        let origin = Endpoint::parse(address).map(|bound| bound.origin()).ok_or_else(invalid)?;
        format!("{origin}{}", rooted(read.rest))
    };
    let url = Url::parse(&text).map_err(|_| invalid())?;
    if url.origin() != base.origin() || !is_inside(&url, &base) {
        let title = format!("the endpoint leads out of the destination `{}`", read.authority());
        return Err(refuse("destination-left", title, "look at what fills the path, and at the path of the binding"));
    }
    Ok(url)
}

fn rooted(rest: &str) -> String {
    if rest.starts_with('/') { rest.to_owned() } else { format!("/{rest}") }
}

/// Whether `url` is inside the path of some bound address of its origin.
pub(super) fn is_bound(url: &Url, destinations: &BTreeMap<String, String>) -> bool {
    let bases = destinations.values().filter_map(|address| Url::parse(address).ok());
    bases.into_iter().any(|base| base.origin() == url.origin() && is_inside(url, &base))
}

fn is_inside(url: &Url, base: &Url) -> bool {
    let path = base.path().trim_end_matches('/');
    url.path().strip_prefix(path).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// Scheme, host and port, for messages.
pub(super) fn shown_origin(url: &Url) -> String {
    url.origin().ascii_serialization()
}

/// The endpoint with its template filled from `values`. `may_be_empty`: what has no value is left out, as the specification says; that is
/// for a `call: http` that only reads, since without its last segment an effect would be one on everything.
pub(super) fn filled(template: &str, values: &Value, may_be_empty: bool) -> Result<String, Attempted> {
    let mut out = String::with_capacity(template.len() + 32);
    let mut rest = template;
    while let Some((plain, tail)) = rest.split_once('{') {
        let unfilled = |name: &str| {
            refuse(
                "path-argument",
                format!("the endpoint needs a value for `{{{name}}}`"),
                "give the task's input that member; `.` and `..` are none",
            )
        };
        let (name, after) = tail.split_once('}').ok_or_else(|| unfilled(tail))?;
        out.push_str(plain);
        let value = values.member(name).unwrap_or(&Value::Null);
        if matches!(value, Value::Array(_) | Value::Object(_)) {
            return Err(structured(name));
        }
        let text = scalar(Some(value)).unwrap_or_default();
        // `.` and `..` are whole segments that no encoding protects.
        let in_path = !out.contains('?');
        if in_path && matches!(&*text, "." | "..") || text.is_empty() && !may_be_empty && (in_path || value.is_null()) {
            return Err(unfilled(name));
        }
        encode(&text, &mut out);
        rest = after;
    }
    out.push_str(rest);
    Ok(out)
}

/// What fills a template is text, a number, a truth or null.
fn structured(name: &str) -> Attempted {
    let title = format!("the endpoint cannot hold a list or a mapping for `{{{name}}}`");
    let problem = Problem::standard("expression", 400, title).detail("give the task's input a text, a number or a truth of that name");
    Attempted::Failed { problem, retry: false, retry_after_ms: None }
}

/// Text, a number or a truth as text.
pub(super) fn scalar(value: Option<&Value>) -> Option<String> {
    match value? {
        Value::Str(text) => Some(text.to_string()),
        value @ (Value::Int(_) | Value::Float(_) | Value::Bool(_)) => Some(value.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn leads(endpoint: &str, bound_to: &[(&str, &str)]) -> Result<String, String> {
        let destinations = bound_to.iter().map(|(name, address)| ((*name).to_owned(), (*address).to_owned())).collect();
        bound(endpoint, &destinations).map(|url| url.to_string()).map_err(|outcome| match outcome {
            Attempted::Failed { problem, .. } => problem.code().to_owned(),
            other => format!("{other:?}"),
        })
    }

    #[test]
    fn an_endpoint_leads_only_where_something_is_bound() {
        let api = [("api", "https://api.example/v1")];
        assert_eq!(leads("https://api.example/v1/pets?a=b", &api).as_deref(), Ok("https://api.example/v1/pets?a=b"));
        assert_eq!(leads("https://api.example/v1", &api).as_deref(), Ok("https://api.example/v1"));
        for outside in
            ["https://api.example/v2", "https://api.example/v1/../v2", "https://api.example/v1/%2e%2e/v2", "https://api.example/v11"]
        {
            assert_eq!(leads(outside, &api), Err("destination-left".to_owned()), "{outside}");
        }
        assert_eq!(leads("https://other.example/v1", &api), Err("destination-unknown".to_owned()));
        assert_eq!(leads("https://x@api.example/v1", &api), Err("destination-invalid".to_owned()));
    }

    #[test]
    fn a_name_that_is_bound_elsewhere_keeps_its_path() {
        let stub = [("api.example", "http://127.0.0.1:4000/stub")];
        assert_eq!(leads("https://api.example/pets", &stub).as_deref(), Ok("http://127.0.0.1:4000/stub/pets"));
        assert_eq!(leads("https://api.example?q=1", &stub).as_deref(), Ok("http://127.0.0.1:4000/stub/?q=1"));
        assert_eq!(leads("https://api.example/../admin", &stub), Err("destination-left".to_owned()));
    }

    #[test]
    fn what_fills_a_template_stays_where_it_is_put() {
        for hostile in ["../x", "//evil", "a@b", "a?b", "a#b", "a\r\nHost: x", "%2e%2e", "a/b", "{b}"] {
            let values = Value::object([("a", Value::from(hostile)), ("b", Value::from("z"))]);
            let endpoint = filled("https://h.example/{a}/{b}", &values, true).unwrap_or_default();
            assert_eq!(endpoint.matches('/').count(), 4, "{endpoint}");
            assert!(endpoint.ends_with("/z") && !endpoint.contains(['?', '#', '@', '\r', '{']), "{endpoint}");
        }
        for wrong in [Value::from(".."), Value::from(""), Value::Null, Value::empty()] {
            assert!(filled("https://h.example/{a}", &Value::object([("a", wrong)]), false).is_err());
        }
        for wrong in [Value::from(".."), Value::from("."), Value::empty(), Value::array([])] {
            assert!(filled("https://h.example/{a}", &Value::object([("a", wrong)]), true).is_err());
        }
        let values = Value::object([("s", Value::from("a&b=c")), ("n", Value::Int(7))]);
        assert_eq!(filled("https://h.example/x?s={s}&n={n}", &values, false).ok().as_deref(), Some("https://h.example/x?s=a%26b%3Dc&n=7"));
    }

    #[test]
    fn a_read_without_a_value_leaves_it_out() {
        let read = |values: &Value| filled("https://h.example/pets/{id}?of={of}", values, true).ok();
        assert_eq!(read(&Value::empty()).as_deref(), Some("https://h.example/pets/?of="));
        assert_eq!(read(&Value::object([("id", Value::Null), ("of", Value::from(""))])).as_deref(), Some("https://h.example/pets/?of="));
        assert_eq!(read(&Value::object([("id", Value::Bool(true))])).as_deref(), Some("https://h.example/pets/true?of="));
    }
}
