//! The hash that a prompt is known by: of what it says, wherever that stands.

use std::sync::Arc;

use serde_json::Value;

/// BLAKE3 of the messages and of the files that they include, and of what else the prompt asks for,
/// 32 hexadecimal digits.
pub(crate) fn prompt_hash(prompt: &Value) -> Arc<str> {
    let mut hasher = blake3::Hasher::new_derive_key("evalmark prompt v1");
    hasher.update(prompt["messages"].to_string().as_bytes());
    hasher.update(prompt["included"].to_string().as_bytes());
    for key in ["tools", "tool_choice", "json_schema", "examples"] {
        if let Some(asked) = prompt.get(key) {
            hasher.update(format!("{key} {asked}").as_bytes());
        }
    }
    hasher.finalize().to_hex()[..32].into()
}
