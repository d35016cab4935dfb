//! Tokens (RFC 6749, OpenID Connect Discovery 1.0): asked for before the call, used for it, and forgotten.
//!
//! What must stay true: the authority and its token endpoint are bound destinations of one origin; without a token nothing is sent to
//! the target. What is absent: a store of tokens, and a look at their signatures: the target checks them.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use provost_model::program::Endpoint;
use provost_model::record::Attempted;
use provost_model::value::{canonical, parse};
use provost_model::{Problem, Value};
use provost_telemetry::Secret;
use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue};
use reqwest::{Method, Response};

use super::authorization::{basic, incomplete, text};
use super::request::{Body, pairs};
use super::{Outgoing, Sending, refuse, target};
use crate::secrets::Filled;

/// Largest answer of an authority, in bytes.
const ANSWER_BYTES_MAX: usize = 64 << 10;
const CONFIGURATION: &str = "/.well-known/openid-configuration";
const EXCHANGE: &str = "urn:ietf:params:oauth:grant-type:token-exchange";
const ASSERTION: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// Asks the authority for a token.
pub(super) async fn ask(sending: &Sending<'_>, with: &Value, discovered: bool, filled: &mut Filled) -> Result<Secret<String>, Attempted> {
    let authority = text(with, "authority").ok_or_else(|| incomplete("oauth2", "authority"))?;
    // The reference page names an authority by its configuration.
    let authority = authority.trim_end_matches('/').trim_end_matches(CONFIGURATION).to_owned();
    let endpoint = if discovered { discover(sending, &authority).await? } else { written(with, &authority)? };
    let mut headers = HeaderMap::new();
    headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
    let form = form(with, &endpoint, &mut headers, filled)?;
    let json = with.member("request").and_then(|request| request.member("encoding")).and_then(Value::as_str) == Some("application/json");
    let bytes = if json {
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        canonical(&form).into_bytes()
    } else {
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/x-www-form-urlencoded"));
        pairs(&form, &[]).map_err(|key| incomplete("oauth2", &key))?.into_bytes()
    };
    let url = target::bound(&endpoint, sending.destinations)?;
    let answer = asked(sending, &authority, Outgoing { method: Method::POST, url, headers, body: Some(Body { bytes }) }).await?;
    let kind = text(&answer, "token_type").unwrap_or_else(|| "bearer".to_owned());
    let token = text(&answer, "access_token").filter(|_| kind.eq_ignore_ascii_case("bearer"));
    let token = token.ok_or_else(|| without(&authority, 401, "its answer holds no bearer token", false))?;
    issued(with, &authority, &token)?;
    Ok(Secret::new(token))
}

/// The token endpoint as written: relative to the authority.
fn written(with: &Value, authority: &str) -> Result<String, Attempted> {
    let path = with.member("endpoints").and_then(|endpoints| text(endpoints, "token")).unwrap_or_else(|| "/oauth2/token".to_owned());
    if path.contains("://") {
        return of_authority(authority, path);
    }
    Ok(format!("{}/{}", authority.trim_end_matches('/'), path.trim_start_matches('/')))
}

/// The token endpoint as the authority's own configuration names it.
async fn discover(sending: &Sending<'_>, authority: &str) -> Result<String, Attempted> {
    let place = format!("{}{CONFIGURATION}", authority.trim_end_matches('/'));
    let url = target::bound(&place, sending.destinations)?;
    let mut headers = HeaderMap::new();
    headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
    let found = asked(sending, authority, Outgoing { method: Method::GET, url, headers, body: None }).await?;
    let endpoint = text(&found, "token_endpoint");
    of_authority(authority, endpoint.ok_or_else(|| without(authority, 401, "its configuration names no `token_endpoint`", false))?)
}

/// Policy was asked about the authority and nobody else.
fn of_authority(authority: &str, endpoint: String) -> Result<String, Attempted> {
    let same = matches!((Endpoint::parse(authority), Endpoint::parse(&endpoint)), (Some(a), Some(b)) if a.is_same_origin(&b));
    if same {
        return Ok(endpoint);
    }
    let title = format!("the authority `{}` gives its tokens from another host", shown(authority));
    Err(refuse("token-endpoint-elsewhere", title, "nothing was sent; name the host that gives the tokens as `authority`"))
}

/// What the authority is told: who asks, and for what.
fn form(with: &Value, endpoint: &str, headers: &mut HeaderMap, filled: &mut Filled) -> Result<Value, Attempted> {
    let grant = text(with, "grant").ok_or_else(|| incomplete("oauth2", "grant"))?;
    let mut form = vec![("grant_type", Value::from(grant.clone()))];
    match &*grant {
        "client_credentials" => {}
        "password" => {
            for key in ["username", "password"] {
                form.push((key, Value::from(text(with, key).ok_or_else(|| incomplete("oauth2", key))?)));
            }
        }
        EXCHANGE => exchanged(with, &mut form)?,
        _ => {
            return Err(refuse(
                "authentication-invalid",
                "the grant cannot be used without a person".to_owned(),
                "use `client_credentials`",
            ));
        }
    }
    let list = |key: &str| with.member(key).and_then(Value::as_array).unwrap_or_default().iter().filter_map(Value::as_str);
    let scopes = list("scopes").collect::<Vec<_>>().join(" ");
    if !scopes.is_empty() {
        form.push(("scope", Value::from(scopes)));
    }
    let audiences: Vec<Value> = list("audiences").map(Value::from).collect();
    if !audiences.is_empty() {
        form.push(("audience", Value::array(audiences)));
    }
    let asserted = with.member("client").map(|client| assertion(client, endpoint)).transpose()?.flatten();
    form.extend(asserted.into_iter().flatten());
    client(with.member("client"), &mut form, headers, filled)?;
    Ok(Value::object(form))
}

/// RFC 8693.
fn exchanged(with: &Value, form: &mut Vec<(&'static str, Value)>) -> Result<(), Attempted> {
    for (key, token, kind) in [("subject", "subject_token", "subject_token_type"), ("actor", "actor_token", "actor_token_type")] {
        let Some(party) = with.member(key) else { continue };
        form.push((token, Value::from(text(party, "token").ok_or_else(|| incomplete("oauth2", "token"))?)));
        form.push((kind, Value::from(text(party, "type").ok_or_else(|| incomplete("oauth2", "type"))?)));
    }
    if with.member("subject").is_some() { Ok(()) } else { Err(incomplete("oauth2", "subject")) }
}

/// The members of a form that hold an assertion, where the client says with one who it is.
fn assertion(client: &Value, endpoint: &str) -> Result<Option<[(&'static str, Value); 2]>, Attempted> {
    let method = text(client, "authentication").unwrap_or_default();
    let written = text(client, "assertion");
    let asserted = match (&*method, written) {
        ("client_secret_jwt" | "private_key_jwt", Some(written)) => written,
        ("client_secret_jwt", None) => {
            let (id, secret) = (text(client, "id"), text(client, "secret"));
            let (id, secret) = id.zip(secret).ok_or_else(|| incomplete("oauth2", "client.secret"))?;
            super::assertion::signed(&id, &secret, endpoint, now_us()).ok_or_else(|| incomplete("oauth2", "client.secret"))?
        }
        ("private_key_jwt", None) => return Err(incomplete("oauth2", "client.assertion")),
        _ => return Ok(None),
    };
    Ok(Some([("client_assertion_type", Value::from(ASSERTION)), ("client_assertion", Value::from(asserted))]))
}

fn now_us() -> i64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_micros()).unwrap_or(i64::MAX)
}

/// How the client says who it is; in the form unless something else is written.
fn client(
    client: Option<&Value>,
    form: &mut Vec<(&'static str, Value)>,
    headers: &mut HeaderMap,
    filled: &mut Filled,
) -> Result<(), Attempted> {
    let Some(client) = client else { return Ok(()) };
    let (id, secret) = (text(client, "id"), text(client, "secret"));
    let method = text(client, "authentication").unwrap_or_else(|| "client_secret_post".to_owned());
    match &*method {
        "client_secret_basic" => {
            let id = id.ok_or_else(|| incomplete("oauth2", "client.id"))?;
            let secret = secret.ok_or_else(|| incomplete("oauth2", "client.secret"))?;
            // Both are form-encoded first (RFC 6749, section 2.3.1).
            let encoded = |text: &str| {
                let mut out = String::new();
                crate::actions::encode(text, &mut out);
                out
            };
            headers.insert(AUTHORIZATION, basic(&encoded(&id), &encoded(&secret), filled)?);
        }
        "client_secret_jwt" | "private_key_jwt" => form.extend(id.map(|id| ("client_id", Value::from(id)))),
        "none" => form.extend(id.map(|id| ("client_id", Value::from(id)))),
        _ => {
            form.extend(id.map(|id| ("client_id", Value::from(id))));
            form.extend(secret.map(|secret| ("client_secret", Value::from(secret))));
        }
    }
    Ok(())
}

/// The issuer of a token must be one of `issuers`, where they are written.
fn issued(with: &Value, authority: &str, token: &str) -> Result<(), Attempted> {
    let issuers = with.member("issuers").and_then(Value::as_array).unwrap_or_default();
    if issuers.is_empty() {
        return Ok(());
    }
    let claims = token.split('.').nth(1).and_then(|part| URL_SAFE_NO_PAD.decode(part).ok()).and_then(|bytes| parse(&bytes).ok());
    let issuer = claims.as_ref().and_then(|claims| claims.member("iss"));
    if issuer.is_some_and(|issuer| issuers.contains(issuer)) {
        return Ok(());
    }
    Err(without(authority, 401, "its token does not come from one of `issuers`", false))
}

/// One question to the authority, and its answer as JSON.
async fn asked(sending: &Sending<'_>, authority: &str, outgoing: Outgoing) -> Result<Value, Attempted> {
    let answer = sending.send(&outgoing).await.map_err(|outcome| match outcome {
        // The target has seen nothing yet.
        Attempted::Failed { problem, retry, .. } if !problem.kind.ends_with("/communication") => {
            Attempted::Failed { problem, retry, retry_after_ms: None }
        }
        Attempted::Failed { problem, .. } | Attempted::Unknown { problem } => without(authority, problem.status, &problem.title, true),
        outcome @ (Attempted::Done { .. } | Attempted::Unreadable { .. } | Attempted::Absent) => outcome,
    })?;
    let status = answer.status();
    if !status.is_success() {
        let later = status.is_server_error() || status.as_u16() == 429;
        return Err(without(authority, status.as_u16(), &format!("it answered {}", status.as_u16()), later));
    }
    let body = body(answer).await.ok_or_else(|| without(authority, 502, "its answer broke off, or is too large", true))?;
    parse(&body).map_err(|_| without(authority, 502, "its answer is no JSON", false))
}

async fn body(mut answer: Response) -> Option<Vec<u8>> {
    let mut body: Vec<u8> = Vec::new();
    while let Some(chunk) = answer.chunk().await.ok()? {
        if body.len() + chunk.len() > ANSWER_BYTES_MAX {
            return None;
        }
        body.extend_from_slice(&chunk);
    }
    Some(body)
}

/// There is no token, so nothing was sent.
fn without(authority: &str, status: u16, why: &str, retry: bool) -> Attempted {
    let status = if (400..600).contains(&status) { status } else { 401 };
    let problem = Problem::standard("authentication", status, format!("`{}` gave no token", shown(authority)));
    Attempted::Failed { problem: problem.detail(format!("{why}; nothing was sent to the target")), retry, retry_after_ms: None }
}

fn shown(authority: &str) -> String {
    Endpoint::parse(authority).map(|authority| authority.origin()).unwrap_or_default()
}
