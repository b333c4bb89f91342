//! Tools that a model may call, free of any protocol.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// What a request says of tools.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Tools {
    /// The tools, at least one.
    pub tools: Vec<Tool>,
    /// Which of them the model calls; `None`: as the provider has it, which is `auto` everywhere.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tool_choice: Option<ToolChoice>,
}

/// A function that a model may call.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tool {
    /// Its name.
    pub name: String,
    /// What it does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// JSON Schema of its arguments, an object.
    #[serde(default = "no_arguments")]
    pub parameters: Value,
}

/// Which tool a model calls.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ToolChoice {
    /// Any or none, as the model thinks fit.
    Auto,
    /// None.
    None,
    /// Any, but one.
    Required,
    /// This one.
    Name(String),
}

fn no_arguments() -> Value {
    serde_json::json!({ "type": "object", "properties": {} })
}
