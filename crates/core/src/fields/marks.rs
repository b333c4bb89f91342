//! What a row says beyond its values: digits that no JSON value of this program can hold, values that cannot
//! be used, and remarks, each by JSON pointer.

use std::{collections::BTreeMap, fmt::Write};

use serde_json::Value;

use super::pointer_to;

/// What a row says beyond its values, by JSON pointer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Marks {
    numbers: BTreeMap<String, String>,
    unusable: BTreeMap<String, Unusable>,
    pub(super) remarks: Vec<String>,
}

/// A value that cannot be used; it stands as null among the values.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Unusable {
    problem: String,
    /// What tells it from others of its kind.
    content: String,
}

impl Marks {
    /// The number at `pointer` as it stands in the file.
    pub fn number(&mut self, pointer: impl Into<String>, text: impl Into<String>) {
        self.numbers.insert(pointer.into(), text.into());
    }

    /// The value at `pointer` cannot be used. `problem` says so after the column's name, e.g. `is
    /// NaN, …`; `content` tells it from other such values.
    pub fn unusable(&mut self, pointer: &str, problem: &str, content: impl Into<String>) {
        let unusable = Unusable { problem: problem.to_owned(), content: content.into() };
        self.unusable.insert(pointer.to_owned(), unusable);
    }

    /// Something that is worth a warning.
    pub fn remark(&mut self, remark: impl Into<String>) {
        self.remarks.push(remark.into());
    }

    pub(super) fn is_empty(&self) -> bool {
        self.numbers.is_empty() && self.unusable.is_empty() && self.remarks.is_empty()
    }

    /// The digits of the number at `pointer`, where the value does not hold them.
    pub(crate) fn digits(&self, pointer: &str) -> Option<&str> {
        self.numbers.get(pointer).map(String::as_str)
    }

    /// Numbers that stand otherwise in the file, with their pointers.
    pub(crate) fn numbers(&self) -> impl Iterator<Item = (&str, &str)> {
        self.numbers.iter().map(|(pointer, digits)| (pointer.as_str(), digits.as_str()))
    }

    /// What stands in the file in the place of a value that cannot be used.
    pub(super) fn unusable_content(&self, pointer: &str) -> Option<&str> {
        self.unusable.get(pointer).map(|unusable| unusable.content.as_str())
    }

    /// What is wrong with the value at `pointer`, if it cannot be used.
    pub(crate) fn problem(&self, pointer: &str) -> Option<String> {
        self.unusable.get(pointer).map(|unusable| name_problem(pointer, unusable))
    }

    /// What is wrong with the value at `pointer` or below.
    pub(super) fn problem_below(&self, pointer: &str) -> Option<String> {
        let mut from = self.unusable.range(pointer.to_owned()..);
        let (at, unusable) = from.find(|(at, _)| is_below(at, pointer))?;
        Some(name_problem(at, unusable))
    }

    /// The value as JSON, with its numbers as they stand in the file.
    pub(crate) fn json(&self, value: &Value, pointer: &str) -> String {
        let mut text = String::new();
        self.write(value, pointer, &mut text, &|digits, _| digits.to_owned());
        text
    }

    /// What an item is known by: as it was before numbers kept their digits, as long as the number
    /// is the same.
    pub(crate) fn identity(&self, value: &Value, pointer: &str) -> String {
        let mut text = String::new();
        self.write(value, pointer, &mut text, &|digits, value| match value {
            Value::Number(number) => {
                let near = number.to_string();
                if is_same_number(digits, &near) { near } else { digits.to_owned() }
            }
            _ => digits.to_owned(),
        });
        text
    }

    fn write(
        &self,
        value: &Value,
        pointer: &str,
        out: &mut String,
        number: &dyn Fn(&str, &Value) -> String,
    ) {
        if let Some(digits) = self.digits(pointer) {
            out.push_str(&number(digits, value));
            return;
        }
        if let Some(unusable) = self.unusable.get(pointer) {
            out.push_str(&unusable.content);
            return;
        }
        match value {
            Value::Array(elements) => {
                for (i, element) in elements.iter().enumerate() {
                    out.push(if i == 0 { '[' } else { ',' });
                    self.write(element, &format!("{pointer}/{i}"), out, number);
                }
                out.push_str(if elements.is_empty() { "[]" } else { "]" });
            }
            Value::Object(map) => {
                for (i, (key, value)) in map.iter().enumerate() {
                    let _ =
                        write!(out, "{}{}:", if i == 0 { '{' } else { ',' }, Value::from(&**key));
                    self.write(value, &pointer_to(pointer, key), out, number);
                }
                out.push_str(if map.is_empty() { "{}" } else { "}" });
            }
            leaf => {
                let _ = write!(out, "{leaf}");
            }
        }
    }
}

fn name_problem(pointer: &str, unusable: &Unusable) -> String {
    let name = pointer.strip_prefix('/').unwrap_or(pointer).replace('/', ".");
    format!("`{}` {}", name.replace("~1", "/").replace("~0", "~"), unusable.problem)
}

fn is_below(pointer: &str, above: &str) -> bool {
    pointer.strip_prefix(above).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// Whether two JSON numbers are the same number, however they are written.
pub(super) fn is_same_number(one: &str, other: &str) -> bool {
    normal(one) == normal(other)
}

/// Sign, digits without zeros at either end, and the power of ten behind them.
fn normal(number: &str) -> Option<(bool, String, i64)> {
    let (is_negative, number) = match number.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, number),
    };
    let (mantissa, exponent) = number.split_once(['e', 'E']).unwrap_or((number, "0"));
    let exponent: i64 = exponent.parse().ok()?;
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = format!("{whole}{fraction}");
    let exponent = exponent.checked_sub(i64::try_from(fraction.len()).ok()?)?;
    let short = digits.trim_end_matches('0');
    let exponent = exponent.checked_add(i64::try_from(digits.len() - short.len()).ok()?)?;
    let short = short.trim_start_matches('0');
    if short.is_empty() {
        return Some((false, String::new(), 0));
    }
    Some((is_negative, short.to_owned(), exponent))
}
