//! P-values adjusted for the number of comparisons: Bonferroni, Holm, Benjamini-Hochberg.
//!
//! Every function keeps the order of its input and caps at 1.

/// A two-sided p-value of the two one-sided ones: twice the smaller, by Bonferroni.
pub fn two_sided(one: f64, other: f64) -> f64 {
    (2.0 * one.min(other)).min(1.0)
}

/// Bonferroni: each p-value times their number.
pub fn bonferroni(p_values: &[f64]) -> Vec<f64> {
    p_values.iter().map(|p| (p * p_values.len() as f64).min(1.0)).collect()
}

/// Holm's step-down procedure (Scandinavian Journal of Statistics 1979): it bounds the chance
/// of any false alarm, whatever the dependence between the tests.
pub fn holm(p_values: &[f64]) -> Vec<f64> {
    let mut adjusted = vec![0.0; p_values.len()];
    let mut largest = 0.0_f64;
    for (rank, index) in ascending(p_values).into_iter().enumerate() {
        largest = largest.max(p_values[index] * (p_values.len() - rank) as f64).min(1.0);
        adjusted[index] = largest;
    }
    adjusted
}

/// Benjamini and Hochberg's step-up procedure (JRSS B 1995): it bounds the share of false
/// discoveries. For exploring slices; a gate does not use it.
pub fn benjamini_hochberg(p_values: &[f64]) -> Vec<f64> {
    let mut adjusted = vec![0.0; p_values.len()];
    let mut smallest = 1.0_f64;
    for (rank, index) in ascending(p_values).into_iter().enumerate().rev() {
        smallest = smallest.min(p_values[index] * p_values.len() as f64 / (rank + 1) as f64);
        adjusted[index] = smallest;
    }
    adjusted
}

fn ascending(p_values: &[f64]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..p_values.len()).collect();
    order.sort_by(|&a, &b| p_values[a].total_cmp(&p_values[b]));
    order
}
