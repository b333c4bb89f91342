//! The values of a whole run that `label` makes from the confusion matrix.

use evalmark_core::metric::{ParamError, Range};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::classes::Classes;
use crate::{
    classification::{Average, Confusion, Rates, Weighting},
    kind::{Confused, Corpus},
};

/// A value of a whole run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Value {
    /// The share of right answers.
    #[default]
    Accuracy,
    /// The mean recall of the classes that are right somewhere.
    BalancedAccuracy,
    /// The same, with chance at 0.
    BalancedAccuracyAdjusted,
    /// The mean precision of all classes.
    MacroPrecision,
    /// The mean recall of all classes.
    MacroRecall,
    /// The mean F1 of all classes.
    MacroF1,
    /// The precision of all predictions together: invalid answers predict nothing.
    MicroPrecision,
    /// The recall of all targets together, which is the accuracy.
    MicroRecall,
    /// The F1 of all answers together.
    MicroF1,
    /// The mean precision, each class weighted by how often it is right.
    WeightedPrecision,
    /// The mean recall, weighted so: the accuracy again.
    WeightedRecall,
    /// The mean F1, weighted so.
    WeightedF1,
    /// The precision of the class named by `class`.
    Precision,
    /// The recall of that class.
    Recall,
    /// The F1 of that class.
    F1,
    /// Matthews' correlation coefficient.
    Mcc,
    /// Cohen's kappa.
    Kappa,
    /// Cohen's kappa, weighted by how far two labels are apart in the list.
    LinearKappa,
    /// Cohen's kappa, weighted by the square of that.
    QuadraticKappa,
}

/// Every value that needs no class, with its name.
const OVERALL: [(Value, &str); 16] = [
    (Value::Accuracy, "accuracy"),
    (Value::BalancedAccuracy, "balanced_accuracy"),
    (Value::BalancedAccuracyAdjusted, "balanced_accuracy_adjusted"),
    (Value::MacroPrecision, "macro_precision"),
    (Value::MacroRecall, "macro_recall"),
    (Value::MacroF1, "macro_f1"),
    (Value::MicroPrecision, "micro_precision"),
    (Value::MicroRecall, "micro_recall"),
    (Value::MicroF1, "micro_f1"),
    (Value::WeightedPrecision, "weighted_precision"),
    (Value::WeightedRecall, "weighted_recall"),
    (Value::WeightedF1, "weighted_f1"),
    (Value::Mcc, "mcc"),
    (Value::Kappa, "kappa"),
    (Value::LinearKappa, "linear_kappa"),
    (Value::QuadraticKappa, "quadratic_kappa"),
];

/// The values of one class, with their names.
const OF_CLASS: [(Value, &str); 3] =
    [(Value::Precision, "precision"), (Value::Recall, "recall"), (Value::F1, "f1")];

impl Value {
    fn name(self) -> &'static str {
        let all = OVERALL.iter().chain(&OF_CLASS);
        all.filter(|(value, _)| *value == self).map(|(_, name)| *name).next().unwrap_or_default()
    }

    fn is_of_class(self) -> bool {
        OF_CLASS.iter().any(|(value, _)| *value == self)
    }

    fn of(self, matrix: &Confusion<'_>, class: Option<usize>) -> Option<f64> {
        let rates = |average| matrix.average(average);
        let of_class = || class.filter(|_| matrix.total() > 0.0).map(|class| matrix.rates(class));
        let (precision, recall, f1) =
            (|rates: Rates| rates.precision, |rates: Rates| rates.recall, |rates: Rates| rates.f1);
        match self {
            Self::Accuracy => matrix.accuracy(),
            Self::BalancedAccuracy => matrix.balanced_accuracy(false),
            Self::BalancedAccuracyAdjusted => matrix.balanced_accuracy(true),
            Self::MacroPrecision => rates(Average::Macro).map(precision),
            Self::MacroRecall => rates(Average::Macro).map(recall),
            Self::MacroF1 => rates(Average::Macro).map(f1),
            Self::MicroPrecision => rates(Average::Micro).map(precision),
            Self::MicroRecall => rates(Average::Micro).map(recall),
            Self::MicroF1 => rates(Average::Micro).map(f1),
            Self::WeightedPrecision => rates(Average::Weighted).map(precision),
            Self::WeightedRecall => rates(Average::Weighted).map(recall),
            Self::WeightedF1 => rates(Average::Weighted).map(f1),
            Self::Precision => of_class().map(precision),
            Self::Recall => of_class().map(recall),
            Self::F1 => of_class().map(f1),
            Self::Mcc => matrix.mcc(),
            Self::Kappa => matrix.kappa(Weighting::None),
            Self::LinearKappa => matrix.kappa(Weighting::Linear),
            Self::QuadraticKappa => matrix.kappa(Weighting::Quadratic),
        }
    }
}

/// The confusion matrix of a run, and which of its values the metric stands for.
#[derive(Debug)]
pub(crate) struct Matrix {
    names: Vec<String>,
    value: Value,
    class: Option<usize>,
}

impl Matrix {
    pub(crate) fn new(
        classes: &Classes,
        value: Value,
        class: Option<&str>,
    ) -> Result<Self, ParamError> {
        let complain = |pointer: &str, message: String| {
            Err(ParamError { pointer: pointer.to_owned(), message })
        };
        let name = value.name();
        let class = match (value.is_of_class(), class) {
            (false, None) => None,
            (true, Some(class)) => match classes.of(class) {
                Some(class) => Some(class),
                None => return complain("/class", format!("{class:?} is not one of the `labels`")),
            },
            (true, None) => {
                let message = format!("`{name}` is the value of one class: add `class: LABEL`");
                return complain("/value", message);
            }
            (false, Some(_)) => {
                let message = format!("`{name}` is a value of all classes and takes no `class`");
                return complain("/class", message);
            }
        };
        let names = (0..classes.len()).map(|class| classes.name(class).to_owned()).collect();
        Ok(Self { names, value, class })
    }

    fn over<'a>(&self, sums: &'a [f64]) -> Confusion<'a> {
        Confusion::new(self.names.len(), sums)
    }

    /// The prediction that does most harm where a class is right.
    ///
    /// A wrong class costs recall as an invalid answer does, and precision too. So there is no doubt
    /// about recall and accuracy, nor about the values of one class and the micro ones. Which class
    /// does most harm to the macro and weighted ones depends on all other answers where there are
    /// more than two; the next class stands for it. Nothing bounds kappa and Matthews' coefficient:
    /// where answers are no better than chance even a wrong one may raise them. They get the next
    /// class too, and if it is a weighted kappa an invalid answer, which is the widest miss there is.
    fn worst(&self, truth: usize) -> usize {
        let invalid = self.names.len();
        match self.value {
            Value::Accuracy
            | Value::BalancedAccuracy
            | Value::BalancedAccuracyAdjusted
            | Value::MicroRecall
            | Value::WeightedRecall
            | Value::Recall => invalid,
            Value::Precision | Value::F1 => {
                self.class.filter(|&class| class != truth).unwrap_or(invalid)
            }
            Value::LinearKappa | Value::QuadraticKappa if invalid > 2 => invalid,
            _ => (truth + 1) % invalid,
        }
    }

    /// Every value, each by its name and class, the one that the metric stands for first.
    fn all(&self, matrix: &Confusion<'_>, mut take: impl FnMut(Named, Option<f64>)) {
        let own = (self.value.name(), self.class);
        take(own, self.value.of(matrix, self.class));
        let mut take_other = |named: Named, value: Option<f64>| {
            if named != own {
                take(named, value);
            }
        };
        for (value, name) in OVERALL {
            take_other((name, None), value.of(matrix, None));
        }
        take_other(("n_invalid", None), Some(matrix.invalid()));
        for class in 0..self.names.len() {
            for (value, name) in OF_CLASS {
                take_other((name, Some(class)), value.of(matrix, Some(class)));
            }
            take_other(("support", Some(class)), Some(matrix.truth(class)));
        }
    }
}

/// A value's name, and the class that it is of.
type Named = (&'static str, Option<usize>);

impl Corpus for Matrix {
    fn width(&self) -> usize {
        Confusion::width(self.names.len())
    }

    fn add(&self, sums: &mut [f64], counts: &[f64], times: f64) {
        if let [truth, predicted] = counts
            && let (Some(truth), Some(predicted)) = (index(*truth), index(*predicted))
            && truth < self.names.len()
            && let Some(sum) = sums.get_mut(Confusion::place(self.names.len(), truth, predicted))
        {
            *sum += times;
        }
    }

    fn values(&self, sums: &[f64]) -> Vec<(String, Option<f64>)> {
        let mut values = Vec::new();
        self.all(&self.over(sums), |(name, class), value| {
            let name = match class {
                Some(class) => format!("{name}.{}", self.names[class]),
                None => name.to_owned(),
            };
            values.push((name, value));
        });
        values
    }

    fn numbers(&self, sums: &[f64]) -> Vec<Option<f64>> {
        let mut values = Vec::new();
        self.all(&self.over(sums), |_, value| values.push(value));
        values
    }

    fn value(&self, sums: &[f64]) -> Option<f64> {
        self.value.of(&self.over(sums), self.class)
    }

    fn range(&self) -> Option<Range> {
        let is_signed = matches!(
            self.value,
            Value::Mcc
                | Value::Kappa
                | Value::LinearKappa
                | Value::QuadraticKappa
                | Value::BalancedAccuracyAdjusted
        );
        Some(if is_signed { Range::Signed } else { Range::Unit })
    }

    fn is_mean(&self) -> bool {
        self.value == Value::Accuracy
    }

    /// The prediction that does most harm, and the right one.
    fn extremes(&self, counts: &[f64]) -> Option<[Vec<f64>; 2]> {
        let truth = index(*counts.first()?).filter(|&truth| truth < self.names.len())?;
        let counts = |predicted: usize| vec![truth as f64, predicted as f64];
        Some([counts(self.worst(truth)), counts(truth)])
    }

    fn confusion(&self, sums: &[f64]) -> Vec<Confused> {
        let matrix = self.over(sums);
        let classes = 0..self.names.len();
        let cell = |truth: usize, predicted: usize| Confused {
            target: self.names[truth].clone(),
            predicted: self.names.get(predicted).cloned(),
            count: matrix.cell(truth, predicted),
        };
        classes
            .clone()
            .flat_map(|truth| (0..=self.names.len()).map(move |predicted| (truth, predicted)))
            .map(|(truth, predicted)| cell(truth, predicted))
            .collect()
    }
}

/// An index out of a file, which may hold anything.
pub(crate) fn index(count: f64) -> Option<usize> {
    let is_index = (0.0..1e9).contains(&count) && count.fract() == 0.0;
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "just checked")]
    is_index.then_some(count as usize)
}
