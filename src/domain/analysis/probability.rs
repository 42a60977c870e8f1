//! Probabilities: rounded once, on construction, so that they survive a round trip through JSON.

use super::InvalidAnalysis;

/// From here on a head counts as "yes", unless the policy says otherwise.
pub const OPERATING_POINT: f64 = 0.5;

/// Four decimals, kept in 0..=1; what is not a number is 0.
pub fn round4(value: f64) -> f64 {
    if value.is_nan() { 0.0 } else { (value.clamp(0.0, 1.0) * 10_000.0).round() / 10_000.0 }
}

/// Refuses a number that is no probability.
pub(super) fn check_probability(head: &str, value: f64) -> Result<(), InvalidAnalysis> {
    if (0.0..=1.0).contains(&value) { Ok(()) } else { Err(InvalidAnalysis { head: head.to_owned(), value }) }
}
