//! Comparisons with a number in an expression, and whether what they compare is text: a cell of a csv file is
//! text, whatever it holds.

use std::sync::LazyLock;

use minijinja::value::Value;
use regex::{Captures, Regex};

use super::names::token;

/// A name that stands beside a number, with nothing between them but the comparison.
const NAME: &str =
    r#"(?P<name>[\p{Alphabetic}_]\w*(?:\s*\.\s*\w+|\s*\[\s*(?:"[^"]*"|'[^']*')\s*\])*)"#;
const NUMBER: &str = r"(?P<number>-?\d+(?:\.\d+)?)";
const COMPARISON: &str = r"\s*(?P<how><=|>=|==|!=|<|>)\s*";
/// What may stand before and behind a comparison that is whole.
const BEFORE: &str = r"(?:^|[(\[,{:]|\b(?:and|or|not|if|else)\b)\s*";
const BEHIND: &str = r"\s*(?:$|[)\],}]|\b(?:and|or|if|else)\b)";

static FORMS: LazyLock<Vec<Regex>> = LazyLock::new(|| {
    let forms = [[NAME, NUMBER], [NUMBER, NAME]];
    let forms = forms.map(|[left, right]| [BEFORE, left, COMPARISON, right, BEHIND].concat());
    forms.iter().filter_map(|form| Regex::new(form).ok()).collect()
});

/// A name that an expression compares with a number, as it stands there.
#[derive(Debug)]
pub(super) struct NumberComparison {
    /// What leads to the value: a column, or `item` and a column.
    path: Vec<String>,
    name: String,
    /// The comparison, as it is written.
    written: String,
    /// The same with the text as a number.
    instead: String,
    /// Whether it asks what is larger, and not what is equal.
    is_order: bool,
}

/// Every comparison of a name with a number.
pub(super) fn of(source: &str) -> Vec<NumberComparison> {
    let source = without_texts(source);
    let mut found = Vec::new();
    for form in &*FORMS {
        let mut from = 0;
        while let Some(captures) = form.captures_at(&source, from) {
            found.push(comparison(&captures));
            // What ends one may begin the next.
            from = captures.name("how").map_or(source.len(), |how| how.end());
        }
    }
    found
}

fn comparison(captures: &Captures<'_>) -> NumberComparison {
    let (name, how, number) = (&captures["name"], &captures["how"], &captures["number"]);
    let parts = name.split(['.', '[', ']', '"', '\'']).map(str::trim);
    let is_first = captures.name("name").map(|name| name.start())
        < captures.name("number").map(|number| number.start());
    let (written, instead) = if is_first {
        (format!("{name} {how} {number}"), format!("{name} | float {how} {number}"))
    } else {
        (format!("{number} {how} {name}"), format!("{number} {how} ({name} | float)"))
    };
    NumberComparison {
        path: parts.filter(|part| !part.is_empty()).map(str::to_owned).collect(),
        name: name.to_owned(),
        written,
        instead,
        is_order: !matches!(how, "==" | "!="),
    }
}

impl NumberComparison {
    /// What is wrong where the name stands for text: no text is smaller than a number, and none is equal to one.
    pub(super) fn of_text(&self, context: &Value) -> Option<String> {
        let mut value = context.clone();
        for part in &self.path {
            value = value.get_attr(part).ok()?;
        }
        let text = value.as_str()?;
        // What is not a number differs from each of them, and may be asked whether it does.
        let is_number = text.trim().parse::<f64>().is_ok();
        let Self { name, written, instead, .. } = self;
        (self.is_order || is_number).then(|| {
            format!(
                "`{name}` is text, and `{written}` compares it with a number; write `{instead}`"
            )
        })
    }
}

/// The expression with nothing in its texts, but for those that name a column.
fn without_texts(source: &str) -> String {
    let (mut kept, mut rest, mut before) = (String::with_capacity(source.len()), source, "");
    while let Some(first) = rest.chars().next() {
        let (text, after) = rest.split_at(token(rest, first));
        if matches!(first, '"' | '\'') && before != "[" {
            kept.push_str("''");
        } else {
            kept.push_str(text);
        }
        if !first.is_whitespace() {
            before = text;
        }
        rest = after;
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(source: &str, expected: &[&str]) {
        let found = of(source);
        let mut instead: Vec<_> = found.iter().map(|one| one.instead.as_str()).collect();
        instead.sort_unstable();
        assert_eq!(instead, expected, "{source}");
    }

    #[test]
    fn comparisons_are_found_where_they_are_whole() {
        check("n > 3", &["n | float > 3"]);
        check(
            "n>=-3.5 and m == 2 or 7 < k",
            &["7 < (k | float)", "m | float == 2", "n | float >= -3.5"],
        );
        check(
            "(item.n != 3) if not item['the n'] < 4 else false",
            &["item.n | float != 3", "item['the n'] | float < 4"],
        );
        check("größe < 3", &["größe | float < 3"]);
        for fine in [
            "n | float > 3",
            "n | length > 3",
            "n * 2 > 3",
            "n > m",
            "n == '3'",
            "text == 'a (n > 3)'",
            "f(n) > 3",
            "n > 3 * m",
            "1 if n else 3",
        ] {
            check(fine, &[]);
        }
    }
}
