//! `client_secret_jwt` (OpenID Connect Core 1.0, section 9; RFC 7523): who asks for a token signs that with the secret it shares.
//!
//! What must stay true: the secret signs and is in nothing that leaves; an assertion is for one token endpoint, and soon over. What is
//! absent: keys of other kinds; an assertion that those sign is written out.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use provost_model::Value;
use provost_model::value::canonical;
use sha2::{Digest as _, Sha256};

/// How long an assertion holds, in seconds.
const HOLDS_S: i64 = 60;

/// The assertion of the client `id` for the token endpoint `audience`, at `now_us`; `None` where the secret cannot sign.
pub(super) fn signed(id: &str, secret: &str, audience: &str, now_us: i64) -> Option<String> {
    let now_s = now_us / 1_000_000;
    let drawn = Sha256::digest(format!("{id}\n{audience}\n{now_us}"));
    let header = Value::object([("alg", Value::from("HS256")), ("typ", Value::from("JWT"))]);
    let claims = Value::object([
        ("iss", Value::from(id)),
        ("sub", Value::from(id)),
        ("aud", Value::from(audience)),
        ("jti", Value::from(URL_SAFE_NO_PAD.encode(drawn))),
        ("iat", Value::Int(now_s)),
        ("exp", Value::Int(now_s + HOLDS_S)),
    ]);
    let encoded = |part: &Value| URL_SAFE_NO_PAD.encode(canonical(part));
    let text = format!("{}.{}", encoded(&header), encoded(&claims));
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).ok()?;
    mac.update(text.as_bytes());
    Some(format!("{text}.{}", URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes())))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

    use super::*;

    #[test]
    fn an_assertion_is_signed_with_the_secret_for_one_endpoint_and_one_minute() {
        let made = signed("me", "shared", "https://auth.example/token", 1_700_000_000_000_000).unwrap();
        let parts: Vec<&str> = made.split('.').collect();
        let &[header, claims, signature] = <&[&str; 3]>::try_from(parts.as_slice()).unwrap();
        let read = |part: &str| String::from_utf8(URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap();
        assert_eq!(read(header), r#"{"alg":"HS256","typ":"JWT"}"#);
        let claims_read = read(claims);
        for claim in
            [r#""aud":"https://auth.example/token""#, r#""exp":1700000060"#, r#""iat":1700000000"#, r#""iss":"me""#, r#""sub":"me""#]
        {
            assert!(claims_read.contains(claim), "{claims_read}");
        }
        assert!(!claims_read.contains("shared"));
        let mut mac = Hmac::<Sha256>::new_from_slice(b"shared").unwrap();
        mac.update(format!("{header}.{claims}").as_bytes());
        mac.verify_slice(&URL_SAFE_NO_PAD.decode(signature).unwrap()).unwrap();
        assert_ne!(Some(&made), signed("me", "shared", "https://auth.example/token", 1_700_000_000_000_001).as_ref());
    }
}
