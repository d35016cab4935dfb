//! Digest authentication (RFC 7616), answered once: MD5 and SHA-256, also with `-sess`; `auth` or no protection.
//!
//! What is absent: `auth-int`, `userhash`, and a second answer where the first was refused.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use md5::Md5;
use reqwest::header::{HeaderMap, HeaderValue, WWW_AUTHENTICATE};
use sha2::{Digest as _, Sha256};

use super::Outgoing;
use super::authorization::{Login, sensitive};

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Algorithm {
    Md5,
    Sha256,
}

/// A challenge of a server.
struct Challenge {
    algorithm: Algorithm,
    session: bool,
    /// As written, to be said back.
    name: Option<String>,
    realm: String,
    nonce: String,
    opaque: Option<String>,
    protected: bool,
}

/// The header that answers the strongest challenge; `None` where there is none that can be answered.
pub(super) fn answer(login: &Login, headers: &HeaderMap, outgoing: &Outgoing, key: &str) -> Option<HeaderValue> {
    let challenges = headers.get_all(WWW_AUTHENTICATE).iter().filter_map(|header| challenge(header.to_str().ok()?));
    let challenge = challenges.max_by_key(|challenge| challenge.algorithm)?;
    let uri = outgoing.url.query().map_or_else(|| outgoing.url.path().to_owned(), |query| format!("{}?{query}", outgoing.url.path()));
    // Nobody without the password can foresee it, and the same attempt says the same.
    let cnonce = Algorithm::Sha256.hex(&[login.password.expose(), &challenge.nonce, key, &uri].join("\n"));
    let cnonce = cnonce.get(..32).unwrap_or(&cnonce);
    let response = response(&challenge, login, outgoing.method.as_str(), &uri, cnonce);
    let quoted = |text: &str| text.replace('\\', "\\\\").replace('"', "\\\"");
    let mut text = format!(
        "Digest username=\"{}\", realm=\"{}\", nonce=\"{}\", uri=\"{uri}\", response=\"{response}\"",
        quoted(&login.username),
        quoted(&challenge.realm),
        quoted(&challenge.nonce)
    );
    if let Some(name) = &challenge.name {
        let _infallible = write!(text, ", algorithm={name}");
    }
    if challenge.protected {
        let _infallible = write!(text, ", qop=auth, nc=00000001, cnonce=\"{cnonce}\"");
    }
    if let Some(opaque) = &challenge.opaque {
        let _infallible = write!(text, ", opaque=\"{}\"", quoted(opaque));
    }
    sensitive(&text).ok()
}

fn response(challenge: &Challenge, login: &Login, method: &str, uri: &str, cnonce: &str) -> String {
    let hash = |text: &str| challenge.algorithm.hex(text);
    let nonce = &challenge.nonce;
    let mut first = hash(&format!("{}:{}:{}", login.username, challenge.realm, login.password.expose()));
    if challenge.session {
        first = hash(&format!("{first}:{nonce}:{cnonce}"));
    }
    let second = hash(&format!("{method}:{uri}"));
    if challenge.protected {
        hash(&format!("{first}:{nonce}:00000001:{cnonce}:auth:{second}"))
    } else {
        hash(&format!("{first}:{nonce}:{second}"))
    }
}

impl Algorithm {
    fn hex(self, text: &str) -> String {
        let bytes = match self {
            Self::Md5 => Md5::digest(text).to_vec(),
            Self::Sha256 => Sha256::digest(text).to_vec(),
        };
        bytes.iter().fold(String::new(), |mut out, byte| {
            let _infallible = write!(out, "{byte:02x}");
            out
        })
    }
}

fn challenge(header: &str) -> Option<Challenge> {
    let (scheme, rest) = header.trim().split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("digest") {
        return None;
    }
    let members = members(rest);
    let name = members.get("algorithm").cloned();
    let (algorithm, session) = match name.as_deref().unwrap_or("MD5").to_ascii_uppercase().as_str() {
        "MD5" => (Algorithm::Md5, false),
        "MD5-SESS" => (Algorithm::Md5, true),
        "SHA-256" => (Algorithm::Sha256, false),
        "SHA-256-SESS" => (Algorithm::Sha256, true),
        _ => return None,
    };
    let protections = members.get("qop").map(|qop| qop.split(',').any(|word| word.trim().eq_ignore_ascii_case("auth")));
    // Only `auth-int` is offered.
    if protections == Some(false) {
        return None;
    }
    Some(Challenge {
        algorithm,
        session,
        name,
        realm: members.get("realm")?.clone(),
        nonce: members.get("nonce")?.clone(),
        opaque: members.get("opaque").cloned(),
        protected: protections.is_some(),
    })
}

/// `name=value` and `name="value"`, separated by commas.
fn members(text: &str) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    let mut rest = text.trim_start();
    while let Some((name, after)) = rest.split_once('=') {
        let (value, tail) = match after.trim_start().strip_prefix('"') {
            Some(quoted) => unquoted(quoted),
            None => after.split_once(',').map_or((after.trim().to_owned(), ""), |(value, tail)| (value.trim().to_owned(), tail)),
        };
        found.insert(name.trim().to_ascii_lowercase(), value);
        rest = tail.trim_start().trim_start_matches(',').trim_start();
    }
    found
}

fn unquoted(text: &str) -> (String, &str) {
    let mut value = String::new();
    let mut chars = text.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => return (value, text.get(at + 1..).unwrap_or_default()),
            '\\' => value.extend(chars.next().map(|(_, escaped)| escaped)),
            _ => value.push(c),
        }
    }
    (value, "")
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

    use super::*;
    use provost_telemetry::Secret;

    /// RFC 7616, section 3.9.1.
    #[test]
    fn the_examples_of_the_standard_hold() {
        let login = Login { username: "Mufasa".to_owned(), password: Secret::new("Circle of Life".to_owned()) };
        let cnonce = "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ";
        for (algorithm, wanted) in
            [("MD5", "8ca523f5e9506fed4657c9700eebdbec"), ("SHA-256", "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1")]
        {
            let header = format!(
                "Digest realm=\"http-auth@example.org\", qop=\"auth, auth-int\", algorithm={algorithm}, \
                 nonce=\"7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v\", opaque=\"FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS\""
            );
            let challenge = challenge(&header).unwrap();
            assert_eq!(response(&challenge, &login, "GET", "/dir/index.html", cnonce), wanted);
        }
    }

    #[test]
    fn challenges_are_read_as_they_are_written() {
        let read = members(r#"realm="a \"b\", c", nonce=x ,qop="auth""#);
        assert_eq!(read.get("realm").map(String::as_str), Some("a \"b\", c"));
        assert_eq!(read.get("nonce").map(String::as_str), Some("x"));
        for refused in [
            "Basic realm=\"x\"",
            "Digest realm=\"x\"",
            "Digest realm=\"x\", nonce=\"y\", qop=\"auth-int\"",
            "Digest",
            "Digest algorithm=SHA-512-256, realm=x, nonce=y",
        ] {
            assert!(challenge(refused).is_none(), "{refused}");
        }
    }
}
