//! The stub: one loopback server that answers as the hosts of the upstream kit do, and as our own kit needs.
//!
//! | request | answer |
//! |---|---|
//! | `GET /v2/pet/findByStatus?status=S` | two pets with that status |
//! | `GET /v2/pet/N` | the pet N; 404 where N is no number |
//! | `GET /v2/swagger.json` | the part of the pet store's description that the kit calls |
//! | `GET /basic-auth/USER/PASSWORD` | 200 with these credentials, else 401 |
//! | `GET /bearer` | 200 with a bearer token, else 401 |
//! | `/status/N` | that status |
//! | `GET /redirect/N` | 302, N times, then `/anything` |
//! | `/anything…` | what was asked: method, path, query, headers, body |
//!
//! What is absent: our own crates, so that nothing here can agree by construction.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};

use serde_json::{Value as Json, json};

use crate::say::note;

/// Largest body taken, in bytes.
const BODY_BYTES_MAX: usize = 1 << 20;
/// Most headers taken.
const HEADERS_MAX: usize = 100;

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
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let address = listener.local_addr()?;
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            std::thread::spawn(move || {
                if let Err(error) = serve(&stream) {
                    note(&format!("stub: {error}"));
                }
            });
        }
    });
    Ok(address)
}

fn serve(stream: &TcpStream) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    let mut reader = BufReader::new(stream.try_clone()?);
    let mut writer = stream.try_clone()?;
    while let Some(request) = read(&mut reader)? {
        let Answer { status, location, body } = answer(&request);
        let body = body.to_string();
        let location = location.map(|to| format!("location: {to}\r\n")).unwrap_or_default();
        let head = format!("HTTP/1.1 {status} -\r\ncontent-type: application/json\r\n{location}content-length: {}\r\n\r\n", body.len());
        let body = if request.method == "HEAD" { String::new() } else { body };
        writer.write_all(format!("{head}{body}").as_bytes())?;
    }
    Ok(())
}

/// One request; `None` when the caller closed.
fn read(reader: &mut BufReader<TcpStream>) -> std::io::Result<Option<Request>> {
    let mut first = String::new();
    match reader.read_line(&mut first) {
        Ok(0) => return Ok(None),
        Ok(_) => {}
        Err(error) if error.kind() == std::io::ErrorKind::ConnectionReset => return Ok(None),
        Err(error) => return Err(error),
    }
    let mut words = first.split_whitespace();
    let (method, target) = (words.next().unwrap_or_default().to_owned(), words.next().unwrap_or_default());
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let (path, query) = (path.to_owned(), query.to_owned());
    let mut headers = BTreeMap::new();
    for _ in 0..HEADERS_MAX {
        let mut line = String::new();
        if reader.read_line(&mut line)? == 0 {
            return Ok(None);
        }
        let Some((name, value)) = line.trim_end().split_once(':') else { break };
        headers.insert(name.to_ascii_lowercase(), value.trim().to_owned());
    }
    let length = headers.get("content-length").and_then(|length| length.parse().ok()).unwrap_or(0_usize);
    let mut body = vec![0; length.min(BODY_BYTES_MAX)];
    reader.read_exact(&mut body)?;
    Ok(Some(Request { method, path, query, headers, body: String::from_utf8_lossy(&body).into_owned() }))
}

fn answer(request: &Request) -> Answer {
    let parts: Vec<&str> = request.path.split('/').skip(1).collect();
    match (request.method.as_str(), parts.as_slice()) {
        ("GET", ["v2", "swagger.json"]) => says(200, description()),
        ("GET", ["v2", "pet", "findByStatus"]) => {
            let status = request.query.strip_prefix("status=").unwrap_or("available");
            says(200, json!([pet(1, status), pet(2, status)]))
        }
        ("GET", ["v2", "pet", id]) => match id.parse() {
            Ok(id) => says(200, pet(id, "available")),
            Err(_) => missing(),
        },
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
        (_, ["anything", ..]) => says(200, asked(request)),
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
