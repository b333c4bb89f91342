//! Texts from datasets and models as cells of spreadsheets: none is a formula, none is cut, and none acts on a screen.

use crate::safe_text::acts;

/// So many UTF-16 units a cell of Excel holds; what is longer is cut where it is saved.
pub const MOST_UNITS: usize = 32_767;

/// Whether a spreadsheet would compute a text. A plain number is none that it does, whatever its sign.
pub fn is_formula(text: &str) -> bool {
    begins_formula(text) && !is_number(text)
}

/// Whether a text begins as a formula does: numbers with a sign, too, of which a spreadsheet makes other texts.
pub fn begins_formula(text: &str) -> bool {
    let is_blank =
        |c: char| c.is_whitespace() && !c.is_control() || matches!(c, '\u{feff}' | '\u{200b}');
    let first = text.trim_start_matches(is_blank).chars().next();
    first.is_some_and(|c| {
        matches!(c, '=' | '+' | '-' | '@' | '＝' | '＋' | '－' | '＠') || c.is_control()
    })
}

fn is_number(text: &str) -> bool {
    text.bytes().all(|byte| b"+-.eE0123456789".contains(&byte)) && text.parse::<f64>().is_ok()
}

/// A cell of a CSV file, in quotes where it needs them.
pub fn csv_cell(text: &str) -> String {
    let needs = text.contains([',', '"', '\n', '\r', ';', '\t']) || text.trim() != text;
    if needs { format!("\"{}\"", text.replace('"', "\"\"")) } else { text.to_owned() }
}

/// How long a text is to Excel.
pub fn units(text: &str) -> usize {
    text.chars().map(char::len_utf16).sum()
}

/// A text that fits into a cell with a sign before it; what is longer ends with `…`.
pub fn clipped(text: &str) -> String {
    const KEPT: usize = MOST_UNITS - 7;
    if text.len() <= KEPT || units(text) <= KEPT {
        return text.to_owned();
    }
    let mut n = 0;
    let fits = |c: &char| {
        n += c.len_utf16();
        n <= KEPT
    };
    let mut kept: String = text.chars().take_while(fits).collect();
    kept.push('…');
    kept
}

/// A text in which what would act on a screen, or is no character of a CSV file, is written as `\u{…}`. Line ends and tabs
/// stay. [`unescaped`] makes the same text of it again.
pub fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text.chars().peekable();
    let mut n_backslashes = 0;
    while let Some(c) = rest.next() {
        let is_end = c == '\n' || c == '\r' && rest.peek() == Some(&'\n');
        let is_shown = acts(c) && !is_end && c != '\t';
        let is_escape = c == 'u' && rest.peek() == Some(&'{');
        if is_shown || is_escape {
            // Those before it are doubled, so that they are told from the one that is added.
            out.extend(std::iter::repeat_n('\\', n_backslashes));
        }
        n_backslashes = if c == '\\' { n_backslashes + 1 } else { 0 };
        if is_shown {
            out.extend(c.escape_unicode());
        } else {
            out.push(c);
        }
    }
    out
}

/// The text of which [`escaped`] made this one.
pub fn unescaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('\\') {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        let n = rest.len() - rest.trim_start_matches('\\').len();
        let after = &rest[n..];
        let Some(code) = after.strip_prefix("u{") else {
            out.push_str(&rest[..n]);
            rest = after;
            continue;
        };
        let one = code.split_once('}').and_then(|(hex, after)| Some((character(hex)?, after)));
        match one {
            Some((c, after)) if !n.is_multiple_of(2) => {
                out.extend(std::iter::repeat_n('\\', n / 2));
                out.push(c);
                rest = after;
            }
            _ if n.is_multiple_of(2) => {
                out.extend(std::iter::repeat_n('\\', n / 2));
                rest = after;
            }
            // Somebody wrote it there.
            _ => {
                out.push_str(&rest[..n]);
                rest = after;
            }
        }
    }
    out.push_str(rest);
    out
}

/// A character that is written by its number, if it is one that acts.
fn character(hex: &str) -> Option<char> {
    let number = (hex.len() <= 6).then(|| u32::from_str_radix(hex, 16).ok())??;
    char::from_u32(number).filter(|c| acts(*c))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn every_text_comes_back(text in "(\\PC|[\\x00-\\x1f\\\\u{}1b]){0,40}") {
            let cell = escaped(&text);
            let acting = ['\0', '\u{1b}'];
            prop_assert!(!cell.contains(acting));
            prop_assert_eq!(unescaped(&cell), text);
        }
    }

    #[test]
    fn formulas_are_what_a_spreadsheet_computes() {
        for text in [
            "=1+1",
            "@SUM(A1)",
            "+cmd|' /C calc'!A0",
            "-2+3",
            "\t=1",
            "\r=1",
            "  =1",
            "＝1",
            "-inf",
        ] {
            assert!(is_formula(text) && begins_formula(text), "{text:?}");
        }
        for text in ["-5", "+1.5e3", "-0.5"] {
            assert!(!is_formula(text) && begins_formula(text), "{text:?}");
        }
        for text in ["a=1", "", "5", "plain", "'=1"] {
            assert!(!is_formula(text) && !begins_formula(text), "{text:?}");
        }
    }

    #[test]
    fn cells_are_quoted_where_they_need_it() {
        let check = |text: &str, expected: &str| assert_eq!(csv_cell(text), expected);
        check("a \"b\", c", "\"a \"\"b\"\", c\"");
        check("plain", "plain");
        check("", "");
        check(" blank", "\" blank\"");
        check("two\nlines", "\"two\nlines\"");
    }

    #[test]
    fn no_cell_is_longer_than_excel_holds() {
        for text in ["x".repeat(40_000), "👍".repeat(20_000), "ü".repeat(32_768)] {
            let cell = clipped(&text);
            assert!(cell.ends_with('…') && units(&cell) < MOST_UNITS, "{}", units(&cell));
        }
        let fits = "ü".repeat(32_000);
        assert_eq!(clipped(&fits), fits);
    }

    #[test]
    fn what_acts_is_seen_and_comes_back() {
        let check = |text: &str, expected: &str| {
            assert_eq!(escaped(text), expected);
            assert_eq!(unescaped(expected), text);
        };
        check("plain \\n C:\\users\\u", "plain \\n C:\\users\\u");
        check("a\tb\nc\r\nd", "a\tb\nc\r\nd");
        check("\u{1b}[31mred\0", "\\u{1b}[31mred\\u{0}");
        check("over\rwritten", "over\\u{d}written");
        check("\\u{1b}", "\\\\u{1b}");
        check("\\\u{1b}", "\\\\\\u{1b}");
        check("\\\\u{41}", "\\\\\\\\u{41}");
        check("abc\u{202e}fed", "abc\\u{202e}fed");
        assert_eq!(unescaped("\\u{41} \\u{zz} \\u{"), "\\u{41} \\u{zz} \\u{");
    }
}
