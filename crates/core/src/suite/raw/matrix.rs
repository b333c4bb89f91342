//! A sweep, as it is written.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// A sweep: what is expanded before anything else is checked.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub(crate) struct RawMatrix {
    /// Combinations that are left out: values of some axes, or of all.
    #[serde(default)]
    pub(crate) exclude: Vec<Map<String, Value>>,
    /// Combinations that are added, each for the models and prompts that use exactly its axes.
    #[serde(default)]
    pub(crate) include: Vec<Map<String, Value>>,
    /// The axes.
    #[serde(flatten)]
    pub(crate) axes: std::collections::BTreeMap<String, RawAxis>,
}

/// The values of an axis: a list of plain ones, or a mapping from what names call them to any.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub(crate) enum RawAxis {
    Listed(Vec<Value>),
    Named(Map<String, Value>),
}
