//! How many independent items some that belong together are worth: the design effect of clusters.

use crate::clustered::{cluster_mean, dependent};
use crate::few_changed::clusters_if_few;
use crate::missing::Pair;
use crate::running_moments::Running;

/// The number of independent pairs whose mean difference would have the clustered standard error:
/// variance of the differences over the square of that (Kish's effective sample size); the number
/// of clusters where so few changed that neither says anything. `None` where all pairs are
/// independent.
pub(crate) fn effective_n(pairs: &[Pair]) -> Option<f64> {
    if !dependent(pairs) {
        return None;
    }
    let values: Vec<f64> = pairs.iter().map(|pair| pair.candidate - pair.baseline).collect();
    let units: Vec<u64> = pairs.iter().map(|pair| pair.unit).collect();
    if let Some(clusters) = clusters_if_few(&values, &units) {
        return Some(clusters as f64);
    }
    let mut spread = Running::default();
    let finite = values.iter().all(|value| spread.push(*value));
    let sd = finite.then(|| spread.moments()).flatten()?.sd?;
    let stderr = cluster_mean(&values, &units)?.se_cr1.filter(|stderr| *stderr > 0.0)?;
    Some((sd / stderr).powi(2).min(pairs.len() as f64))
}
