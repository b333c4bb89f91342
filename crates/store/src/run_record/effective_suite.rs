//! The suite as a run understood it: kept word for word, and read where later commands ask.

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};
use serde_json::{Map, Value};

/// A suite as a run understood it. It is written as it was read; what of it is asked for later was
/// checked while it was read.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct EffectiveSuite {
    value: Value,
    kept: KeptSuite,
}

/// What later commands ask of a suite; earlier versions may have kept less.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
struct KeptSuite {
    dataset: Option<KeptDataset>,
    models: Vec<KeptModel>,
    metrics: Vec<KeptMetric>,
}

#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
struct KeptDataset {
    target: Option<TargetColumns>,
}

#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(untagged)]
enum TargetColumns {
    One(String),
    Many(Vec<String>),
}

/// A model of a suite that a run kept.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct KeptModel {
    /// The name in the suite.
    pub name: String,
    /// Who serves it.
    #[serde(default)]
    pub provider: Value,
    /// What it is called there.
    #[serde(default)]
    pub model: Value,
    /// What every request to it holds.
    #[serde(default)]
    pub params: Value,
}

/// A metric of a suite that a run kept.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct KeptMetric {
    /// The name in the suite.
    pub name: String,
    /// The least score that passes, where the suite says.
    #[serde(default)]
    pub threshold: Option<f64>,
    /// Whether scores are turned around.
    #[serde(default, rename = "not")]
    pub negate: bool,
    /// Everything else, the metric's kind with its parameters among it.
    #[serde(flatten)]
    settings: Map<String, Value>,
}

impl EffectiveSuite {
    /// All of it.
    pub fn value(&self) -> &Value {
        &self.value
    }

    /// Its models, in its order.
    pub fn models(&self) -> &[KeptModel] {
        &self.kept.models
    }

    /// Its metrics, in its order.
    pub fn metrics(&self) -> &[KeptMetric] {
        &self.kept.metrics
    }

    /// The metric of this name.
    pub fn metric(&self, name: &str) -> Option<&KeptMetric> {
        self.kept.metrics.iter().find(|metric| metric.name == name)
    }

    /// The columns that targets come from; `None` where a run of an earlier version does not tell.
    pub fn target_columns(&self) -> Option<Vec<&str>> {
        let dataset = self.kept.dataset.as_ref()?;
        Some(match &dataset.target {
            None => Vec::new(),
            Some(TargetColumns::One(column)) => vec![column],
            Some(TargetColumns::Many(columns)) => columns.iter().map(String::as_str).collect(),
        })
    }
}

impl KeptMetric {
    /// One of its settings, such as the parameters of its kind.
    pub fn setting(&self, name: &str) -> Option<&Value> {
        self.settings.get(name)
    }
}

impl TryFrom<Value> for EffectiveSuite {
    type Error = serde_json::Error;

    fn try_from(value: Value) -> Result<Self, serde_json::Error> {
        let kept = Option::<KeptSuite>::deserialize(&value)?.unwrap_or_default();
        Ok(Self { value, kept })
    }
}

impl Serialize for EffectiveSuite {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.value.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for EffectiveSuite {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::try_from(Value::deserialize(deserializer)?).map_err(D::Error::custom)
    }
}
