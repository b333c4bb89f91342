//! Calls of tools in the form that all protocols have in common.

use evalmark_core::message::ToolCall;
use serde_json::{Value, json};

/// The answer of a model that says nothing and calls tools.
pub(super) fn as_json(calls: &[ToolCall]) -> String {
    let call = |ToolCall { id, name, arguments }: &ToolCall| {
        let function = json!({ "name": name, "arguments": arguments });
        json!({ "id": id, "type": "function", "function": function })
    };
    Value::from(calls.iter().map(call).collect::<Vec<_>>()).to_string()
}
