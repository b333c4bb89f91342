//! One row of a forest plot for each comparison: its interval beside the line of no change and that of
//! the margin. Worse is always to the left, whichever values of a metric are better.

use evalmark_core::{
    metric::{Direction, Range},
    number_format::{self, times},
    verdict::{Answer, Comparison, Measure},
};
use minijinja::value::Value;

use super::{
    scale::Scale,
    svg::{Anchor, At, Svg},
};

/// Size of a row.
const ROW: At = At { x: 300.0, y: 22.0 };
/// Height of the axis below the rows.
const AXIS: f64 = 20.0;
/// Ratios that may be marked.
const RATIOS: [f64; 13] = [0.1, 0.2, 0.33, 0.5, 0.67, 0.8, 0.9, 1.0, 1.1, 1.25, 1.5, 2.0, 5.0];

/// Comparisons that one scale holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) struct Unit {
    measure: Measure,
    range: Range,
    direction: Direction,
}

impl Unit {
    pub(in super::super) fn of(comparison: &Comparison) -> Self {
        let range = comparison.range;
        // Right-or-wrong and graded shares are both percentages; ratios have no range.
        let range = match comparison.measure {
            Measure::Ratio => Range::Open,
            _ if range.is_share() => Range::Unit,
            _ => range,
        };
        Self { measure: comparison.measure, range, direction: comparison.better() }
    }

    /// What the axis shows.
    pub(in super::super) fn says(self) -> &'static str {
        match (self.measure, self.range.is_share()) {
            (Measure::Difference, true) => "percentage points",
            (Measure::Difference, false) => "difference",
            (Measure::Ratio, _) => "ratio to the baseline",
            (Measure::Level, _) => "mean and its limit",
        }
    }

    /// A value as a position: greater is better.
    fn place(self, value: f64) -> f64 {
        let value = if self.measure == Measure::Ratio { value.ln() } else { value };
        if self.direction == Direction::Lower { -value } else { value }
    }

    /// The value that a position stands for.
    fn value(self, place: f64) -> f64 {
        let place = if self.direction == Direction::Lower { -place } else { place };
        if self.measure == Measure::Ratio { place.exp() } else { place }
    }

    fn label(self, place: f64) -> String {
        let value = self.value(place);
        match self.measure {
            Measure::Ratio => times(value),
            Measure::Level => number_format::value(value, self.range),
            Measure::Difference => number_format::difference(value, self.range),
        }
    }

    /// Where nothing changed.
    fn zero(self) -> Option<f64> {
        (self.measure != Measure::Level).then_some(0.0)
    }

    /// Where a comparison's largest acceptable loss is, or its limit.
    fn limit(self, comparison: &Comparison) -> Option<f64> {
        match self.measure {
            Measure::Difference => Some(-comparison.margin),
            Measure::Ratio if self.direction == Direction::Lower => {
                Some(-comparison.margin.ln_1p())
            }
            Measure::Ratio => Some((-comparison.margin).ln_1p()).filter(|place| place.is_finite()),
            Measure::Level => {
                comparison.minimum.or(comparison.maximum).map(|limit| self.place(limit))
            }
        }
    }
}

/// The scale of comparisons of one unit.
#[derive(Clone, Copy, Debug)]
pub(in super::super) struct Forest {
    unit: Unit,
    scale: Scale,
}

impl Forest {
    pub(in super::super) fn of(unit: Unit, comparisons: &[&Comparison]) -> Self {
        let values = comparisons.iter().flat_map(|comparison| {
            let ends = [comparison.estimate, comparison.lower, comparison.upper];
            let places = ends.map(|end| end.map(|value| unit.place(value)));
            places.into_iter().flatten().chain(unit.zero()).chain(unit.limit(comparison))
        });
        Self { unit, scale: Scale::holding(values, 4.0, ROW.x - 4.0) }
    }

    /// One comparison's row; `None` where it has no estimate.
    pub(in super::super) fn row(&self, comparison: &Comparison) -> Option<Value> {
        let (unit, scale) = (self.unit, self.scale);
        let place = |value: Option<f64>| value.map(|value| unit.place(value));
        let estimate = place(comparison.estimate).filter(|place| place.is_finite())?;
        let ends = [place(comparison.lower), place(comparison.upper)];
        let beyond = |n: usize| if n == 0 { f64::NEG_INFINITY } else { f64::INFINITY };
        let [mut low, mut high] =
            [0, 1].map(|n| ends[n].filter(|end| !end.is_nan()).unwrap_or_else(|| beyond(n)));
        if unit.direction == Direction::Lower && ends.iter().all(Option::is_some) {
            (low, high) = (low.min(high), low.max(high));
        }
        let mut svg = Svg::new("forest-row", ROW, None);
        let at = |x: f64, y: f64| At { x, y };
        if let Some(limit) = unit.limit(comparison).map(|limit| scale.at(limit)) {
            svg.rect("beyond", at(0.0, 0.0), at(limit, ROW.y));
            svg.line("margin", at(limit, 0.0), at(limit, ROW.y));
        }
        if let Some(zero) = unit.zero().map(|zero| scale.at(zero)) {
            svg.line("zero", at(zero, 0.0), at(zero, ROW.y));
        }
        let middle = ROW.y / 2.0;
        let tone = tone(comparison.answer);
        let [left, right] = [low, high].map(|end| scale.at(end));
        svg.line(&format!("range {tone}"), at(left, middle), at(right, middle));
        for end in [left, right] {
            svg.line(&format!("cap {tone}"), at(end, middle - 4.0), at(end, middle + 4.0));
        }
        svg.dot(&format!("mean {tone}"), at(scale.at(estimate), middle), 4.5);
        Some(svg.finish())
    }

    /// The axis below the rows.
    pub(in super::super) fn axis(&self) -> Value {
        let size = At { x: ROW.x, y: AXIS };
        let mut svg = Svg::new("forest-axis", size, None);
        svg.line("axis", At { x: 0.0, y: 1.0 }, At { x: ROW.x, y: 1.0 });
        let mut last = f64::NEG_INFINITY;
        for place in self.ticks() {
            let x = self.scale.at(place);
            svg.line("axis", At { x, y: 1.0 }, At { x, y: 5.0 });
            // Labels must not run into each other, nor out of the picture.
            if x - last >= 44.0 {
                let x_text = x.clamp(18.0, ROW.x - 18.0);
                let at = At { x: x_text, y: 17.0 };
                svg.text("tick", at, Anchor::Middle, &self.unit.label(place));
                last = x;
            }
        }
        svg.finish()
    }

    fn ticks(&self) -> Vec<f64> {
        if self.unit.measure != Measure::Ratio {
            return self.scale.ticks(5);
        }
        let places = RATIOS.map(|ratio| self.unit.place(ratio));
        let mut places: Vec<_> = places.into_iter().filter(|p| self.scale.holds(*p)).collect();
        places.sort_by(f64::total_cmp);
        places
    }
}

/// The class that colours an answer.
pub(in super::super) fn tone(answer: Answer) -> &'static str {
    match answer {
        Answer::Improved => "is-better",
        Answer::Pass => "is-same",
        Answer::Inconclusive => "is-unsure",
        Answer::Regressed => "is-worse",
        Answer::Incomparable => "is-none",
    }
}
