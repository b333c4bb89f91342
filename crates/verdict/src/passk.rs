//! pass@k and pass^k: from n attempts at a problem with c successes to k attempts.
//!
//! Chen et al., "Evaluating Large Language Models Trained on Code", arXiv 2107.03374, and Yao
//! et al., "τ-bench", arXiv 2406.12045: the unbiased estimators, not (c/n)^k. `None` when
//! k > n or c > n, where no unbiased estimate exists.

/// Chance that at least one of `k` attempts succeeds: `1 - C(n-c, k)/C(n, k)`.
pub fn pass_at_k(n: u64, c: u64, k: u64) -> Option<f64> {
    if c > n {
        return None;
    }
    draw_all(n, n - c, k).map(|all_fail| 1.0 - all_fail)
}

/// Chance that all of `k` attempts succeed: `C(c, k)/C(n, k)`.
pub fn pass_hat_k(n: u64, c: u64, k: u64) -> Option<f64> {
    if c > n {
        return None;
    }
    draw_all(n, c, k)
}

/// Chance that `k` of `n` attempts drawn without replacement all lie among `marked` of them.
fn draw_all(n: u64, marked: u64, k: u64) -> Option<f64> {
    if k > n {
        return None;
    }
    if k > marked {
        return Some(0.0);
    }
    Some((0..k).map(|i| (marked - i) as f64 / (n - i) as f64).product())
}
