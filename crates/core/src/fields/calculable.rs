//! Columns as expressions see them: whole numbers that no 64-bit float holds stay what they are.

use serde::{Serialize, Serializer, ser::SerializeMap};
use serde_json::Value;

use super::{Fields, Marks, pointer_to};

/// As [`Fields::context`] says.
pub(super) struct ExpressionContext<'a> {
    pub(super) fields: &'a Fields,
    pub(super) names_item: bool,
}

impl Serialize for ExpressionContext<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let none = Marks::default();
        let marks = self.fields.marks().unwrap_or(&none);
        let mut map = serializer.serialize_map(None)?;
        for (name, value) in self.fields {
            let pointer = pointer_to("", name);
            map.serialize_entry(name, &CalculableValue { value, pointer, marks })?;
        }
        if self.names_item {
            map.serialize_entry("item", &self.fields.calculable())?;
        }
        map.end()
    }
}

/// As [`Fields::calculable`] says.
pub(super) struct Calculable<'a>(pub(super) &'a Fields);

impl Serialize for Calculable<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Calculable(fields) = self;
        let Some(marks) = fields.marks() else { return serializer.collect_map(*fields) };
        let mut map = serializer.serialize_map(Some(fields.len()))?;
        for (name, value) in *fields {
            let pointer = pointer_to("", name);
            map.serialize_entry(name, &CalculableValue { value, pointer, marks })?;
        }
        map.end()
    }
}

struct CalculableValue<'a> {
    value: &'a Value,
    pointer: String,
    marks: &'a Marks,
}

impl Serialize for CalculableValue<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self { value, pointer, marks } = self;
        match value {
            Value::Array(elements) => {
                let below = |(i, value)| CalculableValue {
                    value,
                    pointer: format!("{pointer}/{i}"),
                    marks,
                };
                serializer.collect_seq(elements.iter().enumerate().map(below))
            }
            Value::Object(map) => serializer.collect_map(map.iter().map(|(key, value)| {
                (key, CalculableValue { value, pointer: pointer_to(pointer, key), marks })
            })),
            leaf => match marks.digits(pointer).and_then(|digits| digits.parse::<i128>().ok()) {
                Some(integer) => serializer.serialize_i128(integer),
                None => leaf.serialize(serializer),
            },
        }
    }
}
