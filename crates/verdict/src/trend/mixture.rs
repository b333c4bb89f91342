//! An e-process against "no change", as a normal mixture over sizes of the change.

/// Where a mixture is to be sharpest: the ratio of the squared change that it expects to the variance.
const SHARPEST: f64 = 10.0;

/// A sum that should stay about zero, after some runs: `exp(δS - δ²V/2)` is at most 1 on average for
/// any δ, and so is its mean over δ from a normal distribution about zero.
#[derive(Clone, Copy, Debug)]
pub(super) struct Evidence {
    /// S, the sum.
    pub(super) sum: f64,
    /// V, its variance.
    pub(super) variance: f64,
    /// The variance of δ.
    spread: f64,
}

impl Evidence {
    /// `usual` is the variance at which the mixture is sharpest. It must be known before the signs
    /// of what the sum is made of.
    pub(super) fn new(sum: f64, variance: f64, usual: f64) -> Self {
        let spread = if usual > 0.0 { SHARPEST / usual } else { 0.0 };
        Self { sum, variance, spread }
    }

    fn information(&self) -> f64 {
        self.spread * self.variance
    }

    /// The logarithm of the e-process.
    pub(super) fn log(&self) -> f64 {
        let information = self.information();
        let gain = 0.5 * self.spread * self.sum * self.sum / (1.0 + information);
        gain - 0.5 * information.ln_1p()
    }

    /// How far the sum may lie from its true value while the e-process stays below `limit`, at any
    /// time; `None` where nothing varies.
    pub(super) fn reach(&self, limit: f64) -> Option<f64> {
        let information = self.information();
        let bound = 2.0 * limit.ln() + information.ln_1p();
        (information > 0.0).then(|| (self.variance * (1.0 + 1.0 / information) * bound).sqrt())
    }
}

/// The p-value of an e-process: valid at any time (Ramdas, Grünwald, Vovk, Shafer, Statistical
/// Science 2023), multiplied by the size of the family.
pub(super) fn p_value(log: f64, family: f64) -> f64 {
    ((-log).exp() * family).min(1.0)
}
