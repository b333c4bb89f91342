//! inspect-ai's `answer`: what follows `ANSWER:` is a target.
//!
//! The patterns there look ahead for another `ANSWER:`, which takes quadratic time on a hostile
//! answer. Here the places are found once, and what each pattern wants is looked up around them.

use std::sync::LazyLock;

use evalmark_core::metric::{ParamError, Reasoning};
use regex::Regex;

use super::{
    super::{complain, options::Options},
    pattern::{is_target, not_found},
};
use crate::{
    kind::{Measure, Measurement},
    python::{SPACE, is_space, is_word},
    subject::Subject,
};

#[derive(Clone, Copy, Debug)]
pub(super) enum Answer {
    Letter,
    Word,
    Line,
}

impl Answer {
    pub(super) fn new(options: &mut Options) -> Result<Self, ParamError> {
        match options.pattern.take().as_deref() {
            Some("letter") => Ok(Self::Letter),
            Some("word") => Ok(Self::Word),
            Some("line") => Ok(Self::Line),
            _ => {
                let message = "this scorer needs a `pattern`: one of letter, word, line";
                Err(complain("pattern", message.to_owned()))
            }
        }
    }

    fn find(self, text: &str) -> Option<&str> {
        match self {
            Self::Letter => letter(text),
            Self::Word => word(text),
            Self::Line => line(text),
        }
    }
}

impl Measure for Answer {
    fn reasoning(&self) -> Option<Reasoning> {
        // As the other tool has it.
        Some(Reasoning::Keep)
    }

    fn measure(&self, Subject { answer, targets, .. }: Subject<'_>) -> Measurement {
        match self.find(answer) {
            _ if targets.is_empty() => Measurement::best_of(targets, |_| 0.0),
            Some(found) => Measurement::yes_or_no(is_target(found, targets, true)),
            None => not_found(),
        }
    }
}

/// Where each `ANSWER:` begins, and where what follows it does, past white space.
fn places(text: &str) -> impl Iterator<Item = (usize, usize)> {
    static MARK: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(&format!("(?i)ANSWER[{SPACE}]*:[{SPACE}]*")).expect("a valid pattern")
    });
    MARK.find_iter(text).map(|mark| (mark.start(), mark.end()))
}

/// `(?is)ANSWER\s*:\s*([A-Za-z])(?:[^\w]|\n|$)(?!.*ANSWER\s*:)`: a letter that stands alone.
fn letter(text: &str) -> Option<&str> {
    let (_, start) = places(text).last()?;
    let mut rest = text[start..].chars();
    // Where case is ignored, Python's `[A-Za-z]` takes these four as well.
    let c = rest.next().filter(|c| c.is_ascii_alphabetic() || "İıſ\u{212A}".contains(*c))?;
    rest.next().is_none_or(|c| !is_word(c)).then(|| &text[start..start + c.len_utf8()])
}

/// `(?is)ANSWER\s*:\s*(\S+?)(?=[.,;:!?]?\s*(?:\n|$))(?!.*ANSWER\s*:)`: the last word of its line,
/// without one mark at its end. Another `ANSWER:` may begin in the word, but not after it.
fn word(text: &str) -> Option<&str> {
    let (last, _) = places(text).last()?;
    let (mut end, mut is_last) = (0, false);
    for (_, start) in places(text) {
        if start >= end {
            let rest = &text[start..];
            end = start + rest.find(is_space).unwrap_or(rest.len());
            is_last = end > last && ends_line(&text[end..]);
        }
        let word = &text[start..end];
        if is_last && !word.is_empty() {
            return Some(
                word.strip_suffix(['.', ',', ';', ':', '!', '?'])
                    .filter(|word| !word.is_empty() && start + word.len() > last)
                    .unwrap_or(word),
            );
        }
    }
    None
}

/// Nothing but white space until the line or the text ends.
fn ends_line(rest: &str) -> bool {
    let space = &rest[..rest.find(|c| !is_space(c)).unwrap_or(rest.len())];
    space.len() == rest.len() || space.contains('\n')
}

/// `(?i)ANSWER\s*:\s*([^\n]+)\s*\Z`: the last line, from the first `ANSWER:` that it holds.
fn line(text: &str) -> Option<&str> {
    let end = text.trim_end_matches(is_space).len();
    let begin = text[..end].rfind('\n').map_or(0, |at| at + 1);
    let (_, start) = places(text).find(|(_, start)| *start >= begin)?;
    if start >= end {
        // Nothing but white space follows: its last character that is no line break is caught.
        let mark = text[..start].rfind(':')? + 1;
        let (at, c) = text[mark..].char_indices().rfind(|(_, c)| *c != '\n')?;
        return Some(&text[mark + at..mark + at + c.len_utf8()]);
    }
    let rest = &text[start..];
    Some(&rest[..rest.find('\n').unwrap_or(rest.len())])
}
