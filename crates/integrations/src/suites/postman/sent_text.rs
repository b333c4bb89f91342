//! What is sent, as templates of a suite: addresses, headers and bodies with placeholders for columns.

use std::fmt::Write as _;

use serde_json::Map;

use super::{
    asked::Query,
    variables::{Part, filled},
};

/// The address with its query.
pub(super) fn url(address: &[Part], query: &Query, slot: &dyn Fn(&str) -> String) -> String {
    let shown = |parts: &[Part], is_query: bool| {
        parts
            .iter()
            .map(|part| match part {
                Part::Column(name) => slot(name),
                part => encoded(&filled(std::slice::from_ref(part), &Map::new()), is_query),
            })
            .collect::<String>()
    };
    let mut url = shown(address, false);
    for (at, (name, value)) in query.iter().enumerate() {
        url.push(if at == 0 { '?' } else { '&' });
        url.push_str(&shown(name, true));
        if let Some(value) = value {
            url.push('=');
            url.push_str(&shown(value, true));
        }
    }
    url
}

/// A text in an address: what would mean something else there is percent-encoded.
fn encoded(text: &str, is_query: bool) -> String {
    let mut out = String::new();
    for c in text.chars() {
        match c {
            ' ' | '"' | '<' | '>' | '`' | '{' | '}' | '#' | '\'' => {
                let _ = write!(out, "%{:02X}", u32::from(c));
            }
            '?' if !is_query => out.push_str("%3F"),
            c if c.is_control() => {
                let _ = write!(out, "%{:02X}", u32::from(c) & 0xff);
            }
            c => out.push(c),
        }
    }
    out
}

pub(super) fn header_text(part: &Part, slot: &dyn Fn(&str) -> String) -> String {
    match part {
        Part::Column(name) => slot(name),
        part => filled(std::slice::from_ref(part), &Map::new()).replace(['\r', '\n'], " "),
    }
}

/// A template that gives a text as it is, with its columns filled in.
pub(super) fn template(parts: &[Part]) -> String {
    let mut out = String::new();
    for (at, part) in parts.iter().enumerate() {
        let text = match part {
            Part::Column(name) => {
                let _ = write!(out, "{{{{ {name} }}}}");
                continue;
            }
            part => filled(std::slice::from_ref(part), &Map::new()),
        };
        let is_last = at + 1 == parts.len();
        let mut chars = text.chars().peekable();
        while let Some(c) = chars.next() {
            match (c, chars.peek()) {
                // With what follows it, a brace would begin a tag.
                ('{', Some('{' | '%' | '#')) => out.push_str("{{ '{' }}"),
                ('{', None) if !is_last => out.push_str("{{ '{' }}"),
                // A line break at the end of a template is none of its text.
                ('\n', None) if is_last => out.push_str("{{ '\\n' }}"),
                _ => out.push(c),
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use evalmark_core::{fields::Fields, template::Template};
    use serde_json::json;

    use super::*;

    #[test]
    fn a_template_gives_the_text_back() {
        let check = |parts: &[Part], expected: &str| {
            let text = template(parts);
            let template = Template::compile_alone("t", &text)
                .unwrap_or_else(|e| panic!("{text}: {}", e.message));
            let row = json!({ "n": 3, "t": "{{ n }}" });
            let fields = Fields::from(row.as_object().cloned().unwrap_or_default());
            assert_eq!(template.render(&fields).ok().as_deref(), Some(expected), "{text}");
        };
        let text = |text: &str| Part::Text(text.to_owned());
        let n = || Part::Column("n".to_owned());
        for odd in [
            "{{ x }}",
            "{% raw %}{{",
            "{# a #}\r\nb\n",
            "{{{{{",
            "a}}%}#}",
            "{{ '{{' }}\n\n",
            "'\"\\",
        ] {
            check(&[text(odd)], odd);
        }
        check(&[text("{\"a\": {"), n(), text("}}")], "{\"a\": {3}}");
        check(&[text("{%"), n(), text("%}\n")], "{%3%}\n");
        check(&[Part::Column("t".to_owned()), Part::Unknown("who".to_owned())], "{{ n }}{{who}}");
    }

    #[test]
    fn addresses_keep_what_means_something_there() {
        let slot = |name: &str| format!("{{{{ {name} }}}}");
        let text = |text: &str| vec![Part::Text(text.to_owned())];
        let query = vec![
            (text("q x"), Some(text("a b&'c\u{7}"))),
            (text("flag"), None),
            (text("u"), Some(vec![Part::Column("u".to_owned())])),
        ];
        let shown = url(&text("http://h/a b?#{x}/é%20"), &query, &slot);
        assert_eq!(shown, "http://h/a%20b%3F%23%7Bx%7D/é%20?q%20x=a%20b&%27c%07&flag&u={{ u }}");
    }
}
