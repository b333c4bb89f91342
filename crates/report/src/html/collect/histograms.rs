//! Scores counted into bins of equal width, as they go by.

use evalmark_core::metric::Range;

/// Bins of a histogram; where a range is open, at least half of them are in use.
const BINS: usize = 20;

/// Scores of one prompt, model and metric, counted.
#[derive(Clone, Debug)]
pub(super) struct Bins {
    low: f64,
    width: f64,
    is_open: bool,
    counts: [u64; BINS],
}

impl Bins {
    /// Empty bins over a range; over an open one they widen as values come.
    pub(super) fn new(range: Range) -> Self {
        let low = range.min();
        let is_open = range.max().is_none();
        let width = range.max().map_or(f64::EPSILON, |high| (high - low) / BINS as f64);
        Self { low, width, is_open, counts: [0; BINS] }
    }

    /// Bins over the same range that have counted nothing.
    pub(super) fn empty(&self) -> Self {
        Self { counts: [0; BINS], ..self.clone() }
    }

    /// Counts a score; what is outside the range counts at its end.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped")]
    pub(super) fn push(&mut self, value: f64) {
        if !value.is_finite() {
            return;
        }
        while self.is_open && value - self.low >= self.width * BINS as f64 {
            self.widen();
        }
        let place = ((value - self.low) / self.width).clamp(0.0, (BINS - 1) as f64);
        self.counts[place as usize] += 1;
    }

    /// Twice as wide: two bins become one.
    fn widen(&mut self) {
        let mut counts = [0; BINS];
        for (place, count) in self.counts.iter().enumerate() {
            counts[place / 2] += count;
        }
        self.counts = counts;
        self.width *= 2.0;
    }

    /// Makes both equally wide.
    pub(super) fn align(&mut self, other: &mut Self) {
        while self.is_open && self.width < other.width {
            self.widen();
        }
        while self.is_open && other.width < self.width {
            other.widen();
        }
    }

    /// Counts what the other has counted, too.
    pub(super) fn add(&mut self, mut other: Self) {
        self.align(&mut other);
        self.counts.iter_mut().zip(other.counts).for_each(|(count, more)| *count += more);
    }

    /// Lower end of the first bin and upper end of the last.
    pub(super) fn ends(&self) -> [f64; 2] {
        [self.low, self.low + self.width * BINS as f64]
    }

    pub(super) fn counts(&self) -> Vec<u64> {
        self.counts.to_vec()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.counts.iter().all(|count| *count == 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_score_is_in_one_bin() {
        let mut bins = Bins::new(Range::Unit);
        for value in [0.0, 0.049, 0.05, 0.999, 1.0, 1.5, -1.0, f64::NAN] {
            bins.push(value);
        }
        let mut expected = [0; BINS];
        (expected[0], expected[1], expected[19]) = (3, 1, 3);
        assert_eq!((bins.counts, bins.ends()), (expected, [0.0, 1.0]));
    }

    #[test]
    fn open_ranges_widen() {
        let mut bins = Bins::new(Range::Open);
        for value in [0.0, 1.0, 3.0, 250.0, 500.0] {
            bins.push(value);
        }
        let [low, high] = bins.ends();
        assert!(low.abs() < 1e-9 && high > 500.0 && high <= 1000.1, "{high}");
        assert_eq!(bins.counts.iter().sum::<u64>(), 5);
        let mut other = Bins::new(Range::Open);
        other.push(4_000.0);
        bins.align(&mut other);
        assert_eq!(bins.ends().map(f64::to_bits), other.ends().map(f64::to_bits));
        assert_eq!(bins.counts.iter().sum::<u64>(), 5);
    }

    #[test]
    fn parts_add_up_to_the_whole() {
        let values = [0.3, 7.0, 1e-9, 250.0, 12.5, 99.9, 0.0, 4_000.0, 3.0];
        for range in [Range::Unit, Range::Open] {
            let of = |values: &[f64]| {
                let mut bins = Bins::new(range);
                for value in values {
                    bins.push(*value);
                }
                bins
            };
            let whole = of(&values);
            for at in 0..=values.len() {
                let (first, second) = values.split_at(at);
                let mut bins = of(first);
                bins.add(of(second));
                assert_eq!(bins.counts, whole.counts, "{range:?} {at}");
                assert_eq!(bins.ends().map(f64::to_bits), whole.ends().map(f64::to_bits));
            }
        }
    }
}
