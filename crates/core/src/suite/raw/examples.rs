//! A prompt's examples, as they are written.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::dataset::Format;

/// Rows that the prompt shows as examples before it asks (few-shot), never the item itself.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawExamples {
    /// How many; 0 shows none.
    #[schemars(range(min = 0, max = 1000))]
    pub(crate) count: u32,
    /// csv, tsv, jsonl, json or parquet file with the examples, relative to the suite file; default:
    /// the suite's dataset.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) path: Option<String>,
    /// Its format, where the file's extension does not show it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) format: Option<Format>,
    /// How they are chosen. Default: `per_item`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) choose: Option<RawChoose>,
    /// What the choice depends on besides the item. Default: 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) seed: Option<u64>,
    /// Column whose values are shown equally often, as far as there are enough of each.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) balance: Option<String>,
    /// Whether examples are turns of the conversation, before the last user message. Default: yes,
    /// unless a template of the prompt names the variable `examples`, which holds their rows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) turns: Option<bool>,
    /// Template of what the user says in such a turn; default: the prompt's last user message.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) user: Option<String>,
    /// Template of what the assistant answers; default: the dataset's `target`, the first of several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) assistant: Option<String>,
}

/// How examples are chosen.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum RawChoose {
    /// Drawn for each item.
    PerItem,
    /// Drawn once: every item is shown the same, except itself.
    Once,
    /// The first of the file.
    First,
}
