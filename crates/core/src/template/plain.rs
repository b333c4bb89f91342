//! Templates that only put columns into a text, as most prompts do: `Question: {{ question }}`. Where
//! those columns are texts, too, no engine is needed.

use serde_json::Value;

use crate::fields::Fields;

/// A template's parts, in order.
#[derive(Debug)]
pub(super) struct PlainTemplate(Vec<Part>);

#[derive(Debug)]
enum Part {
    Text(Box<str>),
    Column(Box<str>),
}

/// Names that are no columns, or not always.
const RESERVED: [&str; 23] = [
    "true", "false", "none", "True", "False", "None", "not", "and", "or", "in", "is", "if", "else",
    "elif", "for", "loop", "self", "super", "caller", "item", "examples", "varargs", "kwargs",
];

impl PlainTemplate {
    /// `None` where there is more to the template.
    pub(super) fn of(source: &str) -> Option<Self> {
        if source.contains("{%") || source.contains("{#") {
            return None;
        }
        // One line end at the end is that of the file.
        let source = source.strip_suffix('\n').unwrap_or(source);
        let mut rest = source.strip_suffix('\r').unwrap_or(source);
        let mut parts = Vec::new();
        while let Some((text, from)) = rest.split_once("{{") {
            let (name, behind) = from.split_once("}}")?;
            let name = name.trim_ascii();
            if !is_name(name) || RESERVED.contains(&name) {
                return None;
            }
            parts.push(Part::Text(text.into()));
            parts.push(Part::Column(name.into()));
            rest = behind;
        }
        parts.push(Part::Text(rest.into()));
        Some(Self(parts))
    }

    /// The text, of at most so many bytes, for a row whose columns are texts; `None` where that is not
    /// so, which is for the engine to tell.
    pub(super) fn render(&self, fields: &Fields, most_bytes: usize) -> Option<String> {
        if fields.marks().is_some() {
            return None;
        }
        let text = |part| Self::text(part, fields);
        let size = self.0.iter().try_fold(0, |size: usize, part| Some(size + text(part)?.len()))?;
        if size > most_bytes {
            return None;
        }
        let mut whole = String::with_capacity(size);
        self.0.iter().filter_map(text).for_each(|text| whole.push_str(text));
        Some(whole)
    }

    fn text<'a>(part: &'a Part, fields: &'a Fields) -> Option<&'a str> {
        match part {
            Part::Text(text) => Some(text),
            Part::Column(name) => fields.get(name).and_then(Value::as_str),
        }
    }
}

fn is_name(name: &str) -> bool {
    let is_letter = |byte: u8| byte == b'_' || byte.is_ascii_alphabetic();
    let mut bytes = name.bytes();
    bytes.next().is_some_and(is_letter)
        && bytes.all(|byte| is_letter(byte) || byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::{super::Template, *};

    /// Pieces of templates that are put together at random.
    const PIECES: [&str; 30] = [
        "{{ a }}",
        "{{b}}",
        "{{  range }}",
        "{{\ta\n}}",
        "{{- a }}",
        "{{ a -}}",
        "{{ a|upper }}",
        "{{ n }}",
        "{{ true }}",
        "{{ item }}",
        "{{ loop }}",
        "{{ self }}",
        "{{ missing }}",
        "{{ 'a' }}",
        "{{",
        "}}",
        "{",
        "}",
        "{{{ a }}}",
        "{% if a %}",
        "{% endif %}",
        "{# a #}",
        "{% raw %}",
        "{% endraw %}",
        "text",
        "\n",
        "\r\n",
        "\r",
        " ",
        "ä€",
    ];

    fn row() -> Fields {
        let row = json!({
            "a": "one {{ b }} two\n", "b": "<é&>\r\n", "n": 1.5, "range": "of columns",
            "true": "a column", "loop": "another",
        });
        Fields::from(row.as_object().expect("an object").clone())
    }

    fn plain(source: &str) -> Option<String> {
        PlainTemplate::of(source)?.render(&row(), 1 << 10)
    }

    #[test]
    fn most_prompts_are_plain() {
        let text = "one {{ b }} two\n";
        assert_eq!(plain("Q: {{ a }}\n"), Some(format!("Q: {text}")));
        assert_eq!(plain("{{a}}{{ a }}\r\n"), Some(format!("{text}{text}")));
        assert_eq!(plain("no column"), Some("no column".to_owned()));
        for other in
            ["{{ a|upper }}", "{{ n }}", "{{ missing }}", "{{ item.a }}", "{{ true }}", "{{ a"]
        {
            assert_eq!(plain(other), None, "{other}");
        }
        assert_eq!(PlainTemplate::of("{{ a }}").and_then(|one| one.render(&row(), 10)), None);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4_000))]
        #[test]
        fn what_is_plain_is_what_the_engine_makes(
            pieces in proptest::collection::vec(proptest::sample::select(&PIECES[..]), 0..6),
        ) {
            let source = pieces.concat();
            let compiled = Template::compile_alone("t", &source);
            if let (Some(text), Ok(template)) = (plain(&source), compiled) {
                let columns = super::super::Columns::new(&row(), template.calculates);
                let by_engine = template.rendered(&std::sync::Arc::new(columns));
                prop_assert_eq!(by_engine, Ok(text), "{:?}", source);
            }
        }
    }
}
