//! Words as translation tools cut them: mteval-v13a, international (mteval-v14), characters.
//!
//! The rules are sacrebleu 2.6.0's regular expressions, each as one pass over the text.

use std::{borrow::Cow, sync::LazyLock};

use regex::Regex;

/// mteval-v13a: undoes line ends and four entities, then cuts as for Western languages.
pub(crate) fn v13a(text: &str) -> String {
    let text = text.replace("<skipped>", "").replace("-\n", "").replace('\n', " ");
    numbers_and_points(&punctuation(&format!(" {} ", unescape(&text))))
}

/// mteval-v14: punctuation is cut off where it does not stand between two digits, symbols always.
pub(crate) fn international(text: &str) -> String {
    static RULES: LazyLock<[(Regex, &str); 3]> = LazyLock::new(|| {
        let regex = |pattern| Regex::new(pattern).expect("a valid pattern");
        [
            (regex(r"(\P{N})(\p{P})"), "$1 $2 "),
            (regex(r"(\p{P})(\P{N})"), " $1 $2"),
            (regex(r"(\p{S})"), " $1 "),
        ]
    });
    RULES.iter().fold(text.to_owned(), |text, (regex, cut)| match regex.replace_all(&text, *cut) {
        Cow::Borrowed(_) => text,
        Cow::Owned(changed) => changed,
    })
}

/// Each character a word.
pub(crate) fn characters(text: &str) -> String {
    text.chars().flat_map(|c| [c, ' ']).collect()
}

/// Turns four entities back into characters, one kind after the other: `&amp;lt;` becomes `<`.
pub(super) fn unescape(text: &str) -> Cow<'_, str> {
    if !text.contains('&') {
        return Cow::Borrowed(text);
    }
    [("&quot;", "\""), ("&amp;", "&"), ("&lt;", "<"), ("&gt;", ">")]
        .iter()
        .fold(text.to_owned(), |text, (entity, character)| text.replace(entity, character))
        .into()
}

/// A blank on both sides of ASCII punctuation, but not of the apostrophe, the comma, the hyphen and
/// the full stop.
pub(super) fn punctuation(text: &str) -> String {
    pad(text, |c| matches!(c, '{'..='~' | '['..='`' | ' '..='&' | '('..='+' | ':'..='@' | '/'))
}

/// A blank on both sides of some characters.
pub(super) fn pad(text: &str, is_padded: impl Fn(char) -> bool) -> String {
    let mut out = String::with_capacity(text.len() * 2);
    for c in text.chars() {
        if is_padded(c) {
            out.extend([' ', c, ' ']);
        } else {
            out.push(c);
        }
    }
    out
}

/// Cuts at full stops and commas that do not stand in a number, and at hyphens after a digit.
pub(super) fn numbers_and_points(text: &str) -> String {
    let point = |c| matches!(c, '.' | ',');
    let digit = |c: char| c.is_ascii_digit();
    let text = pairs(text, |a, b| !digit(a) && point(b), |a, b| [a, ' ', b, ' ']);
    let text = pairs(&text, |a, b| point(a) && !digit(b), |a, b| [' ', a, ' ', b]);
    pairs(&text, |a, b| digit(a) && b == '-', |a, b| [a, ' ', b, ' '])
}

/// Replaces pairs of neighbours from left to right; the second of a replaced pair is not the first
/// of another.
fn pairs(
    text: &str,
    is_pair: impl Fn(char, char) -> bool,
    replace: impl Fn(char, char) -> [char; 4],
) -> String {
    let mut out = String::with_capacity(text.len() * 2);
    let mut chars = text.chars().peekable();
    while let Some(first) = chars.next() {
        match chars.next_if(|second| is_pair(first, *second)) {
            Some(second) => out.extend(replace(first, second)),
            None => out.push(first),
        }
    }
    out
}
