//! The names in an expression, checked before it ever runs: variables, functions, filters, tests.

use std::collections::HashSet;

use super::functions::FUNCTIONS;
use crate::suite::nearest;

/// Filters that expressions may use.
const FILTERS: &str = "abs batch bool capitalize chain count default dictsort first float fromjson groupby int \
    items join last length lines list lower map max min reject rejectattr replace reverse \
    round select selectattr slice sort split string sum title tojson trim unique upper zip";

/// Tests (what stands behind `is`) that expressions may use.
const TESTS: &str = "boolean defined divisibleby endingwith eq equalto even false float ge greaterthan gt in \
    int integer iterable le lessthan lower lt mapping ne none number odd sameas sequence \
    startingwith string true undefined upper";

/// Where something stands, to go before what is wrong with it.
pub(super) fn place(n_before: usize) -> String {
    format!("at character {}: ", n_before + 1)
}

/// Complains of the first name that nothing goes by.
pub(super) fn check(
    source: &str,
    used: &HashSet<String>,
    variables: &[&str],
) -> Result<(), String> {
    for Name { at, role, text } in names(source) {
        let (what, known): (_, Vec<&str>) = match role {
            Role::Filter => ("filter", FILTERS.split(' ').collect()),
            Role::Test => ("test", TESTS.split(' ').collect()),
            Role::Other if used.contains(text) => ("name", [variables, FUNCTIONS].concat()),
            Role::Other => continue,
        };
        if !known.contains(&text) {
            let hint = match nearest(text, known.iter().copied()) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("there are: {}", known.join(", ")),
            };
            return Err(format!("{}no {what} `{text}`; {hint}", place(at)));
        }
    }
    Ok(())
}

/// A name where it stands.
struct Name<'a> {
    /// Characters before it.
    at: usize,
    role: Role,
    text: &'a str,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Role {
    /// It stands behind `|`.
    Filter,
    /// It stands behind `is` or `is not`.
    Test,
    /// A variable, a function, a keyword or the name of an argument.
    Other,
}

/// Every name outside strings, and not behind a point.
fn names(source: &str) -> Vec<Name<'_>> {
    let (mut names, mut at, mut rest) = (Vec::new(), 0, source);
    let mut before = "";
    while let Some(first) = rest.chars().next() {
        let length = token(rest, first);
        let (text, after) = rest.split_at(length);
        let is_name = first.is_alphabetic() || first == '_';
        if is_name && before != "." {
            let role = match before {
                "|" => Role::Filter,
                // `not` stands between `is` and the name; elsewhere it is followed by a variable.
                "is" if text != "not" => Role::Test,
                _ => Role::Other,
            };
            names.push(Name { at, role, text });
        }
        let is_negation = before == "is" && text == "not";
        if !first.is_whitespace() && !is_negation {
            before = text;
        }
        at += text.chars().count();
        rest = after;
    }
    names
}

/// How long the token at the beginning of `rest` is, in bytes.
pub(super) fn token(rest: &str, first: char) -> usize {
    let part_of_word = |c: char| c.is_alphanumeric() || c == '_';
    if first == '"' || first == '\'' {
        return string(rest, first);
    }
    if part_of_word(first) {
        return rest.find(|c| !part_of_word(c)).unwrap_or(rest.len());
    }
    first.len_utf8()
}

/// How long the string at the beginning of `rest` is, its quotes included.
fn string(rest: &str, quote: char) -> usize {
    let mut is_escaped = false;
    for (at, c) in rest.char_indices().skip(1) {
        match c {
            _ if is_escaped => is_escaped = false,
            '\\' => is_escaped = true,
            c if c == quote => return at + c.len_utf8(),
            _ => {}
        }
    }
    rest.len()
}
