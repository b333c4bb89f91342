//! Templates between the library, which has all of Jinja, and registries, whose clients fill in less.

use std::{collections::BTreeMap, fmt::Write as _};

/// How deep includes may lie in each other.
const MAX_DEPTH: usize = 16;
/// The most bytes that a text may have with what it includes.
const MOST_BYTES: usize = 4 << 20;
/// Words that no variable of Jinja can be called.
const KEYWORDS: [&str; 14] = [
    "and", "or", "not", "is", "in", "if", "else", "true", "false", "none", "True", "False", "None",
    "loop",
];

/// What a registry's clients fill in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Dialect {
    /// Variables, and all of Jinja where the text has a statement: `MLflow`.
    VariablesOrJinja,
    /// Variables alone: Langfuse.
    Variables,
}

/// A part of a template.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part<'a> {
    Text(&'a str),
    /// `{{ … }}`: all of it, and what is inside.
    Expression(&'a str, &'a str),
    /// `{% … %}`.
    Statement(&'a str, &'a str),
    /// `{# … #}`.
    Comment(&'a str),
}

/// The parts of a template, in their order; what stands between `raw` and `endraw` is text.
fn parts(source: &str) -> Vec<Part<'_>> {
    let mut parts = Vec::new();
    let (mut rest, mut is_raw) = (source, false);
    while !rest.is_empty() {
        let Some(start) = next_mark(rest) else { break };
        let end = match &rest[start..start + 2] {
            "{{" => "}}",
            "{%" => "%}",
            _ => "#}",
        };
        let Some(length) = rest[start + 2..].find(end) else { break };
        let (before, all) = (&rest[..start], &rest[start..start + length + 4]);
        let inner = rest[start + 2..start + 2 + length].trim_matches(['-', '+']).trim();
        if !before.is_empty() {
            parts.push(Part::Text(before));
        }
        let is_end = end == "%}" && inner == "endraw";
        parts.push(match end {
            _ if is_raw && !is_end => Part::Text(all),
            "}}" => Part::Expression(all, inner),
            "%}" => Part::Statement(all, inner),
            _ => Part::Comment(all),
        });
        is_raw = if is_raw { !is_end } else { end == "%}" && inner == "raw" };
        rest = &rest[start + length + 4..];
    }
    if !rest.is_empty() {
        parts.push(Part::Text(rest));
    }
    parts
}

fn next_mark(text: &str) -> Option<usize> {
    let marks = ["{{", "{%", "{#"];
    marks.into_iter().filter_map(|mark| text.find(mark)).min()
}

/// A text with what it includes in the place of `{% include 'NAME' %}`: clients of registries have no files. What is
/// included in another way stays.
pub(super) fn inlined(source: &str, included: &BTreeMap<String, String>) -> String {
    let mut budget = MOST_BYTES;
    inlined_within(source, included, MAX_DEPTH, &mut budget).unwrap_or_else(|| source.to_owned())
}

fn inlined_within(
    source: &str,
    included: &BTreeMap<String, String>,
    depth: usize,
    budget: &mut usize,
) -> Option<String> {
    let mut out = String::new();
    let mut trims_next = false;
    for part in parts(source) {
        let named = match part {
            Part::Statement(all, inner) => include_of(inner).map(|name| (all, name)),
            _ => None,
        };
        let Some((all, name)) = named else {
            let text = match part {
                Part::Text(text) | Part::Comment(text) => text,
                Part::Expression(all, _) | Part::Statement(all, _) => all,
            };
            out.push_str(if trims_next { text.trim_start() } else { text });
            trims_next = false;
            continue;
        };
        let text = included.get(name)?;
        let text = inlined_within(text, included, depth.checked_sub(1)?, budget)?;
        *budget = budget.checked_sub(text.len())?;
        if all.starts_with("{%-") {
            out.truncate(out.trim_end().len());
        }
        // Jinja drops the last line break of a file.
        out.push_str(text.strip_suffix('\n').unwrap_or(&text));
        trims_next = all.ends_with("-%}");
    }
    Some(out)
}

/// The name in `include 'NAME'`.
fn include_of(statement: &str) -> Option<&str> {
    let name = statement.strip_prefix("include")?.trim();
    let quote = name.chars().next().filter(|c| matches!(c, '"' | '\''))?;
    let name = name.strip_prefix(quote)?.strip_suffix(quote)?;
    (!name.contains([quote, '\\'])).then_some(name)
}

/// What a registry's clients leave as it stands, where evalmark fills it in.
pub(super) fn unfilled(text: &str, dialect: Dialect) -> Vec<String> {
    let parts = parts(text);
    let has_statement = parts.iter().any(|part| matches!(part, Part::Statement(..)));
    let is_jinja = dialect == Dialect::VariablesOrJinja && has_statement;
    let left = parts.into_iter().filter_map(|part| match part {
        Part::Text(_) => None,
        Part::Expression(all, inner) => (!is_jinja && !is_path(inner)).then_some(all),
        Part::Comment(all) => (!is_jinja).then_some(all),
        // Clients have no files to include.
        Part::Statement(all, inner) => {
            let needs_files = ["include", "import", "from", "extends"];
            let needs_file =
                needs_files.iter().any(|word| inner.split_whitespace().next() == Some(word));
            (!is_jinja || needs_file).then_some(all)
        }
    });
    let mut left: Vec<_> = left.map(str::to_owned).collect();
    left.dedup();
    left
}

/// A registry's text as Jinja, and its variables.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Translated {
    pub(super) text: String,
    /// Names of variables, and whether fields of them are used.
    pub(super) variables: BTreeMap<String, bool>,
    /// Names that Jinja does not have, and what they are called instead.
    pub(super) renamed: BTreeMap<String, String>,
}

/// A text of a registry as the library writes it.
pub(super) fn translated(source: &str, dialect: Dialect) -> Translated {
    let mut done = Translated::default();
    // What a client of MLflow takes for Jinja is Jinja.
    if dialect == Dialect::VariablesOrJinja && source.contains("{%") && source.contains("%}") {
        for part in parts(source) {
            if let Part::Expression(_, inner) = part
                && is_path(inner)
            {
                done.add(inner);
            }
        }
        source.clone_into(&mut done.text);
        return done;
    }
    let mut rest = source;
    while let Some(start) = next_mark(rest) {
        done.text.push_str(&rest[..start]);
        let mark = &rest[start..start + 2];
        let after = &rest[start + 2..];
        let name = after.find("}}").map(|end| &after[..end]).filter(|_| mark == "{{");
        let path = name.and_then(|name| jinja_path(name.trim()));
        if let (Some(name), Some(path)) = (name, path) {
            let all = &rest[start..start + name.len() + 4];
            done.add(&path);
            if path == name.trim() {
                done.text.push_str(all);
            } else {
                let _ = write!(done.text, "{{{{ {path} }}}}");
                done.renamed.insert(name.trim().to_owned(), path);
            }
            rest = &rest[start + all.len()..];
        } else {
            // There it is text; here it is, too.
            let _ = write!(done.text, "{{{{ '{mark}' }}}}");
            rest = after;
        }
    }
    done.text.push_str(rest);
    done
}

impl Translated {
    fn add(&mut self, path: &str) {
        let (root, has_fields) =
            path.split_once('.').map_or((path, false), |(root, _)| (root, true));
        *self.variables.entry(root.to_owned()).or_default() |= has_fields;
    }
}

/// A variable, or a field of one: `name`, `user.name`.
fn is_path(text: &str) -> bool {
    text.split('.').all(is_name)
}

fn is_name(text: &str) -> bool {
    let starts = text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    starts
        && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
        && !KEYWORDS.contains(&text)
}

/// What Jinja can call a registry's variable; `None` where the text is hardly one.
fn jinja_path(name: &str) -> Option<String> {
    if is_path(name) {
        return Some(name.to_owned());
    }
    let may_be_one = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | ' ' | '.');
    if name.is_empty() || name.len() > 100 || !name.chars().all(may_be_one) {
        return None;
    }
    let plain = |c: char| if c.is_ascii_alphanumeric() { c } else { '_' };
    let plain: String = name.chars().map(plain).collect();
    let fits = plain.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    let plain = if fits { plain } else { format!("_{plain}") };
    Some(if is_name(&plain) { plain } else { format!("{plain}_") })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn includes_are_put_in_their_place() {
        let files =
            [("a", "one\n"), ("b", "[{% include 'a' %}]"), ("loop", "{% include 'loop' %}")];
        let files = files.map(|(name, text)| (name.to_owned(), text.to_owned())).into();
        let check = |source: &str, expected: &str| assert_eq!(inlined(source, &files), expected);
        check("x {% include 'a' %} y", "x one y");
        check("x \n {%- include \"b\" -%} \n y", "x[one]y");
        check("{% raw %}{% include 'a' %}{% endraw %}", "{% raw %}{% include 'a' %}{% endraw %}");
        check("{# {% include 'a' %}", "{# {% include 'a' %}");
        check("{% include 'a' ignore missing %}", "{% include 'a' ignore missing %}");
        check("{% include 'gone' %}", "{% include 'gone' %}");
        check("{% include 'loop' %}", "{% include 'loop' %}");
        check("{{", "{{");
    }

    #[test]
    fn what_clients_leave_is_found() {
        use Dialect::{Variables, VariablesOrJinja};
        let check = |source: &str, dialect: Dialect, expected: &[&str]| {
            assert_eq!(unfilled(source, dialect), expected, "{source}");
        };
        check("{{ a }} {{b.c}}", Variables, &[]);
        check("{{ a | upper }}", Variables, &["{{ a | upper }}"]);
        check("{{ a | upper }}{% if a %}x{% endif %}", VariablesOrJinja, &[]);
        check("{% if a %}x{% endif %}", Variables, &["{% if a %}", "{% endif %}"]);
        check("{% import 'm' as m %}", VariablesOrJinja, &["{% import 'm' as m %}"]);
        check("{# note #}", VariablesOrJinja, &["{# note #}"]);
    }

    #[test]
    fn texts_of_registries_become_jinja() {
        use Dialect::{Variables, VariablesOrJinja};
        let check = |source: &str, dialect: Dialect, expected: &str, names: &[&str]| {
            let done = translated(source, dialect);
            assert_eq!(done.text, expected);
            assert_eq!(done.variables.keys().collect::<Vec<_>>(), names, "{source}");
        };
        check(
            "Hi {{name}}, {{ user.id }}",
            Variables,
            "Hi {{name}}, {{ user.id }}",
            &["name", "user"],
        );
        check(
            "{{ user name }}{{first-name}}",
            Variables,
            "{{ user_name }}{{ first_name }}",
            &["first_name", "user_name"],
        );
        check("{{ not }} {{ 2nd }}", Variables, "{{ not_ }} {{ _2nd }}", &["_2nd", "not_"]);
        check("{% if x %}{# y", Variables, "{{ '{%' }} if x %}{{ '{#' }} y", &[]);
        check("{{ a|b }} {{", Variables, "{{ '{{' }} a|b }} {{ '{{' }}", &[]);
        check(
            "{% if x %}{{ x }}{% endif %}",
            VariablesOrJinja,
            "{% if x %}{{ x }}{% endif %}",
            &["x"],
        );
        check("{{ x | upper }}", VariablesOrJinja, "{{ '{{' }} x | upper }}", &[]);
    }
}
