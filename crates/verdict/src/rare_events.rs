//! Bounds where all or nearly all differences are equal, and a variance says nothing.
//!
//! When no item or only one or two of them changed, the rare changes that this sample did not
//! hold are the whole risk: a t interval is a point and most resamples are constant. So let m be
//! the commonest difference. Then `E d >= m - (w + m)·P(d < m)`, where w is the width of the
//! range, and the exact binomial bound on P(d < m) gives a bound on the mean. Of two identical
//! runs of n items it is -(1 - α^(1/n)).

use crate::intervals::{share_p_below, share_upper};
use crate::mcnemar::mcnemar_exact;

/// Distinct differences and how often each occurs, ascending.
pub(crate) type Groups = [(f64, u64)];

/// What the commonest difference bounds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Unseen {
    pub(crate) lower: f64,
    pub(crate) upper: f64,
    /// The sign test's, which holds whenever "nothing changed" means exchangeable variants.
    pub(crate) p_regressed: f64,
    pub(crate) p_pass: f64,
}

/// Whether more than a share `alpha` of all resamples would be constant, so that neither a
/// bootstrap nor a t interval has a tail to speak of.
pub(crate) fn variance_is_unseen(groups: &Groups, n: u64, alpha: f64) -> bool {
    let largest = groups.iter().map(|g| g.1).max().unwrap_or(0);
    n < 3 || (n as f64 * (largest as f64 / n as f64).ln()).exp() > alpha
}

/// Bounds at `alpha` and p-values; `width` may be infinite, and then there is no bound.
pub(crate) fn unseen(groups: &Groups, n: u64, width: f64, alpha: f64, margin: f64) -> Unseen {
    let largest = groups.iter().map(|g| g.1).max().unwrap_or(0);
    let mut commonest = groups.iter().filter(|g| g.1 == largest).map(|g| g.0);
    let low = commonest.next().unwrap_or(0.0);
    let high = commonest.next_back().unwrap_or(low);
    let count = |wanted: &dyn Fn(f64) -> bool| {
        groups.iter().filter(|g| wanted(g.0)).map(|g| g.1).sum::<u64>()
    };
    let (below, above) = (count(&|d| d < low), count(&|d| d > high));
    let share = |k: u64| share_upper(k, n, alpha);
    let p_regressed = mcnemar_exact(count(&|d| d < 0.0), count(&|d| d > 0.0)).greater;
    if !width.is_finite() {
        return Unseen { lower: f64::NEG_INFINITY, upper: f64::INFINITY, p_regressed, p_pass: 1.0 };
    }
    let room = (margin + low) / (width + low);
    Unseen {
        lower: low - (width + low) * share(below),
        upper: high + (width - high) * share(above),
        p_regressed,
        // A room of 0 or none at all, or all items at the range's end: nothing to show.
        p_pass: if room > 0.0 { share_p_below(below, n, room.min(1.0)) } else { 1.0 },
    }
}
