//! Code in an answer: fenced blocks, as `CommonMark` has them, and inline code.
//!
//! A fence may be indented by any amount, since models indent code in lists. A block that is never
//! closed is none: the answer was cut off.

use std::{collections::HashSet, ops::Range};

/// A fenced block.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Block<'a> {
    /// The first word after the opening fence; empty where there is none.
    pub(crate) language: &'a str,
    /// What stands between the fences.
    pub(crate) body: &'a str,
    /// Where the block stands, its fences included.
    span: Range<usize>,
}

/// The opening of a block.
pub(crate) struct Fence<'a> {
    marker: char,
    length: usize,
    language: &'a str,
}

/// The fenced blocks of a text.
pub(crate) fn blocks(text: &str) -> Vec<Block<'_>> {
    let mut blocks = Vec::new();
    let mut open: Option<(Fence<'_>, Range<usize>)> = None;
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        let end = start + line.len();
        match &open {
            None => open = Fence::read(line).map(|fence| (fence, start..end)),
            Some((fence, opening)) if fence.is_closed_by(line) => {
                let body = &text[opening.end..start];
                blocks.push(Block { language: fence.language, body, span: opening.start..end });
                open = None;
            }
            Some(_) => {}
        }
        start = end;
    }
    blocks
}

/// The one fenced block's body, or the whole text where there is no block.
pub(crate) fn unfenced(text: &str) -> Result<&str, String> {
    match blocks(text).as_slice() {
        [] => Ok(text),
        [block] => Ok(block.body),
        blocks => Err(format!("the answer has {} code blocks", blocks.len())),
    }
}

/// Whether there is inline code outside `blocks`: two equal runs of backticks in one paragraph.
pub(crate) fn has_inline_code(text: &str, blocks: &[Block<'_>]) -> bool {
    let mut outside: Vec<&str> = Vec::new();
    let mut from = 0;
    for block in blocks {
        outside.push(&text[from..block.span.start]);
        from = block.span.end;
    }
    outside.push(&text[from..]);
    outside.iter().any(|part| paragraphs_have_inline_code(part))
}

fn paragraphs_have_inline_code(text: &str) -> bool {
    let mut seen = HashSet::new();
    for line in text.lines() {
        if line.trim().is_empty() {
            seen.clear();
        } else if !backtick_runs(line).all(|length| seen.insert(length)) {
            return true;
        }
    }
    false
}

/// The lengths of the runs of backticks in a line; a backslash takes away the first one's meaning.
fn backtick_runs(line: &str) -> impl Iterator<Item = usize> {
    let mut from = 0;
    std::iter::from_fn(move || {
        let start = from + line.get(from..)?.find('`')?;
        let length = run_length(&line[start..], '`');
        from = start + length;
        let escaped = line[..start].chars().rev().take_while(|c| *c == '\\').count() % 2;
        Some(length - escaped)
    })
    .filter(|length| *length > 0)
}

impl<'a> Fence<'a> {
    pub(crate) fn read(line: &'a str) -> Option<Self> {
        let line = line.trim();
        let marker = line.chars().next().filter(|c| matches!(c, '`' | '~'))?;
        let length = run_length(line, marker);
        let info = &line[length..];
        let language = info.split_whitespace().next().unwrap_or_default();
        let fences = length >= 3 && (marker == '~' || !info.contains('`'));
        fences.then_some(Self { marker, length, language })
    }

    pub(crate) fn is_closed_by(&self, line: &str) -> bool {
        let line = line.trim();
        line.len() >= self.length && run_length(line, self.marker) == line.len()
    }
}

/// How many of `marker`, one byte each, a text begins with.
fn run_length(text: &str, marker: char) -> usize {
    text.chars().take_while(|c| *c == marker).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &[(&str, &str)], inline: bool) {
        let found = blocks(text);
        let pairs: Vec<_> = found.iter().map(|block| (block.language, block.body)).collect();
        assert_eq!(pairs, expected, "{text:?}");
        assert_eq!(has_inline_code(text, &found), inline, "{text:?}");
    }

    #[test]
    fn blocks_and_inline_code() {
        check("```json\n{}\n```", &[("json", "{}\n")], false);
        check("a\n  ~~~\nx\n~~~~ \nb", &[("", "x\n")], false);
        check("````\n```\n````\n", &[("", "```\n")], false);
        check("```py x=1\n1\n```\n```\n2\n```", &[("py", "1\n"), ("", "2\n")], false);
        check("```\n~~~\n```\n", &[("", "~~~\n")], false);
        check("```json\n{}", &[], false);
        check("```json {}```", &[], true);
        check("use `x` here", &[], true);
        check("use ``a ` b`` here", &[], true);
        check("one ` tick", &[], false);
        check("one ` and ``two", &[], false);
        check("one `\n\nand another `", &[], false);
        check(r"no \` and `", &[], false);
        check("```\n`x`\n```", &[("", "`x`\n")], false);
    }
}
