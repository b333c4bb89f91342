//! Finding JSON in an answer: all of it, a fenced block, or the first balanced braces or brackets.

use serde_json::Value;

/// Braces in running text that may turn out not to begin JSON, before the search is given up. Each
/// costs a little, and an answer of nothing but brackets holds very many.
const MAX_FAILURES: usize = 10_000;

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
/// Every brace or bracket outside the values found so far is tried, up to [`MAX_FAILURES`].
fn balanced(text: &str) -> impl Iterator<Item = Value> {
    let (mut from, mut failures) = (0, 0);
    std::iter::from_fn(move || {
        while failures < MAX_FAILURES {
            let start = from + text.get(from..)?.find(['{', '['])?;
            let mut values = serde_json::Deserializer::from_str(&text[start..]).into_iter();
            if let Some(Ok(value)) = values.next() {
                from = start + values.byte_offset();
                return Some(value);
            }
            from = start + 1;
            failures += 1;
        }
        None
    })
}
