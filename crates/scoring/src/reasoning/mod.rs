//! Reasoning is not the answer: what is left of a text without the model's thoughts.
//!
//! Thoughts stand between tags (`<think>…</think>` and the like, see `tags.rs`), at the beginning or
//! between parts of the answer, one after the other or within each other. Many chat templates write
//! the opening tag themselves, so that a closing one alone ends thoughts too. gpt-oss writes on
//! channels (`harmony.rs`). A tag that is only spoken of (in code, in quotes, in the middle of a
//! sentence: `quoted.rs`) is text like any other, and so are elements of a document that is no
//! thought: `<reasoning>` and other common words count at the beginning of an answer alone.

mod harmony;
mod quoted;
mod tags;

use std::{borrow::Cow, ops::Range, sync::LazyLock};

use regex::Regex;

use self::{
    quoted::{Code, is_in_sentence, is_wrapped},
    tags::{Family, Tag, tags},
};

/// What a text is without reasoning.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Answer<'t> {
    /// There was none: the text itself.
    Whole,
    /// What is left, which may be nothing.
    Rest(Cow<'t, str>),
    /// The reasoning never ends.
    Endless,
}

/// Cuts reasoning off.
pub(crate) fn answer(text: &str) -> Answer<'_> {
    let (tags, has_channels) = tags(text);
    if has_channels && let Some(answer) = harmony::answer(text) {
        return answer;
    }
    if tags.is_empty() { announced(text) } else { Cutter::new(text, &tags).cut(&tags) }
}

/// What the model thought, without the tags around it, where `answer` is what is left of the text.
pub(crate) fn thoughts(text: &str, answer: &Answer<'_>) -> String {
    let pieces = match answer {
        Answer::Whole => return String::new(),
        Answer::Endless => vec![text],
        Answer::Rest(Cow::Owned(_)) => outside(text, &Cutter::parts(text)),
        Answer::Rest(Cow::Borrowed(rest)) => {
            // It is a part of the text, so that its place says where.
            let from = (rest.as_ptr() as usize).wrapping_sub(text.as_ptr() as usize);
            match text.get(from..from.wrapping_add(rest.len())) {
                Some(_) if !rest.is_empty() => {
                    outside(text, std::slice::from_ref(&(from..from + rest.len())))
                }
                _ => vec![text],
            }
        }
    };
    let pieces = pieces.into_iter().map(untagged).filter(|piece| !piece.is_empty());
    pieces.collect::<Vec<_>>().join("\n\n")
}

/// A text without these parts of it, which are in order.
fn outside<'t>(text: &'t str, parts: &[Range<usize>]) -> Vec<&'t str> {
    let starts = std::iter::once(0).chain(parts.iter().map(|part| part.end));
    let ends = parts.iter().map(|part| part.start).chain([text.len()]);
    starts.zip(ends).filter_map(|(start, end)| text.get(start..end)).collect()
}

/// A thought without the tags, or marks, at its ends.
fn untagged(thought: &str) -> &str {
    let mut thought = thought.trim();
    let (tags, _) = tags(thought);
    if let Some(last) = tags.last().filter(|tag| tag.span.end == thought.len()) {
        thought = thought[..last.span.start].trim_end();
    }
    match tags.first().filter(|tag| tag.span.start == 0 && tag.span.end <= thought.len()) {
        Some(first) => thought[first.span.end..].trim_start(),
        None => thought,
    }
}

/// Whether a text names such a tag, as a pattern or template does that is about reasoning.
pub(crate) fn names_a_tag(text: &str) -> bool {
    static NAMES: LazyLock<Regex> = LazyLock::new(|| {
        let pattern = r"(?i:[<◁][\\/(|?:]*(?:seed:)?(?:think|thought|reasoning|reflection|scratchpad))|(?i:<\\*\|channel|<\\*\|(?:begin_of_thought|start_thinking))|\[\\*/?THINK";
        Regex::new(pattern).expect("a valid pattern")
    });
    NAMES.is_match(text)
}

/// Reasoning that words announce and not tags, at the beginning of a text: Granite's, and gpt-oss's
/// where the server has dropped the marks of its channels.
fn announced(text: &str) -> Answer<'_> {
    let start = text.trim_start();
    if start.starts_with("Here") {
        static RESPONSE: LazyLock<Regex> = LazyLock::new(|| {
            Regex::new(
                r"(?s)^Here(?: is|'s|’s) my thought process:.*?Here(?: is|'s|’s) my response:",
            )
            .expect("a valid pattern")
        });
        if let Some(found) = RESPONSE.find(start) {
            return Answer::Rest(start[found.end()..].trim_start().into());
        }
    }
    if start.starts_with("analysis")
        && let Some((_, rest)) = start.rsplit_once("assistantfinal")
    {
        return Answer::Rest(rest.trim_start().into());
    }
    Answer::Whole
}

/// Walks through the tags of a text.
struct Cutter<'t> {
    text: &'t str,
    code: Code<'t>,
    /// The parts of the answer that have ended, without blank ones.
    parts: Vec<Range<usize>>,
    /// Where the answer goes on, and where it says something first from there on.
    from: usize,
    says: usize,
    /// Opening tags that are only spoken of, by family: their closing ones are too.
    spoken_of: [usize; Family::COUNT],
    /// Where the last closing tag of each family stands.
    last_close: [usize; Family::COUNT],
    was_cut: bool,
}

/// A thought that has begun.
struct Thought {
    is_leading: bool,
    family: Family,
    depth: usize,
}

impl<'t> Cutter<'t> {
    fn new(text: &'t str, tags: &[Tag]) -> Self {
        let mut last_close = [0; Family::COUNT];
        for tag in tags.iter().filter(|tag| !tag.opens) {
            last_close[tag.family as usize] = tag.span.start;
        }
        Self {
            text,
            code: Code::new(text),
            parts: Vec::new(),
            from: 0,
            says: says(text, 0),
            spoken_of: [0; Family::COUNT],
            last_close,
            was_cut: false,
        }
    }

    /// Where the answer's parts stand in a text.
    fn parts(text: &'t str) -> Vec<Range<usize>> {
        let (tags, _) = tags(text);
        let mut cutter = Self::new(text, &tags);
        if cutter.walk(&tags) { Vec::new() } else { cutter.parts }
    }

    fn cut(mut self, tags: &[Tag]) -> Answer<'t> {
        let is_endless = self.walk(tags);
        if is_endless {
            Answer::Endless
        } else if self.was_cut {
            self.rest()
        } else {
            Answer::Whole
        }
    }

    /// Whether a thought at the beginning never ends.
    fn walk(&mut self, tags: &[Tag]) -> bool {
        let mut thought: Option<Thought> = None;
        for tag in tags.iter().filter(|tag| !is_wrapped(self.text, tag)) {
            thought = match thought {
                Some(inside) => self.within(inside, tag),
                None => self.outside(tag),
            };
        }
        match thought {
            Some(thought) if thought.is_leading => return true,
            // What comes after the answer never ends.
            Some(_) => {}
            None => self.parts.push(self.from..self.text.len()),
        }
        false
    }

    /// A tag within a thought: the thought as it goes on, if it does.
    fn within(&mut self, mut thought: Thought, tag: &Tag) -> Option<Thought> {
        if tag.family != thought.family {
            return Some(thought);
        }
        if tag.opens {
            thought.depth += usize::from(!is_in_sentence(self.text, tag));
            return Some(thought);
        }
        thought.depth -= 1;
        if thought.depth > 0 {
            return Some(thought);
        }
        self.go_on(tag.span.end);
        None
    }

    /// A tag in the answer: the thought that it begins, if it does.
    fn outside(&mut self, tag: &Tag) -> Option<Thought> {
        let family = tag.family as usize;
        let is_leading = self.parts.is_empty() && tag.span.start <= self.says;
        if !is_leading && self.code.holds(tag.span.clone()) {
            return None;
        }
        if tag.opens {
            if is_leading || !tag.family.is_common_word() && self.begins(tag) {
                if !is_leading && self.says < tag.span.start {
                    self.parts.push(self.from..tag.span.start);
                }
                self.was_cut = true;
                return Some(Thought { is_leading, family: tag.family, depth: 1 });
            }
            self.spoken_of[family] += 1;
        } else if self.spoken_of[family] > 0 {
            self.spoken_of[family] -= 1;
        } else if !is_in_sentence(self.text, tag) {
            self.parts.clear();
            self.was_cut = true;
            self.go_on(tag.span.end);
        }
        None
    }

    /// Whether an opening tag in the answer begins a thought: on a line of its own, or where no
    /// sentence leads to it, if it is closed.
    fn begins(&self, tag: &Tag) -> bool {
        let before = &self.text[self.from..tag.span.start];
        let said = before.trim_end_matches([' ', '\t']);
        let Some(last) = said.chars().next_back().filter(|last| *last != '\n') else { return true };
        let is_closed = self.last_close[tag.family as usize] > tag.span.start;
        let touches = said.len() == before.len() && last.is_lowercase();
        let ends = ".!?…:>]})*_。！？：".contains(last) || last.is_uppercase() || last.is_numeric();
        is_closed && (touches || ends)
    }

    fn go_on(&mut self, from: usize) {
        self.from = from;
        self.says = says(self.text, from);
        self.code.restart(from);
    }

    fn rest(self) -> Answer<'t> {
        Answer::Rest(match self.parts.as_slice() {
            [] => Cow::Borrowed(""),
            [part] => Cow::Borrowed(unwrapped(&self.text[part.clone()])),
            parts => {
                let rest: String = parts.iter().map(|part| &self.text[part.clone()]).collect();
                Cow::Owned(unwrapped(&rest).to_owned())
            }
        })
    }
}

/// Where a text says something first, from a place on: not in white space or what is as good as it.
fn says(text: &str, from: usize) -> usize {
    let rest = &text[from..];
    let blank = |c: char| c.is_whitespace() || matches!(c, '\u{FEFF}' | '\u{200B}');
    from + rest.find(|c| !blank(c)).unwrap_or(rest.len())
}

/// The answer without marks that models put around what is no thought, and without white space
/// before it.
fn unwrapped(text: &str) -> &str {
    const MARKS: [[&str; 2]; 3] = [
        ["<|begin_of_solution|>", "<|end_of_solution|>"],
        ["<|START_RESPONSE|>", "<|END_RESPONSE|>"],
        ["[BEGIN FINAL RESPONSE]", "[END FINAL RESPONSE]"],
    ];
    let text = text.trim_start();
    for [begin, end] in MARKS {
        let body = text.strip_prefix(begin).unwrap_or(text);
        let body = body.trim_end().strip_suffix(end).unwrap_or(body);
        if body.len() < text.len() {
            return body.trim();
        }
    }
    text
}

#[cfg(test)]
mod tests;
