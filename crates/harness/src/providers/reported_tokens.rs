//! Counts of tokens, as servers write them.

use evalmark_core::{answer_details::AnswerDetails, record::Usage};
use serde_json::{Value, value::RawValue};

/// A count of tokens, also as a float or a text.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked before")]
pub(super) fn count(tokens: &RawValue) -> Option<u64> {
    if let Ok(tokens) = tokens.get().parse() {
        return Some(tokens);
    }
    match serde_json::from_str(tokens.get()).ok()? {
        Value::String(text) => text.trim().parse().ok(),
        Value::Number(number) => number.as_u64().or_else(|| {
            let number = number.as_f64()?;
            (0.0..=Usage::MOST_TOKENS as f64).contains(&number).then_some(number.round() as u64)
        }),
        _ => None,
    }
}

/// What a response says of its tokens, where those of the prompt are told in three parts.
pub(super) struct TokensInParts<'a> {
    /// Tokens of the prompt that were read anew.
    pub(super) input: Option<&'a RawValue>,
    /// Those that the cache had.
    pub(super) cache_read: Option<&'a RawValue>,
    /// Those that were put into it.
    pub(super) cache_write: Option<&'a RawValue>,
    pub(super) output: Option<&'a RawValue>,
}

impl TokensInParts<'_> {
    /// The tokens together, as far as they can be right, and the parts.
    pub(super) fn read(&self) -> (Usage, AnswerDetails) {
        let tokens = |raw: Option<&RawValue>| {
            raw.and_then(count).filter(|tokens| *tokens <= Usage::MOST_TOKENS)
        };
        let cached = tokens(self.cache_read).filter(|tokens| *tokens > 0);
        let cache_write = tokens(self.cache_write).filter(|tokens| *tokens > 0);
        let others = cached.unwrap_or_default() + cache_write.unwrap_or_default();
        let input = tokens(self.input).map(|tokens| tokens + others);
        let all = Usage { input_tokens: input, output_tokens: tokens(self.output) };
        let figures = AnswerDetails {
            cached_tokens: cached,
            cache_write_tokens: cache_write,
            ..AnswerDetails::default()
        };
        (all.plausible(), figures)
    }
}
