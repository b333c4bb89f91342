//! `brier`, `log_loss` and `roc_auc`: the answer says how likely each of the declared classes is.

mod forecast;
mod roc_auc;

use std::sync::Arc;

use evalmark_core::metric::{Direction, ParamError, Range};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use self::forecast::{Forecasts, Weighed};
pub(crate) use self::roc_auc::RocAuc;
use crate::{
    classification::{brier, log_loss},
    kind::{About, Backend, Measure, Measurement, MetricDefinition},
    kinds::label::Declared,
    subject::Subject,
};

/// Parameters of `brier`.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct BrierParams {
    /// The classes, as in `label`. The answer gives their probabilities as a JSON object by class or
    /// a JSON list in this order; for two classes a number is enough. They may add up to 0.95 to
    /// 1.05, and are then scaled to 1.
    labels: Declared,
    /// Of two classes: which one a number is the probability of; default: the second.
    #[serde(default)]
    positive: Option<String>,
    /// Half the sum over the classes, which lies in [0, 1]. scikit-learn halves by default for two
    /// classes only; `false` leaves the sum of more classes whole.
    #[serde(default = "yes")]
    scale_by_half: bool,
}

fn yes() -> bool {
    true
}

/// The Brier score.
#[derive(Debug)]
pub(crate) struct Brier {
    forecasts: Forecasts,
    halved: bool,
}

impl MetricDefinition for Brier {
    const ABOUT: About = About {
        name: "brier",
        summary: "The squared distance between the answer's class probabilities and the right \
                  class.",
        range: Range::Unit,
        direction: Direction::Lower,
        threshold: Some(0.25),
        needs_target: true,
        model_refs: &[],
        source: "Brier 1950; scikit-learn 1.9.1 `brier_score_loss`.",
    };
    type Params = BrierParams;

    fn compile(params: BrierParams) -> Result<Backend, ParamError> {
        let forecasts = Forecasts::new(&params.labels, params.positive.as_deref())?;
        let halved = params.scale_by_half || forecasts.classes() == 2;
        Ok(Backend::Text(Arc::new(Self { forecasts, halved })))
    }
}

impl Measure for Brier {
    fn measure(&self, subject: Subject<'_>) -> Measurement {
        match self.forecasts.read(subject) {
            Ok(Weighed { probabilities, truth }) => {
                Measurement::of(brier(&probabilities, truth, self.halved))
            }
            Err(measurement) => measurement,
        }
    }

    fn range(&self) -> Option<Range> {
        (!self.halved).then_some(Range::Open)
    }
}

/// Parameters of `log_loss`.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct LogLossParams {
    /// The classes, as in `label`; how the answer gives their probabilities is said at `brier`.
    labels: Declared,
    /// Of two classes: which one a number is the probability of; default: the second.
    #[serde(default)]
    positive: Option<String>,
}

/// The logarithmic loss.
#[derive(Debug)]
pub(crate) struct LogLoss(Forecasts);

impl MetricDefinition for LogLoss {
    const ABOUT: About = About {
        name: "log_loss",
        summary: "Minus the natural logarithm of the probability that the answer gives the right \
                  class, at most 36.04.",
        range: Range::Open,
        direction: Direction::Lower,
        threshold: None,
        needs_target: true,
        model_refs: &[],
        source: "scikit-learn 1.9.1 `log_loss`, clipped at 2.2e-16 as there.",
    };
    type Params = LogLossParams;

    fn compile(params: LogLossParams) -> Result<Backend, ParamError> {
        let forecasts = Forecasts::new(&params.labels, params.positive.as_deref())?;
        Ok(Backend::Text(Arc::new(Self(forecasts))))
    }
}

impl Measure for LogLoss {
    fn measure(&self, subject: Subject<'_>) -> Measurement {
        match self.0.read(subject) {
            Ok(Weighed { probabilities, truth }) => {
                Measurement::of(log_loss(&probabilities, truth))
            }
            Err(measurement) => measurement,
        }
    }
}
