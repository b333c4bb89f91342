//! The form that every kind of metric fills in: what it says of itself, its parameters, its work.

use std::{fmt, sync::Arc};

use evalmark_core::{
    fields::Fields,
    metric::{Direction, Nested, ParamError, Range, Reasoning},
};
use schemars::{JsonSchema, generate::SchemaSettings};
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::{judge::Inquire, program::Program, subject::Subject};

/// What a kind says of itself. It becomes a row of METRICS.md.
#[derive(Clone, Copy)]
pub(crate) struct About {
    /// The key it is written under.
    pub(crate) name: &'static str,
    /// What it measures, in a sentence.
    pub(crate) summary: &'static str,
    /// Where its values lie.
    pub(crate) range: Range,
    /// Which way is better.
    pub(crate) direction: Direction,
    /// The value from which (in the better direction) an answer passes, where the suite does not
    /// say; `None` where only the suite can know.
    pub(crate) threshold: Option<f64>,
    /// Whether it compares with a target.
    pub(crate) needs_target: bool,
    /// Pointers to parameters that name a model of the suite.
    pub(crate) model_refs: &'static [&'static str],
    /// Who defined it.
    pub(crate) source: &'static str,
}

/// A kind of metric, in its own terms.
pub(crate) trait MetricDefinition {
    /// What it says of itself.
    const ABOUT: About;
    /// What the value of a whole run is; its [`Corpus`] where that is not the mean.
    const AGGREGATION: &'static str = "mean";
    /// Whether the models that it names give embeddings, and no opinion.
    const EMBEDS: bool = false;
    /// Whether it can use a target that is a JSON object, or lets a model or program use it.
    const READS_OBJECTS: bool = false;
    /// Pointers to parameters that name a file, relative to the suite: a kind gets its content as a
    /// [`FileParameter`](crate::file_parameter::FileParameter).
    const FILE_REFS: &'static [&'static str] = &[];
    /// Its parameters as a suite writes them.
    type Params: DeserializeOwned + JsonSchema;
    /// From raw parameters to something that cannot fail. Pointers are relative to the parameters.
    fn compile(params: Self::Params) -> Result<Backend, ParamError>;
    /// The metrics within its parameters, at whatever depth.
    fn nested(_params: &Value) -> Vec<Nested> {
        Vec::new()
    }
}

/// How a compiled metric gets at its value.
#[derive(Clone, Debug)]
pub(crate) enum Backend {
    /// From the texts alone.
    Text(Arc<dyn Measure>),
    /// By asking a program of the user's.
    Program(Arc<Program>),
    /// By asking a model.
    Judge(Arc<dyn Inquire>),
}

/// A metric that needs nothing but the texts.
pub(crate) trait Measure: fmt::Debug + Send + Sync {
    /// Looks at one answer, already narrowed.
    fn measure(&self, subject: Subject<'_>) -> Measurement;

    /// What becomes of reasoning in the answer where nobody says; `None` where metrics within this
    /// one decide for themselves.
    fn reasoning(&self) -> Option<Reasoning> {
        Some(Reasoning::Cut)
    }

    /// Where its values lie, where its parameters move them from where the kind's do.
    fn range(&self) -> Option<Range> {
        None
    }

    /// The value of a whole run, where that is no mean of single values.
    fn corpus(&self) -> Option<&dyn Corpus> {
        None
    }

    /// What an item says to the metric, looked at before anything is asked.
    fn check_item(&self, _targets: &[String], _fields: &Fields) -> Result<(), String> {
        Ok(())
    }

    /// Whether the metric can use an item's targets, of which there is at least one.
    fn check_targets(&self, _targets: &[String], _fields: &Fields) -> Result<(), UnusableTarget> {
        Ok(())
    }

    /// Whether its measurements may say themselves that an answer passes.
    fn decides(&self) -> bool {
        false
    }

    /// What an invalid answer adds to the [`Corpus`] sums, where it has a score at all; `None`
    /// where it adds nothing. The subject's answer is the whole of it.
    fn counts_of_invalid(&self, _: Subject<'_>) -> Option<Vec<f64>> {
        None
    }
}

/// Why a metric has no score of an item, whatever is answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnusableTarget {
    /// What is wrong with the target.
    pub problem: String,
    /// Whether it can only be a mistake, even where another metric can use the target.
    pub is_mistake: bool,
}

/// A value of a whole run that is made from sums of what each answer adds: BLEU, macro F1.
pub trait Corpus: fmt::Debug + Send + Sync {
    /// How many sums there are.
    fn width(&self) -> usize;

    /// Adds an answer's counts ([`Score::counts`](evalmark_core::score::Score::counts)) to the
    /// sums, `times` over; counts that are not the metric's own add nothing.
    fn add(&self, sums: &mut [f64], counts: &[f64], times: f64);

    /// The run's values by name, the one that the metric stands for first; `None` where a value is
    /// not defined. A value of one class is called by its name, a point, and the class: `f1.spam`.
    fn values(&self, sums: &[f64]) -> Vec<(String, Option<f64>)>;

    /// The same without their names, which resampling has no use for.
    fn numbers(&self, sums: &[f64]) -> Vec<Option<f64>> {
        self.values(sums).into_iter().map(|(_, value)| value).collect()
    }

    /// The value that the metric stands for.
    fn value(&self, sums: &[f64]) -> Option<f64> {
        self.values(sums).into_iter().next().and_then(|(_, value)| value)
    }

    /// Where that value lies; `None` where it lies where the answers' values do.
    fn range(&self) -> Option<Range> {
        None
    }

    /// Whether that value is the mean of the answers' values, and can be treated as one.
    fn is_mean(&self) -> bool {
        false
    }

    /// Counts of the worst and of the best answer that there could have been to an item of which
    /// these counts are known, or of such as are still worse and better; `None` where they cannot be
    /// told.
    fn extremes(&self, _counts: &[f64]) -> Option<[Vec<f64>; 2]> {
        None
    }

    /// How often each class was predicted where each was right; empty where there are no classes.
    fn confusion(&self, _sums: &[f64]) -> Vec<Confused> {
        Vec::new()
    }
}

/// A cell of a confusion matrix.
#[derive(Clone, Debug, PartialEq)]
pub struct Confused {
    /// The class that was right.
    pub target: String,
    /// The class that was predicted; `None` for an invalid answer.
    pub predicted: Option<String>,
    /// How often.
    pub count: f64,
}

/// What a metric found, before `invalid`, `not` and the threshold have their say.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Measurement {
    /// A value in the kind's range, and a remark where the number alone does not tell.
    Value(f64, Option<String>),
    /// A value, and what the answer adds to the metric's [`Corpus`] sums.
    Counted {
        /// In the kind's range.
        value: f64,
        /// As [`Corpus::add`] takes them.
        counts: Vec<f64>,
        /// Where the number alone does not tell.
        reason: Option<String>,
    },
    /// A value that says itself whether the answer passes, unless the suite sets a threshold.
    Decided {
        /// In the kind's range.
        value: f64,
        /// Whether the answer passes, where that is known.
        passed: Option<bool>,
        /// Where the number alone does not tell.
        reason: Option<String>,
    },
    /// The answer does not hold what the metric looks for: the model's fault.
    Invalid(String),
    /// There is nothing to compare with: not the model's fault.
    Missing(String),
}

impl Measurement {
    /// A value that explains itself.
    pub(crate) fn of(value: f64) -> Self {
        Self::Value(value, None)
    }

    /// 1 or 0.
    pub(crate) fn yes_or_no(yes: bool) -> Self {
        Self::of(if yes { 1.0 } else { 0.0 })
    }

    /// The best value over the targets; missing where there are none.
    pub(crate) fn best_of(targets: &[String], value: impl FnMut(&String) -> f64) -> Self {
        targets
            .iter()
            .map(value)
            .max_by(f64::total_cmp)
            .map_or_else(|| Self::Missing("the item has no target".to_owned()), Self::of)
    }
}

/// One row of the table of kinds.
#[derive(Clone, Copy)]
pub(crate) struct Kind {
    /// What it says of itself.
    pub(crate) about: About,
    /// Whether the models that it names give embeddings, and no opinion.
    pub(crate) embeds: bool,
    /// Whether it can use a target that is a JSON object.
    pub(crate) reads_objects: bool,
    /// Pointers to parameters that name a file.
    pub(crate) file_refs: &'static [&'static str],
    /// JSON Schema of its parameters, without references, so that it can be embedded.
    pub(crate) schema: fn() -> Value,
    /// Compiles its parameters; pointers are relative to the parameters.
    pub(crate) compile: fn(&Value) -> Result<Backend, ParamError>,
    /// What the value of a whole run is.
    pub(crate) aggregation: &'static str,
    /// The metrics within its parameters, at whatever depth.
    pub(crate) nested: fn(&Value) -> Vec<Nested>,
}

/// The row of the kind `D`.
pub(crate) const fn kind<D: MetricDefinition>() -> Kind {
    Kind {
        about: D::ABOUT,
        schema: schema::<D::Params>,
        compile: compile::<D>,
        embeds: D::EMBEDS,
        reads_objects: D::READS_OBJECTS,
        file_refs: D::FILE_REFS,
        aggregation: D::AGGREGATION,
        nested: D::nested,
    }
}

/// The JSON Schema of `P`, without references.
pub(crate) fn schema<P: JsonSchema>() -> Value {
    let settings = SchemaSettings::draft2020_12().with(|settings| {
        settings.inline_subschemas = true;
        settings.meta_schema = None;
    });
    let mut schema = settings.into_generator().into_root_schema_for::<P>();
    schema.remove("title");
    schema.to_value()
}

fn compile<D: MetricDefinition>(params: &Value) -> Result<Backend, ParamError> {
    let params = serde_json::from_value(params.clone())
        .map_err(|error| ParamError { pointer: String::new(), message: error.to_string() })?;
    D::compile(params)
}
