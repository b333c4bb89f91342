//! Tools as the protocol has them.

use evalmark_core::tools::{Tool, ToolChoice, Tools};
use serde_json::{Map, Value, json};

/// Adds `tools` and `tool_choice`.
pub(super) fn add(body: &mut Map<String, Value>, tools: &Tools) {
    let tool = |Tool { name, description, parameters }: &Tool| {
        let mut tool = json!({ "name": name, "input_schema": parameters });
        if let Some(description) = description {
            tool["description"] = description.as_str().into();
        }
        tool
    };
    body.insert("tools".into(), tools.tools.iter().map(tool).collect());
    if let Some(choice) = &tools.tool_choice {
        let choice = match choice {
            ToolChoice::Auto => json!({ "type": "auto" }),
            ToolChoice::None => json!({ "type": "none" }),
            ToolChoice::Required => json!({ "type": "any" }),
            ToolChoice::Name(name) => json!({ "type": "tool", "name": name }),
        };
        body.insert("tool_choice".into(), choice);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tools_have_schemas_of_their_input() {
        let check = |tool_choice, expected: Option<&Value>| {
            let parameters = json!({ "type": "object" });
            let tools = vec![Tool { name: "add".to_owned(), description: None, parameters }];
            let mut body = Map::new();
            add(&mut body, &Tools { tools, tool_choice });
            let tool = json!({ "name": "add", "input_schema": { "type": "object" } });
            assert_eq!(body["tools"], json!([tool]));
            assert_eq!(body.get("tool_choice"), expected);
        };
        check(None, None);
        check(Some(ToolChoice::Auto), Some(&json!({ "type": "auto" })));
        check(Some(ToolChoice::None), Some(&json!({ "type": "none" })));
        check(Some(ToolChoice::Required), Some(&json!({ "type": "any" })));
        let named = json!({ "type": "tool", "name": "add" });
        check(Some(ToolChoice::Name("add".to_owned())), Some(&named));
    }
}
