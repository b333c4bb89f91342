//! `roc_auc`: how well an answer's probabilities rank what is right above what is not.

use std::sync::Arc;

use evalmark_core::metric::{Direction, ParamError, Range};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::forecast::{Forecasts, Weighed};
use crate::{
    classification::{Averaging, Histograms, MultiClass},
    kind::{About, Backend, Corpus, Measure, Measurement, MetricDefinition},
    kinds::label::{Declared, index},
    subject::Subject,
};

/// Probabilities are ranked in steps of a thousandth.
const STEPS: usize = 1000;

/// Classes whose histograms stay small enough to be resampled.
const MOST_CLASSES: usize = 24;

/// Parameters of `roc_auc`.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Params {
    /// The classes, at most 24, as in `label`; how the answer gives their probabilities is said at
    /// `brier`.
    labels: Declared,
    /// Of two classes: which one a number is the probability of; default: the second.
    #[serde(default)]
    positive: Option<String>,
    /// How more than two classes become pairs of two.
    #[serde(default)]
    multi_class: How,
    /// How their areas become one.
    #[serde(default)]
    average: Mean,
}

/// How more than two classes become pairs of two.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum How {
    /// Each class against all others.
    #[default]
    Ovr,
    /// Each pair of classes by itself (Hand and Till 2001).
    Ovo,
}

/// How several areas become one.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Mean {
    /// All count the same.
    #[default]
    Macro,
    /// By how often the class, or the pair, is right.
    Weighted,
}

/// The area under the ROC curve.
#[derive(Debug)]
pub(crate) struct RocAuc {
    forecasts: Forecasts,
    curve: Curve,
}

/// The run's value.
#[derive(Clone, Copy, Debug)]
struct Curve {
    classes: usize,
    positive: usize,
    how: MultiClass,
    average: Averaging,
}

impl MetricDefinition for RocAuc {
    const ABOUT: About = About {
        name: "roc_auc",
        summary: "The area under the ROC curve of a run, from probabilities in steps of 0.001. An \
                  answer's own score is the probability that it gives the right class; one without \
                  probabilities is invalid, and left out of the curve.",
        range: Range::Unit,
        direction: Direction::Higher,
        threshold: Some(0.5),
        needs_target: true,
        model_refs: &[],
        source: "scikit-learn 1.9.1 `roc_auc_score`.",
    };
    const AGGREGATION: &'static str = "area under the curve of all answers";
    type Params = Params;

    fn compile(params: Params) -> Result<Backend, ParamError> {
        let forecasts = Forecasts::new(&params.labels, params.positive.as_deref())?;
        let classes = forecasts.classes();
        if classes > MOST_CLASSES {
            let message = format!("`roc_auc` takes at most {MOST_CLASSES} classes");
            return Err(ParamError { pointer: "/labels".to_owned(), message });
        }
        let how = match params.multi_class {
            How::Ovr => MultiClass::Rest,
            How::Ovo => MultiClass::Pairs,
        };
        let average = match params.average {
            Mean::Macro => Averaging::Macro,
            Mean::Weighted => Averaging::Weighted,
        };
        let curve = Curve { classes, positive: forecasts.positive(), how, average };
        Ok(Backend::Text(Arc::new(Self { forecasts, curve })))
    }
}

impl Measure for RocAuc {
    fn measure(&self, subject: Subject<'_>) -> Measurement {
        match self.forecasts.read(subject) {
            Ok(Weighed { probabilities, truth }) => {
                let steps = probabilities.iter().map(|p| (p * STEPS as f64).round());
                let counts = std::iter::once(truth as f64).chain(steps).collect();
                Measurement::Counted { value: probabilities[truth].min(1.0), counts, reason: None }
            }
            Err(measurement) => measurement,
        }
    }

    fn corpus(&self) -> Option<&dyn Corpus> {
        Some(&self.curve)
    }
}

impl Curve {
    fn shape(self) -> (usize, usize) {
        (self.classes, STEPS + 1)
    }
}

impl Corpus for Curve {
    fn width(&self) -> usize {
        let (classes, bins) = self.shape();
        Histograms::width(classes, bins)
    }

    fn add(&self, sums: &mut [f64], counts: &[f64], times: f64) {
        let Some((truth, steps)) = counts.split_first() else { return };
        let Some(truth) = index(*truth).filter(|&truth| truth < self.classes) else { return };
        if steps.len() != self.classes {
            return;
        }
        for (class, &step) in steps.iter().enumerate() {
            let Some(bin) = index(step) else { return };
            let place = Histograms::place(self.shape(), class, truth, bin);
            if let Some(sum) = sums.get_mut(place) {
                *sum += times;
            }
        }
    }

    fn values(&self, sums: &[f64]) -> Vec<(String, Option<f64>)> {
        vec![("roc_auc".to_owned(), self.value(sums))]
    }

    /// The best answer is sure of the right class. The worst is sure of every other: of more than two
    /// classes no answer can be, but none does worse for any of them.
    fn extremes(&self, counts: &[f64]) -> Option<[Vec<f64>; 2]> {
        let truth = index(*counts.first()?).filter(|&truth| truth < self.classes)?;
        let sure = |is_likely: fn(usize, usize) -> bool| {
            let step = |class| if is_likely(class, truth) { STEPS as f64 } else { 0.0 };
            [truth as f64].into_iter().chain((0..self.classes).map(step)).collect()
        };
        Some([sure(|class, truth| class != truth), sure(|class, truth| class == truth)])
    }

    fn value(&self, sums: &[f64]) -> Option<f64> {
        let histograms = Histograms::new(self.shape(), sums);
        if self.classes > 2 {
            return histograms.several(self.how, self.average);
        }
        histograms.binary(self.positive)
    }
}
