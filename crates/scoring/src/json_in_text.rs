//! Finding JSON in an answer: all of it, a fenced block, or the first balanced braces or brackets.

use std::ops::Range;

use serde::de::IgnoredAny;
use serde_json::{Deserializer, Error, Value};

use crate::exact_json;

/// Bytes that may be read after braces in running text which turn out not to begin JSON, before the
/// search is given up: an answer of nothing but brackets holds very many of them.
const MAX_WASTE: usize = 10_000_000;

/// What such a brace costs at the least.
const LEAST_WASTE: usize = 1_000;

/// Every JSON value that an answer may mean, the most likely first.
///
/// An answer that is JSON as a whole means that and nothing else. Otherwise fenced blocks come
/// before braces in prose, and a block labelled `json` (or not at all) is a block like any other:
/// what does not parse is passed over.
pub(crate) fn values(text: &str) -> impl Iterator<Item = Value> {
    let whole = exact_json::from_str(text.trim()).ok();
    let rest = if whole.is_none() { text } else { "" };
    let fenced = fenced(rest).filter_map(|block| exact_json::from_str(block).ok());
    whole.into_iter().chain(fenced).chain(balanced(rest))
}

/// The objects and arrays of a text, in their order.
pub(crate) fn objects(text: &str) -> impl Iterator<Item = Value> {
    balanced(text)
}

/// The object that stands first in a text, after whatever is none.
pub(crate) fn first_object(text: &str) -> Option<Value> {
    let start = text.find('{')?;
    let length = length(&text[start..]).ok()?;
    exact_json::from_str(&text[start..start + length]).ok()
}

/// The bodies of blocks fenced by three backticks, labelled `json` or not at all.
pub(crate) fn fenced(text: &str) -> impl Iterator<Item = &str> {
    text.split("```").skip(1).step_by(2).filter_map(|block| {
        let (label, body) = block.split_once('\n')?;
        let label = label.trim();
        (label.is_empty() || label.eq_ignore_ascii_case("json")).then_some(body)
    })
}

/// Objects and arrays in running text, outermost first.
fn balanced(text: &str) -> impl Iterator<Item = Value> {
    spans(text).filter_map(|span| exact_json::from_str(&text[span]).ok())
}

/// Where objects and arrays stand in running text, the outermost ones.
///
/// Every brace or bracket outside the values found so far is tried, up to [`MAX_WASTE`].
pub(crate) fn spans(text: &str) -> impl Iterator<Item = Range<usize>> {
    let (mut from, mut waste) = (0, 0);
    std::iter::from_fn(move || {
        while waste < MAX_WASTE {
            let start = from + text.get(from..)?.find(['{', '['])?;
            match length(&text[start..]) {
                Ok(length) => {
                    from = start + length;
                    return Some(start..from);
                }
                Err(read) => {
                    from = start + 1;
                    waste += read.max(LEAST_WASTE);
                }
            }
        }
        None
    })
}

/// The length of the JSON that a text begins with; or how much was read in vain.
fn length(text: &str) -> Result<usize, usize> {
    let place = |error: Error| {
        let lines = text.split_inclusive('\n').take(error.line().saturating_sub(1));
        lines.map(str::len).sum::<usize>() + error.column()
    };
    // Skimmed and not built: most of what begins like JSON is none in the end.
    let mut skimmed = Deserializer::from_str(text).into_iter::<IgnoredAny>();
    skimmed.next().transpose().map_err(place)?;
    Ok(skimmed.byte_offset())
}
