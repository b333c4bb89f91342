//! Patterns of JavaScript in the syntax of Rust.

/// A pattern of JavaScript's `RegExp` without flags in the syntax of Rust's `regex`: classes are those
/// of ASCII.
pub(crate) fn javascript_pattern(pattern: &str) -> String {
    let mut out = String::with_capacity(pattern.len());
    let mut chars = pattern.chars();
    let mut in_class = false;
    while let Some(c) = chars.next() {
        match c {
            '\\' => match chars.next() {
                Some('d') => out.push_str(if in_class { "0-9" } else { "[0-9]" }),
                Some('D') => out.push_str("[^0-9]"),
                Some('w') => out.push_str(if in_class { "0-9A-Za-z_" } else { "[0-9A-Za-z_]" }),
                Some('W') => out.push_str("[^0-9A-Za-z_]"),
                // Without the flag `u` it is the letter.
                Some(letter @ ('p' | 'P')) => out.push(letter),
                Some('b') if !in_class => out.push_str("(?-u:\\b)"),
                Some('B') if !in_class => out.push_str("(?-u:\\B)"),
                Some(other) => {
                    // What needs no escape in Rust may not have one, unless it means something.
                    if other.is_ascii_alphanumeric() || other.is_ascii_punctuation() {
                        out.push('\\');
                    }
                    out.push(other);
                }
                None => out.push('\\'),
            },
            '[' if !in_class => {
                in_class = true;
                out.push('[');
            }
            // In JavaScript it stands for itself there.
            '[' => out.push_str("\\["),
            ']' => {
                in_class = false;
                out.push(']');
            }
            '{' if !in_class && !is_repetition(chars.as_str()) => out.push_str("\\{"),
            '&' | '~' if in_class => {
                out.push('\\');
                out.push(c);
            }
            _ => out.push(c),
        }
    }
    out
}

/// Whether what follows a brace makes it a repetition: `3}`, `3,}` or `3,5}`.
fn is_repetition(rest: &str) -> bool {
    let Some((inner, _)) = rest.split_once('}') else { return false };
    let (least, most) = inner.split_once(',').unwrap_or((inner, ""));
    let is_number = |text: &str| text.chars().all(|c| c.is_ascii_digit());
    !least.is_empty() && is_number(least) && is_number(most)
}

#[cfg(test)]
mod tests {
    use regex::Regex;

    use super::*;

    #[test]
    fn patterns_of_javascript() {
        let check = |pattern: &str, text: &str, expected: bool| {
            let rust = javascript_pattern(pattern);
            let found = Regex::new(&rust).unwrap_or_else(|error| panic!("{rust}: {error}"));
            assert_eq!(found.is_match(text), expected, "{pattern} {rust} {text}");
        };
        check(r"^\d{3}-\d{4}$", "555-1234", true);
        check(r"\d", "٣", false);
        check(r"[\d.]+x", "1.5x", true);
        check(r"^[^\s]+\/[\w-]+$", "a/b-c", true);
        check(r"[[a]", "[", true);
        check(r"\bcat\b", "a cat.", true);
        check(r"\u00e9", "é", true);
        check(r"a&&b", "a&&b", true);
        check(r"\-", "-", true);
        check(r"^\p{L}", "Ä", false);
        check(r"^\p{L}", "p{L}", true);
        check(r"a{2,3}b{x", "aab{x", true);
    }
}
