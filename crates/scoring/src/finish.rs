//! From a finding to a score: the policy on invalid answers, `not`, and the threshold.

use evalmark_core::{
    metric::{Complaint, InvalidPolicy, MetricSpec},
    score::Score,
};

use crate::kind::Finding;

/// What a suite says of a metric's scores, whatever its kind.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Finish {
    negate: bool,
    threshold: f64,
    invalid: InvalidPolicy,
}

impl Finish {
    pub(crate) fn compile(spec: &MetricSpec, default_threshold: f64) -> Result<Self, Complaint> {
        let threshold = spec.threshold.unwrap_or(default_threshold);
        if !(0.0..=1.0).contains(&threshold) {
            let message = format!("a threshold lies between 0 and 1, and {threshold} does not");
            return Err(Complaint { pointer: "/threshold".to_owned(), message });
        }
        Ok(Self { negate: spec.negate, threshold, invalid: spec.invalid })
    }

    /// Finishes a score.
    ///
    /// `not` turns both the value (1 - value) and the pass around: an answer passes when it would
    /// have failed. It does not turn around what is invalid: an answer without the thing that was
    /// asked for scores 0 and fails under `not` too, or a broken format would look like success.
    pub(crate) fn score(self, finding: Finding) -> Score {
        match finding {
            Finding::Value(value, reason) => self.value(value, reason),
            Finding::Missing(reason) => Score::missing(reason),
            Finding::Invalid(reason) => {
                let scored = self.invalid == InvalidPolicy::Zero;
                Score {
                    value: scored.then_some(0.0),
                    passed: scored.then_some(false),
                    reason: Some(reason),
                    invalid: true,
                    judge: None,
                    label: None,
                }
            }
        }
    }

    fn value(self, value: f64, reason: Option<String>) -> Score {
        if !value.is_finite() {
            return Score::missing("the metric has no value here");
        }
        let passed = value >= self.threshold;
        let value = if self.negate { 1.0 - value } else { value };
        Score {
            value: Some(value),
            passed: Some(passed != self.negate),
            reason,
            invalid: false,
            judge: None,
            label: None,
        }
    }
}
