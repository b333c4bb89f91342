//! A YAML document as plain JSON, with the line and column of every key and value.

use std::{borrow::Cow, collections::BTreeMap, fmt};

use serde::{
    Deserialize, Deserializer,
    de::{self, MapAccess, SeqAccess, Visitor},
};
use serde_json::{Map, Number, Value};
use serde_saphyr::Spanned;

use super::{
    mistake::{Mistake, Position},
    syntax,
};

/// A parsed document.
#[derive(Debug)]
pub(crate) struct Document {
    /// The content.
    pub(crate) value: Value,
    /// Where the value at a JSON pointer stands.
    values: BTreeMap<String, Position>,
    /// Where the key that leads to a JSON pointer stands.
    keys: BTreeMap<String, Position>,
    /// Numbers and truth values that stand otherwise in the file, by JSON pointer.
    respelled: BTreeMap<String, String>,
    /// Pointers to what was taken out because it was wrong.
    pub(crate) taken_out: Vec<String>,
    /// By the name of a list of the suite that was expanded: for each entry, which entry of the file
    /// it was made of.
    expanded: BTreeMap<&'static str, Vec<usize>>,
}

impl Document {
    /// Parses YAML 1.2; a syntax error is one mistake with its position.
    pub(crate) fn parse(text: &str) -> Result<Self, Mistake> {
        let root: Spanned<Node> =
            serde_saphyr::from_str_with_options(text, options()).map_err(|error| {
                let position = error.location().map(|at| position(&at)).unwrap_or_default();
                syntax::mistake(text, &error, position)
            })?;
        let mut document = Self {
            value: Value::Null,
            values: BTreeMap::new(),
            keys: BTreeMap::new(),
            respelled: BTreeMap::new(),
            taken_out: Vec::new(),
            expanded: BTreeMap::new(),
        };
        document.value = document.place(root, String::new());
        document.respelled = document.respelled(text);
        Ok(document)
    }

    /// Numbers and truth values that a text would be written otherwise for, such as `1.10` and
    /// `0x1F`.
    fn respelled(&self, text: &str) -> BTreeMap<String, String> {
        let lines: Vec<_> = text.lines().collect();
        let spelled = |position: &Position| {
            let line = lines.get(usize::try_from(position.line.checked_sub(1)?).ok()?)?;
            let skipped = usize::try_from(position.column.checked_sub(1)?).ok()?;
            let rest: String = line.chars().skip(skipped).collect();
            let end = rest.find([',', ']', '}', ' ', '#', '\t']).unwrap_or(rest.len());
            Some(rest[..end].to_owned())
        };
        let mut respelled = BTreeMap::new();
        for (pointer, position) in &self.values {
            let Some(value @ (Value::Number(_) | Value::Bool(_))) = self.value.pointer(pointer)
            else {
                continue;
            };
            let begins_so = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '+' | '.');
            if let Some(spelled) = spelled(position)
                && spelled.starts_with(begins_so)
            {
                let read = value.to_string();
                if read == spelled {
                    continue;
                }
                respelled.insert(pointer.clone(), spelled);
            }
        }
        respelled
    }

    /// Numbers and truth values that stand otherwise in the file, with their pointers.
    pub(crate) fn respellings(&self) -> impl Iterator<Item = (&str, &str)> {
        self.respelled.iter().map(|(pointer, text)| (pointer.as_str(), text.as_str()))
    }

    /// Numbers below `place` that stand otherwise in the file, with their pointers from there.
    pub(crate) fn respellings_below(&self, place: &str) -> impl Iterator<Item = (&str, &str)> {
        let below = self.respelled.range(format!("{place}/")..);
        let below = below.map_while({
            let place = place.to_owned();
            move |(pointer, text)| Some((pointer.strip_prefix(&place)?, text.as_str()))
        });
        // A truth value has one spelling.
        below.filter(|(pointer, text)| pointer.starts_with('/') && text.parse::<f64>().is_ok())
    }

    /// How the number or truth value at `pointer` stands in the file, where that is otherwise.
    pub(crate) fn respelling(&self, pointer: &str) -> Option<&str> {
        self.respelled.get(pointer).map(String::as_str)
    }

    /// Where the value at `pointer` stands, or the nearest thing above it.
    pub(crate) fn position(&self, pointer: &str) -> Position {
        let pointer = self.pointer_in_file(pointer);
        let mut at = &*pointer;
        loop {
            if let Some(position) = self.values.get(at) {
                return *position;
            }
            let Some(cut) = at.rfind('/') else { return Position::default() };
            at = &at[..cut];
        }
    }

    /// Where the key of `pointer` stands, or the nearest thing above it.
    pub(crate) fn key_position(&self, pointer: &str) -> Position {
        let in_file = self.pointer_in_file(pointer);
        self.keys.get(&*in_file).copied().unwrap_or_else(|| self.position(pointer))
    }

    /// Puts a list of another document in the place of this one's, with the places of what stands in it.
    pub(super) fn take(&mut self, list: &'static str, from: &mut Self) {
        self.value[list] = from.value[list].take();
        move_below(&mut self.values, &mut from.values, list);
        move_below(&mut self.keys, &mut from.keys, list);
        move_below(&mut self.respelled, &mut from.respelled, list);
        self.expanded.remove(list);
        self.expanded.extend(from.expanded.remove_entry(list));
    }

    /// Remembers of which entries of the file the entries of a list were made.
    pub(crate) fn expanded(&mut self, list: &'static str, origins: Vec<usize>) {
        self.expanded.insert(list, origins);
    }

    /// The pointer to what was in the file where `pointer` leads now.
    fn pointer_in_file<'p>(&self, pointer: &'p str) -> Cow<'p, str> {
        let mut segments = pointer.splitn(4, '/').skip(1);
        let list = segments.next().and_then(|list| self.expanded.get_key_value(list));
        let index = segments.next().and_then(|index| index.parse::<usize>().ok());
        match (list, index) {
            (Some((list, origins)), Some(index)) if index < origins.len() => {
                let rest = segments.next().map_or_else(String::new, |rest| format!("/{rest}"));
                Cow::Owned(format!("/{list}/{}{rest}", origins[index]))
            }
            _ => Cow::Borrowed(pointer),
        }
    }

    /// Whether something under `pointer` was taken out because it was wrong.
    pub(crate) fn lost(&self, pointer: &str) -> bool {
        let below = format!("{pointer}/");
        self.taken_out.iter().any(|taken| taken == pointer || taken.starts_with(&below))
    }

    fn place(&mut self, node: Spanned<Node>, pointer: String) -> Value {
        let at = position(&node.referenced);
        let value = match node.value {
            Node::Scalar(value) => value,
            Node::Seq(nodes) => {
                let place = |(i, node)| self.place(node, format!("{pointer}/{i}"));
                Value::Array(nodes.into_iter().enumerate().map(place).collect())
            }
            Node::Map(entries) => {
                let mut map = Map::new();
                for (key, node) in entries {
                    let below = format!("{pointer}/{}", escape(&key.value));
                    self.keys.insert(below.clone(), position(&key.referenced));
                    let value = self.place(node, below);
                    map.insert(key.value, value);
                }
                Value::Object(map)
            }
        };
        self.values.insert(pointer, at);
        value
    }
}

/// Puts what is known of a list in one document in the place of what is known of it in another.
fn move_below<T>(own: &mut BTreeMap<String, T>, others: &mut BTreeMap<String, T>, list: &str) {
    let (at, below) = (format!("/{list}"), format!("/{list}/"));
    let is_in = |pointer: &String| *pointer == at || pointer.starts_with(&below);
    own.retain(|pointer, _| !is_in(pointer));
    let (taken, rest) = std::mem::take(others).into_iter().partition(|(pointer, _)| is_in(pointer));
    *others = rest;
    let taken: BTreeMap<String, T> = taken;
    own.extend(taken);
}

/// A key as a segment of a JSON pointer.
pub(crate) fn escape(key: &str) -> String {
    key.replace('~', "~0").replace('/', "~1")
}

/// YAML 1.2: `no` and `y` are words, not truth values, and digits mean what they say.
fn options() -> serde_saphyr::Options {
    serde_saphyr::options! {
        strict_booleans: true,
        leading_zero_numbers_as_strings: true,
        underscored_numbers_as_strings: true,
    }
}

fn position(at: &serde_saphyr::Location) -> Position {
    Position { line: at.line(), column: at.column() }
}

/// Any YAML node.
#[derive(Debug)]
enum Node {
    Scalar(Value),
    Seq(Vec<Spanned<Node>>),
    Map(Vec<(Spanned<String>, Spanned<Node>)>),
}

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(NodeVisitor)
    }
}

struct NodeVisitor;

impl<'de> Visitor<'de> for NodeVisitor {
    type Value = Node;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a YAML value")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Node, E> {
        Ok(Node::Scalar(Value::Bool(value)))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Node, E> {
        Ok(Node::Scalar(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Node, E> {
        Ok(Node::Scalar(value.into()))
    }

    fn visit_f64<E: de::Error>(self, value: f64) -> Result<Node, E> {
        let number = Number::from_f64(value)
            .ok_or_else(|| E::custom("a suite cannot contain infinity or NaN"))?;
        Ok(Node::Scalar(Value::Number(number)))
    }

    fn visit_str<E>(self, value: &str) -> Result<Node, E> {
        Ok(Node::Scalar(value.into()))
    }

    fn visit_unit<E: de::Error>(self) -> Result<Node, E> {
        Ok(Node::Scalar(Value::Null))
    }

    fn visit_none<E: de::Error>(self) -> Result<Node, E> {
        self.visit_unit()
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Node, D::Error> {
        Node::deserialize(deserializer)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Node, A::Error> {
        let mut nodes = Vec::new();
        while let Some(node) = seq.next_element()? {
            nodes.push(node);
        }
        Ok(Node::Seq(nodes))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Node, A::Error> {
        let mut entries: Vec<(Spanned<String>, Spanned<Node>)> = Vec::new();
        while let Some((key, node)) = map.next_entry::<Spanned<String>, Spanned<Node>>()? {
            if entries.iter().any(|(other, _)| other.value == key.value) {
                return Err(de::Error::custom(format!("key `{}` appears twice here", key.value)));
            }
            entries.push((key, node));
        }
        Ok(Node::Map(entries))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn keys_and_values_have_places() {
        let text = "name: x\nmodels:\n  - name: small\n    params: { temperature: 0.5, n: 3 }\n";
        let document = Document::parse(text).expect("valid");
        assert_eq!(
            document.value,
            json!({"name": "x", "models": [{"name": "small", "params": {"temperature": 0.5, "n": 3}}]})
        );
        let at = |line, column| Position { line, column };
        assert_eq!(document.key_position("/models/0/params"), at(4, 5));
        assert_eq!(document.position("/models/0/params/temperature"), at(4, 28));
        assert_eq!(document.position("/models/0/name"), at(3, 11));
        assert_eq!(document.position("/models/0/nothing/here"), document.position("/models/0"));
    }

    #[test]
    fn syntax_errors_have_places() {
        let mistake = Document::parse("name: x\nmodels: [a, b\n").expect_err("not closed");
        assert!(mistake.position.line >= 2, "{mistake:?}");
        let mistake = Document::parse("name: x\nname: y\n").expect_err("twice");
        assert!(mistake.position.line >= 1, "{mistake:?}");
    }
}
