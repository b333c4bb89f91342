//! Traces and assessments, as `MLflow`'s API writes them.

use std::collections::HashMap;

use serde::Deserialize;
use serde_json::Value;

/// A trace, without its spans.
#[derive(Debug, Deserialize)]
pub(crate) struct TraceInfo {
    pub(crate) trace_id: String,
    /// Seconds, as `0.002s`.
    #[serde(default)]
    pub(crate) execution_duration: Option<String>,
    #[serde(default)]
    pub(crate) state: String,
    #[serde(default)]
    pub(crate) request_preview: Option<String>,
    #[serde(default)]
    pub(crate) response_preview: Option<String>,
    #[serde(default)]
    pub(crate) trace_metadata: HashMap<String, String>,
    #[serde(default)]
    pub(crate) assessments: Vec<Assessment>,
}

/// What somebody or something says of a trace.
#[derive(Debug, Deserialize)]
pub(crate) struct Assessment {
    #[serde(rename = "assessment_name")]
    pub(crate) name: String,
    #[serde(default)]
    pub(crate) source: AssessmentSource,
    #[serde(default)]
    pub(crate) span_id: Option<String>,
    #[serde(default)]
    pub(crate) create_time: String,
    #[serde(default)]
    pub(crate) feedback: Option<Feedback>,
    #[serde(default)]
    pub(crate) expectation: Option<Expectation>,
    #[serde(default)]
    pub(crate) rationale: Option<String>,
    #[serde(default)]
    pub(crate) metadata: HashMap<String, String>,
    /// `false` where a later one replaces it.
    #[serde(default)]
    pub(crate) valid: Option<bool>,
}

/// Who assessed.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct AssessmentSource {
    #[serde(default)]
    pub(crate) source_type: String,
}

/// A score, or why there is none.
#[derive(Debug, Deserialize)]
pub(crate) struct Feedback {
    #[serde(default)]
    pub(crate) value: Value,
    #[serde(default)]
    pub(crate) error: Option<AssessmentError>,
}

/// Why a scorer gave nothing.
#[derive(Debug, Deserialize)]
pub(crate) struct AssessmentError {
    #[serde(default)]
    pub(crate) error_code: String,
    #[serde(default)]
    pub(crate) error_message: String,
}

/// What is expected of an answer.
#[derive(Debug, Deserialize)]
pub(crate) struct Expectation {
    #[serde(default)]
    pub(crate) value: Value,
    #[serde(default)]
    pub(crate) serialized_value: Option<SerializedValue>,
}

/// A value that is no plain one.
#[derive(Debug, Deserialize)]
pub(crate) struct SerializedValue {
    #[serde(default)]
    pub(crate) value: String,
}
