//! Narrowing an answer before it is scored: by a regular expression or a JSONPath.

use std::borrow::Cow;

use evalmark_core::metric::{Extract, ParamError, Which};
use regex::Regex;
use serde_json::Value;
use serde_json_path::JsonPath;

use crate::{json_compare::plain, json_in_text};

/// A compiled `extract:`.
#[derive(Debug)]
pub(crate) enum Extractor {
    Regex { pattern: Regex, group: usize, which: Which },
    Json { path: JsonPath, which: Which },
}

/// What was extracted, and what there is to say of it.
#[derive(Debug)]
pub(crate) struct Found<'a> {
    pub(crate) text: Cow<'a, str>,
    pub(crate) remark: Option<Cow<'static, str>>,
}

impl Extractor {
    pub(crate) fn compile(extract: &Extract) -> Result<Self, ParamError> {
        match extract {
            Extract::Regex { pattern, group, which } => {
                let pattern = compile_pattern(pattern, "/extract/regex")?;
                let groups = pattern.captures_len() - 1;
                let group = group.unwrap_or(groups.min(1));
                if group > groups {
                    let message =
                        format!("the pattern has {groups} groups; there is no group {group}");
                    return Err(ParamError { pointer: "/extract/group".to_owned(), message });
                }
                Ok(Self::Regex { pattern, group, which: *which })
            }
            Extract::Json { path, which } => match JsonPath::parse(path) {
                Ok(path) => Ok(Self::Json { path, which: which.unwrap_or(Which::Last) }),
                Err(error) => Err(ParamError {
                    pointer: "/extract/json".to_owned(),
                    message: format!("not a JSONPath (RFC 9535): {error}"),
                }),
            },
        }
    }

    /// The pattern, where there is one.
    pub(crate) fn pattern(&self) -> &str {
        match self {
            Self::Regex { pattern, .. } => pattern.as_str(),
            Self::Json { .. } => "",
        }
    }

    /// The part that counts, or why there is none.
    pub(crate) fn extract<'a>(&self, answer: &'a str) -> Result<Found<'a>, String> {
        match self {
            Self::Regex { pattern, group, which } => {
                let mut matches =
                    pattern.captures_iter(answer).filter_map(|found| found.get(*group));
                let found = match which {
                    Which::First => matches.next(),
                    Which::Last => matches.last(),
                };
                let found = found.ok_or("nothing in the answer matches `extract`")?;
                Ok(Found { text: Cow::Borrowed(found.as_str()), remark: None })
            }
            Self::Json { path, which } => by_path(path, *which, answer),
        }
    }
}

/// The one value that `path` leads to, in the first or the last JSON of the answer in which it leads
/// anywhere: drafts stand before what is final.
fn by_path<'a>(path: &JsonPath, which: Which, answer: &str) -> Result<Found<'a>, String> {
    let (mut seen, mut found, mut drafts) = (false, None, false);
    for value in json_in_text::values(answer) {
        seen = true;
        let nodes = path.query(&value);
        let next = match nodes.len() {
            0 => continue,
            1 => nodes.first().map_or_else(|| Err(String::new()), as_text),
            n => Err(format!("`extract` leads to {n} values in the answer's JSON")),
        };
        drafts |= found.as_ref().is_some_and(|before| *before != next);
        found = Some(next);
        if which == Which::First {
            break;
        }
    }
    let nothing =
        if seen { "`extract` leads nowhere in the answer's JSON" } else { "no JSON in the answer" };
    let text = found.unwrap_or_else(|| Err(nothing.to_owned()))?;
    let remark = drafts.then_some("the last of several values".into());
    Ok(Found { text: Cow::Owned(text), remark })
}

/// Strings without quotes, other scalars and structures as compact JSON. `null` is nothing.
fn as_text(value: &Value) -> Result<String, String> {
    match value {
        Value::Null => Err("`extract` leads to null in the answer's JSON".to_owned()),
        other => Ok(plain(other)),
    }
}

/// Compiles a pattern; a complaint about what linear time rules out says what to write instead.
pub(crate) fn compile_pattern(pattern: &str, pointer: &str) -> Result<Regex, ParamError> {
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
        ParamError { pointer: pointer.to_owned(), message: format!("{error}{hint}") }
    })
}
