//! Texts from datasets and models, made safe to show: nothing in them may act on the reader's screen.

use std::borrow::Cow;

/// Makes a text safe for a terminal: what would act instead of being seen (control characters, ANSI
/// escapes, bidirectional overrides, invisible tags) becomes `\u{…}`. Line breaks and tabs stay.
pub fn printable(text: &str) -> Cow<'_, str> {
    escape(text, |c| c != '\n' && c != '\t' && acts(c))
}

/// The same on one line: line breaks and tabs are escaped, too.
pub fn printable_line(text: &str) -> Cow<'_, str> {
    escape(text, acts)
}

fn escape(text: &str, acts: impl Fn(char) -> bool) -> Cow<'_, str> {
    if !text.contains(&acts) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        match c {
            '\n' if acts(c) => out.push_str("\\n"),
            '\t' if acts(c) => out.push_str("\\t"),
            '\r' if acts(c) => out.push_str("\\r"),
            c if acts(c) => out.extend(c.escape_unicode()),
            c => out.push(c),
        }
    }
    Cow::Owned(out)
}

/// Whether a character acts on the text around it instead of being seen.
pub(crate) fn acts(c: char) -> bool {
    c.is_control()
        || matches!(c,
            // Soft hyphen, Arabic letter mark, Mongolian vowel separator.
            '\u{ad}' | '\u{61c}' | '\u{180e}'
            // Zero width space, and the marks of direction. Joiners stay: emoji need them.
            | '\u{200b}' | '\u{200e}' | '\u{200f}'
            // Line and paragraph separators, embeddings and overrides.
            | '\u{2028}'..='\u{202e}'
            // Word joiner and invisible operators, isolates, deprecated format characters.
            | '\u{2060}'..='\u{206f}'
            // Byte order mark, interlinear annotations.
            | '\u{feff}' | '\u{fff9}'..='\u{fffb}'
            // Tags: invisible copies of ASCII.
            | '\u{e0000}'..='\u{e007f}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_acts_becomes_visible() {
        let check = |text: &str, expected: &str| assert_eq!(printable(text), expected);
        check("plain, übel, 日本, 👩‍🚀\n\tnext", "plain, übel, 日本, 👩‍🚀\n\tnext");
        check("\x1b[31mred\x1b[0m", "\\u{1b}[31mred\\u{1b}[0m");
        check("over\rwritten\x07\0", "over\\rwritten\\u{7}\\u{0}");
        check("\u{9b}31m", "\\u{9b}31m");
        check("abc\u{202e}fed\u{2066}", "abc\\u{202e}fed\\u{2066}");
        check("tag\u{e0041}", "tag\\u{e0041}");
    }

    #[test]
    fn one_line_stays_one_line() {
        assert_eq!(printable_line("a\nb\tc\u{2028}d\u{85}e"), "a\\nb\\tc\\u{2028}d\\u{85}e");
        assert!(matches!(printable_line("plain"), Cow::Borrowed("plain")));
    }
}
