//! Narrowing an answer before it is scored: by a regular expression or a JSONPath.

use std::borrow::Cow;

use evalmark_core::metric::{Complaint, Extract, Which};
use regex::Regex;
use serde_json::Value;
use serde_json_path::JsonPath;

use crate::json_in_text;

/// A compiled `extract:`.
#[derive(Debug)]
pub(crate) enum Extractor {
    Regex { pattern: Regex, group: usize, which: Which },
    Json(JsonPath),
}

impl Extractor {
    pub(crate) fn compile(extract: &Extract) -> Result<Self, Complaint> {
        match extract {
            Extract::Regex { pattern, group, which } => {
                let pattern = compile_pattern(pattern, "/extract/regex")?;
                let groups = pattern.captures_len() - 1;
                let group = group.unwrap_or(groups.min(1));
                if group > groups {
                    let message = format!("the pattern has {groups} groups, and no group {group}");
                    return Err(Complaint { pointer: "/extract/group".to_owned(), message });
                }
                Ok(Self::Regex { pattern, group, which: *which })
            }
            Extract::Json(path) => {
                JsonPath::parse(path).map(Self::Json).map_err(|error| Complaint {
                    pointer: "/extract/json".to_owned(),
                    message: format!("not a JSONPath (RFC 9535): {error}"),
                })
            }
        }
    }

    /// The part that counts, or why there is none.
    pub(crate) fn extract<'a>(&self, answer: &'a str) -> Result<Cow<'a, str>, String> {
        match self {
            Self::Regex { pattern, group, which } => {
                let mut matches =
                    pattern.captures_iter(answer).filter_map(|found| found.get(*group));
                let found = match which {
                    Which::First => matches.next(),
                    Which::Last => matches.last(),
                };
                let found = found.ok_or("nothing in the answer matches `extract`")?;
                Ok(Cow::Borrowed(found.as_str()))
            }
            Self::Json(path) => by_path(path, answer).map(Cow::Owned),
        }
    }
}

/// The one value that `path` leads to, in the first JSON of the answer in which it leads anywhere.
fn by_path(path: &JsonPath, answer: &str) -> Result<String, String> {
    let mut seen = false;
    for value in json_in_text::values(answer) {
        seen = true;
        let nodes = path.query(&value);
        match nodes.len() {
            0 => {}
            1 => return nodes.first().map_or_else(|| Err(String::new()), as_text),
            n => return Err(format!("`extract` leads to {n} values in the answer's JSON")),
        }
    }
    Err(if seen { "`extract` leads nowhere in the answer's JSON" } else { "no JSON in the answer" }
        .to_owned())
}

/// Strings without quotes, other scalars and structures as compact JSON. `null` is nothing.
fn as_text(value: &Value) -> Result<String, String> {
    match value {
        Value::Null => Err("`extract` leads to null in the answer's JSON".to_owned()),
        Value::String(text) => Ok(text.clone()),
        other => Ok(other.to_string()),
    }
}

/// Compiles a pattern; a complaint about what linear time rules out says what to write instead.
pub(crate) fn compile_pattern(pattern: &str, pointer: &str) -> Result<Regex, Complaint> {
    Regex::new(pattern).map_err(|error| {
        let error = error.to_string();
        let hint = if error.contains("look-around") {
            ". Instead of a negative look-around use `not: true` on a metric of its own, and instead \
             of a positive one a capture group (`extract: { regex, group }`)"
        } else if error.contains("backreferences") {
            ". Write the repeated text out, or use a metric of its own for each alternative"
        } else {
            ""
        };
        Complaint { pointer: pointer.to_owned(), message: format!("{error}{hint}") }
    })
}
