//! Templates of a request: of addresses, headers, and JSON. What fills them is data wherever it stands: a text
//! becomes JSON's text, and in an address it is percent-encoded.

use evalmark_core::{
    fields::{Fields, Marks},
    request::Request,
    template::Template,
};
use serde_json::{Value, json};

/// The names of what templates are filled with.
pub(super) const VARIABLES: [&str; 4] = ["prompt", "messages", "model", "params"];

/// What templates are filled with.
pub(super) fn fields(request: &Request) -> Fields {
    let messages = &request.messages;
    let of_user = messages.iter().rfind(|message| message.role == "user");
    let prompt = of_user.or(messages.last()).map(|message| message.text().into_owned());
    let filling = json!({
        "prompt": prompt.unwrap_or_default(),
        // Texts always make JSON.
        "messages": serde_json::to_value(messages).unwrap_or_default(),
        "model": request.model,
        "params": *request.params,
    });
    let Value::Object(filling) = filling else { return Fields::default() };
    Fields::new(filling, Marks::default())
}

/// A text, with placeholders or without.
#[derive(Clone, Debug)]
pub(super) enum Text {
    Fixed(String),
    Template(Template),
}

impl Text {
    /// Compiles a text; `name` stands in messages.
    pub(super) fn compile(name: &str, text: &str) -> Result<Self, String> {
        if !["{{", "{%", "{#"].iter().any(|mark| text.contains(mark)) {
            return Ok(Self::Fixed(text.to_owned()));
        }
        Template::compile_alone(name, text).map(Self::Template).map_err(|error| error.message)
    }

    /// What it names that nothing fills.
    pub(super) fn unfilled(&self) -> Option<String> {
        let Self::Template(template) = self else { return None };
        let names = template.variables();
        let name = names.iter().find(|name| !VARIABLES.contains(&name.as_str()))?;
        Some(format!("{}: undefined variable `{name}`", template.name()))
    }

    pub(super) fn render(&self, fields: &Fields) -> Result<String, String> {
        match self {
            Self::Fixed(text) => Ok(text.clone()),
            Self::Template(template) => template.render(fields).map_err(|error| error.message),
        }
    }
}

/// JSON with placeholders in its texts.
#[derive(Clone, Debug)]
pub(super) enum JsonTemplate {
    Fixed(Value),
    Text(Text),
    /// A placeholder that stands alone keeps the type of its value: it is rendered as JSON.
    Value(Text),
    List(Vec<Self>),
    Map(Vec<(String, Self)>),
}

impl JsonTemplate {
    /// Compiles every text of `value`; problems come with the pointer to the text.
    pub(super) fn compile(
        name: &str,
        value: &Value,
        pointer: &str,
        problems: &mut Vec<(String, String)>,
    ) -> Self {
        let mut inner = |key: &str, value: &Value| {
            let escaped = key.replace('~', "~0").replace('/', "~1");
            let (name, pointer) = (format!("{name}.{key}"), format!("{pointer}/{escaped}"));
            Self::compile(&name, value, &pointer, problems)
        };
        match value {
            Value::Object(map) => {
                Self::Map(map.iter().map(|(key, value)| (key.clone(), inner(key, value))).collect())
            }
            Value::Array(list) => {
                let elements = list.iter().enumerate();
                Self::List(elements.map(|(i, value)| inner(&i.to_string(), value)).collect())
            }
            Value::String(text) => {
                let compiled = match lone(text) {
                    Some(inner) => {
                        // As JSON, what is not defined would be null.
                        let source = format!(
                            "{{% if ({inner}) is undefined %}}{{{{ {inner} }}}}{{% endif %}}{{{{ ({inner}) | tojson }}}}"
                        );
                        Text::compile(name, &source).map(Self::Value)
                    }
                    None => Text::compile(name, text).map(Self::Text),
                };
                compiled.unwrap_or_else(|problem| {
                    problems.push((pointer.to_owned(), problem));
                    Self::Fixed(Value::Null)
                })
            }
            other => Self::Fixed(other.clone()),
        }
    }

    /// What a text in it names that nothing fills.
    pub(super) fn unfilled(&self) -> Option<String> {
        match self {
            Self::Fixed(_) => None,
            Self::Text(text) | Self::Value(text) => text.unfilled(),
            Self::List(list) => list.iter().find_map(Self::unfilled),
            Self::Map(map) => map.iter().find_map(|(_, value)| value.unfilled()),
        }
    }

    pub(super) fn render(&self, fields: &Fields) -> Result<Value, String> {
        Ok(match self {
            Self::Fixed(value) => value.clone(),
            Self::Text(text) => Value::String(text.render(fields)?),
            Self::Value(text) => {
                let json = text.render(fields)?;
                serde_json::from_str(&json).map_err(|error| error.to_string())?
            }
            Self::List(list) => {
                Value::Array(list.iter().map(|one| one.render(fields)).collect::<Result<_, _>>()?)
            }
            Self::Map(map) => {
                let entry =
                    |(key, value): &(String, Self)| Ok((key.clone(), value.render(fields)?));
                Value::Object(map.iter().map(entry).collect::<Result<_, String>>()?)
            }
        })
    }
}

/// What a placeholder names that stands alone in a text.
fn lone(text: &str) -> Option<&str> {
    let inner = text.trim().strip_prefix("{{")?.strip_suffix("}}")?;
    let inner = inner.trim_start_matches('-').trim_end_matches('-').trim();
    let is_one = !["{{", "}}", "{%", "%}"].iter().any(|mark| inner.contains(mark));
    (is_one && !inner.is_empty()).then_some(inner)
}

/// A text that is cut at its placeholders, because what fills them is treated apart.
#[derive(Clone, Debug)]
pub(super) struct Pieces(pub(super) Vec<Piece>);

#[derive(Clone, Debug)]
pub(super) enum Piece {
    Fixed(String),
    Filled(Text),
    /// The key, which no template ever sees.
    Key,
}

impl Pieces {
    /// Cuts a text; `has_key` says whether `{{ key }}` is the model's key in it.
    pub(super) fn compile(name: &str, text: &str, has_key: bool) -> Result<Self, String> {
        if text.contains("{%") || text.contains("{#") {
            return Err(format!("{name}: only `{{{{ … }}}}` can stand here"));
        }
        let (mut pieces, mut rest) = (Vec::new(), text);
        while let Some((before, after)) = rest.split_once("{{") {
            let Some((inner, after)) = after.split_once("}}") else {
                return Err(format!("{name}: a placeholder does not end"));
            };
            pieces.push(Piece::Fixed(before.to_owned()));
            pieces.push(if has_key && inner.trim() == "key" {
                Piece::Key
            } else {
                Piece::Filled(Text::compile(name, &format!("{{{{{inner}}}}}"))?)
            });
            rest = after;
        }
        pieces.push(Piece::Fixed(rest.to_owned()));
        Ok(Self(pieces))
    }

    /// Whether the key stands in it.
    pub(super) fn holds_key(&self) -> bool {
        self.0.iter().any(|piece| matches!(piece, Piece::Key))
    }

    /// What a placeholder names that nothing fills.
    pub(super) fn unfilled(&self) -> Option<String> {
        self.0.iter().find_map(|piece| match piece {
            Piece::Filled(text) => text.unfilled(),
            Piece::Fixed(_) | Piece::Key => None,
        })
    }

    /// The text, with what fills its placeholders passed through `change`.
    pub(super) fn render(
        &self,
        fields: &Fields,
        key: &str,
        change: impl Fn(&str) -> Result<String, String>,
    ) -> Result<String, String> {
        let mut text = String::new();
        for piece in &self.0 {
            match piece {
                Piece::Fixed(fixed) => text.push_str(fixed),
                Piece::Filled(filled) => text.push_str(&change(&filled.render(fields)?)?),
                Piece::Key => text.push_str(key),
            }
        }
        Ok(text)
    }
}

/// A value that needs no other form.
#[expect(clippy::unnecessary_wraps, reason = "values of addresses may be refused")]
pub(super) fn as_it_is(value: &str) -> Result<String, String> {
    Ok(value.to_owned())
}

/// A value within an address, which stays at the place that the suite gives it.
pub(super) fn percent_encoded(value: &str) -> Result<String, String> {
    if matches!(value, "." | "..") {
        return Err(format!("`{value}` in an address would lead to another path"));
    }
    let mut encoded = String::with_capacity(value.len());
    for byte in value.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => {
                encoded.push(byte.into());
            }
            _ => {
                encoded.push('%');
                for digit in [byte >> 4, byte & 15] {
                    let digit = char::from_digit(digit.into(), 16).unwrap_or('0');
                    encoded.push(digit.to_ascii_uppercase());
                }
            }
        }
    }
    Ok(encoded)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use evalmark_core::message::Message;

    use super::*;

    fn request(prompt: &str) -> Request {
        let params = json!({ "k": 3, "tags": ["a"], "deep": { "x": null } });
        let params = Arc::new(params.as_object().cloned().unwrap_or_default());
        let messages = [Message::new("system", "Be brief."), Message::new("user", prompt)];
        Request::chat("m".into(), messages, params, 0)
    }

    fn check(template: &Value, prompt: &str, expected: Result<Value, &str>) {
        let mut problems = Vec::new();
        let compiled = JsonTemplate::compile("body", template, "/body", &mut problems);
        assert_eq!(problems, [], "{template}");
        let rendered = compiled.render(&fields(&request(prompt)));
        match expected {
            Ok(expected) => assert_eq!(rendered, Ok(expected), "{template}"),
            Err(part) => {
                let told = rendered.expect_err("a problem");
                assert!(told.contains(part), "{told}");
            }
        }
    }

    #[test]
    fn a_lone_placeholder_keeps_its_type_and_texts_are_escaped() {
        let hostile = "\"}, {\"role\": \"x\n{{ key }} \u{1}<b>&'";
        check(&json!("{{ prompt }}"), hostile, Ok(json!(hostile)));
        check(&json!("Q: {{ prompt }}"), hostile, Ok(json!(format!("Q: {hostile}"))));
        check(&json!({ "k": "{{ params.k }}" }), "", Ok(json!({ "k": 3 })));
        check(&json!(["{{- params.tags -}}", 1.5, null]), "", Ok(json!([["a"], 1.5, null])));
        check(&json!("{{ params.deep }}"), "", Ok(json!({ "x": null })));
        check(&json!("{{ messages | length }}"), "", Ok(json!(2)));
        check(
            &json!("{{ messages }}"),
            "hi",
            Ok(json!([
                { "role": "system", "content": "Be brief." },
                { "role": "user", "content": "hi" },
            ])),
        );
        check(&json!("{{ model }}{{ params.k }}"), "", Ok(json!("m3")));
        check(
            &json!("{% for m in messages %}{{ m.role }} {% endfor %}"),
            "",
            Ok(json!("system user ")),
        );
        check(&json!("{{ params.none }}"), "", Err("undefined"));
        check(&json!("{{ key }}"), "", Err("undefined variable `key`"));
    }

    #[test]
    fn malformed_templates_are_told_with_their_place() {
        let mut problems = Vec::new();
        let template = json!({ "a": ["{{ prompt", "fine"], "b/c": "{% if %}" });
        JsonTemplate::compile("body", &template, "/body", &mut problems);
        let places: Vec<_> = problems.iter().map(|(pointer, _)| pointer.as_str()).collect();
        assert_eq!(places, ["/body/a/0", "/body/b~1c"]);
    }

    #[test]
    fn what_fills_an_address_stays_in_its_place() {
        let check = |text: &str, prompt: &str, expected: Result<&str, &str>| {
            let pieces = Pieces::compile("url", text, false).expect("pieces");
            let rendered = pieces.render(&fields(&request(prompt)), "", percent_encoded);
            assert_eq!(rendered.as_deref().map_err(String::as_str), expected);
        };
        check("http://h/{{ prompt }}?x=1", "a/b ?é", Ok("http://h/a%2Fb%20%3F%C3%A9?x=1"));
        check("http://h/", "a", Ok("http://h/"));
        check("http://h/{{ prompt }}", "..", Err("`..` in an address would lead to another path"));
        assert!(Pieces::compile("url", "http://h/{{ prompt", false).is_err());
        assert!(Pieces::compile("url", "http://h/{% if x %}", false).is_err());
    }

    #[test]
    fn a_key_stands_only_where_it_may() {
        let header = Pieces::compile("h", "Bearer {{ key }} of {{ model }}", true).expect("pieces");
        assert!(header.holds_key());
        let rendered = header.render(&fields(&request("")), "sk-1", as_it_is);
        assert_eq!(rendered.as_deref(), Ok("Bearer sk-1 of m"));
        let other = Pieces::compile("url", "http://h/{{ key }}", false).expect("pieces");
        assert!(!other.holds_key());
        let told = other.render(&fields(&request("")), "sk-1", as_it_is).expect_err("no key");
        assert!(told.contains("undefined variable `key`"), "{told}");
    }
}
