//! The columns of a row: JSON values, and what of the file no JSON value of this program can hold.
//!
//! A number goes through a 64-bit float in a [`Value`]. Where that would change it (`1.10`, an
//! account of twenty digits, `1e400`), its digits stand beside it, and whoever needs a text takes
//! them from here.

mod calculable;

use std::{
    borrow::Cow,
    cell::RefCell,
    collections::BTreeMap,
    fmt::{self, Write},
    iter,
    ops::Index,
    slice,
    sync::Arc,
};

use indexmap::IndexSet;
use serde::{Serialize, Serializer, ser::SerializeMap};
use serde_json::{Map, Value};

use self::calculable::{Calculable, ExpressionContext};
use crate::suite::nearest;

/// The columns of a row, in the file's order. Cheap to clone.
#[derive(Clone, Default)]
pub struct Fields(Arc<Columns>);

#[derive(Default)]
struct Columns {
    names: ColumnNames,
    /// Parallel to the names.
    values: Vec<Value>,
    marks: Option<Box<Marks>>,
}

/// The names of a file's columns, in its order, which all of its rows share. Cheap to clone.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ColumnNames(Arc<IndexSet<String>>);

/// What a row says beyond its values, by JSON pointer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Marks {
    numbers: BTreeMap<String, String>,
    unusable: BTreeMap<String, Unusable>,
    remarks: Vec<String>,
}

/// A value that cannot be used; it stands as null among the values.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Unusable {
    problem: String,
    /// What tells it from others of its kind.
    content: String,
}

/// One value of a row.
#[derive(Clone, Debug)]
pub struct Cell<'a> {
    value: &'a Value,
    /// With the value's own pointer.
    marks: Option<(&'a Marks, String)>,
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

    fn is_empty(&self) -> bool {
        self.numbers.is_empty() && self.unusable.is_empty() && self.remarks.is_empty()
    }
}

thread_local! {
    /// Those of the object that was seen last: the next one most likely has the same.
    static LAST_NAMES: RefCell<ColumnNames> = RefCell::default();
}

impl ColumnNames {
    /// Those of an object.
    fn of(values: &Map<String, Value>) -> Self {
        LAST_NAMES.with_borrow_mut(|last| {
            if !last.0.iter().eq(values.keys()) {
                *last = values.keys().cloned().collect();
            }
            last.clone()
        })
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The name of the column at this place.
    pub fn get(&self, place: usize) -> Option<&String> {
        self.0.get_index(place)
    }
}

impl FromIterator<String> for ColumnNames {
    /// Of several that are the same, the first counts.
    fn from_iter<I: IntoIterator<Item = String>>(names: I) -> Self {
        Self(Arc::new(names.into_iter().collect()))
    }
}

impl Fields {
    /// Values, and what the file says beyond them.
    pub fn new(values: Map<String, Value>, marks: Marks) -> Self {
        let names = ColumnNames::of(&values);
        Self::of_row(names, values.into_iter().map(|(_, value)| value).collect(), marks)
    }

    /// The values of a file's columns, one for each of the names, and what the file says beyond them.
    /// What is missing is null.
    pub fn of_row(names: ColumnNames, mut values: Vec<Value>, marks: Marks) -> Self {
        values.resize(names.len(), Value::Null);
        let marks = (!marks.is_empty()).then(|| Box::new(marks));
        Self(Arc::new(Columns { names, values, marks }))
    }

    /// The value of a column.
    pub fn get(&self, column: &str) -> Option<&Value> {
        self.0.values.get(self.0.names.0.get_index_of(column)?)
    }

    /// Whether there is a column of this name.
    pub fn contains_key(&self, column: &str) -> bool {
        self.0.names.0.contains(column)
    }

    /// The columns' names.
    pub fn keys(&self) -> indexmap::set::Iter<'_, String> {
        self.0.names.0.iter()
    }

    /// The columns' values.
    pub fn values(&self) -> slice::Iter<'_, Value> {
        self.0.values.iter()
    }

    /// The columns, by name and value.
    pub fn iter(&self) -> FieldsIter<'_> {
        self.keys().zip(self.values())
    }

    /// How many columns there are.
    pub fn len(&self) -> usize {
        self.0.names.len()
    }

    /// Whether there is no column.
    pub fn is_empty(&self) -> bool {
        self.0.names.is_empty()
    }

    /// A JSON object of the values.
    pub fn to_map(&self) -> Map<String, Value> {
        self.iter().map(|(name, value)| (name.clone(), value.clone())).collect()
    }

    /// What is worth a warning.
    pub fn remarks(&self) -> &[String] {
        self.marks().map_or(&[], |marks| &marks.remarks)
    }

    /// What is wrong with a value that cannot be used, and stands as null in its place: the column by
    /// its name, and the problem.
    pub fn problem(&self) -> Option<String> {
        self.marks()?.problem_below("")
    }

    /// The column of this name.
    pub fn cell(&self, column: &str) -> Option<Cell<'_>> {
        let value = self.get(column)?;
        Some(self.marked(value, || pointer_to("", column)))
    }

    /// What `name` leads to: the column of that very name, or else what lies below a column
    /// (`expected.intent`, `answers.0.text`), which is several values where a list lies on the way.
    pub fn find(&self, name: &str) -> Result<Vec<Cell<'_>>, NoColumn> {
        if let Some(cell) = self.cell(name) {
            return Ok(vec![cell]);
        }
        for (dot, _) in name.match_indices('.') {
            let (column, path) = (&name[..dot], &name[dot + 1..]);
            if let Some(cell) = self.cell(column) {
                let mut found = Vec::new();
                cell.walk(path, &mut found)
                    .map_err(|(at, known)| NoColumn { name: at.to_owned(), known })?;
                return Ok(found);
            }
        }
        Err(NoColumn { name: name.to_owned(), known: self.keys().cloned().collect() })
    }

    /// The values as numbers of a calculation: integers exactly, all others as 64-bit floats.
    pub fn calculable(&self) -> impl Serialize + '_ {
        Calculable(self)
    }

    /// The columns as variables of an expression, and all of them as `item`, where that is named.
    pub(crate) fn context(&self, names_item: bool) -> impl Serialize + '_ {
        ExpressionContext { fields: self, names_item }
    }

    /// The same row with one more column, or another value in the one of that name.
    #[must_use]
    pub fn with(&self, column: &str, value: Value) -> Self {
        let mut values = self.to_map();
        values.insert(column.to_owned(), value);
        Self::new(values, self.marks().cloned().unwrap_or_default())
    }

    pub(crate) fn marks(&self) -> Option<&Marks> {
        self.0.marks.as_deref()
    }

    fn marked<'a>(&'a self, value: &'a Value, pointer: impl FnOnce() -> String) -> Cell<'a> {
        Cell { value, marks: self.marks().map(|marks| (marks, pointer())) }
    }
}

/// What there is in the place of a name, and which of it was meant, perhaps.
fn had(name: &str, known: &[String]) -> String {
    if known.is_empty() {
        return "it is empty".to_owned();
    }
    let all = known.join(", ");
    let padded = known.iter().find(|one| one.trim() == name.trim());
    match (padded, nearest(name, known.iter().map(String::as_str))) {
        (Some(padded), _) => format!(
            "its `{padded}` has blanks around the name: rename it, or write it with them; it has: {all}"
        ),
        (None, Some(near)) => format!("did you mean `{near}`? it has: {all}"),
        (None, None) => format!("it has: {all}"),
    }
}

/// A name that leads to nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("has no column `{name}`; {}", had(name, known))]
pub struct NoColumn {
    /// The name, or the part of it that is not there.
    pub name: String,
    /// What is there.
    pub known: Vec<String>,
}

impl<'a> Cell<'a> {
    /// The value; a number that a float cannot hold is only near it.
    pub fn value(&self) -> &'a Value {
        self.value
    }

    /// The text, as it stands in the file; JSON where it is a list or an object; `None` for null.
    pub fn text(&self) -> Result<Option<Cow<'a, str>>, String> {
        match (self.value, &self.marks) {
            (Value::String(text), None) => Ok(Some(Cow::Borrowed(text))),
            (Value::Null, None) => Ok(None),
            (other, None) => Ok(Some(Cow::Owned(other.to_string()))),
            (value, Some((marks, pointer))) => {
                if let Some(number) = marks.numbers.get(pointer) {
                    return Ok(Some(Cow::Borrowed(number)));
                }
                if let Some(problem) = marks.problem_below(pointer) {
                    return Err(problem);
                }
                Ok(match value {
                    Value::String(text) => Some(Cow::Borrowed(text)),
                    Value::Null => None,
                    other => Some(Cow::Owned(marks.json(other, pointer))),
                })
            }
        }
    }

    /// The text, or, of a value that cannot be used, what stands in its place in the file.
    pub fn text_as_written(&self) -> Option<Cow<'a, str>> {
        let unusable = |(marks, pointer): &(&'a Marks, String)| {
            marks.unusable.get(pointer).map(|unusable| unusable.content.as_str())
        };
        match self.text() {
            Ok(text) => text,
            Err(_) => match self.marks.as_ref().and_then(unusable) {
                Some(content) => Some(Cow::Borrowed(content)),
                None => Some(Cow::Owned(self.value.to_string())),
            },
        }
    }

    /// The elements of a list.
    pub fn elements(&self) -> Option<impl Iterator<Item = Cell<'a>> + use<'a>> {
        let elements = self.value.as_array()?;
        let marks = self.marks.clone();
        Some(elements.iter().enumerate().map(move |(i, value)| {
            let marks = marks.as_ref().map(|(marks, at)| (*marks, format!("{at}/{i}")));
            Cell { value, marks }
        }))
    }

    fn walk<'p>(&self, path: &'p str, found: &mut Vec<Self>) -> Result<(), (&'p str, Vec<String>)> {
        let (step, rest) = match path.split_once('.') {
            Some((step, rest)) => (step, Some(rest)),
            None => (path, None),
        };
        let next = match self.value {
            Value::Null => {
                found.push(self.clone());
                return Ok(());
            }
            Value::Array(elements) => match step.parse::<usize>() {
                Ok(index) => elements.get(index),
                Err(_) => {
                    return self
                        .elements()
                        .into_iter()
                        .flatten()
                        .try_for_each(|e| e.walk(path, found));
                }
            },
            other => other.get(step),
        };
        let Some(value) = next else {
            let known = self.value.as_object().map(|map| map.keys().cloned().collect());
            return Err((path, known.unwrap_or_default()));
        };
        let marks = self.marks.as_ref().map(|(marks, at)| (*marks, pointer_to(at, step)));
        let below = Cell { value, marks };
        match rest {
            None => found.push(below),
            Some(rest) => below.walk(rest, found)?,
        }
        Ok(())
    }
}

impl Marks {
    /// The digits of the number at `pointer`, where the value does not hold them.
    pub(crate) fn digits(&self, pointer: &str) -> Option<&str> {
        self.numbers.get(pointer).map(String::as_str)
    }

    /// Numbers that stand otherwise in the file, with their pointers.
    pub(crate) fn numbers(&self) -> impl Iterator<Item = (&str, &str)> {
        self.numbers.iter().map(|(pointer, digits)| (pointer.as_str(), digits.as_str()))
    }

    /// What is wrong with the value at `pointer`, if it cannot be used.
    pub(crate) fn problem(&self, pointer: &str) -> Option<String> {
        self.unusable.get(pointer).map(|unusable| name_problem(pointer, unusable))
    }

    /// What is wrong with the value at `pointer` or below.
    fn problem_below(&self, pointer: &str) -> Option<String> {
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

/// The pointer to what `key` leads to from `pointer`.
pub(crate) fn pointer_to(pointer: &str, key: &str) -> String {
    if key.contains(['~', '/']) {
        format!("{pointer}/{}", key.replace('~', "~0").replace('/', "~1"))
    } else {
        format!("{pointer}/{key}")
    }
}

/// Whether two JSON numbers are the same number, however they are written.
fn is_same_number(one: &str, other: &str) -> bool {
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

impl From<Map<String, Value>> for Fields {
    fn from(values: Map<String, Value>) -> Self {
        Self::new(values, Marks::default())
    }
}

/// The value of a column; null where there is no such column.
impl Index<&str> for Fields {
    type Output = Value;

    fn index(&self, column: &str) -> &Value {
        static NULL: Value = Value::Null;
        self.get(column).unwrap_or(&NULL)
    }
}

/// The columns of a row, by name and value.
pub type FieldsIter<'a> = iter::Zip<indexmap::set::Iter<'a, String>, slice::Iter<'a, Value>>;

impl<'a> IntoIterator for &'a Fields {
    type Item = (&'a String, &'a Value);
    type IntoIter = FieldsIter<'a>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl fmt::Debug for Fields {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Fields");
        shown.field("values", &self.to_map()).field("marks", &self.0.marks).finish()
    }
}

/// In whatever order the columns are.
impl PartialEq for Fields {
    fn eq(&self, other: &Self) -> bool {
        let is_there = |(name, value): (&String, &Value)| other.get(name) == Some(value);
        self.len() == other.len() && self.iter().all(is_there) && self.0.marks == other.0.marks
    }
}

/// To JSON, with numbers as they stand in the file.
impl Serialize for Fields {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Some(marks) = self.marks() else { return serializer.collect_map(self) };
        let mut map = serializer.serialize_map(Some(self.len()))?;
        for (name, value) in self {
            let pointer = pointer_to("", name);
            if marks.problem_below(&pointer).is_some() {
                map.serialize_entry(name, &Value::Null)?;
                continue;
            }
            let json = marks.json(value, &pointer);
            match serde_json::value::RawValue::from_string(json) {
                Ok(raw) => map.serialize_entry(name, &raw)?,
                Err(_) => map.serialize_entry(name, value)?,
            }
        }
        map.end()
    }
}

#[cfg(test)]
mod tests;
