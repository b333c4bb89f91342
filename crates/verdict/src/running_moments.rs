//! Sums that do not depend on the order of their terms, and the moments made from them.

/// One unit in the last place of a sum's fractions is 2^-64.
const SCALE: f64 = 18_446_744_073_709_551_616.0;

/// The largest magnitude a term may have (2^48), so that 2^31 squares cannot overflow.
const LARGEST: f64 = 281_474_976_710_656.0;

/// Below this magnitude (2^62) the whole part of a term fits into 64 bits.
const IN_64_BITS: f64 = 4_611_686_018_427_387_904.0;

/// A fixed-point sum: integers add the same in any order, on any machine.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct FixedSum {
    whole: i128,
    fraction: i128,
}

impl FixedSum {
    #[expect(clippy::cast_possible_truncation, reason = "terms are bounded before they are added")]
    fn add(&mut self, term: f64, times: u64) {
        let times = i128::from(times);
        // Within 64 bits the processor itself cuts the fraction off.
        let (whole, fraction) = if term.abs() < IN_64_BITS {
            let whole = term as i64;
            (i128::from(whole), term - whole as f64)
        } else {
            (term as i128, term.fract())
        };
        self.whole += whole * times;
        if fraction != 0.0 {
            self.fraction += (fraction * SCALE).round() as i128 * times;
        }
    }

    fn add_sum(&mut self, other: Self) {
        self.whole += other.whole;
        self.fraction += other.fraction;
    }

    /// The sum as a float and the rest that the float cannot hold.
    #[expect(clippy::cast_possible_truncation, reason = "a rounded i128 lies within i128")]
    fn split(self) -> (f64, f64) {
        let whole = self.whole as f64;
        let rest = (self.whole - whole as i128) as f64 + self.fraction as f64 / SCALE;
        let sum = whole + rest;
        // Knuth's two-sum: what the addition rounded away.
        let kept = sum - whole;
        (sum, (whole - (sum - kept)) + (rest - kept))
    }
}

/// A running mean and variance over values of at most 2^48 in magnitude.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Running {
    n: u64,
    sum: FixedSum,
    squares: FixedSum,
    smallest: Option<f64>,
    largest: Option<f64>,
}

impl Running {
    /// Takes one value in; false (and nothing is taken) when it is not finite or too large.
    pub(crate) fn push(&mut self, value: f64) -> bool {
        self.push_many(value, 1)
    }

    /// Whether a value can be taken in: it is finite and not too large.
    pub(crate) fn takes(value: f64) -> bool {
        value.is_finite() && value.abs() <= LARGEST
    }

    /// Takes in what another one has; the result is that of all values together, to the last bit.
    pub(crate) fn add(&mut self, other: &Self) {
        self.n += other.n;
        self.sum.add_sum(other.sum);
        self.squares.add_sum(other.squares);
        let either = |a: Option<f64>, b: Option<f64>, of: fn(f64, f64) -> f64| match (a, b) {
            (Some(a), Some(b)) => Some(of(a, b)),
            (one, other) => one.or(other),
        };
        self.smallest = either(self.smallest, other.smallest, f64::min);
        self.largest = either(self.largest, other.largest, f64::max);
    }

    /// Takes the same value in `times` times.
    pub(crate) fn push_many(&mut self, value: f64, times: u64) -> bool {
        if !Self::takes(value) {
            return false;
        }
        let square = value * value;
        self.n += times;
        self.sum.add(value, times);
        self.squares.add(square, times);
        self.squares.add(value.mul_add(value, -square), times);
        self.smallest = Some(self.smallest.map_or(value, |s| s.min(value)));
        self.largest = Some(self.largest.map_or(value, |l| l.max(value)));
        true
    }

    pub(crate) fn n(&self) -> u64 {
        self.n
    }

    pub(crate) fn sum(&self) -> f64 {
        self.sum.split().0
    }

    /// `None` before the first value.
    pub(crate) fn moments(&self) -> Option<Moments> {
        if self.n == 0 {
            return None;
        }
        let n = self.n as f64;
        let (sum, sum_rest) = self.sum.split();
        let constant = self.smallest == self.largest;
        // The mean of equal values is that value, without a rounding.
        let mean = if constant { self.smallest? } else { sum / n };
        if self.n < 2 {
            return Some(Moments { n: self.n, mean, sd: None });
        }
        // Σx² - (Σx)²/n in twice the precision, because the two are close.
        let (squares, squares_rest) = self.squares.split();
        let product = sum * sum;
        let product_rest = sum.mul_add(sum, -product) + 2.0 * sum * sum_rest;
        let quotient = product / n;
        let quotient_rest = ((-quotient).mul_add(n, product) + product_rest) / n;
        let spread = (squares - quotient) + (squares_rest - quotient_rest);
        let variance = if constant { 0.0 } else { spread.max(0.0) / (n - 1.0) };
        Some(Moments { n: self.n, mean, sd: Some(variance.sqrt()) })
    }
}

/// How many values, their mean and their standard deviation (with n - 1).
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Moments {
    pub(crate) n: u64,
    pub(crate) mean: f64,
    /// `None` with fewer than two values.
    pub(crate) sd: Option<f64>,
}

impl Moments {
    /// Of all values; `None` when there is none, or one is not finite or too large.
    pub(crate) fn of(values: &[f64]) -> Option<Self> {
        let mut running = Running::default();
        values.iter().all(|&value| running.push(value)).then(|| running.moments()).flatten()
    }

    /// Standard error of the mean.
    pub(crate) fn stderr(&self) -> Option<f64> {
        self.sd.map(|sd| sd / (self.n as f64).sqrt())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_order_of_values_does_not_show() {
        let values: Vec<f64> = (0..1000).map(|i| (f64::from(i) * 0.7).sin()).collect();
        let mut reversed = values.clone();
        reversed.reverse();
        assert_eq!(Moments::of(&values), Moments::of(&reversed));
    }

    #[test]
    fn equal_values_have_no_variance() {
        let moments = Moments::of(&[0.1; 7]).expect("seven values");
        assert_eq!(moments, Moments { n: 7, mean: 0.1, sd: Some(0.0) });
    }

    #[test]
    fn what_is_not_a_number_is_refused() {
        assert_eq!(Moments::of(&[0.5, f64::NAN]), None);
        assert_eq!(Moments::of(&[f64::INFINITY]), None);
        assert_eq!(Moments::of(&[]), None);
    }
}
