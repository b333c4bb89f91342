//! What a suite says of a metric. What a metric computes is the scoring crate's work.
//!
//! `core` knows no metric by name: whoever reads a suite passes in the kinds that exist.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{feature::Feature, label::LabelSpec};

/// A metric as declared in a suite, checked.
#[derive(Clone, Debug)]
pub struct MetricSpec {
    /// The name it is reported under.
    pub name: String,
    /// Which kind, e.g. `exact`.
    pub kind: &'static str,
    /// The kind's own parameters: a JSON value that fits the kind's schema.
    pub params: Value,
    /// What becomes of reasoning in the answer; `None` is the kind's own default.
    pub reasoning: Option<Reasoning>,
    /// Which items it concerns: an expression over the item's columns; `None` is all of them.
    pub when: Option<String>,
    /// Columns with its own right answers; empty where those of the dataset count.
    pub targets: Vec<String>,
    /// Narrow the answer first.
    pub extract: Option<Extract>,
    /// Turn the score around: 1 - score.
    pub negate: bool,
    /// The score from which an answer passes; `None` is the kind's own default.
    pub threshold: Option<f64>,
    /// Score 1 where the answer passes and 0 where it does not, whatever the metric's own values.
    pub binary: bool,
    /// What an answer from which nothing can be extracted scores.
    pub invalid: InvalidPolicy,
    /// Human labels of some of the answers.
    pub labels: Option<LabelSpec>,
}

impl MetricSpec {
    /// A kind with its parameters, and nothing else that a suite may say.
    pub fn new(name: &str, kind: &'static str, params: Value) -> Self {
        Self {
            name: name.to_owned(),
            kind,
            params,
            reasoning: None,
            when: None,
            targets: Vec::new(),
            extract: None,
            negate: false,
            threshold: None,
            binary: false,
            invalid: InvalidPolicy::Zero,
            labels: None,
        }
    }
}

/// What becomes of reasoning that stands in an answer's text, such as `<think>…</think>`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reasoning {
    /// It is cut off: the rest is the answer.
    Cut,
    /// It is scored like everything else.
    Keep,
}

/// How to narrow an answer before it is scored.
#[derive(Clone, Debug, PartialEq)]
pub enum Extract {
    /// The match of a regular expression.
    Regex {
        /// The pattern, in the `regex` crate's syntax.
        pattern: String,
        /// Capture group; `None` is group 1 where there is one, else the whole match.
        group: Option<usize>,
        /// Which match, where there are several.
        which: Which,
    },
    /// A JSONPath (RFC 9535) into an answer that is JSON, or that holds JSON.
    Json {
        /// The path.
        path: String,
        /// Which JSON, where the path leads somewhere in several; `None` is the last.
        which: Option<Which>,
    },
}

/// Which of several matches counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Which {
    /// The first.
    #[default]
    First,
    /// The last.
    Last,
}

/// What an answer from which nothing can be extracted scores.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum InvalidPolicy {
    /// It scores 0, under `not` too, and is counted as invalid: the model broke the format.
    #[default]
    Zero,
    /// It has no score.
    Missing,
}

/// Where a metric's values lie.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Range {
    /// 0 or 1.
    Binary,
    /// Anything from 0 to 1.
    #[default]
    Unit,
    /// Anything from -1 to 1.
    Signed,
    /// Anything from 0 to 100.
    Hundred,
    /// Anything from 0 on.
    Open,
}

impl Range {
    /// The least value.
    pub fn min(self) -> f64 {
        if self == Self::Signed { -1.0 } else { 0.0 }
    }

    /// The narrowest range that holds these values; `None` where a value is not a number, or below -1, or where
    /// one below 0 stands beside one above 1.
    pub fn of_values(values: impl IntoIterator<Item = f64>) -> Option<Self> {
        let (low, high) =
            values.into_iter().try_fold((0.0_f64, 0.0_f64), |(low, high), value| {
                value.is_finite().then_some((low.min(value), high.max(value)))
            })?;
        match (low, high) {
            (0.0, high) if high <= 1.0 => Some(Self::Unit),
            (0.0, _) => Some(Self::Open),
            (low, high) if low >= -1.0 && high <= 1.0 => Some(Self::Signed),
            _ => None,
        }
    }

    /// The narrowest range that holds the values of both; an open one where none does.
    #[must_use]
    pub fn with(self, other: Self) -> Self {
        let (low, high) = (self.min().min(other.min()), self.max().zip(other.max()));
        match high.map(|(a, b)| a.max(b)) {
            _ if self == other => self,
            Some(high) if high <= 1.0 && low >= 0.0 => Self::Unit,
            Some(high) if high <= 1.0 => Self::Signed,
            Some(_) if low >= 0.0 => Self::Hundred,
            _ => Self::Open,
        }
    }

    /// Whether the values are shares, which people read as percentages.
    pub fn is_share(self) -> bool {
        matches!(self, Self::Binary | Self::Unit)
    }

    /// The largest value, where there is one.
    pub fn max(self) -> Option<f64> {
        match self {
            Self::Binary | Self::Unit | Self::Signed => Some(1.0),
            Self::Hundred => Some(100.0),
            Self::Open => None,
        }
    }
}

impl fmt::Display for Range {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Binary => "0 or 1",
            Self::Unit => "[0, 1]",
            Self::Signed => "[-1, 1]",
            Self::Hundred => "[0, 100]",
            Self::Open => "[0, ∞)",
        })
    }
}

/// Which values of a metric are better.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// The higher ones.
    #[default]
    Higher,
    /// The lower ones: error rates, lengths, times.
    Lower,
}

impl fmt::Display for Direction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Higher => "higher",
            Self::Lower => "lower",
        })
    }
}

/// Something wrong with a metric's parameters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParamError {
    /// JSON pointer from the metric's entry in the suite, e.g. `/regex/pattern`.
    pub pointer: String,
    /// What is wrong, and what to do.
    pub message: String,
}

/// A metric that stands within the parameters of another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Nested {
    /// JSON pointer from the outer metric's parameters to the inner one's.
    pub pointer: String,
    /// The inner metric's kind.
    pub kind: &'static str,
}

/// A kind of metric, as the reader of suites needs to know it.
#[derive(Clone, Copy)]
pub struct MetricKind {
    /// The key it is written under, e.g. `exact`.
    pub name: &'static str,
    /// JSON Schema of its parameters.
    pub schema: fn() -> Value,
    /// What the schema cannot say: does the metric compile?
    pub check: fn(&MetricSpec) -> Result<(), ParamError>,
    /// Where its values lie.
    pub range: Range,
    /// Which of them are better.
    pub direction: Direction,
    /// The value from which an answer passes where the suite does not say, if there is one.
    pub threshold: Option<f64>,
    /// Whether it compares with a target.
    pub needs_target: bool,
    /// Whether it can use a target that is a JSON object, or lets a model or program use it.
    pub reads_objects: bool,
    /// Pointers to parameters that name a model of the suite, e.g. `/model`, or several in a list.
    pub model_refs: &'static [&'static str],
    /// What it needs of these models, under its parameters.
    pub asks: fn(&Value) -> Vec<Feature>,
    /// The metrics that stand within its parameters, at whatever depth.
    pub nested: fn(&Value) -> Vec<Nested>,
    /// Whether these models give embeddings, and no opinion.
    pub embeds: bool,
    /// Pointers to parameters that name a text file, relative to the suite file. Whoever reads the
    /// suite puts `{"text": CONTENT}` in the name's place, so that the content is a parameter like
    /// any other: it is hashed and recorded, and a metric reads no files.
    pub file_refs: &'static [&'static str],
}

impl MetricKind {
    /// Whether its scores may be others where an item has other targets.
    pub fn may_read_targets(&self) -> bool {
        // A pattern may be compared with the target.
        self.needs_target || self.reads_objects || self.name == "regex"
    }

    /// The models that `params` names, each with the pointer to its name.
    pub fn models(&self, params: &Value) -> Vec<(String, String)> {
        let mut models = Vec::new();
        for pointer in self.model_refs {
            match params.pointer(pointer) {
                Some(Value::String(name)) => models.push(((*pointer).to_owned(), name.clone())),
                Some(Value::Array(names)) => {
                    let all = names.iter().enumerate().filter_map(|(i, name)| {
                        Some((format!("{pointer}/{i}"), name.as_str()?.to_owned()))
                    });
                    models.extend(all);
                }
                _ => {}
            }
        }
        models
    }
}
