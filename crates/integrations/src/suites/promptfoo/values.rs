//! Values of promptfoo as promptfoo reads them: texts of values, lists with commas, plain paths in code.

use serde_json::Value;

/// A scalar as JavaScript's `String(value)` shows it; of anything else JSON.
pub(super) fn text_of(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Number(number) => match number.as_f64() {
            Some(float) if float.fract() == 0.0 && float.abs() < 1e15 => format!("{float:.0}"),
            _ => number.to_string(),
        },
        other => other.to_string(),
    }
}

/// A value whose numbers are written as JavaScript writes them: `1.0` is `1`.
pub(super) fn of_javascript(value: &Value) -> Value {
    match value {
        Value::Number(number) if !number.is_i64() && !number.is_u64() => {
            serde_json::from_str(&text_of(value)).unwrap_or_else(|_| value.clone())
        }
        Value::Array(list) => list.iter().map(of_javascript).collect(),
        Value::Object(map) => {
            map.iter().map(|(key, value)| (key.clone(), of_javascript(value))).collect()
        }
        other => other.clone(),
    }
}

/// What stands between commas; a field in double quotes may hold some.
pub(super) fn comma_separated(text: &str) -> Vec<String> {
    let mut fields = Vec::new();
    let mut rest = text;
    loop {
        rest = rest.trim_start_matches(|c: char| c.is_whitespace() || c == ',');
        if rest.is_empty() {
            return fields;
        }
        if let Some(quoted) = rest.strip_prefix('"') {
            let (field, after) = unquoted(quoted);
            fields.push(field);
            rest = after.trim_start();
        } else {
            let end = rest.find(',').unwrap_or(rest.len());
            fields.push(rest[..end].trim().to_owned());
            rest = &rest[end..];
        }
    }
}

/// A field up to its closing quote, and what follows.
fn unquoted(text: &str) -> (String, &str) {
    let mut field = String::new();
    let mut chars = text.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        let next = chars.peek().map(|(_, next)| *next);
        match (c, next) {
            ('\\', Some(escaped @ ('"' | '\\'))) => {
                field.push(escaped);
                chars.next();
            }
            ('"', Some('"')) => {
                field.push('"');
                chars.next();
            }
            ('"', _) => return (field, &text[at + 1..]),
            _ => field.push(c),
        }
    }
    (field, "")
}

/// The JSONPath that an expression of JavaScript stands for, where it is a plain path into `root`, such as
/// `JSON.parse(output).a[0].b` for `output`: `$.a[0].b`.
pub(super) fn plain_path(code: &str, roots: &[&str]) -> Option<String> {
    let code = code.trim().trim_end_matches(';').trim();
    let code = code.strip_prefix("return ").unwrap_or(code).trim();
    let mut rest = roots.iter().find_map(|root| {
        let parsed = format!("JSON.parse({root})");
        code.strip_prefix(parsed.as_str()).or_else(|| code.strip_prefix(root))
    })?;
    let mut path = "$".to_owned();
    while !rest.is_empty() {
        rest = rest.strip_prefix('?').filter(|rest| rest.starts_with('.')).unwrap_or(rest);
        if let Some(name) = rest.strip_prefix('.') {
            let end = name.find(|c: char| !c.is_ascii_alphanumeric() && c != '_' && c != '$');
            let (name, after) = name.split_at(end.unwrap_or(name.len()));
            let name = if name.is_empty() && after.starts_with('[') { None } else { Some(name) };
            match name {
                Some("") => return None,
                Some(name) => {
                    path.push('.');
                    path.push_str(name);
                }
                None => {}
            }
            rest = after;
        } else {
            let (inner, after) = rest.strip_prefix('[')?.split_once(']')?;
            let quoted = |quote: char| inner.strip_prefix(quote)?.strip_suffix(quote);
            match quoted('\'').or_else(|| quoted('"')) {
                Some(name) if !name.contains(['\'', '"', '\\']) => {
                    path.push_str("['");
                    path.push_str(name);
                    path.push_str("']");
                }
                _ if inner.chars().all(|c| c.is_ascii_digit()) && !inner.is_empty() => {
                    path.push('[');
                    path.push_str(inner);
                    path.push(']');
                }
                _ => return None,
            }
            rest = after;
        }
    }
    Some(path)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn lists_with_commas() {
        let check = |text: &str, expected: &[&str]| assert_eq!(comma_separated(text), expected);
        check("a, b ,c", &["a", "b", "c"]);
        check("\"a, b\", c", &["a, b", "c"]);
        check("\"say \"\"x\"\"\",\"\\\"y\\\"\"", &["say \"x\"", "\"y\""]);
        check(" , ", &[]);
        check("\"open", &["open"]);
    }

    #[test]
    fn texts() {
        assert_eq!(text_of(&json!(5.0)), "5");
        assert_eq!(text_of(&json!(0.5)), "0.5");
        assert_eq!(text_of(&json!(true)), "true");
        assert_eq!(text_of(&json!({ "a": 1 })), "{\"a\":1}");
    }

    #[test]
    fn numbers_of_javascript() {
        let value = json!({ "a": [1.0, 2.5, -3.0, 7], "b": "1.0", "c": true });
        let expected = json!({ "a": [1, 2.5, -3, 7], "b": "1.0", "c": true });
        assert_eq!(of_javascript(&value), expected);
    }

    #[test]
    fn paths_in_code() {
        let check = |code: &str, expected: Option<&str>| {
            assert_eq!(plain_path(code, &["output", "json"]).as_deref(), expected, "{code}");
        };
        check("output", Some("$"));
        check("JSON.parse(output).a[0].b", Some("$.a[0].b"));
        check(
            "return output.choices[0]?.message['content'];",
            Some("$.choices[0].message['content']"),
        );
        check("json.x", Some("$.x"));
        check("output.trim()", None);
        check("output.a + 1", None);
        check("outputs.a", None);
        check("x.a", None);
        check("output[", None);
        check("output.", None);
    }
}
