//! Metrics, as they are written.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::RawNames;

/// A metric: a name and exactly one kind, written as a key with its parameters.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub(crate) struct RawMetric {
    /// Name it is reported under.
    pub(crate) name: String,
    /// What becomes of reasoning in the answer's text, such as `<think>…</think>`; default: `cut`,
    /// and `keep` for presets of other tools, `pii`, `blocklist`, and metrics whose parameters name
    /// such a tag.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) reasoning: Option<RawReasoning>,
    /// Which items it concerns: an expression over the item's columns, such as
    /// `item.topic == "billing"`; default: all of them. The others have no score of it, and lack
    /// none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) when: Option<String>,
    /// Column, or columns, with the right answers for this metric; default: the dataset's `target`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) target: Option<RawNames>,
    /// The part of the answer that is scored; default: all of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) extract: Option<RawExtract>,
    /// Invert the score: 1 - score.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) not: bool,
    /// Score from which an answer passes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) threshold: Option<f64>,
    /// Score 1 where the answer passes and 0 where it does not, whatever the metric's own values.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) binary: bool,
    /// What an answer from which nothing can be extracted scores.
    #[serde(default, skip_serializing_if = "RawInvalid::is_default")]
    pub(crate) invalid: RawInvalid,
    /// Human scores of some of the answers; they correct the metric's own in verdicts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) labels: Option<RawLabels>,
    /// The kinds; their schemas come from whoever knows them.
    #[serde(flatten)]
    pub(crate) kinds: Map<String, Value>,
}

/// What becomes of reasoning in an answer's text.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum RawReasoning {
    /// It is cut off, and the rest is scored. An answer that never stops reasoning is invalid.
    Cut,
    /// It is scored like everything else.
    Keep,
}

/// Where human labels are: exactly one of `column`, `columns` and `file`.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawLabels {
    /// Dataset column with the labels, where there is one prompt and one model.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) column: Option<String>,
    /// Dataset columns with the labels, by prompt, where there is one model.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) columns: Option<std::collections::BTreeMap<String, String>>,
    /// File of labels (csv, tsv, jsonl, json or parquet), relative to the suite file: columns
    /// `item_id` and `label`, and whichever of `prompt`, `model`, `epoch` and `output` tell which
    /// answer a label is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) file: Option<String>,
}

/// Which part of an answer is scored: exactly one of `regex` and `json`.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawExtract {
    /// Regular expression.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) regex: Option<String>,
    /// Capture group; default: group 1 where there is one, else the whole match.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) group: Option<usize>,
    /// Which match, where there are several: by default the first of `regex`, and the last JSON in
    /// which the path of `json` leads to a value, since drafts stand before the final one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) which: Option<RawWhich>,
    /// JSONPath into JSON in the answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) json: Option<String>,
}

/// Which of several matches.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum RawWhich {
    First,
    Last,
}

/// What an invalid answer scores.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum RawInvalid {
    /// 0: the model failed to follow the format.
    #[default]
    Zero,
    /// No score.
    Missing,
}

impl RawInvalid {
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
    fn is_default(&self) -> bool {
        *self == Self::default()
    }
}
