//! Where words and numbers begin and end, and which word stands before a place.

use std::ops::Range;

use unicode_normalization::char::is_combining_mark;

/// Whether what stands at `span` touches no other word, and is not part of another number.
pub(crate) fn stands_alone(text: &str, span: &Range<usize>) -> bool {
    let (head, inner, tail) = (&text[..span.start], &text[span.clone()], &text[span.end..]);
    is_edge(head.chars().next_back(), inner.chars().next())
        && is_edge(inner.chars().next_back(), tail.chars().next())
        && !is_in_number(text, span)
}

/// Whether one word ends and another one begins between two neighbours. Languages that write no blanks
/// (Chinese, Japanese, Thai, Lao, Burmese, Khmer) and Korean have edges anywhere, and so have letters
/// with and without case, Latin and Arabic ones, say.
pub(crate) fn is_edge(left: Option<char>, right: Option<char>) -> bool {
    let (Some(left), Some(right)) = (left, right) else { return true };
    if !(is_word(left) && is_word(right)) {
        return true;
    }
    let is_latin_beside_arabic =
        left.is_alphabetic() && right.is_alphabetic() && is_cased(left) != is_cased(right);
    !is_combining_mark(right) && (runs_on(left) || runs_on(right) || is_latin_beside_arabic)
}

/// Letters, digits, marks and the underscore make words.
pub(crate) fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_' || is_combining_mark(c)
}

fn is_cased(c: char) -> bool {
    c.is_lowercase() || c.is_uppercase()
}

/// Letters of scripts in which words are not set apart by blanks, or take endings without change.
pub(crate) fn runs_on(c: char) -> bool {
    matches!(c,
        '\u{E00}'..='\u{EFF}' // Thai, Lao
        | '\u{1000}'..='\u{109F}' // Burmese
        | '\u{1100}'..='\u{11FF}' // Korean
        | '\u{1780}'..='\u{17FF}' // Khmer
        | '\u{2E80}'..='\u{9FFF}' // Chinese, Japanese
        | '\u{A960}'..='\u{A97F}' | '\u{AC00}'..='\u{D7FF}' // Korean
        | '\u{F900}'..='\u{FAFF}' | '\u{20000}'..='\u{3FFFF}' // Chinese
    )
}

/// How far a number goes on around a place, in bytes.
const NUMBER: usize = 40;

/// Whether digits at the edge of a place belong to a longer number: 5 in `3.5` and `.5`, 500 in `1,500`,
/// 10 in `10:30`. A list such as `1,2,3` is no number.
pub(crate) fn is_in_number(text: &str, span: &Range<usize>) -> bool {
    let (head, inner, tail) = (&text[..span.start], &text[span.clone()], &text[span.end..]);
    let goes_on_before = || {
        if let Some(before) = joints().find_map(|joint| head.strip_suffix(joint)) {
            let is_fraction = head.ends_with('.') && !before.ends_with(is_word);
            return before.ends_with(char::is_numeric) || is_fraction && !before.ends_with('.');
        }
        false
    };
    let goes_on_after = || {
        let after = joints().find_map(|joint| tail.strip_prefix(joint));
        after.is_some_and(|after| after.starts_with(char::is_numeric))
    };
    (inner.starts_with(char::is_numeric) && goes_on_before()
        || inner.ends_with(char::is_numeric) && goes_on_after())
        && !is_in_list(text, span)
}

/// What joins the digits of one number.
fn joints() -> impl Iterator<Item = &'static str> {
    let marks = [".", ",", "'", "’", ":", "٫", "٬", "．", "\u{A0}", "\u{2009}", "\u{202F}"];
    marks.into_iter().chain(["{,}", r",\!", r"\,"])
}

/// Whether commas around a place separate the items of a list, not groups of three digits.
fn is_in_list(text: &str, span: &Range<usize>) -> bool {
    let is_of_list = |byte: &u8| byte.is_ascii_digit() || *byte == b',';
    let bytes = text.as_bytes();
    let before =
        bytes[..span.start].iter().rev().take(NUMBER).take_while(|b| is_of_list(b)).count();
    let after = bytes[span.end..].iter().take(NUMBER).take_while(|b| is_of_list(b)).count();
    let run = &text[span.start - before..span.end + after];
    let groups = run.trim_matches(',').split(',');
    groups.clone().count() > 2 && groups.clone().skip(1).any(|group| group.len() != 3)
}

/// No word that denies something is longer, in bytes.
const LONGEST: usize = 64;

/// How far before a place its word may end, in bytes: a text of nothing but blanks is not gone through
/// for each of them.
const REACH: usize = 256;

/// The word that stands directly before a place, with its apostrophes: nothing but white space and
/// hyphens may lie between.
pub(crate) fn word_before(head: &str) -> &str {
    let near = &head[head.ceil_char_boundary(head.len().saturating_sub(REACH))..];
    let head = near.trim_end_matches(|c: char| c.is_whitespace() || matches!(c, '-' | '‐' | '‑'));
    let mut start = head.len();
    for (at, c) in head.char_indices().rev() {
        if !(is_word(c) || matches!(c, '\'' | '’')) || head.len() - at > LONGEST {
            break;
        }
        start = at;
    }
    &head[start..]
}
