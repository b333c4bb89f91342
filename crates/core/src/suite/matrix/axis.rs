//! The matrix as it is written: its axes and their values, and what is left out and put in.

use serde_json::{Map, Number, Value};

use super::Expansion;
use crate::suite::{document::escape, mistake::near_and_known};

/// Characters of a value's text in a name.
const LONGEST_LABEL: usize = 60;

/// A matrix without mistakes.
pub(super) struct Matrix<'a> {
    pub(super) axes: Vec<Axis<'a>>,
    pub(super) exclude: Vec<Rule<'a>>,
    pub(super) include: Vec<Rule<'a>>,
}

/// An axis and its values, at least one.
pub(super) struct Axis<'a> {
    pub(super) name: &'a str,
    pub(super) values: Vec<AxisValue<'a>>,
}

/// A value of an axis.
#[derive(Clone, Debug)]
pub(super) struct AxisValue<'a> {
    /// What it is called in names.
    pub(super) label: String,
    pub(super) value: &'a Value,
    /// Whether it stands in a list, and has no name.
    is_listed: bool,
}

/// Values of some axes: what is excluded or included.
pub(super) struct Rule<'a> {
    /// Where it stands.
    pub(super) pointer: String,
    /// By the axes' numbers.
    pub(super) values: Vec<(usize, AxisValue<'a>)>,
}

impl Matrix<'_> {
    /// The number of the axis with this name.
    pub(super) fn axis(&self, name: &str) -> Option<usize> {
        self.axes.iter().position(|axis| axis.name == name)
    }
}

/// Whether this can be an axis.
pub(super) fn is_name(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-'))
}

/// Reads a matrix; `None` after a mistake.
pub(super) fn read<'a>(matrix: &'a Value, expansion: &mut Expansion<'_>) -> Option<Matrix<'a>> {
    let Some(map) = matrix.as_object() else {
        let hint = "`matrix: { temperature: [0, 0.7] }`".to_owned();
        let message = "`matrix` is a mapping of axes, each with its values".to_owned();
        expansion.complain_with_hint("/matrix", message, Some(hint));
        return None;
    };
    let mut read = Matrix { axes: Vec::new(), exclude: Vec::new(), include: Vec::new() };
    for (name, values) in map.iter().filter(|(name, _)| !is_rule(name)) {
        if let Some(values) = axis(name, values, expansion) {
            read.axes.push(Axis { name, values });
        }
    }
    if read.axes.is_empty() && expansion.mistakes.is_empty() {
        expansion.complain("/matrix", "`matrix` has no axis");
    }
    if expansion.mistakes.is_empty() {
        read.exclude = rules("exclude", map, &read, expansion);
        read.include = rules("include", map, &read, expansion);
    }
    expansion.mistakes.is_empty().then_some(read)
}

fn is_rule(name: &str) -> bool {
    matches!(name, "exclude" | "include")
}

/// The values of an axis: a list of plain ones, or a mapping from what they are called to any.
fn axis<'a>(
    name: &str,
    values: &'a Value,
    expansion: &mut Expansion<'_>,
) -> Option<Vec<AxisValue<'a>>> {
    let at = format!("/matrix/{}", escape(name));
    if !is_name(name) {
        let message = format!("an axis cannot be called `{}`", name.escape_debug());
        let hint = "letters, digits, `_` and `-`, a letter first".to_owned();
        expansion.complain_with_hint(&at, message, Some(hint));
        return None;
    }
    let values: Vec<_> = match values {
        Value::Array(list) => {
            let list = list.iter().enumerate();
            list.filter_map(|(i, value)| listed(&format!("{at}/{i}"), value, expansion)).collect()
        }
        Value::Object(named) => {
            for label in named.keys().filter(|label| !is_label(label)) {
                let below = format!("{at}/{}", escape(label));
                expansion.complain(
                    &below,
                    format!("a value's name is a line of at most {LONGEST_LABEL} characters"),
                );
            }
            let value = |(label, value): (&'a String, _)| {
                let label = label.clone();
                AxisValue { label, value, is_listed: false }
            };
            named.iter().map(value).collect()
        }
        _ => {
            let hint =
                format!("`{name}: [a, b]`, or with names for them: `{name}: {{ a: …, b: … }}`");
            let message = format!("the axis `{name}` needs a list of values");
            expansion.complain_with_hint(&at, message, Some(hint));
            return None;
        }
    };
    if values.is_empty() && expansion.mistakes.is_empty() {
        expansion.complain(&at, format!("the axis `{name}` has no values"));
    }
    for (i, value) in values.iter().enumerate() {
        let same = values[..i].iter().find(|other| is_same(other, value));
        if let Some(other) = same {
            let message = if other.label == value.label {
                format!("the axis `{name}` has `{}` twice", value.label)
            } else {
                let (one, other) = (&other.label, &value.label);
                format!("the axis `{name}` has `{one}` and `{other}`, which are the same number")
            };
            expansion.complain(&format!("{at}/{i}"), message);
        }
    }
    Some(values)
}

/// Whether two values have one name, or are one number in a list.
fn is_same(one: &AxisValue<'_>, other: &AxisValue<'_>) -> bool {
    one.label == other.label
        || match (one.value, other.value) {
            (Value::Number(a), Value::Number(b)) if one.is_listed && other.is_listed => {
                a == b || (a.is_f64() || b.is_f64()) && a.as_f64() == b.as_f64()
            }
            _ => false,
        }
}

/// A value of a list, which is called as it is written.
fn listed<'a>(at: &str, value: &'a Value, expansion: &mut Expansion<'_>) -> Option<AxisValue<'a>> {
    let label = match value {
        Value::String(text) => text.trim().to_owned(),
        Value::Number(number) => written(at, number, expansion)?,
        Value::Bool(_) => value.to_string(),
        Value::Null | Value::Array(_) | Value::Object(_) => String::new(),
    };
    if is_label(&label) {
        return Some(AxisValue { label, value, is_listed: true });
    }
    let message = format!(
        "a value in a list is a number, true or false, or a text of at most {LONGEST_LABEL} \
         characters"
    );
    let hint = "others have names: write a mapping, `AXIS: { NAME: VALUE }`".to_owned();
    expansion.complain_with_hint(at, message, Some(hint));
    None
}

/// A number's name: as the file has it where it would be written with an exponent. `None`, and a mistake,
/// where it has more digits than are kept.
fn written(at: &str, number: &Number, expansion: &mut Expansion<'_>) -> Option<String> {
    let read = number.to_string();
    let Some(spelled) = expansion.document.respelling(at).filter(|_| read.contains('e')) else {
        return Some(read);
    };
    let spelled = spelled.to_owned();
    if spelled.trim_start_matches(['-', '+']).chars().all(|c| c.is_ascii_digit()) {
        let message =
            format!("`{spelled}` has more digits than a number keeps: it reads as {read}");
        expansion.complain_with_hint(at, message, Some(format!("quote it: `\"{spelled}\"`")));
        return None;
    }
    Some(spelled)
}

fn is_label(text: &str) -> bool {
    !text.trim().is_empty()
        && text.chars().count() <= LONGEST_LABEL
        && !text.chars().any(char::is_control)
}

/// The mappings under `exclude` or `include`.
fn rules<'a>(
    what: &str,
    map: &'a Map<String, Value>,
    matrix: &Matrix<'a>,
    expansion: &mut Expansion<'_>,
) -> Vec<Rule<'a>> {
    let list = match map.get(what) {
        None => return Vec::new(),
        Some(Value::Array(list)) if list.iter().all(is_filled) => list,
        Some(_) => {
            let message = format!("`{what}` is a list of mappings, each with values of some axes");
            expansion.complain(&format!("/matrix/{what}"), message);
            return Vec::new();
        }
    };
    let mut rules = Vec::new();
    for (i, rule) in list.iter().enumerate() {
        let pointer = format!("/matrix/{what}/{i}");
        let mut values = Vec::new();
        for (name, value) in rule.as_object().into_iter().flatten() {
            let at = format!("{pointer}/{}", escape(name));
            let Some(axis) = matrix.axis(name) else {
                expansion.unknown_axis(name, &at, matrix);
                continue;
            };
            let known = &matrix.axes[axis].values;
            let of_axis =
                known.iter().find(|known| known.value == value || is_called(known, value));
            match of_axis.cloned() {
                Some(known) => values.push((axis, known)),
                None if what == "include" => {
                    values.extend(listed(&at, value, expansion).map(|value| (axis, value)));
                }
                None => {
                    let known: Vec<_> = known.iter().map(|value| value.label.as_str()).collect();
                    let word = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
                    let message = format!("the axis `{name}` has no such value");
                    let hint = near_and_known(&word, &known, "it has");
                    expansion.complain_with_hint(&at, message, hint);
                }
            }
        }
        values.sort_by_key(|(axis, _)| *axis);
        rules.push(Rule { pointer, values });
    }
    rules
}

fn is_filled(rule: &Value) -> bool {
    rule.as_object().is_some_and(|rule| !rule.is_empty())
}

fn is_called(known: &AxisValue<'_>, value: &Value) -> bool {
    value.as_str() == Some(&known.label)
}
