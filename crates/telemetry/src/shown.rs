//! Redaction by type: what may leave in a log line or span, and as what.
//!
//! What must stay true: [`Shown`] is implemented only for types that cannot carry a payload or a secret in clear. There is no
//! implementation for `String`, for borrowed text or for [`Value`], so writing one into a log line does not compile.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use provost_model::id::Slot;
use provost_model::program::EffectClass;
use provost_model::record::{EffectKind, EffectState, Ending};
use provost_model::value::canonical_len;
use provost_model::{Answer, DecisionId, Digest, EffectId, EventId, OrchestrationId, Position, ReviewId, TenantId, Value};

/// Longest text of one field, in bytes; longer text is cut.
pub const TEXT_BYTES_MAX: usize = 256;

/// A value in the form it leaves in.
#[derive(Clone, Debug, PartialEq)]
pub enum Plain<'p> {
    /// A whole number.
    Int(i64),
    /// Any other number.
    Float(f64),
    /// Yes or no.
    Flag(bool),
    /// A word, an id or an authored name.
    Text(Cow<'p, str>),
}

impl Plain<'_> {
    /// Without anything borrowed.
    pub fn into_owned(self) -> Plain<'static> {
        match self {
            Self::Int(n) => Plain::Int(n),
            Self::Float(n) => Plain::Float(n),
            Self::Flag(b) => Plain::Flag(b),
            Self::Text(text) => Plain::Text(text.into_owned().into()),
        }
    }

    /// For the log transport.
    pub fn as_value(&self) -> &dyn tracing::Value {
        match self {
            Self::Int(n) => n,
            Self::Float(n) => n,
            Self::Flag(b) => b,
            Self::Text(Cow::Borrowed(text)) => text,
            Self::Text(Cow::Owned(text)) => text,
        }
    }
}

/// What may be shown in a log line or span.
///
/// ```compile_fail
/// let payload = String::from("4111 1111 1111 1111");
/// provost_telemetry::log!(INFO, provost_telemetry::Correlation::none(), "seen", WHO = payload); // text needs `Name` or `Payload`
/// ```
///
/// ```compile_fail
/// let payload = provost_model::Value::from("4111 1111 1111 1111");
/// provost_telemetry::log!(INFO, provost_telemetry::Correlation::none(), "seen", PAYLOAD = payload); // a value needs `Payload`
/// ```
///
/// ```
/// let payload = provost_model::Value::from("4111 1111 1111 1111");
/// provost_telemetry::log!(INFO, provost_telemetry::Correlation::none(), "seen", PAYLOAD = provost_telemetry::Payload(&payload));
/// ```
pub trait Shown {
    /// The form it leaves in.
    fn shown(&self) -> Plain<'_>;
}

/// A payload: shows its kind and size, never its contents.
#[derive(Clone, Copy)]
pub struct Payload<'v>(pub &'v Value);

impl std::fmt::Display for Payload<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} of {} bytes", self.0.kind(), canonical_len(self.0))
    }
}

impl std::fmt::Debug for Payload<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        std::fmt::Display::fmt(self, f)
    }
}

impl Shown for Payload<'_> {
    fn shown(&self) -> Plain<'_> {
        Plain::Text(self.to_string().into())
    }
}

/// A name somebody authored (workflow, agent, destination, principal): no payload, and cut to [`TEXT_BYTES_MAX`].
#[derive(Clone, Copy, Debug)]
pub struct Name<'n>(pub &'n str);

impl Shown for Name<'_> {
    fn shown(&self) -> Plain<'_> {
        Plain::Text(cut(self.0).into())
    }
}

/// The longest start of `text` within [`TEXT_BYTES_MAX`].
pub(crate) fn cut(text: &str) -> &str {
    text.get(..text.floor_char_boundary(TEXT_BYTES_MAX)).unwrap_or_default()
}

macro_rules! whole {
    ($($kind:ty),*) => {$(
        impl Shown for $kind {
            fn shown(&self) -> Plain<'_> {
                Plain::Int(i64::from(*self))
            }
        }
    )*};
}
whole!(i64, i32, u32, u16, u8);

macro_rules! wide {
    ($($kind:ty),*) => {$(
        impl Shown for $kind {
            fn shown(&self) -> Plain<'_> {
                Plain::Int(i64::try_from(*self).unwrap_or(i64::MAX))
            }
        }
    )*};
}
wide!(u64, usize);

macro_rules! written {
    ($($kind:ty),*) => {$(
        impl Shown for $kind {
            fn shown(&self) -> Plain<'_> {
                Plain::Text(self.to_string().into())
            }
        }
    )*};
}
written!(TenantId, EventId, OrchestrationId, EffectId, ReviewId, DecisionId, Digest, std::net::SocketAddr);

impl Shown for f64 {
    fn shown(&self) -> Plain<'_> {
        Plain::Float(*self)
    }
}

impl Shown for bool {
    fn shown(&self) -> Plain<'_> {
        Plain::Flag(*self)
    }
}

impl Shown for &'static str {
    fn shown(&self) -> Plain<'_> {
        Plain::Text((*self).into())
    }
}

impl Shown for Position {
    fn shown(&self) -> Plain<'_> {
        Plain::Text(cut(&self.to_string()).to_owned().into())
    }
}

impl Shown for Slot {
    fn shown(&self) -> Plain<'_> {
        Plain::Int(i64::from(self.0))
    }
}

impl Shown for Duration {
    fn shown(&self) -> Plain<'_> {
        Plain::Int(i64::try_from(self.as_micros()).unwrap_or(i64::MAX))
    }
}

macro_rules! worded {
    ($($kind:ident: $($variant:ident = $word:literal),* ;)*) => {$(
        impl Word for $kind {
            const WORDS: &'static [&'static str] = &[$($word),*];
            const ALL: &'static [Self] = &[$(Self::$variant),*];

            fn word(self) -> &'static str {
                match self {
                    $(Self::$variant => $word,)*
                }
            }

            fn place(self) -> usize {
                self as usize
            }
        }

        impl Shown for $kind {
            fn shown(&self) -> Plain<'_> {
                Plain::Text(self.word().into())
            }
        }
    )*};
}
pub(crate) use worded;

/// A closed set of words: what labels are made of.
pub trait Word: Copy + 'static {
    /// Every word of the set.
    const WORDS: &'static [&'static str];
    /// Every member of the set, in the order of their words.
    const ALL: &'static [Self];
    /// This one's word.
    fn word(self) -> &'static str;
    /// Its place in [`Self::WORDS`].
    fn place(self) -> usize;
}

worded! {
    Answer: Allow = "allow", Review = "review", Deny = "deny";
    Ending: Completed = "completed", Faulted = "faulted", Cancelled = "cancelled";
    EffectKind: Agent = "agent", Action = "action", Undo = "undo", Retrieval = "retrieval", Feature = "feature";
    EffectClass: E0 = "e0", E1 = "e1", E2 = "e2", E3 = "e3", E4 = "e4";
    EffectState: Intended = "intended", Sent = "sent", Waiting = "waiting", Claiming = "claiming", Asked = "asked", Done = "done", Failed = "failed",
        InDoubt = "in_doubt", Conflict = "conflict", Abandoned = "abandoned";
}

impl<T: Shown> Shown for Option<T> {
    fn shown(&self) -> Plain<'_> {
        self.as_ref().map_or(Plain::Text("none".into()), Shown::shown)
    }
}

impl<T: Shown> Shown for Arc<T> {
    fn shown(&self) -> Plain<'_> {
        (**self).shown()
    }
}
