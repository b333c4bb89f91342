//! A latency histogram: constant memory, quantiles within 0.1 %.

use hdrhistogram::Histogram;

/// Service times of any number of answers.
#[derive(Clone, Debug)]
pub struct LatencyHistogram {
    /// Microseconds; it grows with the largest value, to at most some 200 kB at hours.
    microseconds: Histogram<u32>,
}

impl LatencyHistogram {
    /// An empty histogram.
    ///
    /// # Panics
    ///
    /// Never: three significant digits are a valid precision.
    pub fn new() -> Self {
        let microseconds = Histogram::new(3).expect("three digits are a valid precision");
        Self { microseconds }
    }

    /// Adds one answer's service time, milliseconds. What is no duration (negative, NaN) is left out.
    pub fn record(&mut self, latency_ms: f64) {
        if latency_ms.is_finite() && latency_ms >= 0.0 {
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "not negative, and `as` saturates"
            )]
            let microseconds = (latency_ms * 1e3).round() as u64;
            // A day at most: the histogram grows with its largest value, and then always can.
            let _ = self.microseconds.record(microseconds.min(86_400_000_000));
        }
    }

    /// How many service times were added.
    pub fn count(&self) -> u64 {
        self.microseconds.len()
    }

    /// The smallest service time, in milliseconds, that a share `q` of the answers do not exceed;
    /// `None` when there are none.
    pub fn quantile(&self, q: f64) -> Option<f64> {
        let empty = self.microseconds.is_empty();
        (!empty).then(|| self.microseconds.value_at_quantile(q) as f64 / 1e3)
    }
}

impl Default for LatencyHistogram {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_within_a_thousandth() {
        let mut histogram = LatencyHistogram::new();
        assert_eq!(histogram.quantile(0.5), None);
        for ms in 1..=1000 {
            histogram.record(f64::from(ms));
        }
        for (q, expected) in [(0.0, 1.0), (0.5, 500.0), (0.95, 950.0), (1.0, 1000.0)] {
            let found = histogram.quantile(q).unwrap_or(f64::NAN);
            assert!((found - expected).abs() <= expected * 1e-3, "{q}: {found}");
        }
    }

    #[test]
    fn nonsense_is_left_out_and_extremes_are_kept() {
        let mut histogram = LatencyHistogram::new();
        for ms in [f64::NAN, f64::INFINITY, -1.0] {
            histogram.record(ms);
        }
        assert_eq!(histogram.count(), 0);
        histogram.record(0.0);
        histogram.record(1e300);
        assert_eq!(histogram.count(), 2);
        assert_eq!(histogram.quantile(0.5), Some(0.0));
    }
}
