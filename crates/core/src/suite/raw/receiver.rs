//! Receivers of verdicts, as they are written.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::receiver::Occasion;

/// A receiver: exactly one kind, written as a key with its parameters.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub(crate) struct RawReceiver {
    /// Name that messages call it by; default: its kind.
    #[serde(default)]
    pub(crate) name: Option<String>,
    /// When it is told. Default: under `notify` on `regressed`, `inconclusive` and `incomplete`, under `export` `always`.
    #[serde(default)]
    #[schemars(length(min = 1))]
    pub(crate) on: Option<Vec<Occasion>>,
    /// Template (minijinja) for its messages instead of evalmark's own, relative to the file that names it.
    #[serde(default)]
    pub(crate) template: Option<String>,
    /// The kinds; their schemas come from whoever knows them.
    #[serde(flatten)]
    pub(crate) kinds: Map<String, Value>,
}

/// The file `evalmark.yaml`: what holds for every suite below it.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawProject {
    /// People who are told what became of a run.
    #[serde(default)]
    pub(crate) notify: Vec<RawReceiver>,
    /// Products that keep a run's figures.
    #[serde(default)]
    pub(crate) export: Vec<RawReceiver>,
}
