//! W3C trace context: reading and writing `traceparent`, and children that are derived instead of drawn.
//!
//! What must stay true: an orchestration's own trace id is the 128 bits of its id, and a span's id is a hash of where it stands, so
//! the same work has the same trace after a crash and in a replay. Source: W3C Trace Context level 1.

use std::fmt;

use provost_model::{Digest, OrchestrationId};

use crate::catalogue::Stage;

/// The id of a trace; never zero.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TraceId(u128);

/// The id of a span; never zero.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SpanId(u64);

impl TraceId {
    /// The 16 bytes, big endian.
    pub const fn to_bytes(self) -> [u8; 16] {
        self.0.to_be_bytes()
    }

    /// The low 56 bits: what sampling decides by.
    pub(crate) const fn low(self) -> u64 {
        (self.0 & ((1 << 56) - 1)) as u64
    }
}

impl SpanId {
    /// The 8 bytes, big endian.
    pub const fn to_bytes(self) -> [u8; 8] {
        self.0.to_be_bytes()
    }

    /// The span id of a list of parts.
    pub fn of(parts: &[&[u8]]) -> Self {
        let digest = Digest::of_parts(parts);
        let bits = digest.as_bytes().iter().take(8).fold(0_u64, |n, byte| n << 8 | u64::from(*byte));
        Self(bits.max(1))
    }
}

impl fmt::Display for TraceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

impl fmt::Debug for TraceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for SpanId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

impl fmt::Debug for SpanId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A span's place in a trace: what `traceparent` carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct TraceContext {
    /// The trace.
    pub trace: TraceId,
    /// The span.
    pub span: SpanId,
    /// Whether spans of this trace are exported.
    pub sampled: bool,
}

impl TraceContext {
    /// Reads a `traceparent` header; `None` for anything the standard calls invalid (then start a trace of your own).
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = text.splitn(5, '-');
        let (version, trace, span, flags) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
        let version = hex(version, 2)?;
        if version == 0xff || (version == 0 && parts.next().is_some()) {
            return None;
        }
        let (trace, span, flags) = (hex(trace, 32)?, hex(span, 16)?, hex(flags, 2)?);
        if trace == 0 || span == 0 {
            return None;
        }
        Some(Self { trace: TraceId(trace), span: SpanId(u64::try_from(span).ok()?), sampled: flags & 1 == 1 })
    }

    /// The first context of an orchestration that came without a `traceparent`.
    pub fn root(orchestration: &OrchestrationId, sampled: bool) -> Self {
        let bits = orchestration.bits().to_bytes();
        let trace = TraceId(u128::from_be_bytes(bits).max(1));
        Self { trace, span: SpanId::of(&[b"root", &bits]), sampled }
    }

    /// The child for `stage` at `sequence` of an orchestration's journal; `nth` tells apart several at one place (attempts, turns).
    #[must_use]
    pub fn child(&self, orchestration: &OrchestrationId, sequence: u64, stage: Stage, nth: u32) -> Self {
        let bits = orchestration.bits().to_bytes();
        self.child_of(&[&bits, &sequence.to_be_bytes(), stage.name().as_bytes(), &nth.to_be_bytes()])
    }

    /// The child for work outside any orchestration, told apart by `unique` parts (an event's id, a request's).
    #[must_use]
    pub fn child_of(&self, unique: &[&[u8]]) -> Self {
        Self { span: SpanId::of(unique), ..*self }
    }
}

impl fmt::Display for TraceContext {
    /// Writes the `traceparent` header.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "00-{}-{}-{:02x}", self.trace, self.span, u8::from(self.sampled))
    }
}

/// Exactly `digits` lower-case hexadecimal digits.
fn hex(text: &str, digits: usize) -> Option<u128> {
    let fits = text.len() == digits && text.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte));
    if fits { u128::from_str_radix(text, 16).ok() } else { None }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

    use provost_model::OrchestrationId;
    use provost_model::id::Slot;

    use super::TraceContext;
    use crate::catalogue::Stage;

    const GOOD: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    #[test]
    fn reads_and_writes_traceparent() {
        let context = TraceContext::parse(GOOD).unwrap();
        assert_eq!(context.to_string(), GOOD);
        assert!(context.sampled);
        assert!(!TraceContext::parse(&GOOD.replace("-01", "-00")).unwrap().sampled);
        // a later version may carry more, and is read by its first four parts
        assert_eq!(TraceContext::parse(&format!("cc{}-what-else", &GOOD[2..])).unwrap().trace, context.trace);
    }

    #[test]
    fn refuses_what_the_standard_calls_invalid() {
        for wrong in [
            "",
            "00",
            "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-more",
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
            "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e473-00f067aa0ba902b7-01",
            "00-+bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-é",
        ] {
            assert_eq!(TraceContext::parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn children_are_derived_and_differ_by_place() {
        let one = OrchestrationId::mint(1_700_000_000_000_000, Slot(7), &[b"one"]);
        let root = TraceContext::root(&one, true);
        let child = root.child(&one, 4, Stage::Dispatch, 1);
        assert_eq!(child, TraceContext::root(&one, true).child(&one, 4, Stage::Dispatch, 1));
        assert_eq!(child.trace, root.trace);
        assert_eq!(root.trace.to_bytes(), one.bits().to_bytes());
        let others = [
            root,
            root.child(&one, 5, Stage::Dispatch, 1),
            root.child(&one, 4, Stage::AgentRun, 1),
            root.child(&one, 4, Stage::Dispatch, 2),
        ];
        for other in others {
            assert_ne!(child.span, other.span);
        }
    }
}
