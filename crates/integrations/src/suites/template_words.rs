//! Templates of other tools (Nunjucks, Jinja, Mustache-like `{{name}}`) in the words of evalmark's.

use evalmark_core::{fields::Fields, template::Template};
use serde_json::{Map, Value};

/// A template in evalmark's words, compiled.
pub(crate) struct Converted {
    /// Its text.
    pub(crate) text: String,
    /// The variables that it names.
    pub(crate) variables: Vec<String>,
    template: Template,
}

impl Converted {
    /// Converts a template of Nunjucks. An error says what evalmark's do not have.
    pub(crate) fn of_nunjucks(source: &str) -> Result<Self, String> {
        let mut text = nunjucks(source);
        // Jinja cuts a line break at the end off; Nunjucks does not.
        if text.ends_with('\n') {
            text.push('\n');
        }
        Self::of(text)
    }

    /// A template that is Jinja already.
    pub(crate) fn of(text: String) -> Result<Self, String> {
        let template = Template::compile_alone("template", &text)
            .map_err(|error| format!("evalmark's templates do not know it: {error}"))?;
        let variables: Vec<_> = template.variables().into_iter().collect();
        if variables.iter().any(|name| name == "env") {
            return Err("it reads the environment, which evalmark's templates cannot".to_owned());
        }
        Ok(Self { text, variables, template })
    }

    /// Whether it says the same of every item.
    pub(crate) fn is_constant(&self) -> bool {
        self.variables.is_empty() && !self.text.contains("{%")
    }

    /// The text for these values; what is not among them is empty.
    pub(crate) fn render(&self, values: &Map<String, Value>) -> Result<String, String> {
        let mut all = values.clone();
        for name in &self.variables {
            all.entry(name.clone()).or_insert_with(|| "".into());
        }
        all.retain(|_, value| !value.is_null());
        for name in &self.variables {
            all.entry(name.clone()).or_insert_with(|| "".into());
        }
        self.template.render(&Fields::from(all)).map_err(|error| error.to_string())
    }
}

/// Nunjucks's words for what Jinja calls otherwise, within tags and outside of quotes.
fn nunjucks(source: &str) -> String {
    let mut out = String::with_capacity(source.len());
    let mut rest = source;
    while let Some(at) = rest.find("{{").into_iter().chain(rest.find("{%")).min() {
        out.push_str(&rest[..at]);
        let close = if rest[at..].starts_with("{{") { "}}" } else { "%}" };
        let Some(end) = rest[at..].find(close).map(|end| at + end + 2) else {
            rest = &rest[at..];
            break;
        };
        out.push_str(&tag(&rest[at..end]));
        rest = &rest[end..];
    }
    out.push_str(rest);
    out
}

fn tag(tag: &str) -> String {
    let mut out = String::with_capacity(tag.len());
    let mut rest = tag;
    while let Some(at) = rest.find(['"', '\'']) {
        let quote = rest[at..].chars().next().unwrap_or('"');
        out.push_str(&words(&rest[..at]));
        let end = rest[at + 1..].find(quote).map_or(rest.len(), |end| at + 1 + end + 1);
        out.push_str(&rest[at..end]);
        rest = &rest[end..];
    }
    out.push_str(&words(rest));
    out
}

/// What stands in a tag outside of quotes.
fn words(text: &str) -> String {
    let text = text.replace("===", "==").replace("!==", "!=");
    // What parentheses give may be a mapping with a value of that name.
    let text = text.replace(").length", ").\u{0}").replace(".length", " | length");
    let text = text.replace(".\u{0}", ".length").replace("{% elseif", "{% elif");
    let mut out = String::with_capacity(text.len());
    for (i, part) in text.split('|').enumerate() {
        if i > 0 {
            out.push('|');
        }
        match FILTERS.iter().filter(|_| i > 0).find_map(|filter| renamed(part, *filter)) {
            Some(part) => out.push_str(&part),
            None => out.push_str(part),
        }
    }
    out
}

/// Filters that Jinja calls otherwise; promptfoo adds `load` to those of Nunjucks.
const FILTERS: [(&str, &str); 2] = [("dump", "tojson"), ("load", "fromjson")];

/// What follows a `|`, with its filter renamed.
fn renamed(part: &str, (from, to): (&str, &str)) -> Option<String> {
    let after = part.trim_start().strip_prefix(from)?;
    let is_longer = after.starts_with(|c: char| c.is_alphanumeric() || c == '_');
    (!is_longer).then(|| format!(" {to}{after}"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn words_of_nunjucks() {
        let check = |source: &str, expected: &str| assert_eq!(nunjucks(source), expected);
        check("a {{ x | dump }} b", "a {{ x | tojson }} b");
        check("{{x|dump(2)}}", "{{x| tojson(2)}}");
        check("{{ (x | load).y }} {{ x | loaded }}", "{{ (x | fromjson).y }} {{ x | loaded }}");
        check(
            "{% if a === 'b | dump' %}x{% elseif c %}y{% endif %}",
            "{% if a == 'b | dump' %}x{% elif c %}y{% endif %}",
        );
        check("{{ list.length }} {{ 'a.length' }}", "{{ list | length }} {{ 'a.length' }}");
        check("{{ (x | load).length }}", "{{ (x | fromjson).length }}");
        check("no tags, a === b, {{ open", "no tags, a === b, {{ open");
    }

    #[test]
    fn what_is_not_there_is_empty() {
        let template = Converted::of_nunjucks("{{ a }}-{{ b }}").expect("a template");
        let values = json!({ "a": 1 });
        let values = values.as_object().expect("a mapping");
        assert_eq!(template.render(values).as_deref(), Ok("1-"));
        let template = Converted::of_nunjucks("{{ a }}\n\n").expect("a template");
        assert_eq!(template.render(values).as_deref(), Ok("1\n\n"));
        assert!(Converted::of_nunjucks("{{ env.KEY }}").is_err());
        let unknown = Converted::of_nunjucks("{{ a | nonsense }}").expect("a template");
        assert!(unknown.render(values).is_err_and(|why| why.contains("nonsense")));
    }
}
