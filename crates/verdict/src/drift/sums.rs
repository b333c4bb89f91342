//! What is kept of values between 0 and 1: enough to bet on all of them at once.

use serde::{Deserialize, Serialize};

/// One value, of a released run or of production.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct StreamValue<'a, V> {
    /// The score, amount or category.
    pub value: V,
    /// Values that share it hang together: those of a session or of a user.
    pub cluster: Option<u64>,
    /// Of a sample that was drawn over several looks, such as days: the look that it is of. In production it is the one that is open.
    pub look: u32,
    /// The stratum whose mix may change freely, such as the language; empty where there is one.
    pub stratum: &'a str,
}

impl<V> StreamValue<'_, V> {
    /// A value that hangs together with no other, without strata.
    pub fn of(value: V) -> Self {
        Self { value, cluster: None, look: 0, stratum: "" }
    }
}

/// Sums over independent values between 0 and 1. Zeros and ones are counted apart, because bets on
/// them are exact.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ValueSums {
    /// Values that are 0.
    pub zeros: f64,
    /// Values that are 1.
    pub ones: f64,
    /// All others.
    pub n: f64,
    /// Their sum.
    pub sum: f64,
    /// The sum of their squares.
    pub sum_of_squares: f64,
    /// The sum of all amounts as they are, where the values are amounts.
    pub amounts: f64,
}

impl ValueSums {
    /// So many zeros and ones.
    pub fn counts(zeros: u64, ones: u64) -> Self {
        Self { zeros: zeros as f64, ones: ones as f64, ..Self::default() }
    }

    /// Takes in a value between 0 and 1, and the amount that it stands for.
    #[expect(clippy::float_cmp, reason = "exactly 0 and exactly 1 are counted apart")]
    pub(super) fn push(&mut self, value: f64, amount: f64) {
        self.amounts += amount;
        if value == 0.0 {
            self.zeros += 1.0;
        } else if value == 1.0 {
            self.ones += 1.0;
        } else {
            self.n += 1.0;
            self.sum += value;
            self.sum_of_squares += value * value;
        }
    }

    pub(super) fn add(&mut self, other: &Self) {
        self.zeros += other.zeros;
        self.ones += other.ones;
        self.n += other.n;
        self.sum += other.sum;
        self.sum_of_squares += other.sum_of_squares;
        self.amounts += other.amounts;
    }

    pub(super) fn total(&self) -> f64 {
        self.zeros + self.ones + self.n
    }

    pub(super) fn mean(&self) -> f64 {
        (self.ones + self.sum) / self.total()
    }

    /// The sum of squared deviations from the mean.
    pub(super) fn squares(&self) -> f64 {
        let sum = self.ones + self.sum;
        (self.ones + self.sum_of_squares - sum * sum / self.total()).max(0.0)
    }

    /// The sums of one minus each value.
    pub(super) fn mirrored(&self) -> Self {
        Self {
            zeros: self.ones,
            ones: self.zeros,
            n: self.n,
            sum: self.n - self.sum,
            sum_of_squares: self.n - 2.0 * self.sum + self.sum_of_squares,
            amounts: self.amounts,
        }
    }

    /// Whether these are sums of values between 0 and 1.
    pub(super) fn are_possible(&self) -> bool {
        let all = [self.zeros, self.ones, self.n, self.sum, self.sum_of_squares];
        all.iter().all(|sum| sum.is_finite() && *sum >= 0.0)
            && self.sum <= self.n
            && self.sum_of_squares <= self.sum
            && self.amounts.is_finite()
    }
}
