//! Numbers in normal form.

use std::hash::{Hash, Hasher};

use super::Value;

/// Integers up to this size are exact in an `f64` (2^53).
const EXACT_MAX: f64 = 9_007_199_254_740_992.0;

/// Why a number was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NumberError {
    /// Not a number, or infinite.
    #[error("number is not finite")]
    NotFinite,
    /// An integer that neither `i64` nor `f64` holds exactly.
    #[error("integer is outside the exact range (-9223372036854775808 to 9223372036854775807)")]
    NotExact,
}

/// A finite number that is no integer within 2^53.
#[derive(Clone, Copy, Debug)]
pub struct Float(f64);

impl Float {
    /// The number itself.
    pub fn value(self) -> f64 {
        self.0
    }
}

// Total, because a `Float` is never NaN and never -0.
impl PartialEq for Float {
    fn eq(&self, other: &Self) -> bool {
        self.0.to_bits() == other.0.to_bits()
    }
}

impl Eq for Float {}

impl Hash for Float {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.to_bits().hash(state);
    }
}

/// Brings a float into normal form: integral values within 2^53 become integers (so `-0.0` becomes `0`).
///
/// # Errors
/// [`NumberError::NotFinite`] for NaN and infinities.
pub fn normalise_f64(number: f64) -> Result<Value, NumberError> {
    if !number.is_finite() {
        return Err(NumberError::NotFinite);
    }
    if number.fract() == 0.0 && number.abs() <= EXACT_MAX {
        // Exact by the check above: |number| <= 2^53 and no fraction.
        return Ok(Value::Int(number as i64));
    }
    Ok(Value::Float(Float(number)))
}
