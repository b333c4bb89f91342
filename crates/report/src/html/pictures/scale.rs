//! From values to positions, and the values that are marked on an axis.

/// A scale from `low` to `high`, drawn from `start` to `end`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Scale {
    pub(super) low: f64,
    pub(super) high: f64,
    pub(super) start: f64,
    pub(super) end: f64,
}

impl Scale {
    /// A scale that holds all finite ones of these values, with some room at either end.
    pub(super) fn holding(values: impl Iterator<Item = f64>, start: f64, end: f64) -> Self {
        let ends = (f64::INFINITY, f64::NEG_INFINITY);
        let finite = values.filter(|value| value.is_finite());
        let (low, high) = finite.fold(ends, |(low, high), v| (low.min(v), high.max(v)));
        let (low, high) = if low <= high { (low, high) } else { (0.0, 1.0) };
        let room = if high > low { 0.06 * (high - low) } else { low.abs().max(1.0) * 0.1 };
        Self { low: low - room, high: high + room, start, end }
    }

    /// Where a value is drawn; what is beyond an end, at that end.
    pub(super) fn at(self, value: f64) -> f64 {
        let share = ((value - self.low) / (self.high - self.low)).clamp(0.0, 1.0);
        self.start + share * (self.end - self.start)
    }

    pub(super) fn holds(self, value: f64) -> bool {
        value >= self.low && value <= self.high
    }

    /// A few round values on it.
    #[expect(clippy::cast_possible_truncation, reason = "a few of them")]
    pub(super) fn ticks(self, most: usize) -> Vec<f64> {
        let rough = (self.high - self.low) / most.max(1) as f64;
        if !rough.is_finite() || rough <= 0.0 {
            return Vec::new();
        }
        let power = 10_f64.powf(rough.log10().floor());
        let steps = [1.0, 2.0, 5.0, 10.0].map(|step| step * power);
        let step = steps.into_iter().find(|step| *step >= rough).unwrap_or(rough);
        let (first, last) = ((self.low / step).ceil() as i64, (self.high / step).floor() as i64);
        (first..=last.min(first.saturating_add(20))).map(|n| n as f64 * step).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round() {
        let check = |low: f64, high: f64, expected: &[f64]| {
            let scale = Scale { low, high, start: 0.0, end: 100.0 };
            let found = scale.ticks(5);
            assert_eq!(found.len(), expected.len(), "{found:?}");
            for (found, expected) in found.iter().zip(expected) {
                assert!((found - expected).abs() < 1e-9, "{found} {expected}");
            }
        };
        check(-0.07, 0.42, &[0.0, 0.1, 0.2, 0.3, 0.4]);
        check(0.0, 1.0, &[0.0, 0.2, 0.4, 0.6, 0.8, 1.0]);
        check(3.0, 3.0, &[]);
        check(f64::NAN, 1.0, &[]);
    }

    #[test]
    fn positions_stay_inside() {
        let scale = Scale::holding([0.0, f64::NAN, 10.0].into_iter(), 100.0, 200.0);
        assert!(scale.at(0.0) > 100.0 && scale.at(10.0) < 200.0);
        assert_eq!(
            [scale.at(-1e9), scale.at(1e9)].map(f64::to_bits),
            [100.0, 200.0].map(f64::to_bits)
        );
        let empty = Scale::holding(std::iter::empty(), 0.0, 1.0);
        assert!(empty.at(0.5).is_finite());
    }
}
