//! Where something stands in a response: by a JSONPath, or by a regular expression.

use std::{borrow::Cow, cell::OnceCell, collections::BTreeMap};

use evalmark_core::provider::OptionProblem;
use regex::Regex;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, value::RawValue};
use serde_json_path::{JsonPath, LocatedNode, NormalizedPath, PathElement};

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

    /// What stands at a place, as a text. Numbers that are written otherwise than they are read, such as
    /// those of many digits, stay as they are written.
    fn plain(&self, one: &LocatedNode<'_>) -> Option<String> {
        let written = || raw_at(self.text.trim_start_matches('\u{feff}'), one.location());
        let number = one.node().is_f64().then(written).flatten();
        number.map(str::to_owned).or_else(|| plain(one.node()))
    }

    /// Why it is no JSON, where someone looked for JSON in it.
    pub(super) fn broken(&self) -> Option<serde_json::Error> {
        self.json.get()?.as_ref().err()?;
        serde_json::from_str::<Value>(self.text).err()
    }
}

/// What is written at a place in JSON.
fn raw_at<'a>(json: &'a str, place: &NormalizedPath<'_>) -> Option<&'a str> {
    let mut raw: &RawValue = serde_json::from_str(json).ok()?;
    for element in place.iter() {
        raw = match element {
            PathElement::Name(name) => {
                let map: BTreeMap<Cow<'_, str>, &RawValue> =
                    serde_json::from_str(raw.get()).ok()?;
                map.get(*name).copied()?
            }
            PathElement::Index(i) => {
                let list: Vec<&RawValue> = serde_json::from_str(raw.get()).ok()?;
                list.get(*i).copied()?
            }
        };
    }
    Some(raw.get())
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
            By::Json(path) => {
                let found = path.query_located(body.json()?).all();
                match found.as_slice() {
                    [] => None,
                    [one] => Some(one.node().clone()).filter(|value| !value.is_null()),
                    several => {
                        let texts = several.iter().filter_map(|one| body.plain(one));
                        Some(Value::String(texts.collect()))
                    }
                }
            }
            By::Regex(regex) => {
                let found = regex.captures(body.text)?;
                let group = found.get(1).or_else(|| found.get(0))?;
                Some(Value::String(group.as_str().to_owned()))
            }
        }
    }

    /// The same as a text; a number as the response has it.
    pub(super) fn text(&self, body: &Body<'_>) -> Option<String> {
        if let By::Json(path) = &self.by
            && let [one] = path.query_located(body.json()?).all().as_slice()
        {
            return body.plain(one);
        }
        plain(&self.value(body)?)
    }

    /// Whether it stands at one place only: the texts of several, joined, are no number.
    fn is_at_one_place(&self, body: &Body<'_>) -> bool {
        match &self.by {
            By::Json(path) => body.json().is_some_and(|json| path.query(json).len() == 1),
            By::Regex(_) => true,
        }
    }

    /// A number that is not negative, also as a text; `None` where several stand there.
    pub(super) fn amount(&self, body: &Body<'_>) -> Option<f64> {
        if !self.is_at_one_place(body) {
            return None;
        }
        let amount: f64 = self.text(body)?.trim().parse().ok()?;
        (0.0..f64::INFINITY).contains(&amount).then_some(amount)
    }

    /// A count of tokens; `None` where several stand there.
    pub(super) fn count(&self, body: &Body<'_>) -> Option<u64> {
        if !self.is_at_one_place(body) {
            return None;
        }
        let raw = RawValue::from_string(self.value(body)?.to_string()).ok()?;
        count(&raw)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_stay_as_they_are_written() {
        let body = r#"{"a":{"id":12345678901234567890123,"x":[1.50,2]},"n":7,"t":"x","u":1e3}"#;
        for (path, expected) in [
            ("$.a.id", "12345678901234567890123"),
            ("$.a.x[0]", "1.50"),
            ("$.a.x[*]", "1.502"),
            ("$.n", "7"),
            ("$.t", "x"),
            ("$.u", "1e3"),
        ] {
            let find = Find::path(path, "").expect(path);
            let text = find.text(&Body::of(body));
            assert_eq!(text.as_deref(), Some(expected), "{path}");
        }
        for (path, expected) in [("$.n", Some(7.0)), ("$.a.x[0]", Some(1.5)), ("$.a.x[*]", None)] {
            let amount = Find::path(path, "").expect(path).amount(&Body::of(body));
            assert_eq!(amount, expected, "{path}");
        }
        let several = Find::path("$.usage.*", "").expect("a path");
        let usage = Body::of(r#"{"usage":{"in":5,"out":1,"all":6}}"#);
        assert_eq!((several.amount(&usage), several.count(&usage)), (None, None));
        let count = Find::path("$.u", "").expect("a path").count(&Body::of(body));
        assert_eq!(count, Some(1000));
        assert_eq!(Find::path("$.z", "").expect("a path").text(&Body::of(body)), None);
    }
}
