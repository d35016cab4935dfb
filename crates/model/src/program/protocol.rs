//! Calls that a workflow writes out itself (`call: http`, `call: openapi`), compiled, and the endpoints they name.
//!
//! What must stay true: where a call goes can be said from its endpoint alone, by everyone in the same way: policy, the Guard and the
//! worker ask [`Endpoint`], so no two of them can read one text as two hosts.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::value::Value;

/// The name under which policy, the Guard and explanations know every call that a workflow writes out itself.
pub const HTTP_CALL: &str = "http.call";

/// What stands in the arguments of such a call: `endpoint`, and where written `path` (values of the endpoint's template), `query`,
/// `headers`, `body` and `authentication`. This is the rest, which is fixed when it is published.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ProtocolCall {
    /// `GET`, `POST`, ….
    pub method: Arc<str>,
    /// Whether the endpoint is a template (RFC 6570, level 1) that `path` fills; what an expression gave never is.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub template: bool,
    /// What of the answer is the output.
    #[serde(default)]
    pub output: CallOutput,
    /// Whether 3xx answers are no errors, and are followed within their origin where the method is safe.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub redirect: bool,
    /// Header that carries the key; empty: none.
    #[serde(default, skip_serializing_if = "str::is_empty")]
    pub key_header: Arc<str>,
    /// For class E3: the endpoint that is asked whether it was done, of the same origin; a template of `key` and the call's own variables.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lookup: Option<Arc<str>>,
    /// The operation of an OpenAPI document that it came from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operation: Option<Arc<str>>,
    /// Parameters of the query whose lists are one text with commas; of the others each item is a parameter of its own.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub joined: Vec<Arc<str>>,
    /// Largest answer, in bytes.
    pub response_bytes_max: u64,
}

impl ProtocolCall {
    /// Whether the method asks for nothing but an answer (RFC 9110, section 9.2.1).
    pub fn is_safe(&self) -> bool {
        matches!(&*self.method, "GET" | "HEAD" | "OPTIONS")
    }
}

/// What of an answer is the output.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum CallOutput {
    /// The body: JSON as a value, other text as text, other bytes in base64.
    #[default]
    Content,
    /// `{request: {method, uri, headers}, statusCode, headers, content}`.
    Response,
    /// The bytes of the body in base64.
    Raw,
}

/// An absolute http or https address, read strictly.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Endpoint<'a> {
    /// `http` or `https`.
    pub scheme: &'a str,
    /// The host as written: a name, an IPv4 address, or an IPv6 address in brackets.
    pub host: &'a str,
    /// The port, where one is written.
    pub port: Option<u16>,
    /// Path and query as written; empty or from `/` or `?` on.
    pub rest: &'a str,
}

impl<'a> Endpoint<'a> {
    /// Reads `text`. `None` for anything that two readers could take for two hosts: credentials, backslashes, spaces, fragments,
    /// escapes or other letters than ASCII in the host.
    pub fn parse(text: &'a str) -> Option<Self> {
        let (scheme, after) = text.split_once("://").filter(|(scheme, _)| matches!(*scheme, "http" | "https"))?;
        let odd = |c: char| c.is_control() || c.is_whitespace() || matches!(c, '\\' | '#');
        if after.contains(odd) {
            return None;
        }
        let end = after.find(['/', '?']).unwrap_or(after.len());
        let (authority, rest) = after.split_at_checked(end)?;
        let (host, port) = split_port(authority)?;
        Some(Self { scheme, host, port, rest })
    }

    /// The port, written or not.
    pub fn port_or_default(&self) -> u16 {
        self.port.unwrap_or(if self.scheme == "https" { 443 } else { 80 })
    }

    /// Host and, where written, port in lower case: the name under which a destination may be bound.
    pub fn authority(&self) -> String {
        let host = self.host.to_ascii_lowercase();
        self.port.map_or_else(|| host.clone(), |port| format!("{host}:{port}"))
    }

    /// Scheme and authority: what policy knows as the destination.
    pub fn origin(&self) -> String {
        format!("{}://{}", self.scheme, self.authority())
    }

    /// Whether both lead to the same scheme, host and port.
    pub fn is_same_origin(&self, other: &Endpoint<'_>) -> bool {
        self.scheme == other.scheme && self.host.eq_ignore_ascii_case(other.host) && self.port_or_default() == other.port_or_default()
    }
}

/// The origins that a call with these arguments reaches: of its endpoint, then of the authority that gives it a token. Never empty; one
/// that cannot be read is an empty text, which nothing is bound to.
pub fn origins(arguments: &Value) -> Vec<String> {
    let origin = |value: Option<&Value>| {
        value.and_then(Value::as_str).and_then(Endpoint::parse).map(|endpoint| endpoint.origin()).unwrap_or_default()
    };
    let mut found = vec![origin(arguments.member("endpoint"))];
    let authentication = arguments.member("authentication");
    for scheme in ["oauth2", "oidc"] {
        if let Some(authority) = authentication.and_then(|with| with.member(scheme)).and_then(|scheme| scheme.member("authority")) {
            found.push(origin(Some(authority)));
        }
    }
    found.dedup();
    found
}

fn split_port(authority: &str) -> Option<(&str, Option<u16>)> {
    let split = if authority.starts_with('[') { authority.find(']')? + 1 } else { authority.find(':').unwrap_or(authority.len()) };
    let (host, tail) = authority.split_at_checked(split)?;
    let port = match tail.strip_prefix(':') {
        None if tail.is_empty() => None,
        None => return None,
        Some(digits) if digits.bytes().all(|b| b.is_ascii_digit()) => Some(digits.parse::<u16>().ok().filter(|port| *port > 0)?),
        Some(_) => return None,
    };
    is_host(host).then_some((host, port))
}

fn is_host(host: &str) -> bool {
    if let Some(inside) = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        return inside.parse::<std::net::Ipv6Addr>().is_ok();
    }
    let named = host.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'));
    named && !host.is_empty() && !host.starts_with('.') && !host.contains("..") && host.len() <= 253
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn endpoints_that_have_one_reading_are_read() {
        for (text, origin, rest) in [
            ("https://API.example.com/v2/pet/{petId}?a=b", "https://api.example.com", "/v2/pet/{petId}?a=b"),
            ("http://127.0.0.1:8080", "http://127.0.0.1:8080", ""),
            ("http://[::1]:80?x", "http://[::1]:80", "?x"),
            ("https://payments/refunds", "https://payments", "/refunds"),
        ] {
            let endpoint = Endpoint::parse(text);
            assert_eq!(endpoint.map(|e| (e.origin(), e.rest)), Some((origin.to_owned(), rest)), "{text}");
        }
    }

    #[test]
    fn endpoints_that_two_readers_could_read_differently_are_not() {
        for text in [
            "https://good.example@evil.example/",
            "https://good.example\\@evil.example/",
            "https://good.example#@evil.example/",
            "https:///x",
            "https://",
            "//good.example/x",
            "ftp://good.example/",
            "HTTPS://good.example/",
            "https://good.example:99999/",
            "https://good.example:0/",
            "https://good.example:+80/",
            "https://good.example:80:81/",
            "https://b\u{fc}cher.example/",
            "https://good%2eexample/",
            "https://good.example/a b",
            "https://good.example/\r\nHost: evil",
            "https://[::1/x",
            "https://[::1]x/",
            "https://[fe80::1%25eth0]/",
            "https://..example/",
        ] {
            assert_eq!(Endpoint::parse(text), None, "{text}");
        }
    }

    #[test]
    fn an_origin_is_scheme_host_and_port() {
        let same = |a: &str, b: &str| match (Endpoint::parse(a), Endpoint::parse(b)) {
            (Some(a), Some(b)) => a.is_same_origin(&b),
            (None, _) | (_, None) => false,
        };
        assert!(same("https://a.example", "https://A.example:443/x"));
        assert!(!same("https://a.example", "http://a.example:443"));
        assert!(!same("https://a.example", "https://a.example.:443"));
        assert!(!same("https://a.example", "https://a.example:444"));
    }
}
