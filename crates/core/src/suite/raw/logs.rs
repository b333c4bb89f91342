//! Where production logs are and what their lines hold, as it is written.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::RawNames;

/// How production logs are read by `evalmark monitor`.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawLogs {
    /// Files, folders or patterns such as `logs/*.jsonl`, relative to the suite file, or
    /// `elasticsearch:https://SERVER/INDEX`, or objects of a store such as `s3://BUCKET/logs/*.jsonl?region=…`: what `--from` is where the command line does not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) from: Option<RawNames>,
    /// Where a line of the logs holds what. A path begins with `$`: `$.response.text`,
    /// `$.choices[0].text`, `$['gen_ai.request.model']`. Spans need none: what they hold is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) fields: Option<RawLogFields>,
    /// Which records keep their texts; default: all. Numbers are kept of every record.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) sample: Option<RawLogSample>,
    /// Which records models are asked about, for metrics that a model judges; default: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) judges: Option<RawLogJudges>,
    /// What is taken out of texts before they are stored or sent to a judge.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) redact: Vec<RawRedaction>,
    /// What `evalmark monitor status` watches beside the metrics.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) watch: Option<RawLogWatch>,
}

/// What is watched beside the metrics, and what of it raises alarms.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawLogWatch {
    /// Categories of your own, such as the intent: a name, and the path to its value in a line of the logs.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    #[schemars(with = "BTreeMap<String, String>")]
    pub(crate) categories: Map<String, Value>,
    /// The column, one of `fields.variables`, whose text's language is watched.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) language: Option<String>,
    /// A column whose meaning is watched: how far its texts are from those of the first days, as a model of embeddings has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) embedding: Option<RawWatchedEmbedding>,
    /// The streams that raise alarms beside the metrics; all others are shown. Default: `model`, `outcome`,
    /// `finish_reason` and `missing`. Others are `prompt_hash`, `failed`, `input_chars`, `output_chars`, `latency_ms`,
    /// `input_tokens`, `output_tokens`, `cost_usd`, `language`, `embedding`, and your categories.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) alarm: Option<Vec<String>>,
    /// Which days are tested as one: `week`, within which a weekend may differ, or `day`, which finds drift sooner.
    /// Default: `week`. The model as served is tested every day.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) cycle: Option<RawWatchCycle>,
}

/// A column whose texts become vectors. Those of the records that `logs.judges` draws are asked for, within its budget.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawWatchedEmbedding {
    /// The column, one of `fields.variables`.
    pub(crate) column: String,
    /// Which of the suite's models gives the embeddings, as for the metric `semantic`.
    pub(crate) model: String,
    /// Put before each text, for models that expect one, e.g. `"query: "`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub(crate) prefix: String,
}

/// How many days are tested as one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum RawWatchCycle {
    /// Each day by itself.
    Day,
    /// Seven days.
    Week,
}

/// Paths into a line of the logs.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawLogFields {
    /// The record's own id, such as that of its trace; default: a hash of the line.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) id: Option<String>,
    /// When it was answered: RFC 3339, or seconds, milliseconds, microseconds or nanoseconds since 1970.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) time: Option<String>,
    /// The answer. This one is needed, but for spans.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) output: Option<String>,
    /// What the prompt was filled in with, by dataset column.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    #[schemars(with = "BTreeMap<String, String>")]
    pub(crate) variables: Map<String, Value>,
    /// The prompt's name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) prompt: Option<String>,
    /// The hash of the prompt as it was served.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) prompt_hash: Option<String>,
    /// The model as it was served.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) model: Option<String>,
    /// Tokens of the prompt.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) input_tokens: Option<String>,
    /// Tokens of the answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) output_tokens: Option<String>,
    /// How long the answer took, in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) latency_ms: Option<String>,
    /// What it cost, in US dollars.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) cost_usd: Option<String>,
    /// Why the answer ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) finish_reason: Option<String>,
    /// Why there is no answer. A record that has it failed, whatever else it has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) error: Option<String>,
    /// The right answer, or a list of them, where it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) target: Option<String>,
    /// Whose record it is, such as a session or a user: records that share it are not independent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) cluster: Option<String>,
}

/// Some of the records, drawn by a seed and their ids. Those that failed are always among them.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawLogSample {
    /// Which share of the records, from 0 to 1. This one is needed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) rate: Option<f64>,
    /// Another seed is another sample; default 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) seed: Option<u64>,
    /// Path to what records are told apart by, such as `$.model`, where some of them have a rate of their own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) by: Option<String>,
    /// The rates of some values of `by`; all others have `rate`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) rates: BTreeMap<String, f64>,
}

/// Some of the answered records, drawn by a seed and their ids: those that models are asked about.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawLogJudges {
    /// Which share of the records, more than 0 and at most 1. This one is needed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) rate: Option<f64>,
    /// Another seed is another share; default: that of `sample`, so that the smaller share lies within the larger.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) seed: Option<u64>,
    /// What may be spent in a period, US dollars; records beyond it stay unjudged. Default: no limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) max_cost_usd: Option<f64>,
    /// The same in tokens, of prompts and answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) max_tokens: Option<u64>,
    /// The period, in UTC; default: `day`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) per: Option<RawPeriod>,
}

/// What a budget is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum RawPeriod {
    /// From midnight to midnight.
    Day,
    /// From Monday on.
    Week,
    /// A month of the calendar.
    Month,
}

/// One kind of text that is taken out.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub(crate) enum RawRedaction {
    /// One that is known: `email`, `phone`, `card`, `ip` or `key`.
    Known(RawRedactionKind),
    /// One's own.
    Own(RawOwnRedaction),
}

/// What texts are searched for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum RawRedactionKind {
    /// E-mail addresses.
    Email,
    /// Phone numbers.
    Phone,
    /// Card numbers with the right check digit.
    Card,
    /// IP addresses.
    Ip,
    /// Keys of well-known services, private keys and tokens.
    Key,
}

/// A pattern of one's own.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawOwnRedaction {
    /// What stands in its place, in brackets.
    pub(crate) name: String,
    /// Regular expression; all that it matches is taken out.
    pub(crate) pattern: String,
}
