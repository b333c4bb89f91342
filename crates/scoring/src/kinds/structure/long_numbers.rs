//! Numbers of more digits than 64 bits hold, for a validator that compares floats.

use std::cmp::Ordering;

use serde_json::{Number, Value};

use crate::exact_json::{canonical, compare, long_number};

/// The numbers of a schema.
#[derive(Debug, Default)]
pub(super) struct Known {
    /// Each as a float, and in the form that equal numbers share.
    numbers: Vec<(f64, String)>,
    /// Whether one of them is long.
    has_long: bool,
}

impl Known {
    /// Takes the numbers of a schema, and leaves floats in their places.
    pub(super) fn take(schema: &mut Value) -> Self {
        let mut known = Self::default();
        each(schema, &mut |value| {
            known.has_long |= long_number(value).is_some();
            if let Some((float, text)) = read(value) {
                known.numbers.push((float, canonical(&text)));
                settle(value, float);
            }
        });
        known
    }

    /// Leaves floats in the places of an answer's long numbers: equal to one of the schema's where the
    /// number is, and next to it, on its own side, where it only rounds to the same.
    pub(super) fn settle(&self, answer: &mut Value) {
        each(answer, &mut |value| {
            let is_long = long_number(value).is_some();
            if !(is_long || self.has_long && value.is_number()) {
                return;
            }
            let Some((float, text)) = read(value) else { return };
            let near = self.numbers.iter().filter(|(known, _)| known.total_cmp(&float).is_eq());
            let own = canonical(&text);
            let orders: Vec<Ordering> = near.map(|(_, known)| compare(&own, known)).collect();
            match orders.first() {
                Some(Ordering::Greater) if !orders.contains(&Ordering::Equal) => {
                    settle(value, float.next_up());
                }
                Some(Ordering::Less) if !orders.contains(&Ordering::Equal) => {
                    settle(value, float.next_down());
                }
                _ if is_long => settle(value, float),
                _ => {}
            }
        });
    }
}

/// Shows every scalar of a value.
fn each(value: &mut Value, see: &mut impl FnMut(&mut Value)) {
    match value {
        Value::Array(elements) => elements.iter_mut().for_each(|element| each(element, see)),
        Value::Object(map) => map.values_mut().for_each(|value| each(value, see)),
        scalar => see(scalar),
    }
}

/// A number as a float, finite, and as it is written.
fn read(value: &Value) -> Option<(f64, String)> {
    let text = match value {
        Value::Number(number) => number.to_string(),
        value => long_number(value)?.to_owned(),
    };
    let float: f64 = text.parse().ok()?;
    Some((float.clamp(f64::MIN, f64::MAX), text))
}

fn settle(value: &mut Value, float: f64) {
    if let Some(number) = Number::from_f64(float)
        && (value.is_string() || value.as_f64().is_none_or(|old| old.total_cmp(&float).is_ne()))
    {
        *value = Value::Number(number);
    }
}
