//! Numbers that an expression would take for what they are written as: a cell of a csv file is text, whatever
//! it holds. A text is compared with a number, or with another text letter by letter, or is repeated by `*`.

use std::sync::LazyLock;

use minijinja::{Environment, Expression, value::Value};
use regex::Regex;

use super::names::token;

/// A column, or a value within one: a name and the keys behind it.
const NAME: &str =
    r#"[\p{Alphabetic}_]\w*(?:\s*\.\s*[\p{Alphabetic}_]\w*|\s*\[\s*(?:"[^"]*"|'[^']*')\s*\])*"#;

static NAMES: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(NAME).ok());

const COMPARISONS: [&str; 6] = ["<=", ">=", "==", "!=", "<", ">"];
/// What ends an operand of a comparison.
const ENDS: [&str; 8] = [",", ":", "and", "or", "not", "if", "else", "="];
/// What makes truth of an operand, or another comparison.
const OF_TRUTH: [&str; 2] = ["is", "in"];

/// A part of an expression that may give text where a number is meant.
#[derive(Debug)]
pub(super) enum NumberUse {
    /// Two values are compared.
    Comparison(Box<Comparison>),
    /// A name stands beside `*`.
    Product(Name),
}

/// Two values that an expression compares.
pub(super) struct Comparison {
    left: Operand,
    how: String,
    right: Operand,
}

struct Operand {
    text: String,
    value: Expression<'static, 'static>,
    names: Vec<Name>,
}

impl Operand {
    /// Whether it is a text that stands in the expression.
    fn is_quoted(&self) -> bool {
        let first = self.text.chars().next().filter(|first| matches!(first, '"' | '\''));
        first.is_some_and(|first| token(&self.text, first) == self.text.len())
    }
}

/// A name as it is written, and what leads to its value.
#[derive(Debug)]
pub(super) struct Name {
    written: String,
    path: Vec<String>,
}

/// Every use of values as numbers.
pub(super) fn of(source: &str, environment: &'static Environment<'static>) -> Vec<NumberUse> {
    let tokens = tokens(source);
    let mut found = Vec::new();
    for (at, (_, text)) in tokens.iter().enumerate() {
        if COMPARISONS.contains(text) {
            let comparison = comparison(source, &tokens, at, environment);
            found.extend(comparison.map(Box::new).map(NumberUse::Comparison));
        } else if *text == "*" {
            let beside = [name_before(source, &tokens, at), name_behind(source, &tokens, at)];
            found.extend(beside.into_iter().flatten().map(NumberUse::Product));
        }
    }
    found
}

/// The tokens of an expression, each with its place in bytes.
fn tokens(source: &str) -> Vec<(usize, &str)> {
    let (mut tokens, mut at) = (Vec::new(), 0);
    while let Some(first) = source[at..].chars().next() {
        let rest = &source[at..];
        let double = ["<=", ">=", "==", "!=", "**", "//"].iter().any(|sign| rest.starts_with(sign));
        let length = if double { 2 } else { token(rest, first) };
        if !first.is_whitespace() {
            tokens.push((at, &rest[..length]));
        }
        at += length;
    }
    tokens
}

/// Up to where the operand reaches, whose tokens come one by one; and whether it is compared, too.
fn extent<'a>(tokens: impl Iterator<Item = &'a (usize, &'a str)>, opens: &[&str]) -> Option<usize> {
    let (mut depth, mut n) = (0_u32, 0);
    for (_, text) in tokens {
        let is_bracket = "()[]{}".contains(text);
        if is_bracket && opens.contains(text) {
            depth += 1;
        } else if is_bracket && depth == 0 {
            break;
        } else if is_bracket {
            depth -= 1;
        } else if COMPARISONS.contains(text) || OF_TRUTH.contains(text) {
            // What gives truth is neither a text nor a number.
            return None;
        } else if depth == 0 && ENDS.contains(text) {
            break;
        }
        n += 1;
    }
    (n > 0).then_some(n)
}

fn comparison(
    source: &str,
    tokens: &[(usize, &str)],
    at: usize,
    environment: &'static Environment<'static>,
) -> Option<Comparison> {
    let end = |token: &(usize, &str)| token.0 + token.1.len();
    let before = extent(tokens[..at].iter().rev(), &[")", "]", "}"])?;
    let behind = extent(tokens[at + 1..].iter(), &["(", "[", "{"])?;
    let left = &source[tokens[at - before].0..end(&tokens[at - 1])];
    let right = &source[tokens[at + 1].0..end(&tokens[at + behind])];
    let operand = |text: &str| {
        let value = environment.compile_expression_owned(text.to_owned()).ok()?;
        Some(Operand { text: text.to_owned(), value, names: names(text) })
    };
    let (left, right) = (operand(left)?, operand(right)?);
    Some(Comparison { left, how: tokens[at].1.to_owned(), right })
}

/// Every name outside of texts.
fn names(source: &str) -> Vec<Name> {
    let Some(regex) = &*NAMES else { return Vec::new() };
    let found = regex.find_iter(source);
    found.map(|name| Name::new(name.as_str())).collect()
}

/// The name that ends before `*`, where it is all that is multiplied.
fn name_before(source: &str, tokens: &[(usize, &str)], at: usize) -> Option<Name> {
    let before = source[..tokens[at].0].trim_end();
    let name = names(before).pop().filter(|name| before.ends_with(&name.written))?;
    let rest = before[..before.len() - name.written.len()].trim_end();
    (!rest.ends_with(['|', '.', ']', ')'])).then_some(name)
}

/// The name that begins behind `*`, where it is all that is multiplied.
fn name_behind(source: &str, tokens: &[(usize, &str)], at: usize) -> Option<Name> {
    let behind = source[tokens[at].0 + 1..].trim_start();
    let name = names(behind).into_iter().next().filter(|name| behind.starts_with(&name.written))?;
    let rest = behind[name.written.len()..].trim_start();
    (!rest.starts_with(['|', '.', '[', '('])).then_some(name)
}

impl Name {
    fn new(written: &str) -> Self {
        let parts = written.split(['.', '[', ']', '"', '\'']).map(str::trim);
        let path = parts.filter(|part| !part.is_empty()).map(str::to_owned).collect();
        Self { written: written.to_owned(), path }
    }

    /// Whether its value is text.
    fn is_text(&self, context: &Value) -> bool {
        self.value(context).is_some_and(|value| value.as_str().is_some())
    }

    fn value(&self, context: &Value) -> Option<Value> {
        self.path.iter().try_fold(context.clone(), |value, part| value.get_attr(part).ok())
    }
}

impl NumberUse {
    /// What is wrong where a number would be taken for its text.
    pub(super) fn wrong(&self, context: &Value) -> Option<String> {
        match self {
            Self::Comparison(comparison) => comparison.wrong(context),
            Self::Product(name) => {
                number(name.value(context)?.as_str()?)?;
                let written = &name.written;
                Some(format!("`{written}` is text, which `*` repeats; write `{written} | float`"))
            }
        }
    }
}

/// The number that a text is.
fn number(text: &str) -> Option<f64> {
    text.trim().parse().ok()
}

impl Comparison {
    /// Whether it asks what is larger, and not what is equal.
    fn is_order(&self) -> bool {
        !matches!(&*self.how, "==" | "!=")
    }

    /// No text is smaller than a number, and none is equal to one; of two texts, `10` comes before `9`.
    fn wrong(&self, context: &Value) -> Option<String> {
        let left = self.left.value.eval(context).ok()?;
        let right = self.right.value.eval(context).ok()?;
        let with_number = |operand: &Operand, text: &str| {
            // What is not a number differs from each of them, and may be asked whether it does; so may a value be
            // asked whether it is the text that stands in the expression.
            let is_wrong = self.is_order() || (number(text).is_some() && !operand.is_quoted());
            is_wrong.then(|| format!("{} compares it with a number", self.of(operand)))
        };
        let told = match (left.as_str(), right.as_str()) {
            (Some(text), None) if right.is_number() => with_number(&self.left, text)?,
            (None, Some(text)) if left.is_number() => with_number(&self.right, text)?,
            (Some(one), Some(other)) if self.is_order() => {
                let as_numbers = number(one)?.partial_cmp(&number(other)?)?;
                let is_other = as_numbers != one.cmp(other);
                is_other.then(|| {
                    format!("{} compares it with another letter by letter", self.of(&self.left))
                })?
            }
            _ => return None,
        };
        Some(format!("{told}; write {}", self.instead(context)))
    }

    fn of(&self, operand: &Operand) -> String {
        let Self { left, how, right } = self;
        format!("`{}` is text, and `{} {how} {}`", operand.text, left.text, right.text)
    }

    /// The comparison with its texts as numbers.
    fn instead(&self, context: &Value) -> String {
        let Self { left, how, right } = self;
        let as_number = |operand: &Operand, is_last: bool| {
            let text = &operand.text;
            match &*operand.names {
                [name] if name.written == *text && name.is_text(context) && is_last => {
                    Some(format!("({text} | float)"))
                }
                [name] if name.written == *text && name.is_text(context) => {
                    Some(format!("{text} | float"))
                }
                names if names.iter().any(|name| name.is_text(context)) => None,
                _ => Some(text.clone()),
            }
        };
        if let (Some(left), Some(right)) = (as_number(left, false), as_number(right, true)) {
            return format!("`{left} {how} {right}`");
        }
        let names = left.names.iter().chain(&right.names).filter(|name| name.is_text(context));
        let mut names: Vec<_> = names.map(|name| format!("`{} | float`", name.written)).collect();
        names.dedup();
        format!("{} for the number in it", names.join(" and "))
    }
}

impl std::fmt::Debug for Comparison {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {} {}", self.left.text, self.how, self.right.text)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::Expression;

    /// What an expression gives, or the complaint, of cells as a csv file has them.
    fn check(source: &str, expected: Result<serde_json::Value, &str>) {
        let cells = json!({
            "n": "10", "m": "9", "word": "ten", "k": 3, "größe": "2", "day": "2026-01-10",
            "item": { "n": "10", "the n": "4" },
        });
        let names = ["n", "m", "word", "k", "größe", "day", "item"];
        let expression = Expression::compile(source, &names).expect(source);
        let given = expression.value(&cells).map_err(|error| error.to_string());
        match (given, expected) {
            (Ok(given), Ok(expected)) => assert_eq!(given, expected, "{source}"),
            (Err(given), Err(expected)) => assert!(given.contains(expected), "{source}: {given}"),
            (given, _) => panic!("{source}: {given:?}"),
        }
    }

    #[test]
    fn a_text_that_is_compared_with_a_number_is_told() {
        check(
            "n > 3",
            Err("`n` is text, and `n > 3` compares it with a number; write `n | float > 3`"),
        );
        check("7 < n", Err("write `7 < (n | float)`"));
        check("k > 1 and n>=-3.5", Err("write `n | float >= -3.5`"));
        check("(item.n != 3) if not k < 1 else false", Err("write `item.n | float != 3`"));
        check("item['the n'] < 4", Err("write `item['the n'] | float < 4`"));
        check("größe < 3", Err("write `größe | float < 3`"));
        check(
            "n | trim > 3",
            Err("`n | trim` is text, and `n | trim > 3` compares it with a number"),
        );
        check("[k, n[0]][1] == 1", Err("compares it with a number; write `n | float`"));
        check("word > 3", Err("write `word | float > 3`"));
        // What is not a number may be asked whether it is one.
        check("word == 3", Ok(json!(false)));
        check("k == '3'", Ok(json!(false)));
        check("k != \"3\"", Ok(json!(true)));
        check("k > '2'", Err("compares it with a number"));
        check("k > 2", Ok(json!(true)));
    }

    #[test]
    fn a_text_that_is_multiplied_or_ordered_as_text_is_told() {
        check("n * 2 > 3", Err("`n` is text, which `*` repeats; write `n | float`"));
        check(
            "word * 2 > 3",
            Err("`word * 2` is text, and `word * 2 > 3` compares it with a number"),
        );
        check("n * 2", Err("`n` is text, which `*` repeats; write `n | float`"));
        check("k * item.n", Err("`item.n` is text, which `*` repeats"));
        check(
            "n > m",
            Err("compares it with another letter by letter; write `n | float > (m | float)`"),
        );
        check("day > '2026-01-09'", Ok(json!(true)));
        check("n == '10'", Ok(json!(true)));
        check("'=' * k", Ok(json!("===")));
        check("word * 2", Ok(json!("tenten")));
    }

    #[test]
    fn numbers_are_compared_as_such() {
        for (source, expected) in [
            ("n | float > 3", true),
            ("n | float * 2 > 3", true),
            ("n | length > 3", false),
            ("3 * (n | float) < 3", false),
            ("n | float > m | float", true),
            ("word == 'a (n > 3)'", false),
            ("k in [1, 2] or k > 2", true),
            ("n is string and word > 'a'", true),
            ("(k > 2) == true", true),
            ("{'a': k > 1, 'b': [n, m]}['a']", true),
        ] {
            check(source, Ok(json!(expected)));
        }
        check("1 if n else 3", Ok(json!(1)));
    }
}
