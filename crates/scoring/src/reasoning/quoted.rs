//! Whether a tag is only spoken of: in code, in quotes, or in the middle of a sentence.

use std::ops::Range;

use crate::code_fence::Fence;

use super::tags::Tag;

/// How far the backticks of inline code are looked for.
const REACH: usize = 200;

/// Whether a tag is wrapped by itself in quotes, backticks or parentheses. What stands before it must
/// open them: in `"A"</think>"B"` and after a fence two quotations touch the tag.
pub(super) fn is_wrapped(text: &str, tag: &Tag) -> bool {
    let head = &text[..tag.span.start];
    let before = head.chars().next_back();
    if let Some(mark @ ('"' | '\'' | '`')) = before {
        let outer = head.trim_end_matches(mark);
        let is_fence = mark == '`' && head.len() - outer.len() > 2;
        let closes = |c: char| c.is_alphanumeric() || ".,!?;:)]}".contains(c);
        if is_fence || outer.ends_with(closes) {
            return false;
        }
    }
    let after = text[tag.span.end..].chars().next();
    before.zip(after).is_some_and(|pair| {
        matches!(
            pair,
            ('`', '`')
                | ('"', '"')
                | ('\'', '\'')
                | ('“' | '„', '”' | '“')
                | ('‘' | '‚', '’' | '‘')
                | ('«', '»')
                | ('»', '«')
                | ('(', ')')
                | ('「', '」')
        )
    })
}

/// Whether a tag stands in the middle of a sentence, which goes on after it.
pub(super) fn is_in_sentence(text: &str, tag: &Tag) -> bool {
    let mut after = text[tag.span.end..].chars();
    match after.next() {
        Some('.' | ',' | ';' | ':' | '!' | '?' | ')' | '\'' | '"' | '`' | '”' | '’') => true,
        Some(' ') => {
            let before = text[..tag.span.start].strip_suffix(' ').unwrap_or_default();
            before.ends_with(|c: char| c.is_lowercase() || c == ',')
                && after.next().is_some_and(char::is_lowercase)
        }
        _ => false,
    }
}

/// Follows a text by lines, and knows where it is code.
pub(super) struct Code<'t> {
    text: &'t str,
    /// The line that is looked at, and where the next one begins.
    line: usize,
    next: usize,
    fence: Option<Fence<'t>>,
}

impl<'t> Code<'t> {
    pub(super) fn new(text: &'t str) -> Self {
        Self { text, line: 0, next: line_end(text, 0), fence: None }
    }

    /// Goes on after a thought, whose own code says nothing of what follows it.
    pub(super) fn restart(&mut self, from: usize) {
        self.fence = None;
        self.line = from;
        if self.next <= from {
            self.next = line_end(self.text, from);
        }
    }

    /// Whether a place, none before one asked for earlier, is in a fenced block or in inline code.
    pub(super) fn holds(&mut self, place: Range<usize>) -> bool {
        while self.next <= place.start {
            let line = &self.text[self.line..self.next];
            match &self.fence {
                Some(fence) if fence.is_closed_by(line) => self.fence = None,
                Some(_) => {}
                None => self.fence = Fence::read(line),
            }
            self.line = self.next;
            self.next = line_end(self.text, self.line);
        }
        self.fence.is_some() || is_inline(self.text, &place)
    }
}

/// Where the line ends that begins at a place.
fn line_end(text: &str, from: usize) -> usize {
    text[from..].find('\n').map_or(text.len(), |at| from + at + 1)
}

/// Whether a run of backticks before a place, in its line, ends after it.
fn is_inline(text: &str, place: &Range<usize>) -> bool {
    let before = last_bytes(&text[..place.start]);
    let mut open = None;
    for run in runs(before.rsplit('\n').next().unwrap_or_default()) {
        open = match open {
            Some(length) if length == run => None,
            Some(length) => Some(length),
            None => Some(run),
        };
    }
    let after = first_bytes(&text[place.end..]);
    let after = after.split('\n').next().unwrap_or_default();
    open.is_some_and(|length| runs(after).any(|run| run == length))
}

/// The lengths of a text's runs of backticks.
fn runs(text: &str) -> impl Iterator<Item = usize> {
    text.split(|c| c != '`').map(str::len).filter(|length| *length > 0)
}

fn first_bytes(text: &str) -> &str {
    &text[..text.floor_char_boundary(REACH)]
}

fn last_bytes(text: &str) -> &str {
    &text[text.ceil_char_boundary(text.len().saturating_sub(REACH))..]
}
