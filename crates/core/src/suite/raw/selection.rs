//! What a suite selects of its dataset, and what it holds of it to be true.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::RawNames;
use crate::dataset::ColumnType;

/// One part of the dataset: by a column, or by shares.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawSplit {
    /// Column that names each row's part.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) column: Option<String>,
    /// Names of parts with their shares, such as `{ train: 0.8, test: 0.2 }`. An item falls into one by a
    /// hash of its id (or its cluster, or its content), and stays in it when the dataset grows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<BTreeMap<String, f64>>")]
    pub(crate) parts: Option<Map<String, Value>>,
    /// The part, or parts, that are used.
    pub(crate) take: RawNames,
    /// Another seed is another split by shares; default 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) seed: Option<u64>,
}

/// Some of the rows, drawn by a seed. Which they are does not depend on the order of the rows.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawSample {
    /// How many; all, where there are fewer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1))]
    pub(crate) n: Option<u64>,
    /// Which share of them, instead of `n`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0.0, max = 1.0))]
    pub(crate) share: Option<f64>,
    /// Another seed is another sample; default 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) seed: Option<u64>,
    /// Column whose values keep their shares in the sample.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) stratify: Option<String>,
}

/// What a column must hold.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawColumn {
    /// What its values are; in a csv file, what their texts are.
    #[serde(default, rename = "type", skip_serializing_if = "Option::is_none")]
    pub(crate) kind: Option<ColumnType>,
    /// Whether every row must have a value that is not empty.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) required: bool,
    /// The values that there may be.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(with = "Vec<serde_json::Value>")]
    pub(crate) values: Vec<Value>,
    /// The smallest number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) min: Option<f64>,
    /// The largest number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) max: Option<f64>,
    /// A regular expression that a value must match somewhere; `^` and `$` stand for its ends.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) pattern: Option<String>,
}
