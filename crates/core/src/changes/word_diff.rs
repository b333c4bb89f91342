//! A word diff of two texts, and an excerpt of it that fits a terminal.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use similar::{Algorithm, ChangeTag, DiffOp, capture_diff_slices};

/// Texts of more tokens are compared line by line, and of more lines as a whole, so that no pair
/// of texts takes long.
const MOST_TOKENS: usize = 3000;

/// How much of a diff an excerpt keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Length {
    /// Characters of unchanged text on either side of a change.
    context: usize,
    /// Characters of one change.
    of_change: usize,
    /// Changes.
    changes: usize,
}

/// A few lines of a terminal.
pub const SHORT: Length = Length { context: 25, of_change: 80, changes: 5 };

/// A paragraph of a page or a comment.
pub const LONG: Length = Length { context: 40, of_change: 400, changes: 20 };

/// A part of a text diff.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DiffPart {
    /// Which of the two texts has it.
    pub op: PartOf,
    /// The text.
    pub text: String,
}

/// Which of two texts has a part.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum PartOf {
    /// Both.
    Both,
    /// The baseline's text alone.
    Removed,
    /// The candidate's text alone.
    Added,
}

/// The diff of two texts, word by word; together, the parts are both texts.
pub fn diff(before: &str, after: &str) -> Vec<DiffPart> {
    let fits = |tokens: &[&str]| tokens.len() <= MOST_TOKENS;
    let splits: [fn(&str) -> Vec<&str>; 3] =
        [tokens, |text| text.split_inclusive('\n').collect(), |text| vec![text]];
    let split = splits.into_iter().map(|split| (split(before), split(after)));
    let (before, after) = split.into_iter().find(|(a, b)| fits(a) && fits(b)).unwrap_or_default();
    let ops = capture_diff_slices(Algorithm::Myers, &before, &after);
    let mut parts = Vec::new();
    for op in &ops {
        push(&mut parts, op, &before, &after);
    }
    without_gaps(parts)
}

fn push(parts: &mut Vec<DiffPart>, op: &DiffOp, before: &[&str], after: &[&str]) {
    for (tag, tokens) in op.iter_slices(before, after) {
        let op = match tag {
            ChangeTag::Equal => PartOf::Both,
            ChangeTag::Delete => PartOf::Removed,
            ChangeTag::Insert => PartOf::Added,
        };
        parts.push(DiffPart { op, text: tokens.concat() });
    }
}

/// Joins changes with nothing but white space between them: words read better than gaps.
fn without_gaps(parts: Vec<DiffPart>) -> Vec<DiffPart> {
    let last = parts.len().saturating_sub(1);
    let mut joined: Vec<DiffPart> = Vec::new();
    let (mut removed, mut added) = (String::new(), String::new());
    for (at, DiffPart { op, text }) in parts.into_iter().enumerate() {
        let is_gap =
            text.trim().is_empty() && at != last && !(removed.is_empty() && added.is_empty());
        match op {
            PartOf::Removed => removed.push_str(&text),
            PartOf::Added => added.push_str(&text),
            PartOf::Both if is_gap => {
                removed.push_str(&text);
                added.push_str(&text);
            }
            PartOf::Both => {
                flush(&mut joined, &mut removed, &mut added);
                joined.push(DiffPart { op, text });
            }
        }
    }
    flush(&mut joined, &mut removed, &mut added);
    joined
}

fn flush(parts: &mut Vec<DiffPart>, removed: &mut String, added: &mut String) {
    for (op, text) in [(PartOf::Removed, removed), (PartOf::Added, added)] {
        if !text.is_empty() {
            parts.push(DiffPart { op, text: std::mem::take(text) });
        }
    }
}

/// Words, runs of white space, and every other character by itself; so are ideographs, which stand
/// without blanks between words.
fn tokens(text: &str) -> Vec<&str> {
    let kind = |c: char| match c {
        '\u{2e80}'.. => 0,
        c if c.is_alphanumeric() || c == '_' => 1,
        c if c.is_whitespace() => 2,
        _ => 0,
    };
    let mut tokens = Vec::new();
    let (mut start, mut last) = (0, None);
    for (at, c) in text.char_indices() {
        let kind = kind(c);
        if last.is_some_and(|last| last != kind || kind == 0) {
            tokens.push(&text[start..at]);
            start = at;
        }
        last = Some(kind);
    }
    if start < text.len() {
        tokens.push(&text[start..]);
    }
    tokens
}

/// The changes with a few words around them: what fits a terminal or a comment.
pub fn excerpt(parts: &[DiffPart], length: Length) -> Vec<DiffPart> {
    let Length { context, of_change, changes: most } = length;
    let mut shown = Vec::new();
    let mut changes = 0;
    for (at, part) in parts.iter().enumerate() {
        let is_change = part.op != PartOf::Both;
        changes += usize::from(is_change);
        if changes > most {
            let more = parts[at..].iter().filter(|part| part.op != PartOf::Both).count();
            let noun = if more == 1 { "change" } else { "changes" };
            let text = format!(" … and {more} more {noun}");
            shown.push(DiffPart { op: PartOf::Both, text });
            break;
        }
        let text = if is_change {
            shortened(&part.text, of_change / 2, of_change / 2)
        } else {
            let before = if at == 0 { 0 } else { context };
            let after = if at + 1 == parts.len() { 0 } else { context };
            shortened(&part.text, before, after)
        };
        shown.push(DiffPart { op: part.op, text });
    }
    shown
}

/// A text's first and last characters, with `…` for what is left out.
pub fn shortened(text: &str, first: usize, last: usize) -> String {
    let n = text.chars().count();
    if n <= first + last + 10 {
        return text.to_owned();
    }
    let place = |chars: usize| text.char_indices().nth(chars).map_or(text.len(), |(at, _)| at);
    format!("{}…{}", &text[..place(first)], &text[place(n - last)..])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(parts: &[DiffPart]) -> String {
        let write = |part: &DiffPart| match part.op {
            PartOf::Both => part.text.clone(),
            PartOf::Removed => format!("[-{}-]", part.text),
            PartOf::Added => format!("{{+{}+}}", part.text),
        };
        parts.iter().map(write).collect()
    }

    #[test]
    fn words_that_changed_are_marked() {
        let check = |before: &str, after: &str, expected: &str| {
            let parts = diff(before, after);
            assert_eq!(written(&parts), expected);
            let text = |without: PartOf| -> String {
                parts.iter().filter(|p| p.op != without).map(|p| p.text.as_str()).collect()
            };
            assert_eq!((text(PartOf::Added), text(PartOf::Removed)), (before.into(), after.into()));
        };
        check("same", "same", "same");
        check("", "new", "{+new+}");
        check("old", "", "[-old-]");
        check(
            "Answer with one word.",
            "Answer in one word!",
            "Answer [-with-]{+in+} one word[-.-]{+!+}",
        );
        check("a b c d", "a x y d", "a [-b c-]{+x y+} d");
        check("用一个词回答", "用两个词回答", "用[-一-]{+两+}个词回答");
        check("{{ text }}", "{{ body }}", "{{ [-text-]{+body+} }}");
        check("one\ntwo\n", "one\n2\n", "one\n[-two-]{+2+}\n");
    }

    #[test]
    fn long_texts_are_compared_in_bounded_time() {
        let words =
            |word: &str| (0..40_000).map(|i| format!("{word}{i} ")).collect::<Vec<_>>().concat();
        let (before, after) = (words("a"), words("b"));
        assert_eq!(diff(&before, &after).len(), 2);
        let lines = |word: &str| {
            (0..2_000).map(|i| format!("{i} {word} and more\n")).collect::<Vec<_>>().concat()
        };
        let (before, after) = (lines("a"), lines("a").replace("\n700 a", "\n700 b"));
        assert_eq!(diff(&before, &after).len(), 4);
    }

    #[test]
    fn an_excerpt_keeps_the_changes() {
        let long = "word ".repeat(100);
        let parts = diff(&format!("{long}old {long}"), &format!("{long}new {long}"));
        let expected = "…word word word word word [-old-]{+new+} word word word word word…";
        assert_eq!(written(&excerpt(&parts, SHORT)).replace("  ", " "), expected);
        let many =
            |word: &str| (0..40).map(|i| format!("{i} {word} ")).collect::<Vec<_>>().concat();
        let shown = written(&excerpt(&diff(&many("a"), &many("b")), SHORT));
        assert!(shown.ends_with(" … and 75 more changes"), "{shown}");
    }
}
