//! Who is asking, and whose tenant it is. From the credential only.

use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::Uri;
use axum::http::header::{AUTHORIZATION, HOST, HeaderName, ORIGIN};
use axum::http::request::Parts;
use axum::http::uri::Authority;
use provost_control::TokenSecret;
use provost_model::marks::Sight;
use provost_model::verdict::Entity;
use provost_model::{TenantId, Value, Who};
use provost_telemetry::Secret;
use serde::Deserialize;

use crate::App;
use crate::refusal::Refusal;

/// The caller.
#[derive(Clone, Debug)]
pub struct Caller {
    /// Whose data it may touch.
    pub tenant: TenantId,
    /// Who it is, and how that is known.
    pub who: Who,
}

/// What a request showed, to be asked again where an answer goes on for long.
#[derive(Debug)]
pub enum Credential {
    /// A bearer token.
    Token(Secret<String>),
    /// None: the local user of this machine.
    Local(Arc<str>),
}

impl Credential {
    /// Who it stands for now.
    ///
    /// # Errors
    /// The refusal of a token that is not known, or no more.
    pub fn caller(&self, app: &App) -> Result<Caller, Refusal> {
        match self {
            Self::Token(token) => {
                let (tenant, who) = app.node.control.authenticate(token.expose()).ok_or_else(|| not_known(token.expose()))?;
                Ok(Caller { tenant, who })
            }
            Self::Local(user) => Ok(Caller { tenant: TenantId::local(), who: provost_control::loopback(user) }),
        }
    }
}

/// What is said of a token that nobody has. Its form and checksum are no secret, so that a typo is told as one; everything else is one answer.
fn not_known(token: &str) -> Refusal {
    match TokenSecret::parse(token) {
        Err(error) => {
            Refusal::new(401, error.code(), error.to_string(), "send `Authorization: Bearer pvt_…` with the token as it was shown")
        }
        Ok(_) => {
            let detail = "look for another server's token, an expiry or a revocation";
            Refusal::new(401, "unauthenticated", "the bearer token is not known here", detail)
        }
    }
}

impl FromRequestParts<App> for Caller {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Refusal> {
        Credential::from_request_parts(parts, app).await?.caller(app)
    }
}

impl FromRequestParts<App> for Credential {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Refusal> {
        if let Some(header) = parts.headers.get(AUTHORIZATION) {
            let token = header.to_str().ok().and_then(|text| text.strip_prefix("Bearer ")).unwrap_or_default();
            return Ok(Self::Token(Secret::new(token.trim().to_owned())));
        }
        match &app.loopback_user {
            Some(_) if !is_from_here(parts) => Err(Refusal::new(
                403,
                "not-local",
                "without a token only this machine's own requests are taken, and this one was asked under another name or sent on",
                "ask `127.0.0.1` or `localhost` itself, or send `Authorization: Bearer pvt_…`",
            )),
            Some(user) => Ok(Self::Local(user.clone())),
            None => Err(Refusal::new(401, "unauthenticated", "a bearer token is needed", "send `Authorization: Bearer pvt_…`")),
        }
    }
}

/// What a proxy says of the request it sends on.
const SENT_ON: [&str; 3] = ["forwarded", "x-forwarded-for", "x-forwarded-host"];

/// Whether nobody but this machine's own programs can have sent it. A page in a browser on this machine reaches loopback too, and so
/// does whoever comes through a proxy: the page is known by its origin or by the name it made point here, the proxy by its headers.
fn is_from_here(parts: &Parts) -> bool {
    let named = |name: HeaderName| parts.headers.get_all(name).into_iter();
    let hosts = named(HOST).all(|host| host.to_str().is_ok_and(|host| host.parse::<Authority>().is_ok_and(|host| is_loopback(&host))));
    let origins = named(ORIGIN).all(|origin| {
        let origin = origin.to_str().ok().and_then(|origin| origin.parse::<Uri>().ok());
        origin.is_some_and(|origin| origin.authority().is_some_and(is_loopback))
    });
    let target = parts.uri.authority().is_none_or(is_loopback);
    hosts && origins && target && !SENT_ON.iter().any(|name| parts.headers.contains_key(*name))
}

fn is_loopback(authority: &Authority) -> bool {
    let host = authority.host();
    let address = host.trim_start_matches('[').trim_end_matches(']');
    host.eq_ignore_ascii_case("localhost") || address.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// The value of `?reveal`: whether the caller wants to see what is personal.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(transparent)]
pub struct Reveal(Option<String>);

/// What a route may be asked with that takes nothing else.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Revealing {
    /// Whether the caller wants to see what is personal.
    pub reveal: Reveal,
}

impl Reveal {
    fn is_asked(&self) -> Result<bool, Refusal> {
        crate::path::flag("reveal", self.0.as_deref())
    }
}

impl Caller {
    /// Asks policy.
    ///
    /// # Errors
    /// The refusal, with the rules that decided.
    pub fn may(&self, app: &App, action: &str, resource: Entity, context: Value) -> Result<(), Refusal> {
        app.node.plane.allow(&self.tenant, &self.who, action, resource, context).map_err(Refusal::from)
    }

    /// How far the caller sees what `resource` holds: what is personal only who asks to see it, and may.
    ///
    /// # Errors
    /// The refusal.
    pub fn sight(&self, app: &App, asked: &Reveal, resource: Entity) -> Result<Sight, Refusal> {
        if !asked.is_asked()? {
            return Ok(Sight::Usual);
        }
        self.may(app, "value.reveal", resource, Value::empty())?;
        Ok(Sight::Revealed)
    }

    /// As [`Caller::sight`], over the whole tenant.
    ///
    /// # Errors
    /// The refusal.
    pub fn sight_in_tenant(&self, app: &App, asked: &Reveal) -> Result<Sight, Refusal> {
        self.sight(app, asked, Entity::new("Tenant", self.tenant.as_str()))
    }

    /// Asks policy about the whole tenant.
    ///
    /// # Errors
    /// The refusal.
    pub fn may_in_tenant(&self, app: &App, action: &str) -> Result<(), Refusal> {
        self.may(app, action, Entity::new("Tenant", self.tenant.as_str()), Value::empty())
    }
}
