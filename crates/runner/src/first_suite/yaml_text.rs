//! Texts of a dataset as YAML and as Jinja write them, so that none of them acts.

use evalmark_report::safe_text::printable_line;
use serde_json::Value;

/// Words that YAML does not take for text.
const NOT_TEXT: [&str; 12] =
    ["true", "false", "yes", "no", "on", "off", "y", "n", "null", "nan", "inf", "infinity"];

/// Words that mean something of their own to Jinja, or to evalmark's templates.
const OF_JINJA: [&str; 23] = [
    "loop",
    "self",
    "super",
    "true",
    "false",
    "none",
    "null",
    "and",
    "or",
    "not",
    "in",
    "is",
    "if",
    "else",
    "for",
    "range",
    "dict",
    "namespace",
    "caller",
    "varargs",
    "kwargs",
    "cycler",
    "joiner",
];

/// A text as a YAML scalar within a flow or block mapping.
pub(crate) fn scalar(text: &str) -> String {
    let body = text.trim_start_matches("../");
    let is_plain = body.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && text
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | ' ' | '.' | '/'))
        && !text.ends_with(' ')
        && !NOT_TEXT.contains(&text.to_ascii_lowercase().as_str());
    if is_plain { text.to_owned() } else { quoted_json(text) }
}

/// A list of texts.
pub(super) fn list<'a>(texts: impl IntoIterator<Item = &'a str>) -> String {
    format!("[{}]", texts.into_iter().map(scalar).collect::<Vec<_>>().join(", "))
}

/// A text in double quotes: JSON, which YAML and Jinja read alike.
pub(crate) fn quoted_json(text: &str) -> String {
    let json = Value::from(text).to_string();
    // Line breaks to YAML, and none to JSON.
    let json = json.replace('\u{85}', "\\u0085").replace('\u{2028}', "\\u2028");
    json.replace('\u{2029}', "\\u2029").replace('\u{7f}', "\\u007f").replace('\u{feff}', "\\ufeff")
}

/// A comment of one line.
pub(super) fn comment(text: &str) -> String {
    format!("# {}", printable_line(text))
}

/// How a template names a column.
pub(super) fn variable(column: &str) -> String {
    let is_word = column.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && column.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    if is_word && !OF_JINJA.contains(&column.to_ascii_lowercase().as_str()) {
        return column.to_owned();
    }
    if column.contains(['\'', '\\']) || column.chars().any(char::is_control) {
        format!("item[{}]", quoted_json(column))
    } else {
        format!("item['{column}']")
    }
}

/// A text that a template shows as it is.
pub(super) fn literal(text: &str) -> String {
    if text.contains(['{', '}']) {
        format!("{{{{ {} }}}}", quoted_json(text))
    } else {
        text.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_that_yaml_reads_otherwise_are_quoted() {
        let check = |text: &str, expected: &str| assert_eq!(scalar(text), expected, "{text:?}");
        check("money", "money");
        check("very late", "very late");
        check("../data/x.csv", "../data/x.csv");
        check("no", "\"no\"");
        check("1", "\"1\"");
        check("Ticket #", "\"Ticket #\"");
        check("a: b", "\"a: b\"");
        check("réponse", "\"réponse\"");
        check("two\nlines", "\"two\\nlines\"");
        check("", "\"\"");
    }

    #[test]
    fn columns_of_any_name_can_be_variables() {
        let check = |column: &str, expected: &str| assert_eq!(variable(column), expected);
        check("text", "text");
        check("Ticket #", "item['Ticket #']");
        check("it's", "item[\"it's\"]");
        check("in", "item['in']");
        check("expected.label", "item['expected.label']");
    }

    #[test]
    fn braces_do_not_act() {
        assert_eq!(literal("{{ 1 }}"), "{{ \"{{ 1 }}\" }}");
        assert_eq!(literal("plain #1"), "plain #1");
    }
}
