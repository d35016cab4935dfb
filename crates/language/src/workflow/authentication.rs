//! `authentication` of a call, written out or named in `use.authentications`, as a template that the worker reads.
//!
//! What must stay true: a secret stands in it by its name only. What is absent: certificates, which the language has no words for.

use std::sync::Arc;

use provost_model::Value;
use provost_model::program::{Endpoint, Template};

use super::{Build, expression_text, template};
use crate::fields;
use crate::finding::{Code, Place};
use crate::yaml::{Node, shown};

const SCHEMES: [&str; 5] = ["basic", "bearer", "digest", "oauth2", "oidc"];
const GRANTS: [&str; 5] =
    ["client_credentials", "password", "authorization_code", "refresh_token", "urn:ietf:params:oauth:grant-type:token-exchange"];

impl Build<'_> {
    /// Reads an authentication whose shape was checked.
    pub(super) fn authentication(&mut self, node: &Node) -> Option<Template> {
        let named = node.member("use").and_then(|name| Some((name.as_text()?, name.at)));
        let node = match named {
            Some((name, at)) => self.uses.find("authentications", name, at, self.log)?,
            None => node,
        };
        let (scheme, with) = SCHEMES.iter().find_map(|scheme| Some((*scheme, node.member(scheme)?)))?;
        let inside = match with.member("use") {
            Some(secret) => self.whole_secret(secret)?,
            None => self.scheme(scheme, with)?,
        };
        Some(template::object(vec![(scheme.into(), inside)]))
    }

    /// `{use: NAME}` inside a scheme: the secret holds all of its members.
    fn whole_secret(&mut self, node: &Node) -> Option<Template> {
        let name = fields::text(node, "use", self.log)?;
        let source = format!("$secrets.{}", Value::from(&*name));
        let secret = self.expression(&source, "use", node)?;
        Some(template::object(vec![("use".into(), Template::Expression(secret))]))
    }

    fn scheme(&mut self, scheme: &str, with: &Node) -> Option<Template> {
        match scheme {
            "basic" | "digest" => {
                self.needs(with, &["username", "password"]);
                self.no_colon(scheme, with);
            }
            "bearer" => self.needs(with, &["token"]),
            _ => self.oauth2(with)?,
        }
        let written = self.template(with);
        match with.member("authority").and_then(|node| self.uri_template(node, "authority")) {
            None => Some(written),
            Some(authority) => {
                let members: Vec<(Arc<str>, Template)> = match written {
                    Template::Object(members) => members,
                    Template::Literal(value) => {
                        let members = value.as_object()?.iter();
                        members.map(|(key, value)| (key.clone(), Template::Literal(value.clone()))).collect()
                    }
                    Template::Expression(_) | Template::Array(_) => return Some(written),
                };
                let others = members.into_iter().filter(|(key, _)| **key != *"authority");
                Some(template::object(others.chain([("authority".into(), authority)]).collect()))
            }
        }
    }

    /// RFC 7617 and RFC 7616: a colon ends the name.
    fn no_colon(&self, scheme: &str, with: &Node) {
        let written = |name: &&Node| name.as_text().is_some_and(|text| text.contains(':') && expression_text(text).is_none());
        if let Some(name) = with.member("username").filter(written) {
            let message = format!("a `username` of `{scheme}` has no colon: it would end the name");
            self.log.error_hint(Code::WrongValue, name.at, message, "write the name alone, and the password under `password`");
        }
    }

    fn needs(&self, with: &Node, keys: &[&str]) {
        for key in keys.iter().filter(|key| with.member(key).is_none()) {
            self.log.error_hint(Code::MissingKey, with.at, format!("`{key}` is missing"), format!("add `{key}:`, or `use:` a secret"));
        }
    }

    fn oauth2(&mut self, with: &Node) -> Option<()> {
        self.needs(with, &["authority", "grant"]);
        if let Some(authority) = with.member("authority") {
            let text = fields::text(authority, "authority", self.log)?;
            let host = text.split_once("://").map_or("", |(_, rest)| rest.split('/').next().unwrap_or_default());
            if expression_text(&text).is_none() && (Endpoint::parse(&text).is_none() || host.contains('{')) {
                let hint = "write scheme, host and path, e.g. `https://login.example.com/realms/{realm}`; the host cannot be a variable";
                let message = format!("`{}` is no absolute http or https address", shown(&text));
                self.log.error_hint(Code::WrongValue, authority.at, message, hint);
            }
        }
        let grant = with.member("grant")?;
        let word = fields::word(grant, "grant", &GRANTS, self.log)?;
        self.grant(&word, with, grant.at);
        Some(())
    }

    fn grant(&self, word: &str, with: &Node, at: Place) {
        let client = with.member("client");
        let method = client.and_then(|client| client.member("authentication")).and_then(Node::as_text).map(|word| &**word);
        match word {
            "authorization_code" => {
                self.refuse(at, "the grant `authorization_code`", "it needs a person at a browser; use `client_credentials`");
            }
            "refresh_token" => {
                self.refuse(at, "the grant `refresh_token`", "the language has no place for the token; use `client_credentials`");
            }
            "password" => self.needs(with, &["username", "password"]),
            "client_credentials" if client.and_then(|client| client.member("id")).is_none() => {
                let hint = "add `client: { id: …, secret: … }`";
                self.log.error_hint(Code::MissingKey, with.at, "the grant `client_credentials` needs `client.id`", hint);
            }
            "client_credentials" => {}
            _ => self.needs(with, &["subject"]),
        }
        match (method, client) {
            (Some("private_key_jwt"), Some(client)) => self.needs(client, &["assertion"]),
            // Signed with the secret, unless somebody else has signed it.
            (Some("client_secret_jwt"), Some(client)) if client.member("assertion").is_none() => self.needs(client, &["id", "secret"]),
            _ => {}
        }
    }

    /// `use.authentications`: each is read once, so that what is wrong is said even where nothing names it.
    pub(super) fn authentication_definition(&mut self, node: &Node) {
        super::foreign::authentication(self, node);
        if let Some(name) = node.member("use") {
            let known: Vec<&str> = SCHEMES.to_vec();
            let hint = format!("write one of {}", crate::finding::listed(&known));
            self.log.error_hint(Code::WrongValue, name.at, "a definition cannot name another one", hint);
        }
    }
}
