//! Where something stands in a response: by a JSONPath, or by a regular expression.

use std::cell::OnceCell;

use evalmark_core::provider::OptionProblem;
use regex::Regex;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, value::RawValue};
use serde_json_path::JsonPath;

use super::plain;
use crate::providers::reported_tokens::count;

/// Where something stands: exactly one of `json` and `regex`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RawFind {
    /// JSONPath into the response, such as `$.reply.text`. Texts at several places are joined.
    #[serde(default)]
    json: Option<String>,
    /// Regular expression over the response; its first group, where it has one, is what counts.
    #[serde(default)]
    regex: Option<String>,
}

/// The same, compiled.
#[derive(Clone, Debug)]
pub(super) struct Find {
    shown: String,
    by: By,
}

#[derive(Clone, Debug)]
enum By {
    Json(JsonPath),
    Regex(Regex),
}

/// The body of a response, parsed when it is needed.
pub(super) struct Body<'a> {
    pub(super) text: &'a str,
    json: OnceCell<Result<Value, serde_json::Error>>,
}

impl<'a> Body<'a> {
    pub(super) fn of(text: &'a str) -> Self {
        Self { text, json: OnceCell::new() }
    }

    fn json(&self) -> Option<&Value> {
        let parse = || serde_json::from_str(self.text.trim_start_matches('\u{feff}'));
        self.json.get_or_init(parse).as_ref().ok()
    }

    /// Why it is no JSON, where someone looked for JSON in it.
    pub(super) fn broken(&self) -> Option<serde_json::Error> {
        self.json.get()?.as_ref().err()?;
        serde_json::from_str::<Value>(self.text).err()
    }
}

impl RawFind {
    /// Compiles it; `pointer` is where it stands.
    pub(super) fn compile(&self, pointer: &str) -> Result<Find, OptionProblem> {
        match (&self.json, &self.regex) {
            (Some(path), None) => Find::path(path, &format!("{pointer}/json")),
            (None, Some(pattern)) => match Regex::new(pattern) {
                Ok(regex) => Ok(Find { shown: pattern.clone(), by: By::Regex(regex) }),
                Err(error) => {
                    let error = error.to_string();
                    let error = error.lines().last().unwrap_or_default();
                    let message = format!("the pattern does not compile: {error}");
                    Err(OptionProblem::new(format!("{pointer}/regex"), message))
                }
            },
            _ => {
                let message = "exactly one of `json` and `regex` says where it stands";
                Err(OptionProblem::new(pointer, message))
            }
        }
    }
}

impl Find {
    /// A JSONPath.
    pub(super) fn path(path: &str, pointer: &str) -> Result<Self, OptionProblem> {
        match JsonPath::parse(path) {
            Ok(json) => Ok(Self { shown: path.to_owned(), by: By::Json(json) }),
            Err(error) => {
                let message = format!("`{path}` is not a JSONPath (RFC 9535): {error}");
                Err(OptionProblem::new(pointer, message).hint("write one like `$.reply.text`"))
            }
        }
    }

    /// As the suite has it.
    pub(super) fn shown(&self) -> &str {
        &self.shown
    }

    /// What stands there; `None` where there is nothing, or null.
    pub(super) fn value(&self, body: &Body<'_>) -> Option<Value> {
        match &self.by {
            By::Json(path) => match path.query(body.json()?).all().as_slice() {
                [] | [Value::Null] => None,
                [one] => Some((*one).clone()),
                several => {
                    let texts: Vec<_> = several.iter().filter_map(|value| plain(value)).collect();
                    Some(Value::String(texts.concat()))
                }
            },
            By::Regex(regex) => {
                let found = regex.captures(body.text)?;
                let group = found.get(1).or_else(|| found.get(0))?;
                Some(Value::String(group.as_str().to_owned()))
            }
        }
    }

    /// The same as a text.
    pub(super) fn text(&self, body: &Body<'_>) -> Option<String> {
        plain(&self.value(body)?)
    }

    /// The same as a count of tokens, where it is one.
    pub(super) fn count(&self, body: &Body<'_>) -> Option<u64> {
        let raw = RawValue::from_string(self.value(body)?.to_string()).ok()?;
        count(&raw)
    }
}
