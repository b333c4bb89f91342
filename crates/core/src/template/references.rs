//! Which files a template brings in, as far as its text tells.

use std::collections::BTreeSet;

use super::numbers::blocks;

/// The files that a template names in `include`, `import`, `from` and `extends`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct References {
    /// Names that stand in it, sorted.
    pub names: BTreeSet<String>,
    /// Whether it may bring in others, whose names it makes when it renders.
    pub are_computed: bool,
}

impl References {
    /// Those of a template.
    pub fn of(source: &str) -> Self {
        let mut references = Self::default();
        for block in blocks(source) {
            if let Some(named) = named(block.trim()) {
                references.add(named);
            }
        }
        references
    }

    /// Adds the names in an expression.
    fn add(&mut self, expression: &str) {
        const WORDS: [&str; 7] = ["ignore", "missing", "with", "without", "context", "if", "else"];
        let mut rest = expression;
        let mut between = String::new();
        while let Some(start) = rest.find(['"', '\'']) {
            between.push_str(&rest[..start]);
            between.push(' ');
            let quote = &rest[start..=start];
            let Some(length) = rest[start + 1..].find(quote) else { break };
            let name = &rest[start + 1..start + 1 + length];
            // An escape is no part of a name that anybody gives a file.
            self.are_computed |= name.contains('\\');
            self.names.insert(name.to_owned());
            rest = &rest[start + length + 2..];
        }
        between.push_str(rest);
        let mut words = between.split(|c: char| c.is_whitespace() || "[](),".contains(c));
        self.are_computed |= words.any(|word| !word.is_empty() && !WORDS.contains(&word));
        self.are_computed |= words_of(&between).any(|word| word == "if");
    }
}

fn words_of(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !c.is_alphanumeric() && c != '_')
}

/// What a statement brings in: the expression behind its keyword.
fn named(block: &str) -> Option<&str> {
    let (keyword, rest) = block.split_once(|c: char| c.is_whitespace() || "\"'[(".contains(c))?;
    let rest = &block[block.len() - rest.len() - 1..];
    match keyword {
        "include" | "extends" => Some(rest),
        "import" => Some(rest.rsplit_once(" as ").map_or(rest, |(name, _)| name)),
        "from" => Some(rest.split_once(" import ").map_or(rest, |(name, _)| name)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::References;

    #[test]
    fn files_are_found() {
        let check = |source: &str, names: &[&str], are_computed: bool| {
            let found = References::of(source);
            assert_eq!(
                found.names.iter().map(String::as_str).collect::<Vec<_>>(),
                names,
                "{source}"
            );
            assert_eq!(found.are_computed, are_computed, "{source}");
        };
        check("{% include 'tone.j2' %} {{ include }}", &["tone.j2"], false);
        check("{%- include\"a\" -%}{% extends \"base.j2\" %}", &["a", "base.j2"], false);
        check("{% include ['a', \"b\"] ignore missing %}", &["a", "b"], false);
        check("{% from 'm.j2' import list, of as other %}", &["m.j2"], false);
        check("{% import 'm.j2' as m %}{# include 'no' #}", &["m.j2"], false);
        check("{% include name %}", &[], true);
        check("{% include 'a' if formal else 'b' %}", &["a", "b"], true);
        check("{% include 'tone-' ~ language %}", &["tone-"], true);
        check("{% include %}{% set x = 'a' %}", &[], false);
    }
}
