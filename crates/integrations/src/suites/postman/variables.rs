//! Variables of Postman (`{{name}}`): what is known at the import, what each row says, and what is a secret.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use crate::suites::node::Node;

/// How often values may name variables themselves.
const DEEPEST: usize = 8;

/// What a variable stands for.
#[derive(Clone, Debug, PartialEq)]
enum Known {
    Value(String),
    /// The value is not kept.
    Secret,
}

/// All variables of an import; those of a row come before those of the environment, and these before the collection's.
#[derive(Debug, Default)]
pub(super) struct Variables {
    known: BTreeMap<String, Known>,
    /// Names of columns, by the names that the data has.
    columns: BTreeMap<String, String>,
}

/// A piece of a text.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Part {
    Text(String),
    /// A column of the rows.
    Column(String),
    /// A variable with a secret.
    Secret(String),
    /// A variable without a value: it stands in the text as it does in the file.
    Unknown(String),
    /// A variable that is another at each request, such as `$guid`.
    Dynamic(String),
}

impl Variables {
    /// Takes in `[{ key, value, type, enabled }]`; later ones come first.
    pub(super) fn add(&mut self, list: &Node) {
        for node in list.elements() {
            let is_on = |key: &str, off: bool| {
                node.get(key).is_none_or(|node| node.value() != &Value::Bool(off))
            };
            let Some(name) = node.text("key").or_else(|| node.text("id")) else { continue };
            if !is_on("enabled", false) || !is_on("disabled", true) {
                continue;
            }
            let value = node.get("value").map_or_else(String::new, |node| plain(node.value()));
            let names_others = value.contains("{{");
            let is_secret = node.text("type").as_deref() == Some("secret")
                || (is_secret_name(&name) && !names_others);
            let known = if is_secret { Known::Secret } else { Known::Value(value) };
            self.known.insert(name, known);
        }
    }

    /// Takes in the columns of rows; tells them by the names that formulas and templates can use.
    pub(super) fn add_columns(&mut self, rows: &[Map<String, Value>]) {
        let names: BTreeSet<&String> = rows.iter().flat_map(Map::keys).collect();
        let mut taken: BTreeSet<String> = BTreeSet::new();
        for name in names {
            let slug = crate::suites::draft::free(&identifier(name), |slug| taken.contains(slug));
            let slug = slug.replace('-', "_");
            taken.insert(slug.clone());
            self.columns.insert(name.clone(), slug);
        }
    }

    /// The column of a row's entry.
    pub(super) fn column(&self, name: &str) -> Option<&str> {
        self.columns.get(name).map(String::as_str)
    }

    /// The value of a variable that is the same for every request.
    pub(super) fn value(&self, name: &str) -> Option<Vec<Part>> {
        match self.known.get(name)? {
            Known::Value(value) => Some(self.within(value, DEEPEST)),
            Known::Secret => Some(vec![Part::Secret(name.to_owned())]),
        }
    }

    /// A text cut at its variables.
    pub(super) fn parts(&self, text: &str) -> Vec<Part> {
        self.within(text, DEEPEST)
    }

    fn within(&self, text: &str, depth: usize) -> Vec<Part> {
        let (mut parts, mut rest) = (Vec::new(), text);
        let mut plain = String::new();
        while let Some((before, name, after)) = first_variable(rest) {
            plain.push_str(before);
            for part in self.named(name, depth) {
                match part {
                    Part::Text(text) => plain.push_str(&text),
                    part => {
                        push_text(&mut parts, &mut plain);
                        parts.push(part);
                    }
                }
            }
            rest = after;
        }
        plain.push_str(rest);
        push_text(&mut parts, &mut plain);
        parts
    }

    fn named(&self, name: &str, depth: usize) -> Vec<Part> {
        if let Some(column) = self.columns.get(name) {
            return vec![Part::Column(column.clone())];
        }
        vec![match self.known.get(name) {
            Some(Known::Value(value)) if depth > 0 => return self.within(value, depth - 1),
            Some(Known::Secret) => Part::Secret(name.to_owned()),
            _ if name.starts_with('$') => Part::Dynamic(name.to_owned()),
            _ => Part::Unknown(name.to_owned()),
        }]
    }
}

fn push_text(parts: &mut Vec<Part>, text: &mut String) {
    if !text.is_empty() {
        parts.push(Part::Text(std::mem::take(text)));
    }
}

/// The first `{{name}}`: what stands before it, its name, and what stands behind it.
fn first_variable(text: &str) -> Option<(&str, &str, &str)> {
    let mut from = 0;
    loop {
        let end = from + text[from..].find("}}")?;
        // The innermost braces count: `{"a":{{b}}}`.
        if let Some(start) = text[from..end].rfind("{{").map(|start| from + start) {
            let name = &text[start + 2..end];
            if !name.trim().is_empty() && !name.contains(['{', '}']) {
                return Some((&text[..start], name, &text[end + 2..]));
            }
        }
        from = end + 2;
    }
}

/// A value as Postman puts it into a text.
pub(super) fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        other => other.to_string(),
    }
}

/// The text for a row; what has no value stands as it does in the file.
pub(super) fn filled(parts: &[Part], row: &Map<String, Value>) -> String {
    let one = |part: &Part| match part {
        Part::Text(text) => text.clone(),
        Part::Column(name) => row.get(name).map(plain).unwrap_or_default(),
        Part::Secret(name) | Part::Unknown(name) => format!("{{{{{name}}}}}"),
        Part::Dynamic(name) => fixed(name).to_owned(),
    };
    parts.iter().map(one).collect()
}

/// What stands in the place of a variable that is another at each request.
pub(super) fn fixed(name: &str) -> &'static str {
    match name {
        "$guid" | "$randomUUID" => "00000000-0000-4000-8000-000000000000",
        "$isoTimestamp" => "2000-01-01T00:00:00.000Z",
        "$randomBoolean" => "true",
        "$timestamp" | "$randomInt" => "0",
        _ => "fixed",
    }
}

/// Whether such a name is one of a secret.
pub(super) fn is_secret_name(name: &str) -> bool {
    let name: String = name.chars().filter(char::is_ascii_alphanumeric).collect();
    let name = name.to_ascii_lowercase();
    [
        "authorization",
        "apikey",
        "token",
        "secret",
        "cookie",
        "password",
        "passwd",
        "accesskey",
        "privatekey",
    ]
    .iter()
    .any(|part| name.contains(part))
        && !["maxtokens", "tokens", "tokenlimit", "tokencount"]
            .iter()
            .any(|not| name.ends_with(not))
}

/// A name that templates and formulas can use.
pub(super) fn identifier(name: &str) -> String {
    let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let slug: String = name.trim().chars().map(|c| if is_part(c) { c } else { '_' }).collect();
    if slug.starts_with(|c: char| c.is_ascii_digit()) || slug.is_empty() {
        format!("_{slug}")
    } else {
        slug
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::suites::node::document_of;

    #[test]
    fn texts_are_cut_at_their_variables() {
        let list = "\
- { key: host, value: 'https://h/{{stage}}' }
- { key: stage, value: v1 }
- { key: loop, value: '{{loop}}' }
- { key: apiKey, value: sk-1 }
- { key: pin, value: x, type: secret }
- { key: off, value: x, enabled: false }
";
        let mut variables = Variables::default();
        variables.add(&document_of(list, "e.json".to_owned()).expect("YAML"));
        let row = serde_json::json!({ "user id": 3, "n": 1.5 });
        variables.add_columns(&[row.as_object().cloned().expect("a row")]);
        let check = |text: &str, expected: &str| {
            let shown = |part: &Part| match part {
                Part::Text(text) => text.clone(),
                Part::Column(name) => format!("<{name}>"),
                Part::Secret(name) => format!("[secret {name}]"),
                Part::Unknown(name) => format!("[unknown {name}]"),
                Part::Dynamic(name) => format!("[dynamic {name}]"),
            };
            let parts = variables.parts(text);
            assert_eq!(parts.iter().map(shown).collect::<String>(), expected, "{text}");
        };
        check("{{host}}/a", "https://h/v1/a");
        check("{\"a\":{{n}},\"b\":\"{{user id}}\"}", "{\"a\":<n>,\"b\":\"<user_id>\"}");
        check("{\"a\":{\"b\":{{n}}}}", "{\"a\":{\"b\":<n>}}");
        check(
            "{{apiKey}}{{pin}}{{off}}{{$guid}}",
            "[secret apiKey][secret pin][unknown off][dynamic $guid]",
        );
        check("{{loop}}", "[unknown loop]");
        check("}} {{ {{}} {{ }} {{n", "}} {{ {{}} {{ }} {{n");
        // newman takes blanks for a part of the name.
        check("{{ n }}", "[unknown  n ]");
    }

    #[test]
    fn names_of_secrets() {
        for (name, expected) in [
            ("api_key", true),
            ("x-api-key", true),
            ("accessToken", true),
            ("max_tokens", false),
            ("Password", true),
            ("city", false),
            ("Authorization", true),
        ] {
            assert_eq!(is_secret_name(name), expected, "{name}");
        }
    }
}
