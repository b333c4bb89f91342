//! Tools as chat completions have them.

use evalmark_core::tools::{Tool, ToolChoice, Tools};
use serde_json::{Value, json};

/// `tools` and `tool_choice`.
pub(super) fn written(tools: &Tools) -> (Option<Value>, Option<Value>) {
    let choice = tools.tool_choice.as_ref().map(|choice| match choice {
        ToolChoice::Auto => json!("auto"),
        ToolChoice::None => json!("none"),
        ToolChoice::Required => json!("required"),
        ToolChoice::Name(name) => json!({ "type": "function", "function": { "name": name } }),
    });
    (Some(functions(tools)), choice)
}

/// The tools: functions with their parameters.
pub(in crate::providers) fn functions(tools: &Tools) -> Value {
    let function = |Tool { name, description, parameters }: &Tool| {
        let mut function = json!({ "name": name, "parameters": parameters });
        if let Some(description) = description {
            function["description"] = description.as_str().into();
        }
        json!({ "type": "function", "function": function })
    };
    tools.tools.iter().map(function).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tools_are_functions() {
        let check = |tool_choice, expected: Option<Value>| {
            let parameters = json!({ "type": "object" });
            let description = Some("adds".to_owned());
            let tools = vec![Tool { name: "add".to_owned(), description, parameters }];
            let (tools, choice) = written(&Tools { tools, tool_choice });
            let function = json!({
                "name": "add", "parameters": { "type": "object" }, "description": "adds",
            });
            assert_eq!(tools, Some(json!([{ "type": "function", "function": function }])));
            assert_eq!(choice, expected);
        };
        check(None, None);
        check(Some(ToolChoice::Auto), Some(json!("auto")));
        check(Some(ToolChoice::None), Some(json!("none")));
        check(Some(ToolChoice::Required), Some(json!("required")));
        let named = json!({ "type": "function", "function": { "name": "add" } });
        check(Some(ToolChoice::Name("add".to_owned())), Some(named));
    }
}
