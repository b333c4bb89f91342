//! `label`: the answer is one of the declared classes; run values are those of the confusion matrix.

mod classes;
mod corpus_values;

use std::sync::Arc;

use evalmark_core::{
    fields::Fields,
    metric::{Direction, ParamError, Range},
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub(crate) use self::classes::{Classes, Declared};
pub(crate) use self::corpus_values::index;
use self::corpus_values::{Matrix, Value};
use crate::{
    json_compare::clip,
    kind::{About, Backend, Corpus, Measure, Measurement, MetricDefinition, UnusableTarget},
    normalize::Step,
    subject::Subject,
};

/// Parameters of `label`.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Params {
    /// The classes: a list, or a map from each to its other names (`spam: [junk, advertising]`).
    /// Their order is that of weighted kappa.
    labels: Declared,
    /// Look for a label in the answer, as a word of its own; otherwise the whole answer is one. It
    /// knows words, not meaning: `spam` is in `not spam`, unless that is a label too.
    #[serde(default)]
    find: bool,
    /// With `find`: which label counts, where several are mentioned.
    #[serde(default)]
    which: Which,
    /// Applied to answer, targets and labels before they are compared.
    #[serde(default = "default_steps")]
    normalize: Vec<Step>,
    /// The value of a whole run that the metric stands for in summaries and gates. `accuracy` is the
    /// mean of the answers' scores; all others are made from the confusion matrix. The other values
    /// of the run are in `run_values.parquet`.
    #[serde(default)]
    value: Value,
    /// Which class `precision`, `recall` and `f1` are of.
    #[serde(default)]
    class: Option<String>,
}

/// Which of several labels counts.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Which {
    /// The only one: an answer that mentions two is invalid.
    #[default]
    Only,
    /// The last.
    Last,
}

fn default_steps() -> Vec<Step> {
    vec![Step::Nfc, Step::Casefold, Step::StripPunctuation, Step::CollapseWhitespace, Step::Trim]
}

/// The classes of a metric that does not say how texts are made comparable.
pub(crate) fn classes(declared: &Declared) -> Result<Classes, ParamError> {
    Classes::new(declared, &default_steps())
}

/// A compiled `label`.
#[derive(Debug)]
pub(crate) struct Label {
    classes: Classes,
    find: bool,
    which: Which,
    matrix: Matrix,
}

impl MetricDefinition for Label {
    const ABOUT: About = About {
        name: "label",
        summary: "The answer is the right one of the declared classes. An answer that is none of \
                  them, or several, is invalid.",
        range: Range::Binary,
        direction: Direction::Higher,
        threshold: Some(1.0),
        needs_target: true,
        model_refs: &[],
        source: "Run values as in scikit-learn 1.9.1.",
    };
    const AGGREGATION: &'static str =
        "what `value` names: accuracy, which is the mean, or another value of the confusion matrix";
    type Params = Params;

    fn compile(params: Params) -> Result<Backend, ParamError> {
        let classes = Classes::new(&params.labels, &params.normalize)?;
        let matrix = Matrix::new(&classes, params.value, params.class.as_deref())?;
        let (find, which) = (params.find, params.which);
        Ok(Backend::Text(Arc::new(Self { classes, find, which, matrix })))
    }
}

impl Measure for Label {
    fn measure(&self, Subject { answer, targets, .. }: Subject<'_>) -> Measurement {
        let right = match self.classes.targets(targets) {
            Ok(right) => right,
            Err(reason) => return Measurement::Missing(reason),
        };
        let predicted = match self.predicted(answer) {
            Ok(predicted) => predicted,
            Err(reason) => return Measurement::Invalid(reason),
        };
        let is_right = right.contains(&predicted);
        let truth = if is_right { predicted } else { right[0] };
        let reason = (!is_right).then(|| format!("said {:?}", self.classes.name(predicted)));
        Measurement::Counted {
            value: f64::from(is_right),
            counts: vec![truth as f64, predicted as f64],
            reason,
        }
    }

    fn check_targets(&self, targets: &[String], _: &Fields) -> Result<(), UnusableTarget> {
        let right = self.classes.targets(targets);
        right.map(drop).map_err(|problem| UnusableTarget { problem, is_mistake: true })
    }

    fn corpus(&self) -> Option<&dyn Corpus> {
        Some(&self.matrix)
    }

    fn counts_of_invalid(&self, subject: Subject<'_>) -> Option<Vec<f64>> {
        let right = self.classes.targets(subject.targets).ok()?;
        Some(vec![right[0] as f64, self.classes.len() as f64])
    }
}

impl Label {
    fn predicted(&self, answer: &str) -> Result<usize, String> {
        if !self.find {
            let class = self.classes.of(answer);
            return class.ok_or_else(|| format!("not a label: {:?}", clip(answer)));
        }
        let mentioned = self.classes.mentioned(answer);
        let last = mentioned.last().copied().ok_or("no label in the answer")?;
        match self.which {
            Which::Only if mentioned.iter().any(|&class| class != last) => {
                Err("several labels in the answer".to_owned())
            }
            Which::Only | Which::Last => Ok(last),
        }
    }
}
