//! Texts from datasets and models, made safe to show: nothing in them may act on the reader's screen.

use std::{borrow::Cow, fmt::Write};

/// Makes a text safe for a terminal: what would act instead of being seen (control characters, ANSI
/// escapes, bidirectional overrides, invisible tags) becomes `\u{…}`. Line breaks and tabs stay.
pub fn printable(text: &str) -> Cow<'_, str> {
    escape(text, |c| c != '\n' && c != '\t' && acts(c))
}

/// The same on one line: line breaks and tabs are escaped, too.
pub fn printable_line(text: &str) -> Cow<'_, str> {
    escape(text, acts)
}

/// Escapes the markup of a text for the elements and attributes of HTML.
pub fn markup_escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
    out
}

/// Makes a text safe for a page: what would act becomes visible as ⟨U+…⟩. Line breaks and tabs stay.
pub(crate) fn visible(text: &str) -> Cow<'_, str> {
    let needs = |c: char| c != '\n' && c != '\t' && acts(c);
    if !text.contains(needs) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        if needs(c) {
            // Writing to a string does not fail.
            let _ = write!(out, "\u{27e8}U+{:04X}\u{27e9}", u32::from(c));
        } else {
            out.push(c);
        }
    }
    Cow::Owned(out)
}

/// Breaks what the log of a CI system takes for a command, in text that is about to be written to
/// one: `::` at the start of a line (GitHub), and `##[`, `##vso[`, `##teamcity[` and their like
/// anywhere (Azure, `TeamCity`, GitHub). The first character becomes `\u{…}`. Lines may begin with
/// blanks and colours. Carriage returns, which other systems need, become visible.
pub fn inert(text: &str) -> Cow<'_, str> {
    if !text.contains("::") && !text.contains("##") && !text.contains('\r') {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    for line in text.split_inclusive('\n') {
        let start = line_start(line);
        out.push_str(&line[..start]);
        let rest = match line[start..].strip_prefix("::") {
            Some(rest) => {
                out.push_str("\\u{3a}:");
                rest
            }
            None => &line[start..],
        };
        push_inert(&mut out, rest, "\\u{23}");
    }
    Cow::Owned(out)
}

/// The same for JSON, which stays equal: what acts, beyond what JSON escapes anyway, and what begins
/// a command become `\uXXXX`.
pub fn inert_json(json: &str) -> Cow<'_, str> {
    let needs = |c: char| c >= '\u{7f}' && acts(c);
    if !json.contains(needs) && !json.contains("##") {
        return Cow::Borrowed(json);
    }
    let mut broken = String::with_capacity(json.len() + 16);
    push_inert(&mut broken, json, "\\u0023");
    let mut out = String::with_capacity(broken.len() + 16);
    for c in broken.chars() {
        if needs(c) {
            let mut units = [0; 2];
            for unit in c.encode_utf16(&mut units) {
                let _ = write!(out, "\\u{unit:04x}");
            }
        } else {
            out.push(c);
        }
    }
    Cow::Owned(out)
}

/// Where a line's first visible character is, behind blanks and colours.
fn line_start(line: &str) -> usize {
    let mut rest = line;
    loop {
        let trimmed = rest.trim_start();
        let colour = trimmed.strip_prefix("\u{1b}[").and_then(|code| {
            let end = code.find(|c: char| !c.is_ascii_digit() && c != ';')?;
            code[end..].strip_prefix('m')
        });
        match colour {
            Some(after) => rest = after,
            None => return line.len() - trimmed.len(),
        }
    }
}

/// Appends a text in which no `##name[` is left: its first character is written as `hash`.
fn push_inert(out: &mut String, text: &str, hash: &str) {
    let mut rest = text;
    while let Some(at) = rest.find(['#', '\r']) {
        out.push_str(&rest[..at]);
        let found = &rest[at..];
        if found.starts_with('\r') {
            out.push_str("\\r");
        } else if found.strip_prefix("##").is_some_and(is_command) {
            out.push_str(hash);
        } else {
            out.push('#');
        }
        rest = &found[1..];
    }
    out.push_str(rest);
}

/// Whether `name[` follows.
fn is_command(rest: &str) -> bool {
    let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && !matches!(c, '.' | '_' | '-'));
    end.is_some_and(|end| rest[end..].starts_with('['))
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
pub fn acts(c: char) -> bool {
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
    fn commands_of_ci_systems_are_broken() {
        let check = |text: &str, expected: &str| assert_eq!(inert(text), expected);
        check("std::vector, a ## b\n## [x](y)", "std::vector, a ## b\n## [x](y)");
        check("::error::x", "\\u{3a}:error::x");
        check("a\n  ::stop-commands::t\nb", "a\n  \\u{3a}:stop-commands::t\nb");
        check("\u{1b}[2m  ::warning::p\u{1b}[0m", "\u{1b}[2m  \\u{3a}:warning::p\u{1b}[0m");
        check("x ##[group]y", "x \\u{23}#[group]y");
        check("##vso[task.setvariable]", "\\u{23}#vso[task.setvariable]");
        check("###teamcity[a", "#\\u{23}#teamcity[a");
        check("section_start:1:x\rfake", "section_start:1:x\\rfake");
        assert!(matches!(inert("plain\n"), Cow::Borrowed("plain\n")));
    }

    #[test]
    fn json_stays_equal() {
        let texts =
            ["\u{9b}31m", "a\u{202e}b", "tag\u{e0041}", "##vso[x]y", "\u{7f}", "übel 日本 👩‍🚀"];
        let json = serde_json::to_string(&texts).expect("JSON");
        let shown = inert_json(&json);
        assert_eq!(serde_json::from_str::<Vec<String>>(&shown).expect("JSON"), texts);
        assert!(!shown.chars().any(acts) && !shown.contains("##vso["), "{shown}");
        assert!(shown.contains("\\udb40\\udc41"), "{shown}");
        assert!(matches!(inert_json("{\"a\": 1}\n"), Cow::Borrowed(_)));
    }

    #[test]
    fn one_line_stays_one_line() {
        assert_eq!(printable_line("a\nb\tc\u{2028}d\u{85}e"), "a\\nb\\tc\\u{2028}d\\u{85}e");
        assert!(matches!(printable_line("plain"), Cow::Borrowed("plain")));
    }
}
