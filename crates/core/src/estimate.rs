//! An estimate carries its interval and says how it was made.

use serde::{Deserialize, Serialize};

/// A mean or proportion over items, with a two-sided confidence interval.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Estimate {
    /// The point estimate.
    pub mean: f64,
    /// Standard error of the mean; `None` with fewer than two items.
    pub stderr: Option<f64>,
    /// Lower end; `None` when undefined.
    pub ci_low: Option<f64>,
    /// Upper end; `None` when undefined.
    pub ci_high: Option<f64>,
    /// How it was made: `wilson`, `t`, `cluster_t`, `bca_bootstrap`, the middle two with
    /// `+binomial` where nearly all items or clusters are equal; `none` where no interval can be
    /// given.
    pub ci_method: String,
    /// Items the estimate is made from.
    pub n_items: u64,
}
