//! Bearer tokens: how they look, how they are checked for typos, and the keyed hash that is all that is ever stored.
//!
//! What must stay true: a token is `pvt_`, 52 base32 characters of 32 random bytes (handed in from the edge) and 6 of checksum; text
//! with a typo is refused before any keyed hash; a token is shown once, where it is made, and is wiped from memory. It draws nothing
//! at random and knows no names.

use std::fmt;
use std::str::FromStr;

use hmac::{Hmac, KeyInit as _, Mac as _};
use provost_model::Digest;
use provost_model::who::{Known, Who};
use provost_telemetry::Secret;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sha2::Sha256;
use zeroize::Zeroizing;

/// What every token starts with.
pub(crate) const TOKEN_PREFIX: &str = "pvt_";
/// RFC 4648's base32 in lower case.
const ALPHABET: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";
/// Characters of 32 bytes.
const BODY: usize = 52;
/// Characters of checksum.
const CHECKSUM: usize = 6;
/// Characters of the token that are kept to recognise it by: 30 of its 256 bits.
const SHOWN: usize = TOKEN_PREFIX.len() + 6;

/// Why text is no token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// Another length or other characters.
    #[error("that is no token; a token starts with `pvt_` and has 58 characters of a-z and 2-7 behind it")]
    Shape,
    /// A typo.
    #[error("the token has a typo: its last six characters do not fit the others; copy it again")]
    Checksum,
}

impl TokenError {
    /// The stable code.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Shape => "TOKEN_SHAPE",
            Self::Checksum => "TOKEN_CHECKSUM",
        }
    }
}

/// A token: cannot be printed but through [`TokenSecret::reveal`].
#[derive(Debug)]
pub struct TokenSecret(Secret<String>);

impl TokenSecret {
    /// A new token from 32 random bytes.
    pub fn from_random(random: &Secret<[u8; 32]>) -> Self {
        let mut text = String::with_capacity(TOKEN_PREFIX.len() + BODY + CHECKSUM);
        text.push_str(TOKEN_PREFIX);
        base32(random.expose(), BODY, &mut text);
        let sum = checksum(&text);
        text.push_str(&sum);
        Self(Secret::new(text))
    }

    /// Reads a token and refuses typos.
    ///
    /// # Errors
    /// [`TokenError`] when the text is no token; it never repeats the text.
    pub fn parse(text: &str) -> Result<Self, TokenError> {
        let tail = text.strip_prefix(TOKEN_PREFIX).ok_or(TokenError::Shape)?;
        if tail.len() != BODY + CHECKSUM || !tail.bytes().all(|byte| ALPHABET.contains(&byte)) {
            return Err(TokenError::Shape);
        }
        let (front, sum) = text.split_at_checked(TOKEN_PREFIX.len() + BODY).ok_or(TokenError::Shape)?;
        if *checksum(front) != *sum {
            return Err(TokenError::Checksum);
        }
        Ok(Self(Secret::new(text.to_owned())))
    }

    /// The token's text: show it once to whom it is for, and keep it nowhere.
    pub fn reveal(&self) -> &str {
        self.0.expose()
    }

    /// The first characters, to recognise it by.
    pub fn prefix(&self) -> &str {
        self.reveal().get(..SHOWN).unwrap_or_default()
    }

    /// What is stored of it.
    pub fn hash(&self, key: &ServerKey) -> TokenHash {
        TokenHash(self.mac(key).finalize().into_bytes().into())
    }

    /// Whether `stored` is this token's hash; takes the same time either way.
    pub(crate) fn has(&self, key: &ServerKey, stored: &TokenHash) -> bool {
        self.mac(key).verify_slice(&stored.0).is_ok()
    }

    fn mac(&self, key: &ServerKey) -> Hmac<Sha256> {
        // RFC 2104: a key shorter than the block is filled up with zeros.
        let mut block = Zeroizing::new([0_u8; 64]);
        block.iter_mut().zip(key.0.expose()).for_each(|(to, from)| *to = *from);
        let mut mac = Hmac::<Sha256>::new((&*block).into());
        mac.update(self.reveal().as_bytes());
        mac
    }
}

/// Whether `text` may be a token's first characters.
pub(crate) fn is_prefix(text: &str) -> bool {
    text.len() == SHOWN && text.strip_prefix(TOKEN_PREFIX).is_some_and(|tail| tail.bytes().all(|byte| ALPHABET.contains(&byte)))
}

/// The key of all token hashes: 32 random bytes that never stand in a journal. Losing it invalidates every token.
#[derive(Debug)]
pub struct ServerKey(Secret<[u8; 32]>);

impl ServerKey {
    /// From 32 random bytes.
    pub const fn new(bytes: Secret<[u8; 32]>) -> Self {
        Self(bytes)
    }
}

/// HMAC-SHA256 of a token under the server's key, written `hmac-sha256:<hex>`. Of no use without the token.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TokenHash([u8; 32]);

impl TokenHash {
    /// A hash to compare with where there is none.
    pub(crate) const NOBODY: Self = Self([0; 32]);
}

const HASH_PREFIX: &str = "hmac-sha256:";

impl fmt::Display for TokenHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{HASH_PREFIX}{}", Digest::from_bytes(self.0).hex())
    }
}

impl fmt::Debug for TokenHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for TokenHash {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for TokenHash {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<str>::deserialize(deserializer)?;
        let hex = text.strip_prefix(HASH_PREFIX).map(|hex| format!("sha256:{hex}"));
        let digest = hex.and_then(|hex| Digest::from_str(&hex).ok());
        digest.map(|digest| Self(*digest.as_bytes())).ok_or_else(|| serde::de::Error::custom("expected `hmac-sha256:` and 64 digits"))
    }
}

/// The principal of a loopback connection on a laptop: `local:<user>`, without roles.
pub fn loopback(user: &str) -> Who {
    let safe: String = user.chars().filter(|c| c.is_ascii_alphanumeric() || "._-".contains(*c)).take(64).collect();
    Who { name: format!("local:{}", if safe.is_empty() { "user" } else { &safe }).into(), known: Known::Loopback, roles: Vec::new() }
}

/// Six characters that change with every other character.
fn checksum(front: &str) -> Zeroizing<String> {
    let digest = Digest::of_parts(&[b"provost token checksum", front.as_bytes()]);
    let mut sum = Zeroizing::new(String::with_capacity(CHECKSUM));
    base32(digest.as_bytes(), CHECKSUM, &mut sum);
    sum
}

/// The first `characters` of the base32 of `bytes`.
fn base32(bytes: &[u8], characters: usize, out: &mut String) {
    for at in 0..characters {
        let index = (0..5).fold(0_usize, |bits, bit| bits << 1 | usize::from(bit_at(bytes, at * 5 + bit)));
        out.push(char::from(ALPHABET.get(index).copied().unwrap_or(b'a')));
    }
}

/// Bit `at` of `bytes`, the highest first; 0 behind their end.
fn bit_at(bytes: &[u8], at: usize) -> bool {
    bytes.get(at / 8).is_some_and(|byte| byte >> (7 - at % 8) & 1 == 1)
}
