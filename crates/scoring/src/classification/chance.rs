//! Agreement beyond chance: Cohen's kappa and Matthews' correlation, as scikit-learn computes them.
//! An invalid answer is a prediction of its own, which agrees with no class.

use super::confusion::Confusion;

/// How far apart two different classes are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Weighting {
    /// All the same.
    None,
    /// By their distance in the list of classes.
    Linear,
    /// By the square of it.
    Quadratic,
}

impl Weighting {
    /// An invalid answer is as far from each class as the first class is from the last.
    fn distance(self, classes: usize, truth: usize, predicted: usize) -> f64 {
        let apart = if predicted < classes {
            truth.abs_diff(predicted)
        } else {
            classes.saturating_sub(1).max(1)
        };
        match self {
            Self::None => f64::from(apart > 0),
            Self::Linear => apart as f64,
            Self::Quadratic => (apart * apart) as f64,
        }
    }
}

impl Confusion<'_> {
    /// Cohen's kappa (1960), weighted (1968) on request; `None` where agreement by chance is
    /// certain.
    pub(crate) fn kappa(&self, weighting: Weighting) -> Option<f64> {
        let (classes, total) = (self.classes(), self.total());
        let (truth, predicted) = self.margins();
        let (mut seen, mut expected) = (0.0, 0.0);
        for ((row, of_row), counts) in truth.iter().enumerate().zip(self.rows()) {
            for ((column, of_column), count) in predicted.iter().enumerate().zip(counts) {
                let distance = weighting.distance(classes, row, column);
                seen += distance * count;
                expected += distance * of_row * of_column / total;
            }
        }
        (expected > 0.0).then(|| 1.0 - seen / expected)
    }

    /// Matthews' correlation coefficient for several classes (Gorodkin 2004); 0 where it is not
    /// defined, and `None` without an answer.
    pub(crate) fn mcc(&self) -> Option<f64> {
        let total = self.total();
        if total <= 0.0 {
            return None;
        }
        let (truth, predicted) = self.margins();
        let hits: f64 = (0..self.classes()).map(|class| self.hits(class)).sum();
        let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
        let together = hits * total - dot(truth, predicted);
        let of_truth = total * total - dot(truth, truth);
        let of_predicted = total * total - dot(predicted, predicted);
        let spread = of_truth * of_predicted;
        Some(if spread > 0.0 { together / spread.sqrt() } else { 0.0 })
    }
}
