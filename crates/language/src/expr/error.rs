//! What can be wrong with an expression, when it is published and when it is evaluated.

use super::meter::{Burned, Trip};

/// Why a source was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExprErrorKind {
    /// Not jq.
    Syntax,
    /// No such function here.
    Function,
    /// A function, variable or construct of jq that the profile refuses.
    Refused,
    /// No such variable or label here.
    Variable,
    /// A secret is used in a way that could reveal it.
    Secret,
    /// Too long, or nested too deeply.
    TooLarge,
}

/// A source that was refused, with the place.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{detail} (line {line}, column {column}); {hint}")]
pub struct ExprError {
    /// Which source, by its place in the list that was handed in.
    pub index: u32,
    /// Which rule was broken.
    pub kind: ExprErrorKind,
    /// Offset into the source as handed in, in bytes.
    pub offset: usize,
    /// Line in the source, from 1.
    pub line: u32,
    /// Column in the line, in characters, from 1.
    pub column: u32,
    /// What happened.
    pub detail: String,
    /// What to do.
    pub hint: String,
}

impl ExprError {
    /// Stable code of the error.
    pub fn code(&self) -> &'static str {
        match self.kind {
            ExprErrorKind::Syntax => "EXPRESSION_SYNTAX",
            ExprErrorKind::Function => "EXPRESSION_FUNCTION",
            ExprErrorKind::Refused => "EXPRESSION_REFUSED",
            ExprErrorKind::Variable => "EXPRESSION_VARIABLE",
            ExprErrorKind::Secret => "EXPRESSION_SECRET",
            ExprErrorKind::TooLarge => "EXPRESSION_TOO_LARGE",
        }
    }
}

/// Why an evaluation ended without a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EvalErrorKind {
    /// All units of fuel were burned.
    Fuel,
    /// More bytes were built than allowed.
    Bytes,
    /// Values or work nested too deeply.
    Depth,
    /// An operation does not fit its values.
    Type,
    /// A number left the exact range, or a division by zero.
    Overflow,
    /// Text could not be read as what was asked for.
    Parse,
    /// `error` of the author.
    User,
    /// A value holds text that is reserved for secrets.
    Secret,
    /// The caller asked for what is not there: an index or a variable without a value.
    Missing,
}

/// An evaluation that ended without a value.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{detail}")]
pub struct EvalError {
    /// Which kind of failure.
    pub kind: EvalErrorKind,
    /// What happened and what to do. Holds no values of the documents but what the author's `error` says.
    pub detail: String,
    /// What was burned until then.
    pub burned: Burned,
}

impl EvalError {
    /// Stable code of the error.
    pub fn code(&self) -> &'static str {
        match self.kind {
            EvalErrorKind::Fuel => "EXPRESSION_FUEL",
            EvalErrorKind::Bytes => "EXPRESSION_BYTES",
            EvalErrorKind::Depth => "EXPRESSION_DEPTH",
            EvalErrorKind::Type => "EXPRESSION_TYPE",
            EvalErrorKind::Overflow => "EXPRESSION_OVERFLOW",
            EvalErrorKind::Parse => "EXPRESSION_PARSE",
            EvalErrorKind::User => "EXPRESSION_ERROR",
            EvalErrorKind::Secret => "EXPRESSION_SECRET_TEXT",
            EvalErrorKind::Missing => "EXPRESSION_MISSING",
        }
    }

    pub(super) fn new(kind: EvalErrorKind, detail: impl Into<String>, burned: Burned) -> Self {
        Self { kind, detail: detail.into(), burned }
    }

    pub(super) fn tripped(why: Trip, burned: Burned) -> Self {
        let (kind, detail) = match why {
            Trip::Fuel => (EvalErrorKind::Fuel, "expression burned all its fuel; narrow what it visits or raise `limits.expressionFuel`"),
            Trip::Bytes => (EvalErrorKind::Bytes, "expression built too many bytes; build less or raise `limits.expressionBytes`"),
            Trip::Depth => (EvalErrorKind::Depth, "expression nests too deeply; flatten the value it builds"),
        };
        Self::new(kind, detail, burned)
    }
}
