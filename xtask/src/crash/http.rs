//! A small HTTP client over one connection per request, so that nothing of ours answers for us.

use std::io::{Error, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use serde_json::Value as Json;

/// Longest wait for a connection or for bytes.
const WAIT_MAX: Duration = Duration::from_secs(15);

/// A member of a JSON document, null where there is none.
pub trait At {
    /// The member at a JSON pointer.
    fn at(&self, pointer: &str) -> &Json;
}

impl At for Json {
    fn at(&self, pointer: &str) -> &Json {
        static ABSENT: Json = Json::Null;
        self.pointer(pointer).unwrap_or(&ABSENT)
    }
}

/// A request.
pub struct Request<'a> {
    /// `GET`, `POST` or `PUT`.
    pub method: &'a str,
    /// Where, behind the server's URL.
    pub path: &'a str,
    /// The body's media type.
    pub kind: &'a str,
    /// The body.
    pub body: &'a str,
}

/// `GET path`: the body of a 2xx.
pub fn get(url: &str, path: &str) -> Result<Json, Error> {
    taken(send(url, &Request { method: "GET", path, kind: "application/json", body: "" })?)
}

/// `POST path` with JSON: the body of a 2xx.
pub fn post(url: &str, path: &str, body: &Json) -> Result<Json, Error> {
    taken(send(url, &Request { method: "POST", path, kind: "application/json", body: &body.to_string() })?)
}

/// The body of a 2xx; everything else is an error.
pub fn taken((status, body): (u16, Json)) -> Result<Json, Error> {
    if (200..300).contains(&status) { Ok(body) } else { Err(Error::other(format!("{status}: {body}"))) }
}

/// Sends, and reads the answer whole.
pub fn send(url: &str, request: &Request<'_>) -> Result<(u16, Json), Error> {
    let host = url.trim_start_matches("http://");
    let address: SocketAddr = host.parse().map_err(|_| Error::other(format!("`{url}` is no address")))?;
    let mut stream = TcpStream::connect_timeout(&address, WAIT_MAX)?;
    stream.set_read_timeout(Some(WAIT_MAX))?;
    stream.set_nodelay(true)?;
    let Request { method, path, kind, body } = request;
    let length = body.len();
    let head = format!(
        "{method} {path} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\ncontent-type: {kind}\r\ncontent-length: {length}\r\n\r\n"
    );
    stream.write_all(format!("{head}{body}").as_bytes())?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer)?;
    let text = String::from_utf8_lossy(&answer);
    let (head, body) = text.split_once("\r\n\r\n").ok_or_else(|| Error::other("the answer broke off"))?;
    let status = head.split_whitespace().nth(1).and_then(|word| word.parse().ok()).unwrap_or(0);
    let whole = head.lines().filter_map(|line| line.split_once(':')).find(|(name, _)| name.eq_ignore_ascii_case("content-length"));
    if whole.and_then(|(_, length)| length.trim().parse().ok()).is_some_and(|length: usize| length != body.len()) {
        return Err(Error::other("the answer broke off"));
    }
    Ok((status, serde_json::from_str(body).unwrap_or(Json::Null)))
}
