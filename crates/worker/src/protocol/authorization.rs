//! How a call says who it is: the schemes of the language, read from the rendered arguments or from one secret that holds them all.
//!
//! What must stay true: a credential is noted before it is used, so that no report can repeat it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use provost_model::Value;
use provost_model::record::Attempted;
use provost_model::value::parse;
use provost_telemetry::Secret;
use reqwest::header::HeaderValue;

use super::{Sending, refuse, token};
use crate::secrets::Filled;

/// Members whose text is a credential.
const CREDENTIALS: [&str; 5] = ["password", "token", "secret", "assertion", "access_token"];

/// Who a call says it is.
pub(super) enum Authorization {
    None,
    Basic(Login),
    Bearer(Secret<String>),
    Digest(Login),
    /// A token is asked for first; whether its endpoint is found by discovery.
    Token {
        with: Value,
        discovered: bool,
    },
}

/// A name and a password.
pub(super) struct Login {
    pub(super) username: String,
    pub(super) password: Secret<String>,
}

/// Reads `authentication`.
pub(super) fn read(authentication: Option<&Value>, filled: &mut Filled) -> Result<Authorization, Attempted> {
    let Some(members) = authentication.and_then(Value::as_object) else { return Ok(Authorization::None) };
    let Some((scheme, with)) = members.iter().next() else { return Ok(Authorization::None) };
    let with = whole(scheme, with)?;
    note(&with, filled);
    match &**scheme {
        "basic" => login(&with, scheme).map(Authorization::Basic),
        "digest" => login(&with, scheme).map(Authorization::Digest),
        "bearer" => text(&with, "token").map(|token| Authorization::Bearer(Secret::new(token))).ok_or_else(|| incomplete(scheme, "token")),
        "oauth2" => Ok(Authorization::Token { with, discovered: false }),
        "oidc" => Ok(Authorization::Token { with, discovered: true }),
        other => Err(refuse("authentication-invalid", format!("authentication `{other}` is not known"), "publish the bundle again")),
    }
}

/// What `use` names is one secret that holds all members as JSON; of a bearer it may be the token itself.
fn whole(scheme: &str, with: &Value) -> Result<Value, Attempted> {
    let Some(content) = with.member("use").and_then(Value::as_str) else { return Ok(with.clone()) };
    match parse(content.as_bytes()) {
        Ok(members @ Value::Object(_)) => Ok(members),
        _ if scheme == "bearer" => Ok(Value::object([("token", Value::from(content))])),
        _ => {
            let detail = "write its members as JSON into the secret's file, e.g. `{\"username\":\"…\",\"password\":\"…\"}`";
            Err(refuse("secret-unusable", format!("the secret of the `{scheme}` authentication is no JSON object"), detail))
        }
    }
}

/// Notes every credential, so that reports are without it.
fn note(with: &Value, filled: &mut Filled) {
    for (key, member) in with.as_object().into_iter().flat_map(|members| members.iter()) {
        match member {
            Value::Str(text) if CREDENTIALS.contains(&&**key) => filled.also(text),
            Value::Object(_) => note(member, filled),
            Value::Null | Value::Bool(_) | Value::Int(_) | Value::Float(_) | Value::Str(_) | Value::Array(_) => {}
        }
    }
}

pub(super) fn text(with: &Value, key: &str) -> Option<String> {
    with.member(key).and_then(Value::as_str).filter(|text| !text.is_empty()).map(str::to_owned)
}

pub(super) fn incomplete(scheme: &str, key: &str) -> Attempted {
    refuse(
        "authentication-invalid",
        format!("the `{scheme}` authentication has no text `{key}`"),
        "nothing was sent; look at where it comes from",
    )
}

fn login(with: &Value, scheme: &str) -> Result<Login, Attempted> {
    let username = text(with, "username").ok_or_else(|| incomplete(scheme, "username"))?;
    if username.contains(':') {
        let title = format!("the `username` of the `{scheme}` authentication has a colon, which would end it (RFC 7617)");
        return Err(refuse("authentication-invalid", title, "nothing was sent; give a name without a colon"));
    }
    let password = text(with, "password").ok_or_else(|| incomplete(scheme, "password"))?;
    Ok(Login { username, password: Secret::new(password) })
}

impl Authorization {
    /// The header of the first request.
    pub(super) async fn header(&self, sending: &Sending<'_>, filled: &mut Filled) -> Result<Option<HeaderValue>, Attempted> {
        match self {
            Self::None | Self::Digest(_) => Ok(None),
            Self::Basic(login) => basic(&login.username, login.password.expose(), filled).map(Some),
            Self::Bearer(token) => bearer(token.expose()).map(Some),
            Self::Token { with, discovered } => {
                let token = token::ask(sending, with, *discovered, filled).await?;
                filled.also(token.expose());
                bearer(token.expose()).map(Some)
            }
        }
    }
}

/// RFC 7617.
pub(super) fn basic(username: &str, password: &str, filled: &mut Filled) -> Result<HeaderValue, Attempted> {
    let encoded = STANDARD.encode(format!("{username}:{password}"));
    filled.also(&encoded);
    sensitive(&format!("Basic {encoded}"))
}

/// RFC 6750.
fn bearer(token: &str) -> Result<HeaderValue, Attempted> {
    sensitive(&format!("Bearer {token}"))
}

pub(super) fn sensitive(text: &str) -> Result<HeaderValue, Attempted> {
    let mut header = HeaderValue::from_str(text).map_err(|_| {
        let title = "a credential cannot be sent: it has line breaks or other control characters".to_owned();
        refuse("authentication-invalid", title, "nothing was sent; look at the secret")
    })?;
    header.set_sensitive(true);
    Ok(header)
}
