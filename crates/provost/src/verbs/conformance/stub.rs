//! The stub: one loopback server that answers as the hosts of the upstream kit do, and as our own kit needs.
//!
//! | request | answer |
//! |---|---|
//! | `GET /v2/pet/findByStatus?status=S` | two pets with that status |
//! | `GET /v2/pet/N` | the pet N; 404 where N is no number |
//! | `POST /v2/pet`, `PUT /v2/pet`, `PUT /v2/pet/N` | what was sent |
//! | `DELETE /v2/pet/N` | that it is gone |
//! | `GET /v2/store/inventory` | how many pets there are of a status |
//! | `GET /v2/swagger.json` | the part of the pet store's description that the kit calls |
//! | `GET /basic-auth/USER/PASSWORD` | 200 with these credentials, else 401 |
//! | `GET /bearer` | 200 with a bearer token, else 401 |
//! | `/status/N` | that status |
//! | `GET /redirect/N` | 302, N times, then `/anything` |
//! | `/get`, `/post`, `/put`, `/patch`, `/delete`, each by its method, and `/anything…` | what was asked: method, path, query, headers, body |
//! | `POST` to a path that ends in `/token` | a token |
//! | `GET /anything/realms/R/.well-known/openid-configuration` | where the realm R of the host `keycloak` gives tokens |
//!
//! What is absent: our own crates, so that nothing here can agree by construction.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};

use axum::Router;
use axum::body::Bytes;
use axum::http::header::LOCATION;
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use axum::response::{IntoResponse as _, Json as AsJson, Response};
use serde_json::{Value as Json, json};
use tokio::net::TcpListener;

use crate::say::note;

struct Request {
    method: String,
    path: String,
    query: String,
    headers: BTreeMap<String, String>,
    body: String,
}

struct Answer {
    status: u16,
    location: Option<String>,
    body: Json,
}

fn says(status: u16, body: Json) -> Answer {
    Answer { status, location: None, body }
}

/// Listens on loopback until the process ends.
///
/// # Errors
/// What the system says.
pub fn start() -> std::io::Result<SocketAddr> {
    let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    listener.set_nonblocking(true)?;
    let address = listener.local_addr()?;
    let listener = TcpListener::from_std(listener)?;
    tokio::spawn(async move {
        if let Err(error) = axum::serve(listener, Router::new().fallback(serve)).await {
            note(&format!("stub: {error}"));
        }
    });
    Ok(address)
}

async fn serve(method: Method, uri: Uri, headers: HeaderMap, body: Bytes) -> Response {
    let text = |value: &axum::http::HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    let Answer { status, location, body } = answer(&Request {
        method: method.to_string(),
        path: uri.path().to_owned(),
        query: uri.query().unwrap_or_default().to_owned(),
        headers: headers.iter().map(|(name, value)| (name.to_string(), text(value))).collect(),
        body: String::from_utf8_lossy(&body).into_owned(),
    });
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_REQUEST);
    match location {
        Some(to) => (status, [(LOCATION, to)], AsJson(body)).into_response(),
        None => (status, AsJson(body)).into_response(),
    }
}

fn answer(request: &Request) -> Answer {
    let parts: Vec<&str> = request.path.split('/').skip(1).collect();
    match (request.method.as_str(), parts.as_slice()) {
        ("GET", ["v2", "swagger.json"]) => says(200, description()),
        (_, ["v2", rest @ ..]) => pets(request, rest),
        ("GET", ["basic-auth", user, password]) => {
            let wanted = format!("Basic {}", base64(format!("{user}:{password}").as_bytes()));
            authorised(request.headers.get("authorization") == Some(&wanted))
        }
        ("GET", ["bearer"]) => authorised(request.headers.get("authorization").is_some_and(|given| given.starts_with("Bearer "))),
        (_, ["status", status]) => says(status.parse().unwrap_or(400), json!({ "status": status })),
        ("GET", ["redirect", times]) => match times.parse::<u32>() {
            Ok(times) if times > 1 => moved(format!("/redirect/{}", times - 1)),
            Ok(_) => moved("/anything".to_owned()),
            Err(_) => missing(),
        },
        ("POST", [.., "token"]) => says(200, json!({ "access_token": "granted", "token_type": "Bearer", "expires_in": 3600 })),
        ("GET", ["anything", "realms", realm, ".well-known", "openid-configuration"]) => {
            let issuer = format!("http://keycloak/realms/{realm}");
            says(200, json!({ "issuer": issuer, "token_endpoint": format!("{issuer}/token") }))
        }
        (_, ["anything", ..]) => says(200, asked(request)),
        (method, [word @ ("get" | "post" | "put" | "patch" | "delete")]) if method.eq_ignore_ascii_case(word) => says(200, asked(request)),
        _ => missing(),
    }
}

fn pets(request: &Request, place: &[&str]) -> Answer {
    match (request.method.as_str(), place) {
        ("GET", ["pet", "findByStatus"]) => {
            let status = request.query.strip_prefix("status=").unwrap_or("available");
            says(200, json!([pet(1, status), pet(2, status)]))
        }
        ("GET", ["pet", id]) => match id.parse() {
            Ok(id) => says(200, pet(id, "available")),
            Err(_) => missing(),
        },
        ("POST" | "PUT", ["pet"] | ["pet", _]) => says(200, serde_json::from_str(&request.body).unwrap_or_default()),
        ("DELETE", ["pet", id]) => says(200, json!({ "code": 200, "type": "unknown", "message": id })),
        ("GET", ["store", "inventory"]) => says(200, json!({ "available": 2, "pending": 1, "sold": 1 })),
        _ => missing(),
    }
}

fn missing() -> Answer {
    says(404, json!({ "code": 1, "type": "error", "message": "not found" }))
}

fn moved(to: String) -> Answer {
    Answer { status: 302, location: Some(to), body: Json::Null }
}

fn authorised(so: bool) -> Answer {
    says(if so { 200 } else { 401 }, json!({ "authenticated": so }))
}

fn pet(id: u64, status: &str) -> Json {
    json!({ "id": id, "name": "doggie", "photoUrls": [], "tags": [], "status": status })
}

fn asked(request: &Request) -> Json {
    let Request { method, path, query, headers, body } = request;
    let json = serde_json::from_str::<Json>(body).unwrap_or_default();
    json!({ "method": method, "path": path, "query": query, "headers": headers, "body": body, "json": json })
}

fn description() -> Json {
    let parameter = |name: &str, place: &str, kind: &str| json!({ "name": name, "in": place, "required": true, "type": kind });
    let operation = |id: &str, parameters: Json| json!({ "operationId": id, "produces": ["application/json"], "parameters": parameters, "responses": { "200": { "description": "found" } } });
    json!({
        "swagger": "2.0",
        "info": { "title": "Pet store", "version": "1.0.0" },
        "host": "petstore.swagger.io",
        "basePath": "/v2",
        "schemes": ["https"],
        "paths": {
            "/pet/findByStatus": { "get": operation("findPetsByStatus", json!([parameter("status", "query", "string")])) },
            "/pet/{petId}": { "get": operation("getPetById", json!([parameter("petId", "path", "integer")])) },
        },
    })
}

/// RFC 4648, with padding.
fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let letter = |bits: u32| LETTERS.get((bits & 63) as usize).map_or('=', |letter| char::from(*letter));
    let mut text = String::new();
    for chunk in bytes.chunks(3) {
        let byte = |at: usize| u32::from(chunk.get(at).copied().unwrap_or(0));
        let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
        text.push(letter(bits >> 18));
        text.push(letter(bits >> 12));
        text.push(if chunk.len() > 1 { letter(bits >> 6) } else { '=' });
        text.push(if chunk.len() > 2 { letter(bits) } else { '=' });
    }
    text
}
