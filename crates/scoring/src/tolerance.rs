//! How far two numbers may lie apart and still count as equal.

use evalmark_core::metric::ParamError;

use crate::number_in_text::Decimal;

/// An absolute and a relative tolerance; the wider one counts.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Tolerance {
    abs: f64,
    /// A share of the target's size.
    rel: f64,
}

impl Tolerance {
    /// Checks both; a complaint points to `abs` or `rel` below `pointer`.
    pub(crate) fn new(abs: f64, rel: f64, pointer: &str) -> Result<Self, ParamError> {
        for (name, tolerance) in [("abs", abs), ("rel", rel)] {
            if !tolerance.is_finite() || tolerance < 0.0 {
                let message = format!("a tolerance must be at least 0; {tolerance} is not");
                return Err(ParamError { pointer: format!("{pointer}/{name}"), message });
            }
        }
        Ok(Self { abs, rel })
    }

    /// Without a tolerance numbers are compared digit by digit, so that 9007199254740993 is not
    /// 9007199254740992. With one, the comparison forgives what binary fractions add at the edge:
    /// 1.1 is within 0.1 of 1.
    pub(crate) fn allows(self, found: &Decimal, target: &Decimal) -> bool {
        if found == target {
            return true;
        }
        let (found, target) = (found.to_f64(), target.to_f64());
        let tolerance = self.abs.max(self.rel * target.abs());
        let slack = 4.0 * f64::EPSILON * found.abs().max(target.abs());
        let distance = (found - target).abs();
        tolerance > 0.0 && distance.is_finite() && distance <= tolerance + slack
    }
}
