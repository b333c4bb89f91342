//! Finding JSON in an answer: all of it, a fenced block, or the first balanced braces or brackets.

use serde::de::IgnoredAny;
use serde_json::{Deserializer, Error, Value};

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
    let whole = serde_json::from_str(text.trim()).ok();
    let rest = if whole.is_none() { text } else { "" };
    let fenced = fenced(rest).filter_map(|block| serde_json::from_str(block).ok());
    whole.into_iter().chain(fenced).chain(balanced(rest))
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
///
/// Every brace or bracket outside the values found so far is tried, up to [`MAX_WASTE`].
fn balanced(text: &str) -> impl Iterator<Item = Value> {
    let (mut from, mut waste) = (0, 0);
    std::iter::from_fn(move || {
        while waste < MAX_WASTE {
            let start = from + text.get(from..)?.find(['{', '['])?;
            match value_at_start(&text[start..]) {
                Ok((value, length)) => {
                    from = start + length;
                    return Some(value);
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

/// The JSON that a text begins with, and its length; or how much was read in vain.
fn value_at_start(text: &str) -> Result<(Value, usize), usize> {
    let place = |error: Error| {
        let lines = text.split_inclusive('\n').take(error.line().saturating_sub(1));
        lines.map(str::len).sum::<usize>() + error.column()
    };
    // Skimmed first: what is no JSON in the end is never built.
    let mut skimmed = Deserializer::from_str(text).into_iter::<IgnoredAny>();
    skimmed.next().transpose().map_err(place)?;
    let length = skimmed.byte_offset();
    let value = serde_json::from_str(&text[..length]).map_err(|_| length)?;
    Ok((value, length))
}
