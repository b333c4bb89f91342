//! The tags that models put around their thoughts, found in a text.

use std::{ops::Range, sync::LazyLock};

use aho_corasick::{AhoCorasick, MatchKind};

/// Which tags belong together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Family {
    /// `<think>`, `<thinking>`.
    Think,
    /// `<thought>`, `<thoughts>`.
    Thought,
    Reasoning,
    Reflection,
    Scratchpad,
    /// `<seed:think>`.
    Seed,
    /// `[THINK]`.
    Bracket,
    /// `◁think▷`.
    Triangle,
    /// `<|begin_of_thought|>`.
    Begin,
    /// `<|START_THINKING|>`.
    Start,
    /// `<|channel>thought`.
    Channel,
    /// `[BEGIN FINAL RESPONSE]`, which ends thoughts that nothing began.
    Final,
}

impl Family {
    pub(super) const COUNT: usize = Self::Final as usize + 1;

    /// Whether documents have elements of this name that are no thoughts of the model.
    pub(super) fn is_common_word(self) -> bool {
        matches!(self, Self::Thought | Self::Reasoning | Self::Reflection | Self::Scratchpad)
    }
}

/// A tag.
#[derive(Clone, Debug)]
pub(super) struct Tag {
    pub(super) span: Range<usize>,
    pub(super) family: Family,
    pub(super) opens: bool,
}

/// How a tag goes on after its beginning.
#[derive(Clone, Copy)]
enum Rest {
    /// It is complete.
    Nothing,
    /// It is complete, and in just this case.
    Exact,
    /// An ending of the name, then attributes, then `>`.
    Element(&'static [&'static str]),
}

/// The beginning of a tag in lower case, its family, and whether it opens.
type Form = (&'static str, Family, bool, Rest);

const THINK: Rest = Rest::Element(&["", "ing"]);
const PLURAL: Rest = Rest::Element(&["", "s"]);
const PLAIN: Rest = Rest::Element(&[""]);

const FORMS: &[Form] = &[
    ("<think", Family::Think, true, THINK),
    ("</think", Family::Think, false, THINK),
    ("<antthinking", Family::Think, true, PLAIN),
    ("</antthinking", Family::Think, false, PLAIN),
    ("<thought", Family::Thought, true, PLURAL),
    ("</thought", Family::Thought, false, PLURAL),
    ("<reasoning", Family::Reasoning, true, PLAIN),
    ("</reasoning", Family::Reasoning, false, PLAIN),
    ("<reflection", Family::Reflection, true, PLAIN),
    ("</reflection", Family::Reflection, false, PLAIN),
    ("<scratchpad", Family::Scratchpad, true, PLAIN),
    ("</scratchpad", Family::Scratchpad, false, PLAIN),
    ("<seed:think", Family::Seed, true, PLAIN),
    ("</seed:think", Family::Seed, false, PLAIN),
    ("[think]", Family::Bracket, true, Rest::Exact),
    ("[/think]", Family::Bracket, false, Rest::Exact),
    ("◁think▷", Family::Triangle, true, Rest::Nothing),
    ("◁/think▷", Family::Triangle, false, Rest::Nothing),
    ("<|begin_of_thought|>", Family::Begin, true, Rest::Nothing),
    ("<|end_of_thought|>", Family::Begin, false, Rest::Nothing),
    ("<|start_thinking|>", Family::Start, true, Rest::Nothing),
    ("<|end_thinking|>", Family::Start, false, Rest::Nothing),
    ("<|channel>thought", Family::Channel, true, Rest::Nothing),
    ("<channel|>", Family::Channel, false, Rest::Nothing),
    ("[begin final response]", Family::Final, false, Rest::Exact),
];

/// What a message of the harmony format has in its head.
pub(super) const CHANNEL: &str = "<|channel|>";

/// How far a tag's attributes may go.
const MAX_ATTRIBUTES: usize = 100;

/// The tags of a text, in order, as far as a mark of the harmony format, and whether there is one.
pub(super) fn tags(text: &str) -> (Vec<Tag>, bool) {
    static MARKS: LazyLock<AhoCorasick> = LazyLock::new(|| {
        let marks = FORMS.iter().map(|form| form.0).chain([CHANNEL]);
        AhoCorasick::builder()
            .ascii_case_insensitive(true)
            .match_kind(MatchKind::LeftmostLongest)
            .build(marks)
            .expect("a short list")
    });
    let mut tags = Vec::new();
    for mark in MARKS.find_iter(text) {
        let Some(form) = FORMS.get(mark.pattern().as_usize()) else { return (tags, true) };
        let (_, family, opens, rest) = *form;
        if let Some(end) = end(text, mark.range(), rest) {
            tags.push(Tag { span: mark.start()..end, family, opens });
        }
    }
    (tags, false)
}

/// Where a tag ends that begins here; `None` where it is none.
fn end(text: &str, mark: Range<usize>, rest: Rest) -> Option<usize> {
    match rest {
        Rest::Nothing => Some(mark.end),
        Rest::Exact => {
            let is_exact = !text[mark.clone()].contains(|c: char| c.is_ascii_lowercase());
            is_exact.then_some(mark.end)
        }
        Rest::Element(endings) => {
            let after = &text.as_bytes()[mark.end..];
            let ending = endings.iter().rev().find(|ending| {
                after
                    .get(..ending.len())
                    .is_some_and(|has| has.eq_ignore_ascii_case(ending.as_bytes()))
            })?;
            let attributes = &after[ending.len()..];
            let close = attributes
                .iter()
                .take(MAX_ATTRIBUTES)
                .position(|byte| matches!(byte, b'<' | b'>'))
                .filter(|at| attributes[*at] == b'>')?;
            let is_name = close == 0 || attributes[0].is_ascii_whitespace();
            let is_empty_element = close > 0 && attributes[close - 1] == b'/';
            (is_name && !is_empty_element).then_some(mark.end + ending.len() + close + 1)
        }
    }
}
