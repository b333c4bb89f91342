//! What comparisons and samples are called: the name of what all of them share is left out.

use evalmark_core::verdict::Comparison;
use serde::Serialize;

use super::super::data::{PageSample, PromptFrame};
use crate::safe_text::visible;

/// A piece of a sentence. Names come from suites and datasets, and may be written from right to left.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Piece {
    text: String,
    is_name: bool,
}

/// A sentence with names in it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub(super) struct Sentence(Vec<Piece>);

impl Sentence {
    /// Words that evalmark says.
    pub(super) fn words(mut self, text: impl Into<String>) -> Self {
        self.0.push(Piece { text: text.into(), is_name: false });
        self
    }

    /// A name.
    pub(super) fn name(mut self, text: &str) -> Self {
        self.0.push(Piece { text: text.to_owned(), is_name: true });
        self
    }

    /// A name, and words before it; nothing where there is no name.
    pub(super) fn with(self, words: &str, name: Option<&str>) -> Self {
        match name {
            None => self,
            Some(name) => self.words(words).name(name),
        }
    }
}

/// The model's name, where the comparisons are about several.
pub(super) fn model_of<'a>(
    comparison: &'a Comparison,
    comparisons: &[&Comparison],
) -> Option<&'a str> {
    let is_other = |other: &&Comparison| other.model != comparison.model;
    comparisons.iter().any(is_other).then_some(&*comparison.model)
}

/// `once`, or `1 of 3`.
pub(super) fn some_of(n: usize, all: usize) -> String {
    if n == all { format!("all {all}") } else { format!("{n} of {all}") }
}

/// The fragment of an address that opens a sample, as `script/query.js` reads it.
pub(super) fn sample_link(sample: &PageSample, frame: &PromptFrame) -> String {
    let [item, prompt, model] = [&sample.item_id, &frame.prompt, &frame.model].map(|t| encoded(t));
    format!("sample={item}&prompt={prompt}&model={model}&epoch={}", sample.epoch)
}

/// A text as part of an address, as it is shown.
fn encoded(text: &str) -> String {
    let byte = |byte: u8| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' => {
            char::from(byte).to_string()
        }
        byte => format!("%{byte:02X}"),
    };
    visible(text).bytes().map(byte).collect()
}
