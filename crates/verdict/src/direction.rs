//! Metrics of which less is better: they are mirrored on the way in, so that every test asks
//! whether a score dropped, and mirrored again on the way out.

use std::borrow::Cow;

use evalmark_core::metric::{Direction, Range};

use crate::item_scores::ItemScores;
use crate::items::ItemScore;
use crate::rule::{Rule, ScoreRange};

impl ScoreRange {
    /// Between which values a metric's scores lie.
    pub fn of(range: Range) -> Self {
        Self { low: range.min(), high: range.max().unwrap_or(f64::INFINITY) }
    }

    /// The scores of single answers, where they only name what changed.
    pub(crate) const ANY: Self = Self { low: f64::NEG_INFINITY, high: f64::INFINITY };

    /// How such values are written.
    pub(crate) fn named(self) -> Range {
        let named = [Range::Unit, Range::Signed, Range::Hundred];
        named.into_iter().find(|&range| Self::of(range) == self).unwrap_or(Range::Open)
    }

    /// What a value and its mirror image add up to.
    fn mirror(self) -> f64 {
        if self.width().is_finite() { self.low + self.high } else { 0.0 }
    }
}

impl Rule {
    /// The rule of a metric whose values lie there, of which these are better.
    #[must_use]
    pub fn of_metric(self, range: Range, direction: Direction) -> Self {
        Self { range: ScoreRange::of(range), direction, ..self }
    }

    /// The same rule for scores of which more is better.
    pub(crate) fn oriented(&self) -> Self {
        let ScoreRange { low, high } = self.range;
        let range = match self.direction {
            Direction::Lower if high.is_infinite() => ScoreRange { low: -high, high: -low },
            _ => self.range,
        };
        Self { range, ..self.clone() }
    }

    /// A score that was mirrored, as it was; and the other way round.
    pub(crate) fn restore(&self, value: f64) -> f64 {
        match self.direction {
            Direction::Higher => value,
            Direction::Lower => self.range.mirror() - value,
        }
    }

    /// Both ends of a range of scores that was mirrored, as they were.
    pub(crate) fn restore_ends(&self, low: f64, high: f64) -> (f64, f64) {
        match self.direction {
            Direction::Higher => (low, high),
            Direction::Lower => (self.restore(high), self.restore(low)),
        }
    }

    /// Both bounds of a difference of mirrored scores, as they are.
    pub(crate) fn shown_bounds(&self, lower: f64, upper: f64) -> (f64, f64) {
        match self.direction {
            Direction::Higher => (lower, upper),
            Direction::Lower => (0.0 - upper, 0.0 - lower),
        }
    }

    /// What a score and its mirror image add up to; `None` where more is better.
    pub(crate) fn mirror(&self) -> Option<f64> {
        (self.direction == Direction::Lower).then(|| self.range.mirror())
    }

    /// Scores so that more is better.
    pub(crate) fn orient_items<'a>(&self, items: &'a [ItemScore]) -> Cow<'a, [ItemScore]> {
        let Some(mirror) = self.mirror() else { return Cow::Borrowed(items) };
        let one = |item: &ItemScore| ItemScore {
            sum: f64::from(item.n_scored) * mirror - item.sum,
            ..*item
        };
        items.iter().map(one).collect()
    }

    /// The same rule with ends for what no score of these variants has shown: where a metric has no
    /// largest value, twice the largest that was seen.
    pub(crate) fn bounded(&self, variants: [ItemScores<'_>; 2]) -> Self {
        let ScoreRange { low, high } = self.range;
        if self.range.width().is_finite() || low.is_infinite() && high.is_infinite() {
            return self.clone();
        }
        let sizes = variants.iter().flat_map(|items| items.tallies());
        let sizes = sizes.filter_map(|tally| tally.mean(self.range)).map(f64::abs);
        let largest = (2.0 * sizes.fold(0.0, f64::max)).max(2.0 * self.margin);
        let range = if high.is_infinite() {
            ScoreRange { low, high: low + largest }
        } else {
            ScoreRange { low: high - largest, high }
        };
        Self { range, ..self.clone() }
    }
}
