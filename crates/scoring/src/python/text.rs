//! Python's `str` methods, where Rust's differ.

use unicode_normalization::char::is_combining_mark;

/// What Python's `\s` matches, for a class of the `regex` crate.
pub(crate) const SPACE: &str = r"\s\x1C-\x1F";

/// What Python's `\w` matches, for a class of the `regex` crate.
pub(crate) const WORD: &str = r"\p{L}\p{N}_";

/// What Python's `[A-Za-z]` matches when case is ignored, for a class of the `regex` crate.
pub(crate) const LETTER: &str = "A-Za-zİıſ\u{212A}";

/// `str.isspace` of one character: also the separators U+001C to U+001F.
pub(crate) fn is_space(c: char) -> bool {
    c.is_whitespace() || matches!(c, '\u{1C}'..='\u{1F}')
}

/// `\w`: letters and numbers of every script and the underscore, but no marks and no joiners.
pub(crate) fn is_word(c: char) -> bool {
    let enclosed = matches!(
        c,
        '\u{24B6}'..='\u{24E9}'
            | '\u{1F130}'..='\u{1F149}'
            | '\u{1F150}'..='\u{1F169}'
            | '\u{1F170}'..='\u{1F189}'
    );
    c == '_' || c.is_alphanumeric() && !is_combining_mark(c) && !enclosed
}

/// `str.strip`.
pub(crate) fn strip(text: &str) -> &str {
    text.trim_matches(is_space)
}

/// `str.rstrip`.
pub(crate) fn strip_end(text: &str) -> &str {
    text.trim_end_matches(is_space)
}

/// `str.split` without a separator.
pub(crate) fn split(text: &str) -> impl Iterator<Item = &str> {
    text.split(is_space).filter(|word| !word.is_empty())
}

/// `" ".join(text.split())`.
pub(crate) fn squeeze(text: &str) -> String {
    split(text).collect::<Vec<_>>().join(" ")
}

/// `str.lower`: full lower-casing, which is not case folding.
pub(crate) fn lower(text: &str) -> String {
    text.to_lowercase()
}

/// `str.casefold`.
pub(crate) fn casefold(text: &str) -> String {
    crate::normalize::casefold(text)
}

/// `re.sub(r"\b(a|an|the)\b", " ", text)`.
pub(crate) fn blank_articles(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find(is_word) {
        let word = &rest[start..];
        let end = word.find(|c| !is_word(c)).unwrap_or(word.len());
        out.push_str(&rest[..start]);
        out.push_str(match &word[..end] {
            "a" | "an" | "the" => " ",
            other => other,
        });
        rest = &word[end..];
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn articles_are_whole_words_in_pythons_sense() {
        for (text, expected) in [
            ("a cat and the dog", "  cat and   dog"),
            ("a\u{301} table", " \u{301} table"),
            ("a.the.b", " . .b"),
            ("the_b theatre", "the_b theatre"),
            ("", ""),
            ("THE", "THE"),
        ] {
            assert_eq!(blank_articles(text), expected, "{text:?}");
        }
    }

    #[test]
    fn words_and_spaces_are_pythons() {
        assert_eq!(squeeze("a\u{1C}b\u{85}c\u{A0}\u{200B}d "), "a b c \u{200B}d");
        assert_eq!(strip("\u{1F}\u{3000}x\u{FEFF}"), "x\u{FEFF}");
        let rows =
            [('é', true), ('\u{301}', false), ('\u{200D}', false), ('½', true), ('Ⓐ', false)];
        for (c, expected) in rows {
            assert_eq!(is_word(c), expected, "{c:?}");
        }
    }
}
