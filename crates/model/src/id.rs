//! Ids: a prefix and 26 base32 characters that hold 48 bits of time, 12 bits of slot and 68 bits of hash.
//!
//! Minted at the edge or derived from a parent and a position, never drawn at random. Every id is its own type.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::digest::Digest;
use crate::limits::SLOTS;

/// Crockford's base32 alphabet: no I, L, O, U.
const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
/// The value of each character, upper and lower case; 255: none.
const VALUES: [u8; 256] = values();
/// Characters behind the prefix.
const LENGTH: usize = 26;
const HASH_BITS: u32 = 68;
const SLOT_BITS: u32 = 12;

/// A shard of the work; partitions own ranges of slots.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Slot(pub u16);

impl Slot {
    /// The slot of a name: H(parts) modulo the number of slots.
    pub fn of(parts: &[&str]) -> Self {
        let bytes: Vec<&[u8]> = parts.iter().map(|p| p.as_bytes()).collect();
        let digest = Digest::of_parts(&bytes);
        let head = digest.as_bytes().iter().take(2).fold(0_u16, |n, b| n << 8 | u16::from(*b));
        Self(head % SLOTS)
    }
}

/// The 128 bits behind a prefix.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Bits(u128);

impl Bits {
    /// From a time in microseconds UTC, a slot and the text that makes it unique.
    pub fn mint(at_us: i64, slot: Slot, unique: &[&[u8]]) -> Self {
        let time_ms = (at_us.max(0) / 1000) as u128 & ((1 << 48) - 1);
        let digest = Digest::of_parts(unique);
        let hash = digest.as_bytes().iter().take(9).fold(0_u128, |n, b| n << 8 | u128::from(*b)) & ((1 << HASH_BITS) - 1);
        Self(time_ms << (SLOT_BITS + HASH_BITS) | u128::from(slot.0 % SLOTS) << HASH_BITS | hash)
    }

    /// The slot inside.
    pub fn slot(self) -> Slot {
        Slot((self.0 >> HASH_BITS & u128::from(SLOTS - 1)) as u16)
    }

    /// The time inside, in microseconds UTC (to the millisecond).
    pub fn at_us(self) -> i64 {
        (self.0 >> (SLOT_BITS + HASH_BITS)) as i64 * 1000
    }

    /// As stored: 16 bytes, big endian, so that ids sort by time.
    pub fn to_bytes(self) -> [u8; 16] {
        self.0.to_be_bytes()
    }

    /// From the stored form.
    pub fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(u128::from_be_bytes(bytes))
    }

    fn write(self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = [0_u8; LENGTH];
        for (i, c) in text.iter_mut().enumerate() {
            let shift = (LENGTH - 1 - i) as u32 * 5;
            let index = (self.0 >> shift & 31) as usize;
            *c = ALPHABET.get(index).copied().unwrap_or(b'0');
        }
        f.write_str(std::str::from_utf8(&text).unwrap_or_default())
    }

    fn read(text: &str) -> Option<Self> {
        if text.len() != LENGTH {
            return None;
        }
        let mut bits = 0_u128;
        for c in text.bytes() {
            let value = VALUES.get(usize::from(c)).copied().filter(|value| *value < 32)?;
            bits = bits.checked_mul(32)?.checked_add(u128::from(value))?;
        }
        Some(Self(bits))
    }
}

/// Text that is no id of the wanted kind.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not an id of this kind; it starts with `{prefix}` and has 26 characters behind it")]
pub struct IdError {
    text: String,
    prefix: &'static str,
}

#[expect(clippy::indexing_slicing, reason = "computed when it is compiled; a wrong index would not compile")]
const fn values() -> [u8; 256] {
    let mut values = [u8::MAX; 256];
    let mut value = 0;
    while value < ALPHABET.len() {
        let letter = ALPHABET[value];
        values[letter as usize] = value as u8;
        values[letter.to_ascii_lowercase() as usize] = value as u8;
        value += 1;
    }
    values
}

macro_rules! id {
    ($(#[$doc:meta])* $name:ident, $prefix:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Bits);

        impl $name {
            /// What every id of this kind starts with.
            pub const PREFIX: &'static str = $prefix;

            /// From a time in microseconds UTC, a slot and what makes it unique.
            pub fn mint(at_us: i64, slot: Slot, unique: &[&[u8]]) -> Self {
                Self(Bits::mint(at_us, slot, unique))
            }

            /// The slot inside.
            pub fn slot(&self) -> Slot {
                self.0.slot()
            }

            /// The 128 bits.
            pub fn bits(&self) -> Bits {
                self.0
            }

            /// From the 128 bits.
            pub fn from_bits(bits: Bits) -> Self {
                Self(bits)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str($prefix)?;
                self.0.write(f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }

        impl FromStr for $name {
            type Err = IdError;

            fn from_str(text: &str) -> Result<Self, IdError> {
                text.strip_prefix($prefix)
                    .and_then(Bits::read)
                    .map(Self)
                    .ok_or_else(|| IdError { text: text.to_owned(), prefix: $prefix })
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                crate::parsed::parsed(deserializer)
            }
        }
    };
}

id!(
    /// One execution of a pinned workflow.
    OrchestrationId, "orc_"
);
id!(
    /// One accepted or rejected event.
    EventId, "evt_"
);
id!(
    /// One external effect: a run of an agent, an action, a look-up or an undo. Written `run_…` for agents by [`EffectId::shown`].
    EffectId, "eff_"
);
id!(
    /// One question to a person.
    ReviewId, "rev_"
);
id!(
    /// One recorded judgement.
    DecisionId, "dec_"
);

impl OrchestrationId {
    /// The id of the effect at `position` for `purpose`: same place and slot as the orchestration, never drawn.
    pub fn effect(&self, position: &str, purpose: &str) -> EffectId {
        EffectId(self.child("effect", position, purpose))
    }

    /// The id of the review at `position`, opened for the `n`-th time.
    pub fn review(&self, position: &str, n: &str) -> ReviewId {
        ReviewId(self.child("review", position, n))
    }

    /// The id of the decision at `position`.
    pub fn decision(&self, position: &str, n: &str) -> DecisionId {
        DecisionId(self.child("decision", position, n))
    }

    /// The id of the `n`-th orchestration that the task at `position` began. It lives in a slot of its own.
    pub fn begun(&self, position: &str, n: u32) -> Self {
        let slot = Slot::of(&[&self.to_string(), "run", position, &n.to_string()]);
        self.begun_in(slot, position, n)
    }

    /// The same where it lives in `slot`, because its key does.
    pub fn begun_in(&self, slot: Slot, position: &str, n: u32) -> Self {
        let n = n.to_string();
        Self::mint(self.0.at_us(), slot, &[&self.0.to_bytes(), b"run", position.as_bytes(), n.as_bytes()])
    }

    fn child(&self, kind: &str, position: &str, purpose: &str) -> Bits {
        let parent = self.0.to_bytes();
        Bits::mint(self.0.at_us(), self.slot(), &[&parent, kind.as_bytes(), position.as_bytes(), purpose.as_bytes()])
    }
}

impl EffectId {
    /// The id as people meet it in the run of an agent.
    pub fn as_run(&self) -> String {
        self.to_string().replacen("eff_", "run_", 1)
    }

    /// What the key of an event of ours starts with.
    const EVENT_KEY: &'static str = "efk1_";

    /// The effect key of an event of ours: the characters of the effect's id behind `efk1_`. The id of that event, from which everybody
    /// can read the slot of its sender.
    pub fn event_key(&self) -> String {
        let text = self.to_string();
        format!("{}{}", Self::EVENT_KEY, text.strip_prefix(Self::PREFIX).unwrap_or(&text))
    }

    /// The effect behind the key of an event of ours; `None` for every other text.
    pub fn from_event_key(text: &str) -> Option<Self> {
        format!("{}{}", Self::PREFIX, text.strip_prefix(Self::EVENT_KEY)?).parse().ok()
    }
}
