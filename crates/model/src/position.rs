//! Positions: the stable key of everything inside an orchestration.
//!
//! A position is the path of task names; `[i]` for the i-th iteration of a `for`; `#n` for the n-th visit through `then` (n >= 2);
//! `~catch` for the handlers of a `try`; `[i]` too for the i-th task of an agent's plan, `[r.i]` of its r-th plan (r >= 2). Names are
//! escaped as in JSON Pointer, so no name can look like a marker. Source: DESIGN §5.

use std::borrow::Borrow;
use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// A place in the running of a workflow; empty for the workflow itself.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Position(Arc<str>);

impl Position {
    /// The workflow itself.
    pub fn root() -> Self {
        Self("".into())
    }

    /// From its text, as stored.
    pub fn from_text(text: &str) -> Self {
        Self(text.into())
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether this is the workflow itself.
    pub fn is_root(&self) -> bool {
        self.0.is_empty()
    }

    /// The task `name` inside, on its `visit`-th visit (the first is 1).
    #[must_use]
    pub fn task(&self, name: &str, visit: u32) -> Self {
        let mut text = String::with_capacity(self.0.len() + name.len() + 4);
        text.push_str(&self.0);
        if !self.0.is_empty() {
            text.push('/');
        }
        escape(name, &mut text);
        if visit > 1 {
            text.push('#');
            text.push_str(&visit.to_string());
        }
        Self(text.into())
    }

    /// The `index`-th iteration of the `for` at this place.
    #[must_use]
    pub fn iteration(&self, index: u64) -> Self {
        Self(format!("{}[{index}]", self.0).into())
    }

    /// The `index`-th task of the `revision`-th plan at this place (the first is 1). No name that an agent gave is part of it.
    #[must_use]
    pub fn planned(&self, revision: u32, index: usize) -> Self {
        let text = if revision > 1 { format!("{}[{revision}.{index}]", self.0) } else { format!("{}[{index}]", self.0) };
        Self(text.into())
    }

    /// The handlers of the `try` at this place.
    #[must_use]
    pub fn catch(&self) -> Self {
        Self(format!("{}/~catch", self.0).into())
    }

    /// The place around this one; the workflow has none.
    pub fn parent(&self) -> Option<Self> {
        self.around().map(Self::from_text)
    }

    /// The text of the place around this one, by which it is found without being built.
    pub fn around(&self) -> Option<&str> {
        around(&self.0)
    }

    /// The last name without its visit mark, unescaped: what an author calls the task.
    pub fn name(&self) -> String {
        let last = self.0.rsplit('/').next().unwrap_or_default();
        let last = last.split(['[', '#']).next().unwrap_or_default();
        last.replace("~5", "[").replace("~3", "#").replace("~1", "/").replace("~0", "~")
    }

    /// Whether this place is `outer` or lies inside it.
    pub fn is_within(&self, outer: &Position) -> bool {
        match self.0.strip_prefix(&*outer.0) {
            Some(rest) => rest.is_empty() || outer.is_root() || rest.starts_with('/') || rest.starts_with('['),
            None => false,
        }
    }
}

/// The text of the workflow's own place.
pub const ROOT: &str = "";

/// The text of the place around that of this text.
pub fn around(place: &str) -> Option<&str> {
    if place.is_empty() {
        return None;
    }
    // A `[` of a name is escaped, so one in the last part is an iteration's; a `]` may end any name.
    let last = place.bytes().rposition(|byte| matches!(byte, b'/' | b'['));
    Some(last.and_then(|last| place.get(..last)).unwrap_or_default())
}

/// Ordered, compared and hashed as its text, so that a map finds it by that.
impl Borrow<str> for Position {
    fn borrow(&self) -> &str {
        &self.0
    }
}

fn escape(name: &str, out: &mut String) {
    for c in name.chars() {
        match c {
            '~' => out.push_str("~0"),
            '/' => out.push_str("~1"),
            '#' => out.push_str("~3"),
            '[' => out.push_str("~5"),
            other => out.push(other),
        }
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}`", self.0)
    }
}
