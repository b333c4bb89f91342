//! Where words begin and end, and which word stands before a place.

use unicode_normalization::char::is_combining_mark;

/// Whether a text that begins or ends with `inner` stands free of the neighbour `outer`.
pub(super) fn is_free(inner: Option<char>, outer: Option<char>) -> bool {
    !(inner.is_some_and(is_word) && outer.is_some_and(is_word))
}

/// Letters, digits, marks and the underscore make words.
pub(super) fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_' || is_combining_mark(c)
}

/// No word that denies something is longer, in bytes.
const LONGEST: usize = 64;

/// How far before a place its word may end, in bytes: a text of nothing but blanks is not gone through
/// for each of them.
const REACH: usize = 256;

/// The word that stands directly before a place, with its apostrophes: nothing but white space and
/// hyphens may lie between.
pub(super) fn word_before(head: &str) -> &str {
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
