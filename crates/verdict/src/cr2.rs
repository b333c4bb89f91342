//! Clusters of uneven sizes: a standard error that is not too small, and fewer degrees of freedom.
//!
//! CR1 with t on G - 1 degrees of freedom is made for clusters of one size. With the share v of
//! a cluster in all items, CR2 (Bell and `McCaffrey`, Survey Methodology 2002) divides its squared
//! sum of deviations by 1 - v, which is unbiased when items are independent. When a cluster's
//! items move as one it is still too small, by a factor that follows from the sizes, so the
//! larger of both counts. The degrees of freedom are Satterthwaite's, the fewer of both cases
//! (Pustejovsky and Tipton, JBES 2018). With even sizes all of this is CR1 and G - 1.

use crate::clustered::squared_residual;

/// A standard error of the mean, and the degrees of freedom of its t.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Spread {
    pub(crate) stderr: f64,
    pub(crate) df: f64,
}

/// Of clusters given by their sums and sizes, about their common mean; `None` with one cluster.
pub(crate) fn spread(clusters: &[(f64, u64)], mean: f64) -> Option<Spread> {
    if clusters.len() < 2 {
        return None;
    }
    let n = clusters.iter().map(|cluster| cluster.1).sum::<u64>() as f64;
    let shares: Vec<f64> = clusters.iter().map(|cluster| cluster.1 as f64 / n).collect();
    let squares = clusters.iter().zip(&shares);
    let squares: f64 = squares.map(|(&c, share)| squared_residual(c, mean) / (1.0 - share)).sum();
    let alone = form(&shares, |share| share);
    let together = form(&shares, |share| share * share);
    let factor = together.too_small.max(1.0);
    let df = alone.df.min(together.df).clamp(1.0, (clusters.len() - 1) as f64);
    Some(Spread { stderr: (factor * squares).sqrt() / n, df })
}

/// What CR2's variance is like when a cluster's sum has a given variance.
struct Form {
    /// The true variance of the mean over CR2's expected one.
    too_small: f64,
    /// Satterthwaite's degrees of freedom.
    df: f64,
}

/// With v the shares, D the variances and a = 1/(1 - v): deviations have the covariance
/// `Γ = D - vD' - Dv' + vv'ΣD`, CR2 expects `Σ aΓ_gg`, and its degrees of freedom are
/// `(Σ aΓ_gg)² / ΣΣ a_g a_h Γ_gh²`. That double sum is one of products of single ones.
fn form(shares: &[f64], variance: impl Fn(f64) -> f64) -> Form {
    let total: f64 = shares.iter().map(|&v| variance(v)).sum();
    let (mut vv, mut dd, mut vd, mut trace, mut own) = (0.0, 0.0, 0.0, 0.0, 0.0);
    for &v in shares {
        let (a, d) = (1.0 / (1.0 - v), variance(v));
        vv += a * v * v;
        dd += a * d * d;
        vd += a * v * d;
        let cross = v * v * total - 2.0 * v * d;
        trace += a * (d + cross);
        own += a * a * ((d + cross).powi(2) - cross * cross);
    }
    let between = total * total * vv * vv + 2.0 * vv * dd - 4.0 * total * vv * vd + 2.0 * vd * vd;
    Form { too_small: total / trace, df: trace * trace / (own + between) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn even_sizes_are_cr1() {
        let clusters: Vec<(f64, u64)> = (0..9).map(|i| (f64::from(i * i % 7), 12)).collect();
        let mean = clusters.iter().map(|c| c.0).sum::<f64>() / 108.0;
        let squares: f64 = clusters.iter().map(|&c| squared_residual(c, mean)).sum();
        let found = spread(&clusters, mean).expect("nine clusters");
        assert!((found.stderr - (9.0 / 8.0 * squares).sqrt() / 108.0).abs() < 1e-15);
        assert!((found.df - 8.0).abs() < 1e-9, "{found:?}");
        assert_eq!(spread(&clusters[..1], 0.0), None);
    }

    #[test]
    fn one_large_cluster_leaves_few_degrees_of_freedom() {
        let sizes = [100, 5, 5, 5, 5, 5, 5, 5, 5, 5];
        let clusters = sizes.map(|size| (size as f64 * 0.1, size));
        let found = spread(&clusters, 0.2).expect("ten clusters");
        assert!(found.df < 2.0, "{found:?}");
    }
}
