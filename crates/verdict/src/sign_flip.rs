//! The exact sign-flip test: is the sum larger than under random signs?

use crate::mcnemar::PValues;

/// More units than this are too many to enumerate.
const MOST_UNITS: usize = 24;

/// Enumerates all sign flips of `differences`, the observed one and ties included; `None` with
/// none, with more than 24, or with a value that is not finite.
pub fn sign_flip_exact(differences: &[f64]) -> Option<PValues> {
    let usable = 1..=MOST_UNITS;
    if !usable.contains(&differences.len()) || !differences.iter().all(|d| d.is_finite()) {
        return None;
    }
    let observed: f64 = differences.iter().sum();
    // Ties must count, and 0.1 + 0.2 - 0.3 is one.
    let slack = 1e-12 * differences.iter().map(|d| d.abs()).sum::<f64>();
    let mut tally = Tally { observed, slack, greater: 0, less: 0, two_sided: 0 };
    tally.walk(differences, 0.0);
    let flips = (1_u64 << differences.len()) as f64;
    Some(PValues {
        greater: tally.greater as f64 / flips,
        less: tally.less as f64 / flips,
        two_sided: tally.two_sided as f64 / flips,
    })
}

struct Tally {
    observed: f64,
    slack: f64,
    greater: u64,
    less: u64,
    two_sided: u64,
}

impl Tally {
    fn walk(&mut self, rest: &[f64], sum: f64) {
        if let Some((first, rest)) = rest.split_first() {
            self.walk(rest, sum + first);
            self.walk(rest, sum - first);
        } else {
            self.greater += u64::from(sum >= self.observed - self.slack);
            self.less += u64::from(sum <= self.observed + self.slack);
            self.two_sided += u64::from(sum.abs() >= self.observed.abs() - self.slack);
        }
    }
}
