//! The area under the ROC curve: the chance that a right answer is ranked above a wrong one, from
//! histograms of the scores of both.
//!
//! Scores that fall in one bin are tied, and a tie counts half (Mann and Whitney 1947). With a bin for each distinct score that is scikit-learn's `roc_auc_score`.

use super::confusion::ratio;

/// How several classes become pairs of two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum MultiClass {
    /// Each class against all others (Fawcett 2006).
    Rest,
    /// Each pair of classes by itself, both ways (Hand and Till 2001).
    Pairs,
}

/// How the areas become one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Averaging {
    /// Every class, or pair, counts the same.
    Macro,
    /// By how often the class, or the pair, is right.
    Weighted,
}

/// For each class, how its scores are spread where each class was right.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Histograms<'a> {
    classes: usize,
    bins: usize,
    counts: &'a [f64],
}

impl<'a> Histograms<'a> {
    /// How many counts there are.
    pub(crate) fn width(classes: usize, bins: usize) -> usize {
        classes * classes * bins
    }

    /// The place of a score of `class` in `bin` where `truth` was right.
    pub(crate) fn place(
        (classes, bins): (usize, usize),
        class: usize,
        truth: usize,
        bin: usize,
    ) -> usize {
        (class * classes + truth) * bins + bin.min(bins - 1)
    }

    /// Histograms over counts of the right [`width`](Self::width).
    pub(crate) fn new((classes, bins): (usize, usize), counts: &'a [f64]) -> Self {
        Self { classes, bins, counts }
    }

    /// The scores of `class` where `truth` was right.
    fn of(&self, class: usize, truth: usize) -> &'a [f64] {
        let start = Self::place((self.classes, self.bins), class, truth, 0);
        self.counts.get(start..start + self.bins).unwrap_or_default()
    }

    fn support(&self, truth: usize) -> f64 {
        self.of(0, truth).iter().sum()
    }

    /// The area for two classes, by the scores of one of them.
    pub(crate) fn binary(&self, positive: usize) -> Option<f64> {
        let other = 1 - positive.min(1);
        area(self.of(positive, positive), self.of(positive, other))
    }

    /// The area for several classes; `None` unless each of them was right at least once.
    pub(crate) fn several(&self, how: MultiClass, average: Averaging) -> Option<f64> {
        let supports: Vec<f64> = (0..self.classes).map(|truth| self.support(truth)).collect();
        let (mut sum, mut total) = (0.0, 0.0);
        let mut take = |area: f64, support: f64| {
            let weight = if average == Averaging::Macro { 1.0 } else { support };
            sum += weight * area;
            total += weight;
        };
        for class in 0..self.classes {
            match how {
                MultiClass::Rest => take(self.against_rest(class)?, supports[class]),
                MultiClass::Pairs => {
                    for other in class + 1..self.classes {
                        let there = area(self.of(class, class), self.of(class, other))?;
                        let back = area(self.of(other, other), self.of(other, class))?;
                        take(f64::midpoint(there, back), supports[class] + supports[other]);
                    }
                }
            }
        }
        ratio(sum, total)
    }

    fn against_rest(&self, class: usize) -> Option<f64> {
        let mut rest = vec![0.0; self.bins];
        for truth in (0..self.classes).filter(|&truth| truth != class) {
            for (sum, count) in rest.iter_mut().zip(self.of(class, truth)) {
                *sum += count;
            }
        }
        area(self.of(class, class), &rest)
    }
}

/// The chance that one of `right` lies above one of `wrong`, bins ascending; `None` without both.
fn area(right: &[f64], wrong: &[f64]) -> Option<f64> {
    let (mut below, mut wins) = (0.0, 0.0);
    for (right, wrong) in right.iter().zip(wrong) {
        wins += right * (below + wrong / 2.0);
        below += wrong;
    }
    ratio(wins, right.iter().sum::<f64>() * below)
}
