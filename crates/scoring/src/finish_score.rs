//! From a measurement to a score: the policy on invalid answers, `not`, `binary`, and the threshold.

use evalmark_core::{
    metric::{Direction, InvalidPolicy, MetricSpec, ParamError, Range},
    score::Score,
};

use crate::kind::{About, Measurement};

/// What a suite says of a metric's scores, whatever its kind.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Finish {
    negate: bool,
    binary: bool,
    threshold: Option<f64>,
    range: Range,
    direction: Direction,
    invalid: Invalid,
}

/// What an invalid answer scores: the worst value, where there is one, or nothing.
#[derive(Clone, Copy, Debug)]
enum Invalid {
    Worst(f64),
    Missing,
}

impl Finish {
    pub(crate) fn compile(spec: &MetricSpec, about: &About) -> Result<Self, ParamError> {
        let complain =
            |pointer: &str, message| Err(ParamError { pointer: pointer.to_owned(), message });
        let (range, direction) = (about.range, about.direction);
        let threshold = spec.threshold.or(about.threshold);
        if let Some(threshold) = threshold
            && !(0.0..=range.max().unwrap_or(f64::MAX)).contains(&threshold)
        {
            let message =
                format!("the threshold of `{}` must lie within its values ({range})", about.name);
            return complain("/threshold", format!("{message}; {threshold} does not"));
        }
        if spec.binary && threshold.is_none() {
            let message = format!("`{}` passes or fails only with a `threshold`", about.name);
            return complain("/binary", message);
        }
        let is_unit = spec.binary || matches!(range, Range::Binary | Range::Unit);
        if spec.negate && !is_unit {
            let message = format!(
                "the values of `{}` lie in {range} and cannot be turned around; add `binary: true` \
                 and a `threshold`",
                about.name
            );
            return complain("/not", message);
        }
        let worst =
            if spec.binary || direction == Direction::Higher { Some(0.0) } else { range.max() };
        let invalid = match (spec.invalid, worst) {
            (InvalidPolicy::Zero, Some(worst)) => Invalid::Worst(worst),
            _ => Invalid::Missing,
        };
        let (negate, binary) = (spec.negate, spec.binary);
        Ok(Self { negate, binary, threshold, range, direction, invalid })
    }

    /// Whether the scores lie in [0, 1] and are better the higher they are.
    pub(crate) fn is_share(self) -> bool {
        let is_unit = matches!(self.range, Range::Binary | Range::Unit);
        self.binary || is_unit && (self.direction == Direction::Higher || self.negate)
    }

    /// Whether it is known from which value on an answer passes.
    pub(crate) fn has_threshold(self) -> bool {
        self.threshold.is_some()
    }

    /// The value from which an answer passes, before it is turned around; halfway where nobody says.
    pub(crate) fn passes_from(self) -> f64 {
        self.threshold.unwrap_or(0.5)
    }

    /// Finishes a score.
    ///
    /// `not` turns both the value (1 - value) and the pass around: an answer passes when it would
    /// have failed. It does not turn around what is invalid: an answer without the thing that was
    /// asked for scores the worst value and fails under `not` too, or a broken format would look
    /// like success. Where there is no worst value, an invalid answer has no score.
    pub(crate) fn score(self, measurement: Measurement) -> Score {
        match measurement {
            Measurement::Value(value, reason) => self.value(value, None, reason),
            Measurement::Decided { value, passed, reason } => self.value(value, passed, reason),
            Measurement::Counted { value, counts, reason } => {
                let score = self.value(value, None, reason);
                let counts = score.value.filter(|_| self.keeps_values()).map(|_| counts);
                Score { counts, ..score }
            }
            Measurement::Missing(reason) => Score::missing(reason),
            Measurement::Invalid(reason) => {
                let value = match self.invalid {
                    Invalid::Worst(worst) => Some(worst),
                    Invalid::Missing => None,
                };
                let (passed, reason) = (value.map(|_| false), Some(reason));
                Score { value, passed, reason, invalid: true, ..Score::default() }
            }
        }
    }

    /// Whether the scores are the kind's own values, of which a whole run's value can be made.
    pub(crate) fn keeps_values(self) -> bool {
        !self.negate && !self.binary
    }

    fn value(self, value: f64, decided: Option<bool>, reason: Option<String>) -> Score {
        if !value.is_finite() {
            return Score::missing("the metric has no value here");
        }
        let by_threshold = self.threshold.map(|threshold| match self.direction {
            Direction::Higher => value >= threshold,
            Direction::Lower => value <= threshold,
        });
        let passed = by_threshold.or(decided);
        let value = match passed {
            Some(passed) if self.binary => f64::from(passed),
            _ => value,
        };
        let value = if self.negate { 1.0 - value } else { value };
        let passed = passed.map(|passed| passed != self.negate);
        Score { value: Some(value), passed, reason, ..Score::default() }
    }
}
