//! Texts of suites, datasets and models in Markdown and the HTML within it: they show as themselves, and become no markup,
//! link, mention or table cell.

use crate::{
    autolinks::references,
    safe_text::{markup_escaped, printable_line},
};

/// A zero-width space: it keeps names, numbers and addresses from becoming links.
const BREAK: &str = "&#8203;";

/// Characters of a name that are shown: of a prompt, a model, a metric, an item.
pub(super) const NAME: usize = 80;

/// Characters of a sentence that are shown.
pub(super) const SENTENCE: usize = 600;

/// A text that shows as itself, and that a forge does not turn into links or mentions.
pub(super) fn literal(text: &str) -> String {
    let text = printable_line(text);
    let mut breaks = references(&text).into_iter().peekable();
    let mut out = String::with_capacity(text.len());
    let mut before = ' ';
    for (at, c) in text.char_indices() {
        if breaks.next_if_eq(&at).is_some() {
            out.push_str(BREAK);
        }
        let after = text[at + c.len_utf8()..].chars().next().unwrap_or(' ');
        match c {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            '_' if before.is_alphanumeric() && after.is_alphanumeric() => out.push(c),
            '\\' | '`' | '*' | '_' | '[' | ']' | '|' | '~' | '$' => out.extend(['\\', c]),
            // What begins a heading, a list or a line below a heading does so at the start alone.
            '#' | '-' | '+' | '=' if at == 0 => out.extend(['\\', c]),
            '.' | ')' if text[..at].bytes().all(|byte| byte.is_ascii_digit()) => {
                out.extend(['\\', c]);
            }
            c => out.push(c),
        }
        before = c;
    }
    out
}

/// The same of its first `most` characters.
pub(super) fn clipped(text: &str, most: usize) -> String {
    literal(&shortened(text, most))
}

/// The same within HTML, where Markdown's escapes mean nothing.
pub(super) fn clipped_html(text: &str, most: usize) -> String {
    let text = shortened(text, most);
    let text = printable_line(&text);
    let mut out = String::with_capacity(text.len());
    let mut from = 0;
    for at in references(&text) {
        out.push_str(&markup_escaped(&text[from..at]));
        out.push_str(BREAK);
        from = at;
    }
    out.push_str(&markup_escaped(&text[from..]));
    // Two of them begin a command in the logs of some CI systems; within Markdown, an escape follows.
    out.replace("##", "#&#35;")
}

/// The first `most` characters of a text, and an ellipsis where there are more. Blanks around it would begin code, and
/// nothing at all a line.
fn shortened(text: &str, most: usize) -> String {
    let text = text.trim();
    match text.char_indices().nth(most) {
        Some((end, _)) => format!("{}…", text[..end].trim_end()),
        None if text.is_empty() => "(empty)".to_owned(),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_stay_texts() {
        let check = |text: &str, expected: &str| assert_eq!(literal(text), expected);
        check("# a", "\\# a");
        check("a # b - c", "a # b - c");
        check("- a", "\\- a");
        check("12. a 3.5", "12\\. a 3.5");
        check("7) a", "7\\) a");
        check("--- | :--", "\\--- \\| :--");
        check("snake_case *a* `b` [c](d)", "snake_case \\*a\\* \\`b\\` \\[c\\](d)");
        check("a<!--b-->&lt;", "a&lt;!--b--&gt;&amp;lt;");
        check("@all", "@&#8203;all");
        assert_eq!(clipped("abcdef", 3), "abc…");
        assert_eq!((&*clipped("    a ", 3), &*clipped(" ", 3)), ("a", "(empty)"));
        assert_eq!(clipped_html("*a* <b> @all", 80), "*a* &lt;b&gt; @&#8203;all");
        assert_eq!(clipped_html("##[group]", 80), "#&#35;[group]");
    }
}
