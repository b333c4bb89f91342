//! The columns of a row: JSON values, and what of the file no JSON value of this program can hold.
//!
//! A number goes through a 64-bit float in a [`Value`]. Where that would change it (`1.10`, an
//! account of twenty digits, `1e400`), its digits stand beside it, and whoever needs a text takes
//! them from here.

mod calculable;
mod column_names;
mod marks;

use std::{borrow::Cow, fmt, iter, ops::Index, slice, sync::Arc};

use indexmap::set;
use serde::{Serialize, Serializer, ser::SerializeMap};
use serde_json::{Map, Value};

pub use self::{column_names::ColumnNames, marks::Marks};

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

/// One value of a row.
#[derive(Clone, Debug)]
pub struct Cell<'a> {
    value: &'a Value,
    /// With the value's own pointer.
    marks: Option<(&'a Marks, String)>,
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
    pub fn keys(&self) -> impl ExactSizeIterator<Item = &String> {
        self.0.names.0.iter()
    }

    /// The columns' values.
    pub fn values(&self) -> impl ExactSizeIterator<Item = &Value> {
        self.0.values.iter()
    }

    /// The columns, by name and value.
    pub fn iter(&self) -> FieldsIter<'_> {
        FieldsIter(self.0.names.0.iter().zip(&self.0.values))
    }

    /// How many columns there are.
    pub fn len(&self) -> usize {
        self.0.names.len()
    }

    /// Whether the row has no columns.
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
                if let Some(number) = marks.digits(pointer) {
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
        let unusable = |(marks, pointer): &(&'a Marks, String)| marks.unusable_content(pointer);
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

/// The pointer to what `key` leads to from `pointer`.
pub(crate) fn pointer_to(pointer: &str, key: &str) -> String {
    if key.contains(['~', '/']) {
        format!("{pointer}/{}", key.replace('~', "~0").replace('/', "~1"))
    } else {
        format!("{pointer}/{key}")
    }
}

impl From<Map<String, Value>> for Fields {
    fn from(values: Map<String, Value>) -> Self {
        Self::new(values, Marks::default())
    }
}

/// The value of a column, or null if the row has no such column.
impl Index<&str> for Fields {
    type Output = Value;

    fn index(&self, column: &str) -> &Value {
        static NULL: Value = Value::Null;
        self.get(column).unwrap_or(&NULL)
    }
}

/// The columns of a row, by name and value.
#[derive(Clone, Debug)]
pub struct FieldsIter<'a>(iter::Zip<set::Iter<'a, String>, slice::Iter<'a, Value>>);

impl<'a> Iterator for FieldsIter<'a> {
    type Item = (&'a String, &'a Value);

    fn next(&mut self) -> Option<Self::Item> {
        self.0.next()
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.0.size_hint()
    }
}

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
