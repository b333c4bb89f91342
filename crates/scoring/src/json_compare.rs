//! Whether two JSON values are equal, under rules, and where they differ first.

use std::{borrow::Cow, fmt::Write};

use serde_json::{Number, Value};

use crate::{
    bipartite_matching::{Budget, pair},
    exact_json::{canonical, long_number, to_string},
    number_in_text::{self, Decimal},
    tolerance::Tolerance,
};

/// What counts as equal.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Rules {
    pub(crate) tolerance: Tolerance,
    /// The order of an array's elements does not matter.
    pub(crate) unordered: bool,
    /// An object may have more keys than the target's.
    pub(crate) subset: bool,
}

/// A step into a value.
#[derive(Clone, Copy, Debug)]
enum Segment<'v> {
    Key(&'v str),
    Index(usize),
}

impl Rules {
    /// Whether `found` equals `target`. Means nothing once the budget is spent.
    pub(crate) fn equal(&self, found: &Value, target: &Value, budget: &Budget) -> bool {
        self.walk(found, target, budget, &mut Vec::new())
    }

    /// Where they differ first, in words; `None` where they are equal.
    pub(crate) fn difference(
        &self,
        found: &Value,
        target: &Value,
        budget: &Budget,
    ) -> Option<String> {
        let mut path = Vec::new();
        let equal = self.walk(found, target, budget, &mut path);
        (!equal).then(|| describe(found, target, &path))
    }

    /// Leaves the way to the first difference in `path`, and `path` as it was where there is none.
    fn walk<'v>(
        &self,
        found: &'v Value,
        target: &'v Value,
        budget: &Budget,
        path: &mut Vec<Segment<'v>>,
    ) -> bool {
        if !budget.spend(1) {
            return false;
        }
        match (found, target) {
            (Value::Number(found), Value::Number(target)) => self.numbers(found, target),
            (found, target) if is_long(found) || is_long(target) => self.long(found, target),
            (Value::Array(found), Value::Array(target)) if self.unordered => {
                self.same_elements(found, target, budget)
            }
            (Value::Array(found), Value::Array(target)) => {
                let same = found.iter().zip(target).enumerate().all(|(i, (found, target))| {
                    path.push(Segment::Index(i));
                    self.walk(found, target, budget, path) && path.pop().is_some()
                });
                same && found.len() == target.len()
            }
            (Value::Object(found), Value::Object(target)) => {
                let same = target.iter().all(|(key, target)| {
                    path.push(Segment::Key(key));
                    let found = found.get(key);
                    found.is_some_and(|found| self.walk(found, target, budget, path))
                        && path.pop().is_some()
                });
                let more = found.keys().find(|key| !target.contains_key(*key));
                path.extend(more.filter(|_| same && !self.subset).map(|key| Segment::Key(key)));
                same && (self.subset || more.is_none())
            }
            (found, target) => found == target,
        }
    }

    fn same_elements(&self, found: &[Value], target: &[Value], budget: &Budget) -> bool {
        found.len() == target.len()
            && pair(found.len(), target.len(), budget, |i, k| {
                self.equal(&found[i], &target[k], budget)
            })
            .iter()
            .all(Option::is_some)
    }

    /// The same, where one of them has more digits than 64 bits hold.
    fn long(&self, found: &Value, target: &Value) -> bool {
        let (Some(found), Some(target)) = (number(found), number(target)) else { return false };
        let whole = number_in_text::whole;
        canonical(&found) == canonical(&target)
            || whole(&found)
                .zip(whole(&target))
                .is_some_and(|(found, target)| self.tolerance.allows(&found, &target))
    }

    /// 1, 1.0 and 1e0 are one number.
    fn numbers(&self, found: &Number, target: &Number) -> bool {
        found == target
            || decimal(found)
                .zip(decimal(target))
                .is_some_and(|(found, target)| self.tolerance.allows(&found, &target))
    }
}

fn is_long(value: &Value) -> bool {
    long_number(value).is_some()
}

/// The text of a number, however long.
fn number(value: &Value) -> Option<Cow<'_, str>> {
    match value {
        Value::Number(number) => Some(number.to_string().into()),
        value => long_number(value).map(Cow::Borrowed),
    }
}

fn decimal(number: &Number) -> Option<Decimal> {
    number_in_text::whole(&number.to_string())
}

fn describe(found: &Value, target: &Value, path: &[Segment<'_>]) -> String {
    let place = written(path);
    match (at(found, path), at(target, path)) {
        (None, _) => format!("`{place}` is missing"),
        (_, None) => format!("`{place}` is not in the target"),
        (Some(Value::Array(found)), Some(Value::Array(target))) if found.len() != target.len() => {
            format!("`{place}` has {} elements, not {}", found.len(), target.len())
        }
        (Some(Value::Array(_)), Some(Value::Array(_))) => {
            format!("`{place}` has other elements than the target")
        }
        (Some(found), Some(target)) => {
            format!("`{place}` is {}, not {}", short(found), short(target))
        }
    }
}

fn at<'v>(value: &'v Value, path: &[Segment<'_>]) -> Option<&'v Value> {
    path.iter().try_fold(value, |value, segment| match segment {
        Segment::Key(key) => value.get(key),
        Segment::Index(index) => value.get(index),
    })
}

/// The path as JSONPath has it, without its rarer quotes.
fn written(path: &[Segment<'_>]) -> String {
    let mut out = "$".to_owned();
    for segment in path {
        let _ = match segment {
            Segment::Key(key) if is_plain(key) => write!(out, ".{key}"),
            Segment::Key(key) => write!(out, "[{:?}]", clip(key)),
            Segment::Index(index) => write!(out, "[{index}]"),
        };
    }
    out
}

fn is_plain(key: &str) -> bool {
    !key.is_empty() && key.len() <= 60 && key.chars().all(|c| c.is_alphanumeric() || c == '_')
}

/// A scalar as JSON, cut short; the name of a structure.
pub(crate) fn short(value: &Value) -> String {
    match value {
        Value::Array(_) => "an array".to_owned(),
        Value::Object(_) => "an object".to_owned(),
        value if is_long(value) => clip(&plain(value)),
        Value::String(text) => format!("{:?}", clip(text)),
        other => other.to_string(),
    }
}

/// A string without quotes, anything else as compact JSON.
pub(crate) fn plain(value: &Value) -> String {
    match long_number(value).or_else(|| value.as_str()) {
        Some(text) => text.to_owned(),
        None => to_string(value),
    }
}

/// The first 60 characters.
pub(crate) fn clip(text: &str) -> String {
    text.chars().take(60).collect()
}
