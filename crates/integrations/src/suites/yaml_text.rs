//! Values as YAML that people like to read: block style, short things in one line, texts of several
//! lines as such. Whatever YAML could read otherwise is quoted.

use std::fmt::Write as _;

use serde_json::{Map, Value};

/// Words that YAML, in one version or another, does not take for text.
const NOT_TEXT: [&str; 13] =
    ["true", "false", "yes", "no", "on", "off", "y", "n", "null", "nan", "inf", "infinity", "none"];

/// The longest mapping or list that stands in one line, in bytes.
const ONE_LINE: usize = 90;

/// A mapping as a YAML document.
pub(crate) fn document(map: &Map<String, Value>) -> String {
    let mut out = String::new();
    for (key, value) in map {
        out.push_str(&scalar(key));
        out.push(':');
        below(&mut out, value, 0);
    }
    out
}

/// A value behind `key:`, at this depth of indentation.
fn below(out: &mut String, value: &Value, indent: usize) {
    match value {
        Value::Object(map) if !map.is_empty() && one_line(value).is_none() => {
            out.push('\n');
            entries(out, map, indent + 2);
        }
        Value::Array(list) if !list.is_empty() && one_line(value).is_none() => {
            out.push('\n');
            elements(out, list, indent + 2);
        }
        Value::Object(_) | Value::Array(_) => {
            let _ = writeln!(out, " {}", one_line(value).unwrap_or_default());
        }
        Value::String(text) => match block(text, indent + 2) {
            Some(block) => drop(writeln!(out, " {block}")),
            None => drop(writeln!(out, " {}", scalar(text))),
        },
        other => drop(writeln!(out, " {other}")),
    }
}

fn entries(out: &mut String, map: &Map<String, Value>, indent: usize) {
    for (key, value) in map {
        let _ = write!(out, "{:indent$}{}:", "", scalar(key));
        below(out, value, indent);
    }
}

fn elements(out: &mut String, list: &[Value], indent: usize) {
    for value in list {
        let _ = write!(out, "{:indent$}-", "");
        match value {
            Value::Object(map) if !map.is_empty() && one_line(value).is_none() => {
                let mut inner = String::new();
                entries(&mut inner, map, indent + 2);
                out.push(' ');
                out.push_str(inner.trim_start());
            }
            value => below(out, value, indent),
        }
    }
}

/// A mapping or list of short scalars in flow style.
fn one_line(value: &Value) -> Option<String> {
    let text = flow(value)?;
    (text.len() <= ONE_LINE).then_some(text)
}

/// A value without line breaks; `None` where it holds a text of several lines.
fn flow(value: &Value) -> Option<String> {
    Some(match value {
        Value::String(text) if text.contains('\n') => return None,
        Value::String(text) => scalar(text),
        Value::Array(list) => {
            format!("[{}]", list.iter().map(flow).collect::<Option<Vec<_>>>()?.join(", "))
        }
        Value::Object(map) if map.is_empty() => "{}".to_owned(),
        Value::Object(map) => {
            let entry = |(key, value): (&String, &Value)| {
                Some(format!("{}: {}", scalar(key), flow(value)?))
            };
            format!("{{ {} }}", map.iter().map(entry).collect::<Option<Vec<_>>>()?.join(", "))
        }
        other => other.to_string(),
    })
}

/// A text of several lines as a literal block, where it comes back the same.
fn block(text: &str, indent: usize) -> Option<String> {
    let (body, chomp) = match text.strip_suffix('\n') {
        Some(body) => (body, ""),
        None => (text, "-"),
    };
    let acts = |c: char| {
        (c.is_control() && c != '\n')
            || matches!(c, '\u{85}' | '\u{2028}' | '\u{2029}' | '\u{feff}')
    };
    let begins_odd = body.starts_with([' ', '\n', '\t']);
    if !body.contains('\n') || body.ends_with('\n') || begins_odd || body.contains(acts) {
        return None;
    }
    let mut out = format!("|{chomp}");
    for line in body.split('\n') {
        out.push('\n');
        if !line.is_empty() {
            let _ = write!(out, "{:indent$}{line}", "");
        }
    }
    Some(out)
}

/// A text in one line.
pub(crate) fn scalar(text: &str) -> String {
    let is_plain = text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && text
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | ' ' | '.' | '/'))
        && !text.ends_with(' ')
        && !NOT_TEXT.contains(&text.to_ascii_lowercase().as_str());
    if is_plain {
        return text.to_owned();
    }
    let is_simple = |c: char| !c.is_control() && c != '\'' && (c.is_ascii() || c.is_alphanumeric());
    if text.contains(['"', '\\']) && text.chars().all(is_simple) {
        return format!("'{text}'");
    }
    let json = Value::from(text).to_string();
    // Line breaks to YAML, and none to JSON.
    let json = json.replace('\u{85}', "\\u0085").replace('\u{2028}', "\\u2028");
    json.replace('\u{2029}', "\\u2029").replace('\u{7f}', "\\u007f").replace('\u{feff}', "\\ufeff")
}

#[cfg(test)]
mod tests {
    use evalmark_core::suite::yaml;
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_written_is_read_back() {
        let value = json!({
            "plain": "money", "no": "no", "1": 1, "x": 1.5, "": "", "deep": { "a": [], "b": {}, "c": null },
            "text": "two\nlines\n", "text2": "two\n\n  lines", "odd": " begins\nodd\n\n", "tab": "a\tb\n\tc",
            "quotes": "\"it's\"", "pattern": "^\\d+\"$", "list": ["a", "b: c", "# d", "- e", "é", "\u{2028}"],
            "long": [{ "name": "x".repeat(60), "of": { "y": "z".repeat(60), "w": "1\n2" } }, ["u".repeat(99)]],
            "braces": "{{ x }}", "colon": "a: b", "star": "*x", "bell": "\u{7}", "blank end": "a ", "n": -0.5,
        });
        let map = value.as_object().expect("a mapping");
        let text = document(map);
        assert_eq!(yaml(&text).expect(&text), value, "{text}");
    }

    #[test]
    fn it_is_pleasant_to_read() {
        let value = json!({
            "name": "a", "prompts": [{ "name": "p", "template": "Say\n{{ x }}" }],
            "metrics": [{ "name": "m", "regex": { "pattern": "^\\d$" } }],
        });
        let expected = "\
name: a
prompts:
  - name: p
    template: |-
      Say
      {{ x }}
metrics:
  - { name: m, regex: { pattern: '^\\d$' } }
";
        let expected =
            expected.replace("metrics:\n  - {", "metrics: [{").replace(" } }\n", " } }]\n");
        assert_eq!(document(value.as_object().expect("a mapping")), expected);
    }
}
