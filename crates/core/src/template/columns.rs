//! A row's columns as a template sees them: each a variable, and all of them as `item`.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex, OnceLock, PoisonError},
};

use minijinja::{
    Error, ErrorKind, Value,
    value::{Enumerator, Object, Serde},
};
use serde_json::Value as Json;

use super::numbers::{ExactNumber, ROUNDED, Rounded, mapping};
use crate::fields::{Fields, Marks, pointer_to};

/// An item's columns, which become the template's own values when it asks for them.
#[derive(Debug)]
pub(super) struct Columns {
    fields: Fields,
    calculates: bool,
    /// Made when a template asks for it.
    item: OnceLock<Arc<Row>>,
    /// Rows of other items, where there are such.
    examples: Option<Vec<Arc<Row>>>,
}

/// The row itself: columns of any name, as in `item['Best Answer']`.
#[derive(Debug)]
struct Row {
    fields: Fields,
    calculates: bool,
    /// Columns that it was asked for and does not have.
    missed: Mutex<BTreeSet<String>>,
}

impl Columns {
    pub(super) fn new(fields: &Fields, calculates: bool) -> Self {
        Self { fields: fields.clone(), calculates, item: OnceLock::new(), examples: None }
    }

    pub(super) fn with_examples(self, examples: &[Fields]) -> Self {
        let examples = examples.iter().map(|row| Arc::new(Row::new(row, self.calculates)));
        Self { examples: Some(examples.collect()), ..self }
    }

    pub(super) fn fields(&self) -> &Fields {
        &self.fields
    }

    /// Whether there is a variable of this name.
    pub(super) fn has(&self, name: &str) -> bool {
        self.fields.contains_key(name)
            || name == "item"
            || (name == EXAMPLES && self.examples.is_some())
    }

    /// Columns that `item`, or an example, was asked for and does not have.
    pub(super) fn missed(&self) -> Vec<String> {
        let rows = self.item.get().into_iter().chain(self.examples.iter().flatten());
        let missed = rows.map(|row| row.missed.lock().unwrap_or_else(PoisonError::into_inner));
        missed.flat_map(|missed| missed.iter().cloned().collect::<Vec<_>>()).collect()
    }

    fn item(&self) -> Arc<Row> {
        self.item.get_or_init(|| Arc::new(Row::new(&self.fields, self.calculates))).clone()
    }
}

impl Row {
    fn new(fields: &Fields, calculates: bool) -> Self {
        Self { fields: fields.clone(), calculates, missed: Mutex::default() }
    }
}

/// The variable that holds a prompt's examples.
pub(super) const EXAMPLES: &str = "examples";

impl Object for Columns {
    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        let name = key.as_str()?;
        if let (EXAMPLES, Some(rows)) = (name, &self.examples) {
            let rows = rows.iter().map(|row| Value::from_dyn_object(row.clone()));
            return Some(rows.collect::<Vec<_>>().into());
        }
        column(&self.fields, self.calculates, name).or_else(|| match name {
            "item" => Some(Value::from_dyn_object(self.item())),
            ROUNDED => Some(Value::from_object(Rounded(self.fields.clone()))),
            _ => None,
        })
    }
}

/// A column as a template's value.
fn column(fields: &Fields, calculates: bool, name: &str) -> Option<Value> {
    let value = fields.get(name)?;
    Some(match (fields.marks(), value) {
        (None, Json::String(text)) => text.as_str().into(),
        (None, other) => Serde(other).into(),
        (Some(marks), value) => Marked { marks, calculates }.value(value, &pointer_to("", name)),
    })
}

impl Object for Row {
    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        let name = key.as_str()?;
        let value = column(&self.fields, self.calculates, name);
        if value.is_none() {
            let mut missed = self.missed.lock().unwrap_or_else(PoisonError::into_inner);
            missed.insert(name.to_owned());
        }
        value
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        Enumerator::Values(self.fields.keys().map(|name| name.as_str().into()).collect())
    }
}

/// Makes values of a row that says more than its values.
struct Marked<'a> {
    marks: &'a Marks,
    calculates: bool,
}

impl Marked<'_> {
    fn value(&self, value: &Json, pointer: &str) -> Value {
        if let Some(problem) = self.marks.problem(pointer) {
            return Error::new(ErrorKind::InvalidOperation, problem).into();
        }
        if let Some(digits) = self.marks.digits(pointer) {
            return self.number(digits, value);
        }
        match value {
            Json::Array(elements) => {
                let below = |(i, value)| self.value(value, &format!("{pointer}/{i}"));
                elements.iter().enumerate().map(below).collect::<Vec<_>>().into()
            }
            Json::Object(map) => {
                let below = |(key, value): (&String, &Json)| {
                    (key.as_str().into(), self.value(value, &pointer_to(pointer, key)))
                };
                mapping(map.iter().map(below))
            }
            leaf => Serde(leaf).into(),
        }
    }

    fn number(&self, digits: &str, near: &Json) -> Value {
        // Written as they stand, and calculated with exactly.
        let is_written_so = !digits.starts_with("-0");
        if let Some(integer) = digits.parse::<i128>().ok().filter(|_| is_written_so) {
            return integer.into();
        }
        if self.calculates && near.is_number() {
            return Serde(near).into();
        }
        Value::from_object(ExactNumber(digits.to_owned()))
    }
}
