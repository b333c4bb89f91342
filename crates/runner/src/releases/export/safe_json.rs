//! JSON that stays what it is inside of other forms: in ASCII alone, and where a form has its own use of them, without
//! quotes, backslashes and dollars.

use std::fmt::Write;

use serde_json::Value;

/// JSON in ASCII.
pub(super) fn ascii(value: &Value) -> String {
    let mut text = String::new();
    for c in value.to_string().chars() {
        if c.is_ascii() && c != '\u{7f}' {
            text.push(c);
        } else {
            // Such characters stand in texts alone, where JSON escapes them so.
            for unit in c.encode_utf16(&mut [0; 2]) {
                // Writing to a text does not fail.
                let _ = write!(text, "\\u{unit:04x}");
            }
        }
    }
    text
}

/// JSON in ASCII that stands between single quotes in every dialect of dotenv: none of its characters ends the value, and
/// none is expanded.
pub(super) fn for_single_quotes(value: &Value) -> String {
    let json = ascii(value);
    let mut text = String::new();
    let mut rest = json.chars();
    while let Some(c) = rest.next() {
        match c {
            '\'' => text.push_str("\\u0027"),
            '$' => text.push_str("\\u0024"),
            '`' => text.push_str("\\u0060"),
            '\\' => match rest.next() {
                Some('\\') => text.push_str("\\u005c"),
                Some('"') => text.push_str("\\u0022"),
                Some(other) => text.extend(['\\', other]),
                None => text.push('\\'),
            },
            c => text.push(c),
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn values_are_the_same_afterwards() {
        let check = |text: &str| {
            let value = json!({ "text": text });
            for written in [ascii(&value), for_single_quotes(&value)] {
                assert!(written.is_ascii(), "{written}");
                assert_eq!(serde_json::from_str::<Value>(&written).expect("JSON"), value);
            }
            let quoted = for_single_quotes(&value);
            assert!(!quoted.contains(['\'', '$', '`']) && !quoted.contains("\\\\"), "{quoted}");
        };
        check("plain");
        check("it's \"quoted\" \\ $HOME `x` \\n \\\\' \n\t\u{1}\u{7f}");
        check("größe \u{2028} \u{85} 🦀 日本語");
    }
}
