//! The decision rule's settings, checked once.

use evalmark_core::{
    metric::{Direction, Range},
    suite::{Correction, GateSpec, GatedMetric},
};
use thiserror::Error;

/// How a comparison is decided.
#[derive(Clone, Debug, PartialEq)]
pub struct Rule {
    /// The largest acceptable drop, in units of the score; above 0.
    pub margin: f64,
    /// One-sided error rate of each bound, within (0, 0.5).
    pub alpha: f64,
    /// The least share of the larger variant's items that must pair up, within [0, 1].
    pub min_paired_share: f64,
    /// Resamples of the bootstrap, at least 4000.
    pub resamples: u32,
    /// Between which values a score lies.
    pub range: ScoreRange,
    /// Which scores are better. Where lower ones are, a loss is a rise, and the margin is the
    /// largest acceptable one.
    pub direction: Direction,
    /// How many flipped items to name.
    pub max_flips: usize,
    /// The scores are a judge's, and no human label says how far the judge can be trusted: the
    /// answer is relative to that judge, and says so.
    pub judge_relative: bool,
    /// Whether max-T may decide the family, which flips the signs of whole items.
    pub keeps_units: bool,
}

/// Between which values a score lies; an end may be infinite where a metric has none.
///
/// Missing answers can be bounded only by finite ends.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ScoreRange {
    /// The least score.
    pub low: f64,
    /// The largest score.
    pub high: f64,
}

impl ScoreRange {
    /// From 0 to 1.
    pub const UNIT: Self = Self { low: 0.0, high: 1.0 };

    /// The largest possible difference of two scores.
    pub(crate) fn width(self) -> f64 {
        self.high - self.low
    }

    pub(crate) fn is_unit(self) -> bool {
        self == Self::UNIT
    }
}

/// Why a rule cannot be used.
#[derive(Clone, Debug, PartialEq, Error)]
pub enum RuleError {
    /// The margin is not a positive number.
    #[error("the margin must be a number above 0, not {0}")]
    Margin(f64),
    /// The error rate is not within (0, 0.5).
    #[error("alpha must lie between 0 and 0.5, not {0}")]
    Alpha(f64),
    /// The share is not within [0, 1].
    #[error("the share of items that must pair up must lie between 0 and 1, not {0}")]
    PairedShare(f64),
    /// Too few resamples.
    #[error("the bootstrap needs at least 4000 resamples, not {0}")]
    Resamples(u32),
    /// The range is empty or not a range.
    #[error("scores cannot lie between {low} and {high}")]
    Range {
        /// Its lower end.
        low: f64,
        /// Its upper end.
        high: f64,
    },
}

impl Rule {
    /// The usual rule: 95 % of the items must pair up, 4999 resamples, scores in [0, 1].
    pub fn new(margin: f64, alpha: f64) -> Self {
        Self {
            margin,
            alpha,
            min_paired_share: 0.95,
            resamples: 4999,
            range: ScoreRange::UNIT,
            direction: Direction::Higher,
            max_flips: 48,
            judge_relative: false,
            keeps_units: true,
        }
    }

    /// The rule of one gated metric, whose values lie in `range`, or of an amount.
    pub fn of_gate(
        spec: &GateSpec,
        gated: GatedMetric,
        range: Range,
        direction: Direction,
    ) -> Self {
        let rule = Self {
            min_paired_share: spec.min_paired,
            keeps_units: spec.correction == Correction::MaxT,
            ..Self::new(gated.margin, spec.alpha)
        };
        if let Some(amount) = gated.amount {
            return Self { direction: amount.direction(), ..rule };
        }
        // A margin that nobody named is one of values in [0, 1].
        let stretch = if gated.is_default_margin { range.max().unwrap_or(1.0) } else { 1.0 };
        Self { margin: stretch * rule.margin, ..rule }.of_metric(range, direction)
    }

    /// Whether every setting makes sense.
    pub fn check(&self) -> Result<(), RuleError> {
        if !(self.margin.is_finite() && self.margin > 0.0) {
            return Err(RuleError::Margin(self.margin));
        }
        if !(self.alpha > 0.0 && self.alpha < 0.5) {
            return Err(RuleError::Alpha(self.alpha));
        }
        if !(0.0..=1.0).contains(&self.min_paired_share) {
            return Err(RuleError::PairedShare(self.min_paired_share));
        }
        if self.resamples < 4000 {
            return Err(RuleError::Resamples(self.resamples));
        }
        let ScoreRange { low, high } = self.range;
        if low < high { Ok(()) } else { Err(RuleError::Range { low, high }) }
    }
}
