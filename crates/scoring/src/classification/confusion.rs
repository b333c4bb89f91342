//! The confusion matrix: how often each class was predicted where each class was right.
//!
//! Beside the declared classes there is one more thing to predict: nothing that can be understood.
//! Such an invalid answer is an error of the class that was right, and no class's false alarm.

/// Counts by true class (rows) and predicted class (columns, the last one for invalid answers).
///
/// Its margins are summed up once: with many classes they would cost more than all else, since every
/// value of a run needs them.
#[derive(Clone, Debug)]
pub(crate) struct Confusion<'a> {
    classes: usize,
    counts: &'a [f64],
    truth: Vec<f64>,
    predicted: Vec<f64>,
    total: f64,
}

impl<'a> Confusion<'a> {
    /// How many counts a matrix of so many classes has.
    pub(crate) fn width(classes: usize) -> usize {
        classes * (classes + 1)
    }

    /// The place of a cell among the counts; a prediction of `classes` or more is an invalid one.
    pub(crate) fn place(classes: usize, truth: usize, predicted: usize) -> usize {
        truth * (classes + 1) + predicted.min(classes)
    }

    /// A matrix over counts of the right [`width`](Self::width).
    pub(crate) fn new(classes: usize, counts: &'a [f64]) -> Self {
        let (mut truth, mut predicted) = (vec![0.0; classes], vec![0.0; classes + 1]);
        for (row, truth) in counts.chunks(classes + 1).zip(&mut truth) {
            *truth = row.iter().sum();
            predicted.iter_mut().zip(row).for_each(|(sum, count)| *sum += count);
        }
        Self { classes, counts, truth, predicted, total: counts.iter().sum() }
    }

    pub(crate) fn classes(&self) -> usize {
        self.classes
    }

    /// How often `predicted` was said where `truth` was right.
    pub(crate) fn cell(&self, truth: usize, predicted: usize) -> f64 {
        self.counts.get(Self::place(self.classes, truth, predicted)).copied().unwrap_or(0.0)
    }

    /// How often the class was right.
    pub(crate) fn truth(&self, class: usize) -> f64 {
        self.truth.get(class).copied().unwrap_or(0.0)
    }

    /// How often it was predicted; `classes` asks for the invalid answers.
    pub(crate) fn predicted(&self, class: usize) -> f64 {
        self.predicted.get(class).copied().unwrap_or(0.0)
    }

    /// How often it was predicted rightly.
    pub(crate) fn hits(&self, class: usize) -> f64 {
        self.cell(class, class)
    }

    pub(crate) fn total(&self) -> f64 {
        self.total
    }

    /// Sums by true class, and by predicted class with the invalid ones last.
    pub(crate) fn margins(&self) -> (&[f64], &[f64]) {
        (&self.truth, &self.predicted)
    }

    /// The counts by true class, each by predicted class with the invalid ones last.
    pub(crate) fn rows(&self) -> impl Iterator<Item = &[f64]> {
        self.counts.chunks(self.classes + 1)
    }

    pub(crate) fn invalid(&self) -> f64 {
        self.predicted(self.classes)
    }

    /// Share of right answers; `None` without an answer.
    pub(crate) fn accuracy(&self) -> Option<f64> {
        let hits: f64 = (0..self.classes).map(|class| self.hits(class)).sum();
        ratio(hits, self.total())
    }

    /// Mean recall of the classes that occur among the targets (scikit-learn's
    /// `balanced_accuracy_score`); `adjusted` puts chance at 0.
    pub(crate) fn balanced_accuracy(&self, adjusted: bool) -> Option<f64> {
        let occurring = (0..self.classes).filter(|&class| self.truth(class) > 0.0);
        let recalls: Vec<f64> =
            occurring.map(|class| self.hits(class) / self.truth(class)).collect();
        let mean = ratio(recalls.iter().sum(), recalls.len() as f64)?;
        if !adjusted {
            return Some(mean);
        }
        let chance = 1.0 / recalls.len() as f64;
        ratio(mean - chance, 1.0 - chance)
    }
}

/// A quotient; `None` where there is nothing to divide by.
pub(crate) fn ratio(part: f64, whole: f64) -> Option<f64> {
    (whole > 0.0).then(|| part / whole)
}
