//! Picking a few values out of one line of JSON. What no path leads to is passed over and never becomes a
//! value, so that a line costs what is taken of it.

use std::{fmt, mem};

use serde::{
    Deserialize, Deserializer,
    de::{DeserializeSeed, IgnoredAny, MapAccess, SeqAccess, Visitor},
};
use serde_json::Value;

use super::{
    long_numbers::long_numbers_quoted,
    path::{JsonPath, Step},
};

/// What a few paths lead to. Compiled once, used for every line.
#[derive(Clone, Debug)]
pub struct JsonPicker {
    root: Node,
    n_slots: usize,
}

/// Why a line has no values.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PickError {
    /// It is not JSON.
    #[error("is not JSON: {0}")]
    NotJson(String),
    /// It is JSON, but not an object.
    #[error("is not a JSON object")]
    NoObject,
}

/// What paths lead to from one place.
#[derive(Clone, Debug, Default)]
struct Node {
    keys: Vec<(String, Self)>,
    elements: Vec<(usize, Self)>,
    /// The slots of the value itself.
    slots: Vec<usize>,
}

impl JsonPicker {
    /// Picks what each path leads to into a slot of its own; `None` leaves its slot empty.
    pub fn new<'a>(paths: impl IntoIterator<Item = Option<&'a JsonPath>>) -> Self {
        let (mut root, mut n_slots) = (Node::default(), 0);
        for path in paths {
            if let Some(path) = path {
                root.add(&path.steps, n_slots);
            }
            n_slots += 1;
        }
        Self { root, n_slots }
    }

    /// The values of one line, by slot. A null is as good as nothing; a whole number that no 64-bit integer holds is a text.
    pub fn pick(&self, line: &[u8]) -> Result<Vec<Option<Value>>, PickError> {
        let line = line.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(line);
        let first = line.iter().find(|byte| !byte.is_ascii_whitespace());
        let mut slots = vec![None; self.n_slots];
        let line = long_numbers_quoted(line);
        let mut parser = serde_json::Deserializer::from_slice(&line);
        let seed = Seed { node: &self.root, slots: &mut slots };
        let read = seed.deserialize(&mut parser).and_then(|()| parser.end());
        read.map_err(|error| PickError::NotJson(short(&error)))?;
        if first != Some(&b'{') {
            return Err(PickError::NoObject);
        }
        Ok(slots)
    }
}

/// What the parser says, with the column alone: the line is told before it.
fn short(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let end = text.rfind(" at line ").unwrap_or(text.len());
    format!("{} (column {})", &text[..end], error.column())
}

impl Node {
    fn add(&mut self, steps: &[Step], slot: usize) {
        let Some((step, rest)) = steps.split_first() else {
            self.slots.push(slot);
            return;
        };
        let next = match step {
            Step::Key(key) => child(&mut self.keys, key.clone()),
            Step::Element(index) => child(&mut self.elements, *index),
        };
        next.add(rest, slot);
    }

    /// Puts a value that was read whole into the slots of this place and of those below it.
    fn place(&self, value: Value, slots: &mut [Option<Value>]) {
        for (key, below) in &self.keys {
            if let Some(value) = value.get(key) {
                below.place(value.clone(), slots);
            }
        }
        for (index, below) in &self.elements {
            if let Some(value) = value.get(index) {
                below.place(value.clone(), slots);
            }
        }
        let value = Some(value).filter(|value| !value.is_null());
        if let Some((last, others)) = self.slots.split_last() {
            for slot in others {
                slots[*slot].clone_from(&value);
            }
            slots[*last] = value;
        }
    }
}

fn child<K: PartialEq>(children: &mut Vec<(K, Node)>, key: K) -> &mut Node {
    let at = children.iter().position(|(known, _)| *known == key);
    let at = at.unwrap_or_else(|| {
        children.push((key, Node::default()));
        children.len() - 1
    });
    &mut children[at].1
}

/// Reads one value, as far as paths lead into it.
struct Seed<'a, 'o> {
    node: &'a Node,
    slots: &'o mut [Option<Value>],
}

impl<'de> DeserializeSeed<'de> for Seed<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        if self.node.slots.is_empty() {
            return deserializer.deserialize_any(self);
        }
        let value = Value::deserialize(deserializer)?;
        self.node.place(value, self.slots);
        Ok(())
    }
}

/// Values that no path leads into end here.
macro_rules! passed_over {
    ($($visit:ident($type:ty)),+ $(,)?) => {
        $(fn $visit<E>(self, _: $type) -> Result<(), E> {
            Ok(())
        })+
    };
}

impl<'de> Visitor<'de> for Seed<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    passed_over!(visit_bool(bool), visit_i64(i64), visit_u64(u64), visit_f64(f64), visit_str(&str));

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let Self { node, slots } = self;
        while let Some(found) = map.next_key_seed(Known(&node.keys))? {
            match found {
                Some(below) => map.next_value_seed(Seed { node: below, slots: &mut *slots })?,
                None => mem::drop(map.next_value::<IgnoredAny>()?),
            }
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        let Self { node, slots } = self;
        for at in 0.. {
            let below = node.elements.iter().find(|(index, _)| *index == at);
            let next = match below {
                Some((_, below)) => {
                    seq.next_element_seed(Seed { node: below, slots: &mut *slots })?
                }
                None => seq.next_element::<IgnoredAny>()?.map(drop),
            };
            if next.is_none() {
                break;
            }
        }
        Ok(())
    }
}

/// Which of these keys comes, if any.
struct Known<'a>(&'a [(String, Node)]);

impl<'de, 'a> DeserializeSeed<'de> for Known<'a> {
    type Value = Option<&'a Node>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl<'a> Visitor<'_> for Known<'a> {
    type Value = Option<&'a Node>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_str<E>(self, key: &str) -> Result<Self::Value, E> {
        Ok(self.0.iter().find(|(known, _)| known == key).map(|(_, node)| node))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn picked(paths: &[&str], line: &str) -> Result<Vec<Option<Value>>, PickError> {
        let paths: Vec<_> =
            paths.iter().map(|path| JsonPath::parse(path).expect("a path")).collect();
        JsonPicker::new(paths.iter().map(Some)).pick(line.as_bytes())
    }

    #[test]
    fn values_are_picked_by_their_paths() {
        let check = |path: &str, line: &str, expected: Value| {
            let expected = Some(expected).filter(|value| !value.is_null());
            assert_eq!(picked(&[path], line), Ok(vec![expected]), "{path} in {line}");
        };
        check("$.a", r#"{"b":[1,{"a":2}],"a":1}"#, json!(1));
        check("$.a.b", r#"{"a":{"c":0,"b":"x"}}"#, json!("x"));
        check("$.a.b", r#"{"a":"no object"}"#, Value::Null);
        check("$.a.b", r#"{"a":null}"#, Value::Null);
        check("$.a[1].b", r#"{"a":[0,{"b":true},2]}"#, json!(true));
        check("$.a[5]", r#"{"a":[0]}"#, Value::Null);
        check("$['a.b']", r#"{"a.b":{"c":[1]}}"#, json!({"c": [1]}));
        check("$.a", r#"{"a":1,"a":2}"#, json!(2));
        check("$", r#"{"a":1}"#, json!({"a": 1}));
        check("$.a", r#"{"a":18446744073709551617}"#, json!("18446744073709551617"));
        check("$.a", "\u{feff}{\"a\":\"b\\u00e4\"}", json!("bä"));
    }

    #[test]
    fn a_value_and_what_is_below_it_are_both_picked() {
        let found = picked(&["$.a", "$.a.b", "$.a", "$.c"], r#"{"a":{"b":1}}"#);
        let whole = Some(json!({"b": 1}));
        assert_eq!(found, Ok(vec![whole.clone(), Some(json!(1)), whole, None]));
    }

    #[test]
    fn hostile_lines_are_told() {
        let check = |line: &str, part: &str| {
            let error = picked(&["$.a", "$.b.c"], line).expect_err(line).to_string();
            assert!(error.contains(part), "{error}");
        };
        check("{\"a\":1", "is not JSON: EOF");
        check("{\"a\":1} x", "trailing characters (column 9)");
        check("[1]", "is not a JSON object");
        check("\"a\"", "is not a JSON object");
        check("", "is not JSON");
        check(&format!("{{\"a\":{}", "[".repeat(1_000_000)), "recursion limit");
        check(&format!("{{\"b\":{}", "[".repeat(1_000_000)), "is not JSON");
        check(&format!("{{\"x\":{}", "[".repeat(1_000_000)), "is not JSON");
        assert!(JsonPicker::new([]).pick(b"{\"a\":\"\xFF\"}").is_ok());
    }
}
