//! The body of a request: JSON with placeholders in its texts, or a text.

use evalmark_core::{fields::Fields, provider::OptionProblem};
use evalmark_net::HeaderValue;
use serde_json::Value;

use super::{
    settings::at,
    template::{JsonTemplate, Text},
};

#[derive(Debug)]
pub(super) enum BodyTemplate {
    Json(JsonTemplate),
    Text(Text),
}

impl BodyTemplate {
    pub(super) fn compile(body: &Value) -> Result<Self, Vec<OptionProblem>> {
        let of_text = body.as_str().map(|text| (text, serde_json::from_str::<Value>(text).ok()));
        let json = match &of_text {
            None => body,
            Some((_, Some(json))) if json.is_object() || json.is_array() => json,
            Some((text, _)) => {
                if text.trim_start().starts_with(['{', '[']) && !text.trim_start().starts_with("{{")
                {
                    let message = "the body begins like JSON and is none";
                    let hint = "write it as a mapping, or put the placeholders into quotes: `{\"question\": \"{{ prompt }}\"}`";
                    return Err(vec![OptionProblem::new("/body", message).hint(hint)]);
                }
                let text = Text::compile("body", text).map_err(|e| vec![at("/body")(e)])?;
                return Ok(Self::Text(text));
            }
        };
        let mut problems = Vec::new();
        let template = JsonTemplate::compile("body", json, "/body", &mut problems);
        if problems.is_empty() {
            return Ok(Self::Json(template));
        }
        // The places within a text are none of the suite's.
        let place = |pointer: String| if of_text.is_some() { "/body".to_owned() } else { pointer };
        Err(problems
            .into_iter()
            .map(|(pointer, message)| OptionProblem::new(place(pointer), message))
            .collect())
    }

    /// What it names that nothing fills.
    pub(super) fn unfilled(&self) -> Option<String> {
        match self {
            Self::Json(template) => template.unfilled(),
            Self::Text(text) => text.unfilled(),
        }
    }

    pub(super) fn content_type(&self) -> HeaderValue {
        HeaderValue::from_static(match self {
            Self::Json(_) => "application/json",
            Self::Text(_) => "text/plain; charset=utf-8",
        })
    }

    pub(super) fn render(&self, fields: &Fields) -> Result<Vec<u8>, String> {
        match self {
            Self::Json(template) => Ok(template.render(fields)?.to_string().into_bytes()),
            Self::Text(text) => Ok(text.render(fields)?.into_bytes()),
        }
    }
}
