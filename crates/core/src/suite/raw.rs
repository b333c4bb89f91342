//! A suite file as it is written: shapes only. Doc comments here are the schema's descriptions.

mod matrix;
mod prompt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

pub(crate) use self::{
    matrix::RawMatrix,
    prompt::{
        RawContent, RawJsonSchema, RawMessage, RawPart, RawPrompt, RawRole, RawTool, RawToolChoice,
        RawToolMode, RawTools,
    },
};
use crate::{dataset::Format, model::AskMode, provider::SettingKey};

/// An evalmark suite: which prompts are asked of which models over which dataset, and how the
/// answers are scored.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawSuite {
    /// Name of the suite, and of its folder under the output folder.
    pub(crate) name: String,
    /// What the suite is for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) description: Option<String>,
    /// The labelled dataset.
    pub(crate) dataset: RawDataset,
    /// Prompt variants.
    #[schemars(length(min = 1))]
    pub(crate) prompts: Vec<RawPrompt>,
    /// Models.
    #[schemars(length(min = 1))]
    pub(crate) models: Vec<RawModel>,
    /// Axes and their values. A model or prompt that has `$(matrix.AXIS)` in it becomes one for each
    /// combination of the axes that it uses.
    #[serde(default, skip_serializing)]
    pub(crate) matrix: Option<RawMatrix>,
    /// How often each item is asked, for each prompt and model.
    #[serde(default = "one")]
    #[schemars(range(min = 1, max = 10000))]
    pub(crate) epochs: u32,
    /// What is measured of every answer.
    #[schemars(length(min = 1))]
    pub(crate) metrics: Vec<RawMetric>,
    /// What decides pass or fail against a baseline.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) gate: Option<RawGate>,
}

fn one() -> u32 {
    1
}

/// Where the items come from.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawDataset {
    /// csv, tsv, jsonl, json or parquet file, relative to the suite file; it may be compressed with
    /// gzip or zstd (`data.csv.gz`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) path: Option<String>,
    /// Where the data comes from, instead of `path`: exactly one kind of source with its
    /// parameters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) source: Option<Map<String, Value>>,
    /// File format, where the file's extension does not show it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) format: Option<Format>,
    /// What separates the cells of a csv or tsv file: one character, or `tab`. Default: the comma
    /// (or tab); where that splits no row, another that splits all rows evenly.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) delimiter: Option<String>,
    /// Column with a unique id; without it an item's id is a hash of its content. Here and below, a
    /// value within a column is named by its path, such as `meta.id`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) id: Option<String>,
    /// Column, or columns, with the right answers; a cell that is a list gives several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) target: Option<RawNames>,
    /// Whether an item may have an empty target; otherwise it is an error.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) allow_empty_target: bool,
    /// Whether an item may have a target that a metric cannot use, such as a word where numbers are
    /// compared; the metric then has no score of that item. Otherwise it is an error.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) allow_unusable_target: bool,
    /// Column whose equal values mark items that are not independent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) cluster: Option<String>,
    /// Columns to break results down by.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) slices: Vec<String>,
    /// Columns that are not part of an item's content, such as notes or other models' answers: an
    /// item stays the same when they change. Columns of recorded models are ignored anyway.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) ignore: Vec<String>,
}

/// One name or several.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub(crate) enum RawNames {
    One(String),
    Several(Vec<String>),
}

impl RawNames {
    pub(crate) fn into_vec(self) -> Vec<String> {
        match self {
            Self::One(name) => vec![name],
            Self::Several(names) => names,
        }
    }
}

/// A model and who serves it.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub(crate) struct RawModel {
    /// Name in this suite.
    pub(crate) name: String,
    /// Who answers: a provider, or a server at `base_url` that speaks its protocol; or `recorded`,
    /// which asks nothing (and may be left out beside `recorded:`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) provider: Option<String>,
    /// The model's name at the provider; default: `name`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) model: Option<String>,
    /// The server's address, without the path that the protocol appends, such as
    /// `/chat/completions`; default: the provider's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) base_url: Option<String>,
    /// Where in the world the provider's server stands, for providers that have several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) region: Option<String>,
    /// Whose account is used, for providers whose address says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) project: Option<String>,
    /// Which version of the protocol is spoken, for providers that ask for one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) api_version: Option<String>,
    /// NAME of the environment variable that holds the key, or several. Default: the provider's usual
    /// one for its own address, none for another `base_url`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) api_key_env: Option<RawNames>,
    /// A program that prints the key, and its arguments, instead of a variable (`--allow-exec`); it
    /// runs again when the server refuses the key.
    #[schemars(length(min = 1))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) api_key_command: Option<Vec<String>>,
    /// When `api_key_command` runs again even so, such as `50m`; default: never.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) api_key_lifetime: Option<String>,
    /// PEM file with certificate authorities to trust for this server, besides the system's;
    /// relative to the suite file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) ca_file: Option<String>,
    /// Where recorded answers are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) recorded: Option<RawRecorded>,
    /// Sampling parameters. What stands under `extra` is sent as it is, whatever the provider.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub(crate) params: Map<String, Value>,
    /// Whether answers come piece by piece. They are the same answers; when their first token came
    /// and how fast the others followed is measured then.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) stream: bool,
    /// How its requests are handed in: `direct`, one by one, or `batch`, many together through the
    /// provider's batch API, which takes up to a day and costs less, often half. Default: `direct`.
    #[serde(default, skip_serializing_if = "is_direct")]
    pub(crate) mode: AskMode,
    /// Limits on calls to the model.
    #[serde(default)]
    pub(crate) limits: RawLimits,
    /// US dollars per million tokens; default: the provider's own list price, where it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) price: Option<RawPrice>,
    /// Whether prompts are run against this model. Default: yes, unless a metric names it as its
    /// judge or for embeddings and another model remains.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) evaluate: Option<bool>,
    /// How it is asked, for providers that leave that to the suite; the schemas come from whoever
    /// knows them.
    #[serde(flatten)]
    pub(crate) options: Map<String, Value>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it with a reference")]
fn is_direct(mode: &AskMode) -> bool {
    *mode == AskMode::Direct
}

impl RawModel {
    /// What it says under a key that only some providers have.
    pub(crate) fn setting(&self, key: SettingKey) -> Option<&str> {
        match key {
            SettingKey::Region => self.region.as_deref(),
            SettingKey::Project => self.project.as_deref(),
            SettingKey::ApiVersion => self.api_version.as_deref(),
        }
    }
}

/// The provider of models that nobody asks.
pub(crate) const RECORDED: &str = "recorded";

/// Where recorded answers are: exactly one of `column`, `columns` and `file`.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawRecorded {
    /// Dataset column with the answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) column: Option<String>,
    /// Dataset columns with the answers, by the name of the prompt that they answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) columns: Option<std::collections::BTreeMap<String, String>>,
    /// JSONL file of answers by request hash, relative to the suite file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) file: Option<String>,
}

/// What a model may use.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawLimits {
    /// The most requests in flight at once; default 16. Fewer are sent where the server refuses
    /// more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 100_000))]
    pub(crate) concurrency: Option<usize>,
    /// The most requests per minute.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1))]
    pub(crate) requests_per_minute: Option<u32>,
    /// The most tokens per minute, of prompts and answers together.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1))]
    pub(crate) tokens_per_minute: Option<u32>,
    /// Time for one attempt, such as `60s`, `500ms` or `2m`; default 60s.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) timeout: Option<String>,
    /// Time for all attempts of one request, from the first, and the waits between them, such as
    /// `10m`; default: as long as the attempts take.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) total_timeout: Option<String>,
    /// Time without a single answer, while requests fail, after which the model is no longer
    /// called, such as `30m`; default 5m.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) give_up_after: Option<String>,
    /// Attempts for one request, the first included; default 6.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 100))]
    pub(crate) attempts: Option<u32>,
    /// Whether a request that takes longer than 99 in 100 is sent a second time, and the first
    /// answer counts; this happens to at most one request in a hundred, and both are paid for.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) hedge: bool,
}

/// US dollars per million tokens.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawPrice {
    /// Prompt tokens.
    #[schemars(range(min = 0.0))]
    pub(crate) input: f64,
    /// Answer tokens.
    #[schemars(range(min = 0.0))]
    pub(crate) output: f64,
    /// Prompt tokens that the provider had in its cache. Default: as `input`.
    #[schemars(range(min = 0.0))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) cached_input: Option<f64>,
    /// Prompt tokens that the provider put into its cache. Default: as `input`.
    #[schemars(range(min = 0.0))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) cache_write: Option<f64>,
    /// Answer tokens that were used for reasoning. Default: as `output`.
    #[schemars(range(min = 0.0))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) reasoning: Option<f64>,
    /// The share that a batch API takes off. Default: the price list's, else 0.5 where there is one.
    #[schemars(range(min = 0.0, max = 1.0))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) batch_discount: Option<f64>,
}

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

/// What decides pass or fail against a baseline.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawGate {
    /// Name of the baseline that `run` compares with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) baseline: Option<String>,
    /// Whether a missing baseline is only a warning. Otherwise a run without its baseline ends with
    /// exit code 4, unless it is started with `--new-baseline`; default: no.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) baseline_optional: bool,
    /// The suite's earlier name, where its baselines were made under that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) baseline_suite: Option<String>,
    /// Whether a baseline keeps the answers of its run: always, or never; default: as long as they
    /// take no more than 5 MB.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) baseline_answers: Option<bool>,
    /// One-sided error rate of each bound; default 0.05.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0.0001, max = 0.4999))]
    pub(crate) alpha: Option<f64>,
    /// Share of items that both runs must have; default 0.95.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0.0, max = 1.0))]
    pub(crate) min_paired: Option<f64>,
    /// How regressions are corrected for the number of comparisons; default: holm.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) correction: Option<RawCorrection>,
    /// Whether a run stops asking as soon as its answer is certain; default: no.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) stop_early: bool,
    /// Gated metrics, and amounts that may not grow: `latency_p95`, `first_token_p95`,
    /// `cost_usd`, `output_tokens`;
    /// default: every metric, each with margin 0.03.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) metrics: Option<std::collections::BTreeMap<String, RawGateMetric>>,
}

/// How regressions are corrected for the number of comparisons.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum RawCorrection {
    /// Holm's step-down procedure.
    Holm,
    /// Max-T by sign flips of whole items: less strict where comparisons share items.
    MaxT,
}

/// One gated metric.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawGateMetric {
    /// The largest acceptable drop (where lower values are better: rise), in units of the metric;
    /// default 0.03, and 3 where values lie in [0, 100]. Of an amount: the largest acceptable growth
    /// as a share of the baseline's; default 0.1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0.0001))]
    pub(crate) margin: Option<f64>,
    /// The lowest acceptable mean; its interval decides, not its point.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) min: Option<f64>,
    /// The same where lower values are better: the largest acceptable mean.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0.0))]
    pub(crate) max: Option<f64>,
}
