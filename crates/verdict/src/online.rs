//! Two variants that serve different users at the same time, compared while their results come in: an interval of the
//! difference that holds however often, and whenever, somebody looks.
//!
//! The n-th user of one variant is paired with the n-th of the other. Of the pairs' differences, as x = (d + 1)/2 in
//! [0, 1], a betting confidence sequence is made (Waudby-Smith and Ramdas, "Estimating means of bounded random variables
//! by betting", arXiv 2010.09686): a mean m is left out once the mean over λ of `Π(1 + λ(x - m))`, or the same with -λ,
//! reaches 2/α. By Ville's inequality the chance that the true mean ever is left out is at most α.

use evalmark_core::verdict::Answer;

/// Sizes of bets: λ from 0.002 to 0.9, each 1.36 times the one before.
const BETS: usize = 20;
const SMALLEST: f64 = 0.002;
const LARGEST: f64 = 0.9;

/// How exactly an end of the interval is found.
const STEPS: usize = 50;

/// What two variants' results say so far.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct OnlineComparison {
    /// Users of the variant that was there before, and of the new one.
    pub n_before: usize,
    /// Of the new one.
    pub n_after: usize,
    /// Pairs: as many as the smaller of both.
    pub n_pairs: usize,
    /// The mean of all results of the one before; `None` without any.
    pub mean_before: Option<f64>,
    /// The same of the new one.
    pub mean_after: Option<f64>,
    /// The lower end of the interval of the new one's mean less that of the one before.
    pub low: f64,
    /// The upper end.
    pub high: f64,
    /// `regressed` where a drop is certain and may exceed the margin, `pass` where a drop of the margin is ruled out,
    /// `improved` where a gain is certain, else `inconclusive`.
    pub answer: Answer,
}

/// Compares results from 0 to 1, each of another user, in the order in which they came. `margin` is the drop that is
/// tolerated, `alpha` the chance that the interval ever misses the difference.
pub fn compare_online(before: &[f64], after: &[f64], margin: f64, alpha: f64) -> OnlineComparison {
    let pairs = before.iter().zip(after).map(|(before, after)| f64::midpoint(after - before, 1.0));
    let values = distinct(pairs.collect());
    let threshold = (2.0 / alpha).ln();
    let is_below = |mean: f64| evidence(&values, mean, 1.0) >= threshold;
    let is_above = |mean: f64| evidence(&values, mean, -1.0) >= threshold;
    let low = 2.0 * boundary(is_below, 0.0, 1.0) - 1.0;
    let high = 2.0 * boundary(is_above, 1.0, 0.0) - 1.0;
    let answer = match (low, high) {
        (low, _) if low > 0.0 => Answer::Improved,
        (low, _) if low > -margin => Answer::Pass,
        (_, high) if high < 0.0 => Answer::Regressed,
        _ => Answer::Inconclusive,
    };
    OnlineComparison {
        n_before: before.len(),
        n_after: after.len(),
        n_pairs: before.len().min(after.len()),
        mean_before: mean(before),
        mean_after: mean(after),
        low,
        high,
        answer,
    }
}

fn mean(values: &[f64]) -> Option<f64> {
    (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
}

/// Different values with how often each is there.
fn distinct(mut values: Vec<f64>) -> Vec<(f64, f64)> {
    values.sort_unstable_by(f64::total_cmp);
    let same = |a: &f64, b: &f64| a.total_cmp(b).is_eq();
    values.chunk_by(same).map(|group| (group[0], group.len() as f64)).collect()
}

/// The logarithm of what bets on values above a mean (`side` 1), or below it (-1), have made.
fn evidence(values: &[(f64, f64)], mean: f64, side: f64) -> f64 {
    let step = (LARGEST / SMALLEST).ln() / (BETS - 1) as f64;
    let won = |at: usize| -> f64 {
        let bet = side * SMALLEST * (step * at as f64).exp();
        values.iter().map(|(value, count)| count * (bet * (value - mean)).ln_1p()).sum()
    };
    let won: Vec<f64> = (0..BETS).map(won).collect();
    let most = won.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let sum: f64 = won.iter().map(|won| (won - most).exp()).sum();
    most + (sum / BETS as f64).ln()
}

/// Where, from `out` towards `within`, means are no longer left out.
fn boundary(is_out: impl Fn(f64) -> bool, mut out: f64, mut within: f64) -> f64 {
    if !is_out(out) {
        return out;
    }
    for _ in 0..STEPS {
        let middle = f64::midpoint(out, within);
        if is_out(middle) {
            out = middle;
        } else {
            within = middle;
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::scramble;

    /// Zeros and ones with this share of ones.
    fn answers(seed: u64, share: f64, n: u64) -> Vec<f64> {
        let uniform = |at: u64| (scramble(scramble(seed) ^ at) >> 11) as f64 / 2_f64.powi(53);
        (0..n).map(|at| f64::from(u8::from(uniform(at) < share))).collect()
    }

    #[test]
    fn nothing_says_nothing() {
        let none = compare_online(&[], &[1.0], 0.02, 0.05);
        assert_eq!((none.low, none.high, none.answer), (-1.0, 1.0, Answer::Inconclusive));
        assert_eq!((none.mean_before, none.mean_after), (None, Some(1.0)));
    }

    #[test]
    fn what_is_certain_is_told() {
        let check = |before: f64, after: f64, n: u64, expected: Answer| {
            let (before, after) = (answers(1, before, n), answers(2, after, n));
            let found = compare_online(&before, &after, 0.05, 0.05);
            assert_eq!(found.answer, expected, "{found:?}");
            assert!(found.low < found.high && found.low >= -1.0 && found.high <= 1.0, "{found:?}");
        };
        check(0.8, 0.5, 300, Answer::Regressed);
        check(0.5, 0.8, 300, Answer::Improved);
        check(0.8, 0.8, 20_000, Answer::Pass);
        check(0.8, 0.8, 50, Answer::Inconclusive);
        check(1.0, 1.0, 500, Answer::Pass);
    }

    /// Looked at after every ten users of two thousand, a difference of nothing is left out of at most 5 % of intervals.
    #[test]
    fn whoever_looks_every_day_is_rarely_wrong() {
        let missed = |seed: u64, before: f64, after: f64| {
            let (a, b) = (answers(2 * seed, before, 2_000), answers(2 * seed + 1, after, 2_000));
            (1..=200).any(|look| {
                let n = 10 * look;
                let found = compare_online(&a[..n], &b[..n], 0.02, 0.05);
                let truth = after - before;
                found.low > truth || found.high < truth
            })
        };
        for (before, after) in [(0.7, 0.7), (0.95, 0.9)] {
            let n = (0..200).filter(|seed| missed(*seed, before, after)).count();
            // 10 of 200 where the rate is all of 5 %; 17 has a chance of 1 % then.
            assert!(n <= 17, "{n} of 200 at {before} and {after}");
        }
    }
}
