//! A suite file as it is written: shapes only. Doc comments here are the schema's descriptions.

mod examples;
mod gate;
mod logs;
mod matrix;
mod metric;
mod prompt;
mod receiver;
mod selection;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

pub(crate) use self::{
    examples::{RawChoose, RawExamples},
    gate::{RawCorrection, RawGate, RawGateMetric},
    logs::{
        RawLogFields, RawLogJudges, RawLogSample, RawLogWatch, RawLogs, RawPeriod, RawRedaction,
        RawRedactionKind, RawWatchCycle, RawWatchedEmbedding,
    },
    matrix::RawMatrix,
    metric::{RawExtract, RawInvalid, RawLabels, RawMetric, RawReasoning, RawWhich},
    prompt::{
        RawContent, RawJsonSchema, RawMessage, RawPart, RawPrompt, RawRole, RawTool, RawToolChoice,
        RawToolMode, RawTools,
    },
    receiver::{RawProject, RawReceiver},
    selection::{RawColumn, RawSample, RawSplit},
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
    /// People who are told what became of a run: a list of receivers. They change nothing of the run.
    #[serde(default, skip_serializing)]
    pub(crate) notify: Vec<RawReceiver>,
    /// Products that keep a run's figures: a list of receivers. They change nothing of the run.
    #[serde(default, skip_serializing)]
    pub(crate) export: Vec<RawReceiver>,
    /// Where production logs are, and what their lines hold.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) logs: Option<RawLogs>,
}

fn one() -> u32 {
    1
}

/// Where the items come from.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawDataset {
    /// csv, tsv, jsonl, json, yaml, xlsx, parquet or arrow file, relative to the suite file; it may be
    /// compressed with gzip or zstd (`data.csv.gz`). A folder, or a pattern such as `data/*.csv`, stands
    /// for all files of that format, in the order of their names.
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
    /// The encoding of a text file, such as `utf-8`, `utf-16`, `windows-1252` or `shift_jis`. Default: what
    /// a byte order mark says, else UTF-8; where the file is not that, a guess, which is told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) encoding: Option<String>,
    /// The way to the list of rows in a json or yaml file, such as `data.items`, or `/data/my.items`
    /// where a key has a point in it. Default: the file is that list.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) rows: Option<String>,
    /// The sheet of an xlsx file. Default: the first that is shown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) sheet: Option<String>,
    /// The row of a sheet that names the columns, from 1. Default: the first that is not empty.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 1_048_576))]
    pub(crate) header_row: Option<u32>,
    /// Computed columns: names with expressions over the others, such as `{ short: "text | length < 80" }`; a
    /// later one may use an earlier one. They are columns like any other.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<std::collections::BTreeMap<String, String>>")]
    pub(crate) columns: Option<Map<String, Value>>,
    /// Expression over the columns, such as `language == "de"`: rows for which it is true are the items.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) filter: Option<String>,
    /// One part of the rows that the filter leaves.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) split: Option<RawSplit>,
    /// Some of the rows that the split leaves, drawn by a seed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) sample: Option<RawSample>,
    /// The first so many of the rows that are left.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1))]
    pub(crate) limit: Option<u64>,
    /// By column: what it must hold in every selected row. Whatever does not is told before anything is
    /// asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) schema: Option<std::collections::BTreeMap<String, RawColumn>>,
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
    /// `split` takes reasoning that stands in the text of its answers, such as `<think>…</think>`, off
    /// the text and keeps it apart, for servers that do not. Default: texts stay as they came.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) reasoning: Option<RawModelReasoning>,
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

/// What becomes of reasoning in the text of a model's answers.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum RawModelReasoning {
    /// It is taken off the text and kept apart.
    Split,
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
    /// The most requests in flight at once; default 16, and 4 of a program. Fewer are sent where the server refuses
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

/// US dollars per million tokens; no token costs more than one.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawPrice {
    /// Prompt tokens.
    #[schemars(range(min = 0.0, max = 1_000_000.0))]
    pub(crate) input: f64,
    /// Answer tokens.
    #[schemars(range(min = 0.0, max = 1_000_000.0))]
    pub(crate) output: f64,
    /// Prompt tokens that the provider had in its cache. Default: as `input`.
    #[schemars(range(min = 0.0, max = 1_000_000.0))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) cached_input: Option<f64>,
    /// Prompt tokens that the provider put into its cache. Default: as `input`.
    #[schemars(range(min = 0.0, max = 1_000_000.0))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) cache_write: Option<f64>,
    /// Answer tokens that were used for reasoning. Default: as `output`.
    #[schemars(range(min = 0.0, max = 1_000_000.0))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) reasoning: Option<f64>,
    /// The share that a batch API takes off. Default: the price list's, else 0.5 where there is one.
    #[schemars(range(min = 0.0, max = 1.0))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) batch_discount: Option<f64>,
}
