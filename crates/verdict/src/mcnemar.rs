//! McNemar's test on discordant pairs: exact and mid-p, one- and two-sided.
//!
//! Given b + c pairs on which the two variants disagree, b is Bin(b+c, 1/2) when neither is better.
//! Mid-p counts half of the observed outcome's probability (Fagerland, Lydersen, Laake, BMC
//! Medical Research Methodology 2013, 13:91).

use crate::special::binomial_density;

/// P-values of one test, by alternative.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PValues {
    /// Against "A is not better than B".
    pub greater: f64,
    /// Against "B is not better than A".
    pub less: f64,
    /// Against "A and B are equal".
    pub two_sided: f64,
}

impl PValues {
    /// Two-sided as twice the smaller tail, at most 1.
    pub(crate) fn from_tails(greater: f64, less: f64) -> Self {
        Self { greater, less, two_sided: (2.0 * greater.min(less)).min(1.0) }
    }
}

/// The exact conditional test; `only_a` pairs were right in A alone, `only_b` in B alone.
pub fn mcnemar_exact(only_a: u64, only_b: u64) -> PValues {
    PValues::from_tails(tail(only_a, only_b, 1.0), tail(only_b, only_a, 1.0))
}

/// The mid-p test: less conservative than the exact one, with a similar error rate.
pub fn mcnemar_midp(only_a: u64, only_b: u64) -> PValues {
    PValues::from_tails(tail(only_a, only_b, 0.5), tail(only_b, only_a, 0.5))
}

/// The fewest discordant pairs with which mid-p can reach `alpha`: all of them on one side.
pub fn midp_attainable_pairs(alpha: f64) -> u64 {
    (1..64)
        .find(|&pairs| 0.5_f64.powi(pairs + 1) <= alpha)
        .map_or(64, |p| u64::from(p.unsigned_abs()))
}

/// `P(X > hits) + share·P(X = hits)` for X ~ Bin(hits + misses, 1/2).
fn tail(hits: u64, misses: u64, share: f64) -> f64 {
    if hits < misses {
        // Sum the smaller tail, so that small p-values keep their digits.
        return 1.0 - tail(misses, hits, 1.0 - share);
    }
    let (hits, misses) = (hits as f64, misses as f64);
    let (mut sum, mut ratio, mut step) = (share, 1.0, 0.0);
    while step < misses {
        ratio *= (misses - step) / (hits + step + 1.0);
        sum += ratio;
        step += 1.0;
        if ratio < 1e-18 * sum {
            break;
        }
    }
    (binomial_density(hits, misses, 0.5, 0.5) * sum).min(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn four_discordant_pairs_are_the_fewest_at_five_percent() {
        assert_eq!(midp_attainable_pairs(0.05), 4);
        assert!(mcnemar_midp(4, 0).greater <= 0.05);
        assert!(mcnemar_midp(3, 0).greater > 0.05);
    }

    #[test]
    fn many_pairs_keep_the_p_value_finite() {
        let p = mcnemar_midp(1_000_000, 990_000);
        assert!(p.greater > 0.0 && p.greater < 1e-9, "{p:?}");
        assert!(mcnemar_midp(1_000_000, 0).greater >= 0.0);
    }
}
