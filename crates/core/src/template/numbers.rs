//! Numbers in templates: written as they stand in the dataset, and still calculated with.
//!
//! Jinja's numbers are 64-bit floats, or integers. Where a template only writes its columns, one that
//! neither can hold (`1.10`, twenty digits and a fraction) is a value of its own. Where it calculates
//! or compares, such a number is a float, and is written as it stands wherever it comes out as it went
//! in.

use std::{fmt, sync::Arc};

use minijinja::{
    Environment, Error, Output, State, Value,
    value::{Kwargs, Object, ObjectRepr, Serde, ValueKind},
};
use serde::{Serialize, Serializer};

use super::size_guard;
use crate::fields::Fields;

/// The variable through which the row's numbers are found; no template can name it.
pub(super) const ROUNDED: &str = "\0rounded";

/// A number as its digits.
#[derive(Debug)]
pub(super) struct ExactNumber(pub(super) String);

impl Object for ExactNumber {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Plain
    }

    fn is_true(self: &Arc<Self>) -> bool {
        self.0
            .bytes()
            .take_while(|byte| !matches!(byte, b'e' | b'E'))
            .any(|b| (b'1'..=b'9').contains(&b))
    }

    fn render(self: &Arc<Self>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The numbers of a row that are floats in calculations and stand otherwise in the file.
#[derive(Debug)]
pub(super) struct Rounded(pub(super) Fields);

impl Object for Rounded {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Plain
    }
}

impl Rounded {
    /// How a float stands in the row, if it is there and always written alike.
    fn digits(&self, float: f64) -> Option<&str> {
        let mut same = self.0.marks()?.numbers().filter(|(_, digits)| {
            digits.parse().is_ok_and(|number: f64| number.to_bits() == float.to_bits())
        });
        let (_, first) = same.next()?;
        same.all(|(_, other)| other == first).then_some(first)
    }
}

/// Prepares an environment for templates that write, or that calculate with, numbers.
pub(super) fn prepare(environment: &mut Environment<'static>, calculates: bool) {
    if calculates {
        environment.set_formatter(write_as_it_stands);
    } else {
        environment.add_filter("tojson", to_json);
    }
}

fn write_as_it_stands(out: &mut Output, state: &mut State, value: &Value) -> Result<(), Error> {
    if value.kind() == ValueKind::Number
        && !value.is_integer()
        && let Ok(float) = f64::try_from(value.clone())
        && let Some(row) = state.lookup(ROUNDED)
        && let Some(digits) = row.downcast_object_ref::<Rounded>().and_then(|row| row.digits(float))
    {
        return out.write_str(digits).map_err(Error::from);
    }
    size_guard::print(out, state, value)
}

/// Jinja's `tojson`, with numbers as they stand.
fn to_json(
    state: &State,
    value: &Value,
    indent: Option<Value>,
    options: Kwargs,
) -> Result<Value, Error> {
    let json = match in_quotes(value) {
        None => size_guard::to_json(state, value, indent, options)?,
        Some(value) => {
            let json = size_guard::to_json(state, &value, indent, options)?;
            let json = json.as_str().unwrap_or_default();
            let json = json.replace(&format!("\"{MARK}"), "").replace(&format!("{MARK}\""), "");
            Value::from_safe_string(json)
        }
    };
    Ok(json)
}

/// Stands around a number among JSON; no text that people write holds it.
const MARK: &str = "\u{10fffd}\u{10fffc}";

/// The value with its exact numbers as marked texts; `None` where there are none.
fn in_quotes(value: &Value) -> Option<Value> {
    if let Some(ExactNumber(digits)) = value.downcast_object_ref() {
        return Some(format!("{MARK}{digits}{MARK}").into());
    }
    match value.kind() {
        ValueKind::Seq => {
            let elements: Vec<_> = value.try_iter().ok()?.collect();
            let quoted: Vec<_> = elements.iter().map(in_quotes).collect();
            let any = quoted.iter().any(Option::is_some);
            let both = std::iter::zip(quoted, elements);
            any.then(|| {
                both.map(|(quoted, plain)| quoted.unwrap_or(plain)).collect::<Vec<_>>().into()
            })
        }
        ValueKind::Map => {
            let entries: Vec<_> =
                value.try_iter().ok()?.map(|key| (value.get_item(&key), key)).collect();
            let entries = entries.into_iter().map(|(value, key)| Some((key, value.ok()?)));
            let entries: Vec<_> = entries.collect::<Option<_>>()?;
            let quoted: Vec<_> = entries.iter().map(|(_, value)| in_quotes(value)).collect();
            let any = quoted.iter().any(Option::is_some);
            let both = std::iter::zip(quoted, entries);
            let entry = |(quoted, (key, plain)): (Option<Value>, _)| (key, quoted.unwrap_or(plain));
            any.then(|| mapping(both.map(entry)))
        }
        _ => None,
    }
}

/// A mapping with these entries, in their order; pairs alone would be a list.
pub(super) fn mapping(entries: impl Iterator<Item = (Value, Value)>) -> Value {
    Serde(Entries(entries.collect())).into()
}

struct Entries(Vec<(Value, Value)>);

impl Serialize for Entries {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(key, value)| (key, value)))
    }
}

/// Filters that take numbers as numbers.
const FILTERS: &[&str] = &[
    "abs",
    "bool",
    "dictsort",
    "float",
    "format",
    "groupby",
    "int",
    "map",
    "max",
    "min",
    "reject",
    "rejectattr",
    "round",
    "select",
    "selectattr",
    "sort",
    "sum",
    "unique",
];

/// Words that compare, count, or bring in what is not looked at here.
const WORDS: &[&str] = &["call", "extends", "from", "import", "in", "include", "is", "range"];

/// Whether a template does more with numbers than to write them.
pub(super) fn calculates(source: &str) -> bool {
    blocks(source).any(|block| {
        let is_loop = block.trim_start().starts_with("for ");
        let mut loop_in = is_loop;
        tokens(block).any(|token| match token {
            Token::Word("in") if loop_in => {
                loop_in = false;
                false
            }
            Token::Word(word) => FILTERS.contains(&word) || WORDS.contains(&word),
            Token::Operator(operator) => {
                matches!(operator, '<' | '>' | '+' | '*' | '/' | '%' | '-' | '!' | '=')
            }
        })
    })
}

/// What stands between `{{` and `}}` and between `{%` and `%}`, without marks that trim.
pub(super) fn blocks(source: &str) -> impl Iterator<Item = &str> {
    let mut rest = source;
    std::iter::from_fn(move || {
        loop {
            let start = rest.find('{')?;
            let end = match rest.as_bytes().get(start + 1) {
                Some(b'{') => "}}",
                Some(b'%') => "%}",
                Some(b'#') => "#}",
                _ => {
                    rest = &rest[start + 1..];
                    continue;
                }
            };
            let is_comment = end == "#}";
            let inner = &rest[start + 2..];
            let length = inner.find(end).unwrap_or(inner.len());
            let block = &inner[..length];
            rest = inner.get(length + 2..).unwrap_or_default();
            if !is_comment {
                return Some(block.trim_start_matches(['-', '+']).trim_end_matches(['-', '+']));
            }
        }
    })
}

enum Token<'a> {
    Word(&'a str),
    Operator(char),
}

/// The words and operators of a block: no strings, no single `=` (of an argument or of `set`).
fn tokens(block: &str) -> impl Iterator<Item = Token<'_>> {
    let mut rest = block;
    std::iter::from_fn(move || {
        loop {
            let first = rest.chars().next()?;
            if first == '"' || first == '\'' {
                let mut is_escaped = false;
                let end = rest.char_indices().skip(1).find(|(_, c)| {
                    let is_end = *c == first && !is_escaped;
                    is_escaped = *c == '\\' && !is_escaped;
                    is_end
                });
                rest = end.map_or("", |(at, _)| &rest[at + 1..]);
                continue;
            }
            let is_word = |c: char| c.is_alphanumeric() || c == '_';
            let length = if is_word(first) {
                rest.find(|c| !is_word(c)).unwrap_or(rest.len())
            } else {
                first.len_utf8()
            };
            let (token, after) = rest.split_at(length);
            let is_argument = first == '=' && !after.starts_with('=');
            rest = if first == '=' && !is_argument { &after[1..] } else { after };
            if is_word(first) {
                return Some(Token::Word(token));
            }
            if !is_argument && !first.is_whitespace() {
                return Some(Token::Operator(first));
            }
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_template_calculates_or_only_writes() {
        for source in [
            "a < b > c",
            "{{ price }} - {{ item['a-b * c'] }}",
            "{%- for x in prices -%}{{ x }}{%- endfor -%}",
            "{{ prices | join(', ') }}{# a > b #}",
            "{% set x = price %}{{ x | tojson(indent=2) }} { % }",
            "{% if price %}{{ price }}{% endif %}",
        ] {
            assert!(!calculates(source), "{source}");
        }
        for source in [
            "{{ price * 2 }}",
            "{% if price > 2 %}x{% endif %}",
            "{% if a == 'b' %}x{% endif %}",
            "{{ price | round(1) }}",
            "{% if price is number %}x{% endif %}",
            "{% if 1.1 in prices %}x{% endif %}",
            "{% for x in prices if x in other %}x{% endfor %}",
            "{% include 'a.j2' %}",
            "{{ -price }}{{ a - b }}",
        ] {
            let expected = source != "{{ -price }}{{ a - b }}" || calculates("{{ a - b }}");
            assert_eq!(calculates(source), expected, "{source}");
        }
    }
}
