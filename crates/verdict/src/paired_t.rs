//! The paired t test and interval.

use crate::mcnemar::PValues;
use crate::running_moments::Moments;
use crate::special::{student_sf, student_upper};

/// A t test against a mean difference of zero.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PairedT {
    /// Mean difference.
    pub mean: f64,
    /// Its standard error.
    pub stderr: f64,
    /// Degrees of freedom.
    pub df: u64,
    /// Student's t: `None` when every difference is 0, infinite when all are equal otherwise.
    pub t: Option<f64>,
    /// `greater` is against "the mean is 0 or less". With all differences 0 there is no test and
    /// these are 1, so that nothing is rejected; [`Self::p_values`] says that there is none.
    pub p: PValues,
}

impl PairedT {
    /// The p-values; `None` when every difference is 0: then there is no t, as scipy has no number.
    ///
    /// No verdict rests on a t of equal differences: what so few cannot have shown bounds the mean.
    pub fn p_values(&self) -> Option<PValues> {
        self.t.map(|_| self.p)
    }
}

impl PairedT {
    /// `None` without a degree of freedom.
    pub(crate) fn from_stderr(mean: f64, stderr: f64, df: u64) -> Option<Self> {
        if df == 0 {
            return None;
        }
        if stderr == 0.0 && mean == 0.0 {
            let p = PValues { greater: 1.0, less: 1.0, two_sided: 1.0 };
            return Some(Self { mean, stderr, df, t: None, p });
        }
        let t = mean / stderr;
        let p = PValues::from_tails(student_sf(t, df as f64), student_sf(-t, df as f64));
        Some(Self { mean, stderr, df, t: Some(t), p })
    }
}

/// The test over all differences; `None` with fewer than two or with one that is not finite.
pub fn paired_t(differences: &[f64]) -> Option<PairedT> {
    let moments = Moments::of(differences)?;
    PairedT::from_stderr(moments.mean, moments.stderr()?, moments.n.checked_sub(1)?)
}

/// One-sided bounds and p-values of a mean from its standard error and degrees of freedom.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct TEvidence {
    pub(crate) lower: f64,
    pub(crate) upper: f64,
    /// Against "the mean is 0 or more".
    pub(crate) p_regressed: f64,
    /// Against "the mean is -margin or less".
    pub(crate) p_pass: f64,
}

impl TEvidence {
    /// Without a standard error nothing is known.
    pub(crate) const NOTHING: Self =
        Self { lower: f64::NEG_INFINITY, upper: f64::INFINITY, p_regressed: 1.0, p_pass: 1.0 };

    pub(crate) fn new(mean: f64, stderr: f64, df: f64, alpha: f64, margin: f64) -> Self {
        let half = student_upper(alpha, df) * stderr;
        Self {
            lower: mean - half,
            upper: mean + half,
            p_regressed: p_above(-mean, stderr, df),
            p_pass: p_above(mean + margin, stderr, df),
        }
    }
}

/// P-value against "the mean that was seen as `excess` is 0 or less".
fn p_above(excess: f64, stderr: f64, df: f64) -> f64 {
    if stderr > 0.0 {
        student_sf(excess / stderr, df)
    } else if excess > 0.0 {
        0.0
    } else {
        1.0
    }
}
